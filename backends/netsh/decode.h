// Reads netsh advfirewall scripts back.
//
// Written apart from the encoder: no table and no helper is shared with it, see backends/backend.h.
//
// The phases run one after another on a store of rules; what is left at the end is the program,
// with the chains "inbound" and "outbound": where the firewall is off everything passes, else block
// rules beat allow rules and those the default of the profile. Only new flows meet rules
// (unfiltered()).
//
// The rules of other people on the host are not known. The program is what the script's own rules
// and settings say: exactly what the host does if the script disables the other rules, and without
// them if it keeps them. Where the script enables or changes one of them, that is reported as not
// compared. State and defaults that the script does not set are opaque: the host has them. So is
// what only Windows can look up (`localsubnet`, RPC ports, interface types, edge traversal).
//
// Refused: what netsh is documented to refuse, since such a line would load nothing; what nobody
// has documented; and what depends on IPsec or on files that cannot be read (`import`).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "backends/backend.h"

namespace firewright::netsh {

// `files` are the phases, in the order in which they run (parts that are no phases, apply and
// rollback, may be among them). No value: an error was reported.
[[nodiscard]] std::optional<ir::Program> decode(const Sources& sources,
                                                std::span<const backend::ArtifactFile> files,
                                                Sink& sink);

// What Windows does not filter, whatever the rules say (MS-FASP, KB2771908).
[[nodiscard]] std::vector<backend::Unfiltered> unfiltered();

}  // namespace firewright::netsh
