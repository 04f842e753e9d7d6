// The source tree as the house tests see it: paths below its root, and texts.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace firewright::house {

[[nodiscard]] std::filesystem::path root();
// Regular files below a folder of the tree, as paths from the root ("compiler/net/types.h"),
// sorted. With `suffixes`, only those that end in one of them. A folder that does not exist holds
// none.
[[nodiscard]] std::vector<std::string> files_below(std::string_view folder,
                                                   const std::vector<std::string>& suffixes = {});
[[nodiscard]] std::string read(const std::string& path);
// C++ text with comments, and the insides of string and character literals, blanked; the lines of
// `#include` are kept whole.
[[nodiscard]] std::string without_comments_and_strings(const std::string& text);

}  // namespace firewright::house
