// "did you mean": the nearest of the known words.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace firewright {

// The candidate that differs from `word` in the fewest edits (insert, delete, replace, swap of two
// neighbours), if that is few enough to be a slip; of equals, the one with the longest common
// beginning, then the first.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::span<const std::string> candidates);

}  // namespace firewright
