#include "compiler/policy/document.h"

#include <algorithm>

namespace firewright::policy {

Span Value::part(std::size_t at, std::size_t size) const {
  if (opening == 0) return span;
  const auto begin = span.begin + opening + static_cast<std::uint32_t>(at);
  return {.file = span.file, .begin = begin, .end = begin + static_cast<std::uint32_t>(size)};
}

std::string_view describe(const Value& value) {
  switch (value.type) {
    case Value::Type::broken: return "nothing";
    case Value::Type::string: return "a string";
    case Value::Type::integer: return "an integer";
    case Value::Type::floating: return "a fraction";
    case Value::Type::boolean: return "a boolean";
    case Value::Type::date: return "a date";
    case Value::Type::time: return "a time";
    case Value::Type::array: return value.items().empty() ? "an empty array" : "an array";
    case Value::Type::table: return "a table";
  }
  return "";
}

bool same_content(const Value& a, const Value& b) {
  if (a.type != b.type) return false;
  switch (a.type) {
    case Value::Type::string: return a.string() == b.string();
    case Value::Type::integer: return a.integer() == b.integer();
    case Value::Type::boolean: return a.boolean() == b.boolean();
    case Value::Type::date: return a.date() == b.date();
    case Value::Type::array:
      return std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(),
                        same_content);
    case Value::Type::table: {
      const auto& other = b.entries();
      return a.entries().size() == other.size() &&
             std::all_of(a.entries().begin(), a.entries().end(), [&](const Entry& entry) {
               return std::any_of(other.begin(), other.end(), [&](const Entry& candidate) {
                 return candidate.key == entry.key && same_content(entry.value, candidate.value);
               });
             });
    }
    case Value::Type::broken:
    case Value::Type::floating:
    case Value::Type::time: return false;
  }
  return false;
}

}  // namespace firewright::policy
