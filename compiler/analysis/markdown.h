// Untrusted text made safe for Markdown: it must be neither markup nor a mention of somebody, and
// must not end a table's cell.
#pragma once

#include <string>
#include <string_view>

namespace firewright::analysis {

// Outside of code; what stands between backticks becomes code.
[[nodiscard]] std::string plain_markdown(std::string_view text);
// All of it as code.
[[nodiscard]] std::string code_markdown(std::string_view text);

}  // namespace firewright::analysis
