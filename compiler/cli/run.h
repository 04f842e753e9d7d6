// The whole command, as a function, so that tests can call it.
#pragma once

#include <string>
#include <vector>

#include "compiler/cli/console.h"

namespace firewright::cli {

// `arguments` without the program's name. Never throws.
[[nodiscard]] Exit run(const std::vector<std::string>& arguments, Console& console);

}  // namespace firewright::cli
