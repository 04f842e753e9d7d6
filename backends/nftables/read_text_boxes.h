// The elements of a set of several fields as few boxes: elements that differ in one field are
// joined.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backends/nftables/read_text_values.h"

namespace firewright::nftables::script {

struct Box {
  std::span<const Range> fixed;  // one a field; that of `joined` does not count
  std::size_t joined = 0;        // the field that is in one of `ranges`
  std::vector<Range> ranges;
};

// Views into `elements`. Which field is joined is the same for all boxes: the one that leaves the
// fewest.
[[nodiscard]] std::vector<Box> join_boxes(const Elements& elements,
                                          std::span<const std::uint32_t> chosen);

}  // namespace firewright::nftables::script
