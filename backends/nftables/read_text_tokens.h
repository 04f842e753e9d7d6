// The words of an nft script: text to tokens, with its variables put in.
//
// Owns comments, line continuation, `define`, `redefine`, `undefine` and `$name`. A variable's
// tokens stand where it is used and keep the places where they were written. A variable is visible
// from its definition to the end of the block around it. Refuses what is no token of nft, strings
// over several lines, and variables that blow up a file beyond reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "compiler/base/source.h"
#include "compiler/diagnostics/diagnostic.h"

namespace firewright::nftables::script {

enum class TokenKind : std::uint8_t {
  word,    // a keyword, a name, a duration, a MAC address; may end in `*`
  number,  // decimal or 0x
  ipv4,    // an address without its prefix length
  ipv6,    //
  string,  // in quotes
  at,      // @
  open,    // {
  close,   // }
  open_parenthesis,
  close_parenthesis,
  comma,
  semicolon,
  colon,
  dot,
  dash,
  slash,
  star,
  plus,
  assign,      // =
  equal,       // ==
  not_equal,   // !=
  less,        // <
  greater,     // >
  less_equal,  // <=
  greater_equal,
  shift_left,
  shift_right,
  bang,       // !
  ampersand,  // &
  bar,        // |
  caret,      // ^
  newline,
  end,  // of the file
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// Tokens [first, last) of a script.
struct TokenRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  [[nodiscard]] bool empty() const { return first == last; }
};

// One file's tokens, the last of which is `end`.
struct Script {
  FileId file = FileId::none;
  std::string_view text;
  std::vector<Token> tokens;

  // As written; of a string what stands between its quotes.
  [[nodiscard]] std::string_view spelling(const Token& token) const;
  [[nodiscard]] Span span(const Token& token) const { return {file, token.begin, token.end}; }
};

// No value: an error was reported.
[[nodiscard]] std::optional<Script> tokenize(const Sources& sources, FileId file, Sink& sink);

}  // namespace firewright::nftables::script
