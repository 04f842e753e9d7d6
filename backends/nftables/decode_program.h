// Netlink messages to a program: a batch, or the dump of a live kernel.
//
// Chains of type filter on the hooks input, output and forward in tables of families inet, ip and
// ip6 become base chains, in the order in which packets pass them: by priority, and of those that
// are equal the youngest first, as the kernel does (net/netfilter/core.c). Other base chains
// that hold rules or drop are a warning; on output also those before connection tracking, where
// `ct state` does not mean what it says. Chains that no base chain reaches, and tables that are
// switched off, do nothing and are left out.
//
// A table of family ip or ip6 says nothing of the other family: where such a chain's policy is to
// drop, its first rule accepts the other one.
#pragma once

#include <optional>

#include "compiler/base/source.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/ir/program.h"

namespace firewright::nftables::netlink {

// No value: an error was reported.
[[nodiscard]] std::optional<ir::Program> decode_messages(const Sources& sources, FileId file,
                                                         Sink& sink);

}  // namespace firewright::nftables::netlink
