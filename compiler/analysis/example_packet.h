// A concrete, plain packet out of a box of a packet space.
//
// Made for many boxes of one space: what can be known beforehand is worked out once. (One packet
// of any set, chosen with more care: compiler/semantics/witness.h.)
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "compiler/analysis/decides.h"
#include "compiler/semantics/space.h"

namespace firewright::analysis {

// Ranks first..last of one level.
struct Side {
  std::uint32_t level = 0;
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

class ExamplePackets {
 public:
  ExamplePackets(const semantics::Space& space, ir::Hook hook);

  // The rank that the plainest packet has on a level; of addresses of both families.
  [[nodiscard]] std::uint32_t plain_rank(std::uint32_t level) const { return plain_[level]; }
  // Sides with ascending levels; a level that none speaks of is free.
  [[nodiscard]] Example in_box(std::span<const Side> box) const;

 private:
  [[nodiscard]] std::string interface(semantics::Field field, std::uint32_t rank,
                                      const std::string& otherwise) const;

  const semantics::Space& space_;
  ir::Hook hook_;
  std::vector<std::uint32_t> plain_;
};

}  // namespace firewright::analysis
