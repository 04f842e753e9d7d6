// What has to hold of a file's bytes before the TOML library may see them, and where in the bytes
// its lines and columns are.
//
// The library counts columns in code points and leaves the depth of dotted keys to the stack; both
// are taken care of here, in time linear in the text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "compiler/base/source.h"
#include "compiler/diagnostics/diagnostic.h"

namespace firewright::policy {

// Offset of the first byte that is not part of a UTF-8 sequence (RFC 3629); npos: there is none.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text);

// UTF-8 without NUL, and nested no deeper than Limits::nesting. Reports the first thing wrong.
[[nodiscard]] bool check_text(FileId file, const Sources& sources, Sink& sink);

// Byte offsets of lines and columns, each found in constant time however long the lines are.
class Locator {
 public:
  explicit Locator(std::string_view text);
  [[nodiscard]] std::uint32_t offset(std::uint32_t line, std::uint32_t column) const;

 private:
  struct Line {
    std::uint32_t begin;
    bool ascii;
  };
  std::string_view text_;
  std::vector<Line> lines_;
  // Code points before byte i * stride; empty for a text of ASCII only.
  std::vector<std::uint32_t> code_points_;
};

}  // namespace firewright::policy
