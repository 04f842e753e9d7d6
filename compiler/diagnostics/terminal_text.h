// Text as a terminal shows it: code points, the columns they take, and what stands in for those
// that must not reach a terminal.
//
// Knows nothing of diagnostics. Input may be any bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace firewright {

// One code point of a text, or one byte that belongs to none.
struct Glyph {
  std::size_t size = 0;   // bytes of input, at least 1
  std::string shown;      // what to print for it
  std::size_t width = 0;  // columns that `shown` takes
};

// The glyph at `offset`, which must lie inside `text`. A tab is one blank. Control characters,
// invalid UTF-8 and invisible or text-reordering code points are shown as escapes: `\x1b`,
// `\u{202e}`.
[[nodiscard]] Glyph glyph_at(std::string_view text, std::size_t offset);

}  // namespace firewright
