// Rows of ranges, one range for each field, as few products of sets; and what no row holds.
//
// The rows are cut along the first field; pieces that have the same rest are joined, and so on down
// to the last field. Rows that do not overlap are cut nowhere, so that their number stays theirs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backends/nftables/decode_values.h"

namespace firewright::nftables::netlink {

struct Rows {
  std::size_t width = 0;              // at least 1
  std::vector<Range> cells;           // `width` for each row
  std::vector<std::uint32_t> groups;  // one for each row

  [[nodiscard]] std::size_t size() const { return groups.size(); }
  [[nodiscard]] const Range& cell(std::size_t row, std::size_t field) const {
    return cells[row * width + field];
  }
};

using Box = std::vector<Ranges>;  // one a field

// Disjoint boxes that hold what the rows of `group` hold. None: the rows overlap in too many ways.
[[nodiscard]] std::optional<std::vector<Box>> inside(const Rows& rows, std::uint32_t group);
// Disjoint boxes that hold what no row of any group holds; fields go from 0 to `last`, one a field.
[[nodiscard]] std::optional<std::vector<Box>> outside(const Rows& rows,
                                                      const std::vector<u128>& last);
// Whether rows of different groups overlap.
[[nodiscard]] std::optional<bool> contradict(const Rows& rows);

}  // namespace firewright::nftables::netlink
