// One line of a netsh script as netsh takes it apart: words, tags and their values.
//
// Wider than command.h, which reads what we write: tags in any case and cut short where that is
// still one tag's name only, `tag = value` with blanks, words without a tag. Nothing is copied but
// words with quotes in them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/source.h"

namespace firewright::netsh {

// A word with its quotes taken off. Its text is valid until the next line is read.
struct LineWord {
  std::string_view text;
  bool quoted = false;  // some of it stood in quotes
  Span span;            // quotes included
};

// A tag with its value, or a word without a tag.
struct Argument {
  std::string_view tag;  // empty: none
  std::string_view value;
  Span span;
};

class LineReader {
 public:
  // The words of a line that begins at `offset` of the file. No value: a quote is not closed.
  [[nodiscard]] std::optional<std::span<const LineWord>> words(std::string_view line, FileId file,
                                                               std::uint32_t offset);
  // Words put together to arguments. Valid until the next call.
  [[nodiscard]] std::span<Argument> arguments(std::span<const LineWord> words);

 private:
  std::vector<LineWord> words_;
  std::vector<Argument> arguments_;
  std::string unquoted_;
};

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view lower);
[[nodiscard]] std::string in_lower_case(std::string_view text);

// The one of `tags` (in lower case) that `word` names, in full or by a beginning that no other one
// has. No value: none, or more than one.
[[nodiscard]] std::optional<std::size_t> find_tag(std::string_view word,
                                                  std::span<const std::string_view> tags);

}  // namespace firewright::netsh
