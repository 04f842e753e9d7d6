// The page: one HTML document that needs nothing from anywhere and runs no script.
#pragma once

#include <string>

#include "compiler/analysis/diff.h"
#include "compiler/report/picture.h"

namespace firewright::report {

[[nodiscard]] std::string page(const Picture& picture);
// Both side by side. The pictures must have been drawn beside each other; `difference` is proved.
[[nodiscard]] std::string page(const Picture& before, const Picture& after,
                               const analysis::Difference& difference);

}  // namespace firewright::report
