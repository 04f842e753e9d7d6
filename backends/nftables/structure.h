// Many rules that decide the same as lookups in few large sets, so that what a packet costs does
// not grow with the policy.
//
// Rules that differ in their addresses and ports only become keys of one set for each combination
// of prefix lengths: a set of single values is hashed, which costs the kernel one lookup and no
// tree, and takes or loses one key without touching the others. Ranges are cut into prefixes.
#pragma once

#include <cstddef>
#include <vector>

#include "backends/nftables/merge.h"

namespace firewright::nftables {

// The rules from `begin` on, which are of one class: their order says nothing.
void structure(std::vector<MergedRule>& rules, std::size_t begin, backend::NftablesLayout layout);

}  // namespace firewright::nftables
