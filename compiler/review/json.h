// A report for programs.
#pragma once

#include <nlohmann/json.hpp>

#include "compiler/review/report.h"

namespace firewright::review {

// {"range", "verdict", "summary", "counts", "groups": [{"policies", "status", "differences"}],
// "notes": [{"category", "id", "severity", "message", "file", "line", ..., "policies"}]}. Its
// reviews must have been asked for JSON.
[[nodiscard]] nlohmann::ordered_json to_json(const Report& report);

}  // namespace firewright::review
