// Typed access to a document's values: the value, or a diagnostic that says what was expected and
// what was found.
//
// `key` is the name that the diagnostic gives the value. A broken value gives nothing and says
// nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/policy/context.h"
#include "compiler/policy/keys.h"

namespace firewright::policy {

// Reports that `value` should have been `expected`: "a string", ...; gives the diagnostic for a
// help line, or nullptr for a broken value.
Diagnostic* wrong_type(Context& context, const Value& value, std::string_view key,
                       std::string_view expected);

[[nodiscard]] const std::string* read_string(Context& context, const Value& value,
                                             std::string_view key);
// Also the strings "true" and "false" and decimal digits of a variable, which has no types of its
// own.
[[nodiscard]] std::optional<bool> read_boolean(Context& context, const Value& value,
                                               std::string_view key);
// An integer of low..high.
[[nodiscard]] std::optional<std::uint32_t> read_count(Context& context, const Value& value,
                                                      std::string_view key, std::uint32_t low,
                                                      std::uint32_t high);
// One of `words`: its index.
[[nodiscard]] std::optional<std::size_t> read_word(Context& context, const Value& value,
                                                   std::string_view key,
                                                   std::span<const std::string_view> words);

void report_empty_list(Context& context, const Value& value, std::string_view key);

// Calls `item` for each item of an array, or for the value itself when it is none. An empty array
// is an error unless `empty_allowed`.
template <class Item>
void for_each_item(Context& context, const Value& value, std::string_view key, Item item,
                   bool empty_allowed = false) {
  if (!value.is(Value::Type::array)) {
    if (!value.is(Value::Type::broken)) item(value);
    return;
  }
  if (value.items().empty() && !empty_allowed) report_empty_list(context, value, key);
  for (const auto& entry : value.items())
    if (!entry.is(Value::Type::broken)) item(entry);
}

// The entries of a table, with every key that its section does not know reported.
class Fields {
 public:
  // `section_name`: how to call the section where describe(section) is not exact enough.
  Fields(Context& context, const Value& table, Section section, std::string_view section_name = {});
  Fields(Context& context, const std::vector<Entry>& entries, Section section,
         std::string_view section_name = {});

  // nullptr: it is not there.
  [[nodiscard]] const Entry* find(std::string_view key) const;
  [[nodiscard]] const std::vector<Entry>& entries() const { return *entries_; }

 private:
  static const std::vector<Entry> none_;
  const std::vector<Entry>* entries_ = &none_;
};

// The table of a section, or an empty Fields with the wrong type reported.
[[nodiscard]] bool is_table(Context& context, const Value& value, std::string_view key,
                            std::string_view help = {});

}  // namespace firewright::policy
