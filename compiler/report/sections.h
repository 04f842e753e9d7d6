// The parts of the page. Those that are shown side by side take one picture each; a matrix takes
// two, and shows in each cell what was and what is.
#pragma once

#include "compiler/report/html.h"
#include "compiler/report/picture.h"

namespace firewright::report {

// "inbound": "To this host".
[[nodiscard]] std::string_view heading(policy::Direction direction);
// "1 exception", "3 exceptions"
[[nodiscard]] std::string counted(std::size_t number, std::string_view noun);
// "a, b and others"
[[nodiscard]] std::string named(const std::vector<std::string>& names, bool more);

void write_openings(Html& html, const Picture& picture);
// `before`: null where there is but one.
void write_matrix(Html& html, const Matrix* before, const Matrix& now);
// `wide`: as a table where there is room.
void write_exceptions(Html& html, const Picture& picture, bool wide);
void write_assertions(Html& html, const Picture& picture, bool wide);
void write_baseline(Html& html, const Picture& picture);

}  // namespace firewright::report
