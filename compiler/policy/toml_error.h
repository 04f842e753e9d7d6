// What the TOML library says about a text that is not TOML, in our words and at the exact place.
//
// Works on the library's wording, so that it needs nothing else of it; a wording that it does not
// know is passed on as it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/source.h"
#include "compiler/diagnostics/diagnostic.h"

namespace firewright::policy {

struct TomlError {
  Kind kind = Kind::syntax;
  std::vector<std::string> args;
  Span span;
  std::string help;
  // Of a key that is written twice: its parts, from the root (header) or from the table around it.
  std::vector<std::string> path;
  bool header = false;
};

// `at`: the byte offset that the library points to.
[[nodiscard]] TomlError explain_toml_error(std::string_view description, FileId file,
                                           std::string_view text, std::uint32_t at);

}  // namespace firewright::policy
