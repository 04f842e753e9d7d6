// Ways to damage an artifact, for the tests that want it noticed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/backends/netsh/reading.h"

namespace firewright::netsh::test {

struct Damage {
  std::string name;
  // All files with one place damaged, for every place there is, at most `limit` of them.
  std::function<std::vector<Files>(const Files& files, std::size_t limit)> apply;
};

// Each changes what some artifact means, or makes it unreadable.
[[nodiscard]] const std::vector<Damage>& damages();
// Each changes how something is said, and never what.
[[nodiscard]] const std::vector<Damage>& rewordings();

}  // namespace firewright::netsh::test
