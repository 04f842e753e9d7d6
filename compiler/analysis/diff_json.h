// A difference for programs: the same keys wherever one is told as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "compiler/analysis/diff.h"
#include "compiler/base/source.h"

namespace firewright::analysis {

// {"proved", "equal", "summary", "widest_opening", "newly_accepted": {"count", "left_out",
// "boxes"}, "newly_denied", ...}; of one that was not proved "proved" and "why". Its boxes must be
// explained.
[[nodiscard]] nlohmann::ordered_json to_json(const Difference& difference, const Sources& sources);

}  // namespace firewright::analysis
