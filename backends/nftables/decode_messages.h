// Netlink messages to tables.
//
// A batch is executed in its order, on an empty ruleset: what it deletes must stand there, and what
// is left at its end is what it means. A dump is a series of "new" messages without a frame. What
// is left out, because it takes no part in filtering: flow tables (a rule that uses one is refused
// later), generations, and whatever newer kernels say about a table, chain or set beside the
// attributes that are read here.
#pragma once

#include <optional>

#include "backends/nftables/decode_attributes.h"
#include "backends/nftables/decode_tables.h"

namespace firewright::nftables::netlink {

// No value: an error was reported.
[[nodiscard]] std::optional<Tables> execute_messages(Artifact& artifact);

}  // namespace firewright::nftables::netlink
