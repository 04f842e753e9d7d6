// A report as Markdown, for the comment of a pull request: the verdict first, then what is risky,
// the table of packets, what is new to lint, and folded away one packet of each set.
#pragma once

#include <string>

#include "compiler/review/report.h"

namespace firewright::review {

// Untrusted text in it is made safe. It fits into a comment of the usual forges (64 KB): what is
// too much is left out, which it says.
[[nodiscard]] std::string to_markdown(const Report& report);

}  // namespace firewright::review
