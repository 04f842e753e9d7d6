// The rules of the SARIF 2.1.0 schema (OASIS) for what a static analysis without fixes, graphs and
// code flows may say: which properties an object has, which it must have, their types and values.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace firewright::review {

// What is wrong, each with its place in the document: "runs[0].results[2].level: ...". None: all is
// as it must be.
[[nodiscard]] std::vector<std::string> sarif_problems(const nlohmann::json& document);

}  // namespace firewright::review
