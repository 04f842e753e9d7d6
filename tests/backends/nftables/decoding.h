// Decoding in tests: bytes to a program, and what came with it.
#pragma once

#include <optional>
#include <string>

#include "compiler/ir/program.h"
#include "compiler/semantics/compare.h"

namespace firewright::test {

struct Decoded {
  std::optional<ir::Program> program;
  std::string errors;  // as "id: message", one a line; empty when there is a program
  std::string notes;   // the rest, likewise
  // What must not be: a rule without a place in the file, an invalid match, an error without a
  // place or beside a program.
  std::string broken;
};
// `part` is "batch" or "text".
[[nodiscard]] Decoded decode(const std::string& part, const std::string& bytes);

// Empty if both mean the same, else a packet that shows that they do not, or why that is not known.
[[nodiscard]] std::string difference(const ir::Program& expected, const ir::Program& decoded);

}  // namespace firewright::test
