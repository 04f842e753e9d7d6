// Lines of TOML as text, in the one form. Looks at nothing but the tokens and what belongs
// together.
#pragma once

#include <string>
#include <vector>

#include "compiler/format/syntax.h"

namespace firewright::format {

[[nodiscard]] std::string render(std::vector<Line> lines);

}  // namespace firewright::format
