// What stands in the kernel's nftables right now, as the netlink messages that say so.
//
// All tables of all families, with chains, sets, elements, objects and rules, in this order and
// those of the kernel. The answer is of one generation: when the ruleset changes meanwhile, it is
// asked for again.
#pragma once

#include <optional>
#include <string>

namespace firewright::host {

// No value: `error` says why, for people. An empty ruleset gives an empty string.
[[nodiscard]] std::optional<std::string> dump_nftables(std::string& error);

}  // namespace firewright::host
