// Reads netsh advfirewall scripts back.
//
// Written apart from the encoder: no table and no helper is shared with it, see backends/backend.h.
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
