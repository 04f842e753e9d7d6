#include "compiler/diagnostics/terminal_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>

#include "compiler/diagnostics/render.h"

namespace firewright {
namespace {

struct Decoded {
  char32_t code_point = 0;
  std::size_t size = 0;
};

// Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
std::optional<Decoded> decode(std::string_view text, std::size_t offset) {
  const auto byte = [&](std::size_t i) {
    return offset + i < text.size() ? static_cast<unsigned char>(text[offset + i]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return Decoded{first, 1};
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return std::nullopt;
  char32_t value = first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return std::nullopt;
    value = (value << 6U) | (byte(i) & 0x3fU);
  }
  constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < smallest[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
    return std::nullopt;
  return Decoded{value, size};
}

struct Range {
  char32_t low;
  char32_t high;
};

template <std::size_t n>
bool in_table(const Range (&table)[n], char32_t c) {
  const auto* after = std::upper_bound(std::begin(table), std::end(table), c,
                                       [](char32_t v, const Range& r) { return v < r.low; });
  return after != std::begin(table) && c <= (after - 1)->high;
}

// Code points that show nothing, or that change the order in which their neighbours are shown: a
// policy could say one thing to its reviewer and another to the compiler.
constexpr Range deceiving[] = {
    {0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x115f, 0x1160}, {0x180e, 0x180e},   {0x200b, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164}, {0xe000, 0xf8ff},   {0xfdd0, 0xfdef},
    {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff},
};

// Marks that are drawn over the letter before them (the common blocks).
constexpr Range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f}, {0x0670, 0x0670},
    {0x093c, 0x093c}, {0x094d, 0x094d}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0x302a, 0x302d}, {0x3099, 0x309a},
    {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

// East Asian wide and fullwidth, and emoji (UAX #11, by blocks).
constexpr Range wide[] = {
    {0x1100, 0x115e},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97c},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe4f},   {0xff01, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff},
    {0x20000, 0x2fffd}, {0x30000, 0x3fffd},
};

bool control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

std::string escape(char32_t c) {
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\0') return "\\0";
  return c < 0x80 ? fmt::format("\\x{:02x}", static_cast<unsigned>(c))
                  : fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(c));
}

Glyph escaped(std::size_t size, std::string shown) {
  const auto width = shown.size();
  return {.size = size, .shown = std::move(shown), .width = width};
}

}  // namespace

Glyph glyph_at(std::string_view text, std::size_t offset) {
  const auto decoded = decode(text, offset);
  if (!decoded)
    return escaped(1, fmt::format("\\x{:02x}", static_cast<unsigned char>(text[offset])));
  const auto [c, size] = *decoded;
  if (c == '\t') return {.size = size, .shown = " ", .width = 1};
  if (control(c) || in_table(deceiving, c)) return escaped(size, escape(c));
  return {.size = size,
          .shown = std::string(text.substr(offset, size)),
          .width = in_table(combining, c) ? 0U
                   : in_table(wide, c)    ? 2U
                                          : 1U};
}

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto glyph = glyph_at(text, i);
    out += text[i] == '\t' ? "\\t" : glyph.shown;
    i += glyph.size;
  }
  return out;
}

}  // namespace firewright
