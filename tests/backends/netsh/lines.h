// Lines of scripts and their tags, for tests that change them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/net/address_set.h"

namespace firewright::netsh::test {

[[nodiscard]] bool adds_rule(std::string_view line);
[[nodiscard]] std::optional<std::string> value_of(const std::string& line, std::string_view tag);
// The line with another value, or, with none, without the tag. The tag must be there.
[[nodiscard]] std::string with_value(const std::string& line, std::string_view tag,
                                     const std::optional<std::string>& value);
// The line with one tag's name replaced.
[[nodiscard]] std::string with_tag(const std::string& line, std::string_view tag,
                                   std::string_view name);
[[nodiscard]] std::vector<std::string> split(const std::string& list);
[[nodiscard]] std::string join(const std::vector<std::string>& list);
[[nodiscard]] std::string replaced(std::string text, std::string_view what, std::string_view by);

}  // namespace firewright::netsh::test
