#include "compiler/policy/values.h"

#include <charconv>

namespace firewright::policy {
namespace {

std::optional<std::int64_t> integer_of(const Value& value) {
  if (value.is(Value::Type::integer)) return value.integer();
  if (!value.is(Value::Type::string) || !value.from_variable) return std::nullopt;
  const auto& text = value.string();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void report_unknown_key(Context& context, const Entry& entry, Section section,
                        std::string_view section_name) {
  std::string help;
  if (const auto meant = synonym(section, entry.key); !meant.empty())
    help = "did you mean `" + std::string(meant) + "`?";
  const auto known = key_names(section);
  if (help.empty()) help = context.did_you_mean(entry.key, known);
  if (help.empty() && section == Section::assertion_set &&
      find_key(Section::exception, entry.key) != nullptr)
    help = "an assertion tells packets apart; `" + entry.key + "` does not";
  if (help.empty())
    for (const auto& key : all_keys())
      if (key.section != section && key.section != Section::catalogue_service &&
          key.name == entry.key) {
        help = "`" + entry.key + "` belongs in " + std::string(describe(key.section));
        break;
      }
  if (help.empty()) {
    for (const auto& name : known) help += (help.empty() ? "known are `" : "`, `") + name;
    help += "`";
  }
  context
      .report(Kind::unknown_key, entry.key_span,
              {entry.key, std::string(section_name.empty() ? describe(section) : section_name)})
      .help = help;
}

}  // namespace

const std::vector<Entry> Fields::none_;

Diagnostic* wrong_type(Context& context, const Value& value, std::string_view key,
                       std::string_view expected) {
  if (value.is(Value::Type::broken)) return nullptr;
  return &context.report(Kind::wrong_type, value,
                         {std::string(key), std::string(expected), std::string(describe(value))});
}

const std::string* read_string(Context& context, const Value& value, std::string_view key) {
  if (value.is(Value::Type::string)) return &value.string();
  wrong_type(context, value, key, "a string");
  return nullptr;
}

std::optional<bool> read_boolean(Context& context, const Value& value, std::string_view key) {
  if (value.is(Value::Type::boolean)) return value.boolean();
  if (value.is(Value::Type::string) && value.from_variable) {
    if (value.string() == "true") return true;
    if (value.string() == "false") return false;
  }
  wrong_type(context, value, key, "`true` or `false`");
  return std::nullopt;
}

std::optional<std::uint32_t> read_count(Context& context, const Value& value, std::string_view key,
                                        std::uint32_t low, std::uint32_t high) {
  const auto number = integer_of(value);
  if (!number) {
    wrong_type(context, value, key, "an integer");
    return std::nullopt;
  }
  if (*number < low || *number > high) {
    context.report(Kind::bad_value, value,
                   {std::to_string(*number), std::string(key),
                    std::to_string(low) + " to " + std::to_string(high)});
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(*number);
}

std::optional<std::size_t> read_word(Context& context, const Value& value, std::string_view key,
                                     std::span<const std::string_view> words) {
  std::string expected;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) expected += i + 1 == words.size() ? " or " : ", ";
    expected.append("`").append(words[i]).append("`");
  }
  if (!value.is(Value::Type::string)) {
    wrong_type(context, value, key, expected);
    return std::nullopt;
  }
  for (std::size_t i = 0; i < words.size(); ++i)
    if (words[i] == value.string()) return i;
  const auto help =
      context.did_you_mean(value.string(), std::vector<std::string>(words.begin(), words.end()));
  context.report(Kind::bad_value, value, {value.string(), std::string(key), expected}).help = help;
  return std::nullopt;
}

void report_empty_list(Context& context, const Value& value, std::string_view key) {
  const auto* known = find_key(Section::exception, key);
  std::string help = "an empty list matches nothing, never everything";
  if (known != nullptr)
    help += ": leave `" + std::string(key) + (known->narrows ? "` out for any" : "` out");
  context.report(Kind::empty_list, value, {std::string(key)}).help = std::move(help);
}

Fields::Fields(Context& context, const Value& table, Section section, std::string_view section_name)
    : Fields(context, table.is(Value::Type::table) ? table.entries() : none_, section,
             section_name) {}

Fields::Fields(Context& context, const std::vector<Entry>& entries, Section section,
               std::string_view section_name)
    : entries_(&entries) {
  for (const auto& entry : *entries_)
    if (find_key(section, entry.key) == nullptr)
      report_unknown_key(context, entry, section, section_name);
}

const Entry* Fields::find(std::string_view key) const {
  for (const auto& entry : *entries_)
    if (entry.key == key) return &entry;
  return nullptr;
}

bool is_table(Context& context, const Value& value, std::string_view key, std::string_view help) {
  if (value.is(Value::Type::table)) return true;
  if (auto* diagnostic = wrong_type(context, value, key, "a table")) diagnostic->help = help;
  return false;
}

}  // namespace firewright::policy
