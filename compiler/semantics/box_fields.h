// One box's ranks as the sets of a match, field by field.
#pragma once

#include "compiler/semantics/boxes.h"

namespace firewright::semantics {

[[nodiscard]] bool is_full(const Space& space, std::uint32_t level, const RankRanges& ranges);
[[nodiscard]] RankRanges intersection(const RankRanges& a, const RankRanges& b);
[[nodiscard]] RankRanges difference(const RankRanges& a, const RankRanges& b);

// The part of the ranks that a Box can say: all, but for names inside wildcards inside wildcards,
// and several programs. Never nothing of something.
[[nodiscard]] RankRanges sayable(const Space& space, std::uint32_t level, const RankRanges& ranges);

// The ranks whose values are protocols with ports, all of them.
[[nodiscard]] RankRanges port_protocols(const Space& space);

// How much of the field's domain the ranks are.
[[nodiscard]] double fraction(const Space& space, std::uint32_t level, std::uint32_t first,
                              std::uint32_t last);
[[nodiscard]] double fraction(const Space& space, std::uint32_t level, const RankRanges& ranges);

// Fills everything of the box from its ranks.
void describe(const Space& space, Box& box);

}  // namespace firewright::semantics
