// A TOML text as its author wrote it: comments, blank lines and every token's own bytes.
//
// Reads only what the TOML library has accepted before, and so refuses without a reason. Knows
// nothing of what keys and values mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace firewright::format {

struct Item;

struct Node {
  enum class Kind : std::uint8_t { scalar, array, table };
  Kind kind = Kind::scalar;
  std::string_view text;     // of a scalar
  std::vector<Item> items;   // of an array, or an inline table
  std::string_view opening;  // of an array: the comment in the line of its `[`
  bool broken = false;       // of an array: its author gave it several lines
  // Columns that it takes on one line; `never`: it cannot stand on one.
  std::size_t width = 0;
  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
};

// A value of an array, a key with its value, or a comment that has its line to itself.
struct Item {
  bool blank_before = false;
  std::vector<std::string_view> key;  // the parts of a dotted key, quoted where they are
  std::optional<Node> value;          // none: a comment
  std::string_view comment;           // behind the value, or the whole line
};

// What begins a line that belongs to no value.
struct Line {
  enum class Kind : std::uint8_t { comment, header, array_header, entry };
  Kind kind = Kind::comment;
  Item item;
};

// Views into `text`, which must live on. No value: it is not TOML.
[[nodiscard]] std::optional<std::vector<Line>> read_lines(std::string_view text);

// Code points, as columns are counted.
[[nodiscard]] std::size_t columns(std::string_view text);

// "a.b"
[[nodiscard]] std::size_t width_of(const std::vector<std::string_view>& key);

}  // namespace firewright::format
