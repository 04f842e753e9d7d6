#include "compiler/policy/facts.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "compiler/policy/source_text.h"

namespace firewright::policy {
namespace {

using Json = nlohmann::json;

Value scalar(const Json& json) {
  Value value;
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (json.is_string()) {
    value.type = Value::Type::string;
    value.data = json.get<std::string>();
  } else if (json.is_number_integer() &&
             !(json.is_number_unsigned() && json.get<std::uint64_t>() > largest)) {
    value.type = Value::Type::integer;
    value.data = json.get<std::int64_t>();
  }
  return value;
}

Value value_of(const Json& json) {
  if (!json.is_array()) return scalar(json);
  Value value;
  std::vector<Value> items;
  for (const auto& item : json) {
    items.push_back(scalar(item));
    if (items.back().is(Value::Type::broken)) return value;
  }
  value.type = Value::Type::array;
  value.data = std::move(items);
  return value;
}

// Nobody says longer ones; and where many facts share a long way to them, their names would take
// much more memory than the file.
constexpr std::size_t longest_name = 1000;

void flatten(const Json& object, const std::string& prefix, std::size_t depth,
             std::vector<Fact>& facts) {
  for (const auto& [name, json] : object.items()) {
    if (prefix.size() + name.size() > longest_name) continue;
    if (!json.is_object())
      facts.push_back({.name = prefix + name, .value = value_of(json)});
    else if (depth < Limits::nesting)
      flatten(json, prefix + name + ".", depth + 1, facts);
  }
}

std::optional<Json> parse(Context& context, FileId file) {
  const auto text = context.sources.file(file).text();
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    const auto at = static_cast<std::uint32_t>(
        std::min<std::size_t>(error.byte == 0 ? 0 : error.byte - 1, text.size()));
    context.report(Kind::bad_facts, Span{.file = file, .begin = at, .end = at},
                   {context.sources.file(file).name(), "not JSON"});
  } catch (const Json::exception&) {
    context.report(Kind::bad_facts, Span{.file = file, .begin = 0, .end = 0},
                   {context.sources.file(file).name(), "a number is too large"});
  }
  return std::nullopt;
}

}  // namespace

std::vector<Fact> read_facts(Context& context, const std::string& path) {
  auto content = context.options.files->read(path, Limits::policy_bytes);
  if (!content.text) {
    context.report(Kind::cannot_read, Span{}, {path, content.error});
    return {};
  }
  const auto file = context.sources.add(path, std::move(*content.text));
  const auto json = parse(context, file);
  std::vector<Fact> facts;
  if (!json) return facts;
  if (!json->is_object()) {
    context.report(Kind::bad_facts, Span{.file = file, .begin = 0, .end = 0},
                   {path, "not one JSON object"});
    return facts;
  }
  flatten(*json, "", 0, facts);
  return facts;
}

}  // namespace firewright::policy
