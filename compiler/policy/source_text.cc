#include "compiler/policy/source_text.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "compiler/policy/read.h"

namespace firewright::policy {
namespace {

constexpr std::uint32_t stride = 64;

bool continues_code_point(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

// The size of the well-formed sequence at `at`; 0: there is none.
std::size_t sequence_size(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
    if (lead == 0xED && byte(1) > 0x9F) return 0;  // a surrogate
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;  // past U+10FFFF
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '"' || c == '\'';
}

// Walks over the structure of a TOML text and looks only at how deep it gets and how much of it
// there is. On a text that is not TOML it sees the same as a parser up to the first error.
class DepthScan {
 public:
  explicit DepthScan(std::string_view text) : text_(text) {}

  // Offset of the first thing that is too deep; npos: none.
  std::size_t too_deep() {
    while (at_ < text_.size())
      if (step()) return at_;
    return std::string_view::npos;
  }
  [[nodiscard]] std::size_t values() const { return values_; }

 private:
  // True: too deep, at at_.
  bool step() {
    const char c = text_[at_];
    switch (c) {
      case '#': skip_comment(); return false;
      case '"':
      case '\'': skip_string(c); return false;
      case '[':
      case '{':
        ++values_;
        dots_ = 0;
        if (++depth_ > Limits::nesting) return true;
        break;
      case ']':
      case '}':
        if (depth_ > 0) --depth_;
        break;
      case ',':
      case '=':
        ++values_;
        dots_ = 0;
        break;
      case '\n': dots_ = 0; break;
      case '.':
        if (at_ > 0 && (is_key_character(text_[at_ - 1]) || is_blank(text_[at_ - 1])) &&
            ++dots_ > Limits::nesting)
          return true;
        break;
      default: break;
    }
    ++at_;
    return false;
  }
  void skip_comment() {
    const auto end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end;
  }
  void skip_string(char quote) {
    const std::string three(3, quote);
    if (text_.substr(at_, 3) == three) {
      at_ += 3;
      while (at_ < text_.size() && text_.substr(at_, 3) != three)
        at_ += text_[at_] == '\\' && quote == '"' ? 2U : 1U;
      at_ += 3;
      while (at_ < text_.size() && text_[at_] == quote)
        ++at_;  // quotes right before the closing ones
    } else {
      ++at_;
      while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n')
        at_ += text_[at_] == '\\' && quote == '"' ? 2U : 1U;
      if (at_ < text_.size() && text_[at_] == quote) ++at_;
    }
    at_ = std::min(at_, text_.size());
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t dots_ = 0;
  std::size_t values_ = 0;
};

Span byte_span(FileId file, std::size_t at) {
  const auto begin = static_cast<std::uint32_t>(at);
  return {.file = file, .begin = begin, .end = begin + 1};
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto size = sequence_size(text, at);
    if (size == 0) return at;
    at += size;
  }
  return std::string_view::npos;
}

bool check_text(FileId file, const Sources& sources, Sink& sink) {
  const auto text = sources.file(file).text();
  const auto invalid = find_invalid_utf8(text);
  if (const auto nul = text.find('\0'); nul < invalid) {
    sink.report(Kind::not_utf8, byte_span(file, nul), {"there is a NUL byte"});
    return false;
  }
  if (invalid != std::string_view::npos) {
    char found[16];
    std::snprintf(found, sizeof found, "byte 0x%02x", static_cast<unsigned char>(text[invalid]));
    sink.report(Kind::not_utf8, byte_span(file, invalid), {found}).help = "save the file as UTF-8";
    return false;
  }
  DepthScan scan(text);
  if (const auto deep = scan.too_deep(); deep != std::string_view::npos) {
    sink.report(Kind::nested_too_deep, byte_span(file, deep), {std::to_string(Limits::nesting)});
    return false;
  }
  if (scan.values() > Limits::values) {
    sink.report(Kind::file_too_large, {},
                {sources.file(file).name(), std::to_string(Limits::values) + " values"});
    return false;
  }
  return true;
}

Locator::Locator(std::string_view text) : text_(text) {
  lines_.push_back({.begin = 0, .ascii = true});
  bool ascii = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) lines_.back().ascii = ascii = false;
    if (text[i] == '\n')
      lines_.push_back({.begin = static_cast<std::uint32_t>(i + 1), .ascii = true});
  }
  if (ascii) return;
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % stride == 0) code_points_.push_back(count);
    if (!continues_code_point(text[i])) ++count;
  }
}

std::uint32_t Locator::offset(std::uint32_t line, std::uint32_t column) const {
  const auto size = static_cast<std::uint32_t>(text_.size());
  if (line == 0 || column == 0) return 0;
  if (line > lines_.size()) return size;
  const auto start = lines_[line - 1].begin;
  const auto end = line < lines_.size() ? lines_[line].begin : size;
  if (lines_[line - 1].ascii)
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(end, std::uint64_t{start} + column - 1));
  // The code points of the text up to here, and the byte that they end at: from the line's start,
  // or in a long line from the last checkpoint that is not past the wanted one.
  std::uint32_t at = start;
  std::uint32_t left = column - 1;
  if (left > stride) {
    std::uint32_t before = code_points_[start / stride];
    for (auto i = start / stride * stride; i < start; ++i)
      if (!continues_code_point(text_[i])) ++before;
    const auto wanted = std::uint64_t{before} + left;
    const auto after = std::upper_bound(code_points_.begin(), code_points_.end(), wanted) - 1;
    at = static_cast<std::uint32_t>(after - code_points_.begin()) * stride;
    left = static_cast<std::uint32_t>(wanted - *after);
  }
  while (at < end && (left > 0 || continues_code_point(text_[at]))) {
    if (!continues_code_point(text_[at])) --left;
    ++at;
  }
  return std::min(end, at);
}

}  // namespace firewright::policy
