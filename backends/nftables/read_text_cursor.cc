#include "backends/nftables/read_text_cursor.h"

#include <algorithm>
#include <charconv>

namespace firewright::nftables::script {
namespace {

// "1d12h" as seconds; what is shorter than a second counts as one.
std::optional<std::uint64_t> parse_duration(std::string_view text) {
  constexpr std::uint64_t longest = std::uint64_t{1} << 40U;
  std::uint64_t total = 0;
  while (!text.empty()) {
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value > longest) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    std::uint64_t unit = 1;
    if (text.starts_with("ms")) {
      text.remove_prefix(2);
      value = (value + 999) / 1000;
    } else if (!text.empty()) {
      switch (text[0]) {
        case 'w': unit = 604800; break;
        case 'd': unit = 86400; break;
        case 'h': unit = 3600; break;
        case 'm': unit = 60; break;
        case 's': unit = 1; break;
        default: return std::nullopt;
      }
      text.remove_prefix(1);
    }
    if (value > longest / unit) return std::nullopt;
    total += value * unit;
    if (total > longest) return std::nullopt;
  }
  return total;
}

bool is_tight(TokenKind kind) {
  return kind == TokenKind::comma || kind == TokenKind::dash || kind == TokenKind::slash ||
         kind == TokenKind::at;
}

// A string that would be the same without its quotes.
bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  });
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  if (!hex && text.size() > 1 && text[0] == '0') return std::nullopt;
  std::uint64_t value = 0;
  const auto [stop, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::string_view> Cursor::take_name() {
  if (kind() != TokenKind::word && kind() != TokenKind::string) {
    expected("a name");
    return std::nullopt;
  }
  const auto name = spelling();
  advance();
  return name;
}

std::optional<std::uint64_t> Cursor::take_number() {
  if (kind() != TokenKind::number) {
    expected("a number");
    return std::nullopt;
  }
  const auto value = parse_number(spelling());
  if (!value) {
    expected("a number without leading zeros that fits into 64 bits");
    return std::nullopt;
  }
  advance();
  return value;
}

std::optional<std::uint64_t> Cursor::take_duration() {
  const auto value = kind() == TokenKind::word || kind() == TokenKind::number
                         ? parse_duration(spelling())
                         : std::nullopt;
  if (!value) {
    expected("a time such as 1h30m");
    return std::nullopt;
  }
  advance();
  return value;
}

std::optional<TokenRange> Cursor::take_block() {
  const auto first = at_ + 1;
  std::size_t depth = 0;
  for (; at_ < last_; ++at_) {
    const auto kind = script_.tokens[at_].kind;
    if (kind == TokenKind::open) ++depth;
    if (kind == TokenKind::close && --depth == 0) {
      ++at_;
      return TokenRange{first, at_ - 1};
    }
  }
  return std::nullopt;
}

std::string Cursor::text(TokenRange range) const {
  std::string text;
  bool tight = true;
  for (auto i = range.first; i < range.last; ++i) {
    const auto& token = script_.tokens[i];
    if (token.kind == TokenKind::newline) continue;
    const bool before = token.kind != TokenKind::at && is_tight(token.kind);
    if (!tight && !before) text += ' ';
    const auto spelling = script_.spelling(token);
    const auto number =
        token.kind == TokenKind::number ? parse_number(spelling) : std::optional<std::uint64_t>{};
    if (number)
      text += std::to_string(*number);
    else if (token.kind == TokenKind::string && !is_plain(spelling))
      (text += '"').append(spelling) += '"';
    else
      text += spelling;
    tight = is_tight(token.kind);
  }
  return text;
}

bool Cursor::expected(std::string what) {
  if (peek().kind == TokenKind::end)
    sink_.report(Kind::artifact_truncated, here(), {"a statement"}).help = "expected " + what;
  else
    sink_.report(Kind::artifact_syntax, here(), {"nft's language", "expected " + what});
  return false;
}

bool Cursor::unknown(std::string help) {
  const auto shown = at_end() ? std::string_view{"the end of the line"}
                              : script_.text.substr(peek().begin, peek().end - peek().begin);
  sink_.report(Kind::artifact_unknown, here(), {std::string(shown)}).help = std::move(help);
  return false;
}

bool Cursor::conflict(std::string what, Span span) {
  sink_.report(Kind::artifact_conflict, span, {std::move(what)});
  return false;
}

Span Cursor::here() const {
  auto span = script_.span(peek());
  if (peek().kind == TokenKind::newline) span.end = span.begin;
  return span;
}

Span Cursor::since(std::uint32_t first) const {
  if (at_ <= first) return here();
  // A variable's tokens stand elsewhere in the file.
  const auto begin = script_.tokens[first].begin;
  const auto end = script_.tokens[at_ - 1].end;
  return {script_.file, begin, end < begin ? script_.tokens[first].end : end};
}

}  // namespace firewright::nftables::script
