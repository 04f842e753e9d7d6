// A place in a range of tokens, and what there is to say about it.
//
// The token behind the range is always there: its place is where something is missing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "backends/nftables/read_text_tokens.h"

namespace firewright::nftables::script {

class Cursor {
 public:
  Cursor(const Script& script, TokenRange range, Sink& sink)
      : script_(script), sink_(sink), at_(range.first), last_(range.last) {}

  [[nodiscard]] bool at_end() const { return at_ >= last_; }
  [[nodiscard]] std::uint32_t position() const { return at_; }
  [[nodiscard]] std::uint32_t last() const { return last_; }
  void move_to(std::uint32_t position) { at_ = position; }
  [[nodiscard]] const Token& peek(std::uint32_t ahead = 0) const {
    return script_.tokens[at_ + ahead < last_ ? at_ + ahead : last_];
  }
  [[nodiscard]] TokenKind kind(std::uint32_t ahead = 0) const {
    return at_ + ahead < last_ ? peek(ahead).kind : TokenKind::end;
  }
  // The spelling of a word; empty for everything else.
  [[nodiscard]] std::string_view word(std::uint32_t ahead = 0) const {
    return kind(ahead) == TokenKind::word ? script_.spelling(peek(ahead)) : std::string_view{};
  }
  [[nodiscard]] std::string_view spelling(std::uint32_t ahead = 0) const {
    return at_ + ahead < last_ ? script_.spelling(peek(ahead)) : std::string_view{};
  }
  void advance(std::uint32_t count = 1) { at_ = at_ + count < last_ ? at_ + count : last_; }
  bool take(TokenKind wanted) {
    if (kind() != wanted) return false;
    advance();
    return true;
  }
  bool take_word(std::string_view wanted) {
    if (word() != wanted) return false;
    advance();
    return true;
  }
  void skip_newlines() {
    while (kind() == TokenKind::newline) advance();
  }
  // A name, quoted or not.
  [[nodiscard]] std::optional<std::string_view> take_name();
  // A number that is not written like an octal one.
  [[nodiscard]] std::optional<std::uint64_t> take_number();
  // `1h30m`, or a number of seconds.
  [[nodiscard]] std::optional<std::uint64_t> take_duration();
  // Over a block with everything in it; the cursor stands on its `{`. Its inside; no value: the
  // range ends first.
  [[nodiscard]] std::optional<TokenRange> take_block();
  // Tokens as one canonical text: one blank, decimal numbers, quotes where they are needed.
  [[nodiscard]] std::string text(TokenRange range) const;

  // These report at the cursor and give false.
  bool expected(std::string what);
  bool unknown(std::string help = {});
  // At a place of its own.
  bool conflict(std::string what, Span span);

  [[nodiscard]] const Script& script() const { return script_; }
  [[nodiscard]] Sink& sink() { return sink_; }
  // The token; where a line or the script ends, the place behind its last character.
  [[nodiscard]] Span here() const;
  // From a token up to the cursor.
  [[nodiscard]] Span since(std::uint32_t first) const;

 private:
  const Script& script_;
  Sink& sink_;
  std::uint32_t at_;
  std::uint32_t last_;
};

// No value: not a number, too large, or written with a leading zero.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace firewright::nftables::script
