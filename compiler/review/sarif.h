// A report as SARIF 2.1.0 (OASIS), which forges show at the lines of a change.
//
// Places are those of the newer side, as URIs relative to the repository's root.
#pragma once

#include <nlohmann/json.hpp>

#include "compiler/review/report.h"

namespace firewright::review {

[[nodiscard]] nlohmann::ordered_json to_sarif(const Report& report);

}  // namespace firewright::review
