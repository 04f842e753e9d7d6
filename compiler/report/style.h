// How the page looks: one style sheet, for bright and dark, wide and narrow, screen and paper.
#pragma once

#include <string_view>

namespace firewright::report {

[[nodiscard]] std::string_view style_sheet();

}  // namespace firewright::report
