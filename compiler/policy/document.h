// One TOML file as plain values, each with its place.
//
// Knows nothing of what a policy means, and the rest of the reader knows nothing of the TOML
// library: this is the seam between them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/base/source.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/policy/policy.h"

namespace firewright::policy {

struct Entry;

struct Value {
  enum class Type : std::uint8_t {
    broken,  // something is wrong with it and was reported; nobody has to say more
    string,
    integer,
    floating,
    boolean,
    date,  // a local date
    time,  // a time, or a date with a time
    array,
    table,
  };

  Type type = Type::broken;
  // Of a string that the source holds byte for byte: the bytes between span.begin and the text (its
  // opening quotes). 0: it has escapes, or comes from a variable, and parts of it have no place.
  std::uint8_t opening = 0;
  bool from_variable = false;
  Span span;           // where it is used
  Span variable_span;  // from_variable: where the variable is defined; not known for JSON facts
  std::variant<std::monostate, std::string, std::int64_t, bool, Date, std::vector<Value>,
               std::vector<Entry>>
      data;

  [[nodiscard]] bool is(Type wanted) const { return type == wanted; }
  [[nodiscard]] const std::string& string() const { return std::get<std::string>(data); }
  [[nodiscard]] std::int64_t integer() const { return std::get<std::int64_t>(data); }
  [[nodiscard]] bool boolean() const { return std::get<bool>(data); }
  [[nodiscard]] Date date() const { return std::get<Date>(data); }
  [[nodiscard]] const std::vector<Value>& items() const {
    return std::get<std::vector<Value>>(data);
  }
  [[nodiscard]] std::vector<Value>& items() { return std::get<std::vector<Value>>(data); }
  [[nodiscard]] const std::vector<Entry>& entries() const {
    return std::get<std::vector<Entry>>(data);
  }
  [[nodiscard]] std::vector<Entry>& entries() { return std::get<std::vector<Entry>>(data); }

  // The place of `size` bytes at `at` of a string's text; the whole string's where parts have none.
  [[nodiscard]] Span part(std::size_t at, std::size_t size) const;
};

struct Entry {
  std::string key;
  Span key_span;
  Value value;
};

// "a string", "an integer", "an empty array", ...
[[nodiscard]] std::string_view describe(const Value& value);
// The same content, wherever it stands.
[[nodiscard]] bool same_content(const Value& a, const Value& b);

// The root table of a file, its entries in source order; nullopt: it is not TOML, and that was
// reported.
[[nodiscard]] std::optional<Value> parse_document(FileId file, const Sources& sources, Sink& sink);

}  // namespace firewright::policy
