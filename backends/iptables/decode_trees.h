// Chains that look an address up by `goto`, as one list of rules.
//
// A chain that goes on (`-g`) in others by nothing but the source, or nothing but the destination,
// says the same as one chain with all their rules, each for those addresses only that get there:
// what a `goto` has taken does not come back, so the rules below it see the addresses that are
// left. Comparing meanings is then a matter of one list, and not of one diagram for each chain.
#pragma once

#include <vector>

#include "compiler/ir/program.h"

namespace firewright::iptables::decoder {

// The chains, which do not jump in circles and are of one family, with the same meaning. Chains
// that nothing leads to any more are left out. Lists that would become much longer stay as they
// are.
[[nodiscard]] std::vector<ir::Chain> without_trees(std::vector<ir::Chain> chains);

}  // namespace firewright::iptables::decoder
