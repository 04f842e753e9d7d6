// What two lists have in common, in an order that both keep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace firewright::host {

// Pairs of places with equal keys, rising in both lists: all of a common beginning and end, and of
// what is between the longest sequence in which the n-th of several equal keys goes with the n-th.
// That is a longest common subsequence wherever keys are not repeated, in n log n.
[[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> common_order(
    std::span<const std::string_view> before, std::span<const std::string_view> after);

}  // namespace firewright::host
