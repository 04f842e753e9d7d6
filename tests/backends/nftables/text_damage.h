// Ways to damage a ruleset's text, for the tests that want it noticed.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace firewright::test {

struct TextDamage {
  std::string name;
  // The text with one place damaged, for places spread over all that there are, at most `limit`.
  std::function<std::vector<std::string>(const std::string& text, std::size_t limit)> apply;
};

// Each changes what some ruleset means, or makes it unreadable.
[[nodiscard]] const std::vector<TextDamage>& text_damages();
// Each changes how something is said, and never what.
[[nodiscard]] const std::vector<TextDamage>& text_rewordings();

}  // namespace firewright::test
