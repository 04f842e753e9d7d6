// Programs that netsh can say, for tests of all that happens to what it is told.
#pragma once

#include <string>
#include <vector>

#include "backends/backend.h"

namespace firewright::netsh::test {

struct Example {
  std::string name;
  ir::Program program;
  backend::Options options;
};
// The example policies: exactly where netsh can say them so, else approximated.
[[nodiscard]] const std::vector<Example>& policy_examples();
// And what those do not hold.
[[nodiscard]] const std::vector<Example>& all_examples();

}  // namespace firewright::netsh::test
