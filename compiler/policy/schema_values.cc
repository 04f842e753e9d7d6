#include "compiler/policy/schema_values.h"

#include <algorithm>
#include <functional>

#include "compiler/net/address_set.h"
#include "compiler/policy/catalogue.h"
#include "compiler/policy/choices.h"
#include "compiler/policy/exceptions.h"
#include "compiler/policy/protocols.h"

namespace firewright::policy {
namespace {

constexpr std::string_view variable = R"(\$\{[A-Za-z0-9_.-]+\})";

std::string or_variable(std::string_view pattern) {
  return std::string(pattern).append("|").append(variable);
}

Json matching(std::string_view pattern) {
  return {{"type", "string"}, {"pattern", or_variable(pattern)}};
}

Json any_variable() { return {{"type", "string"}, {"pattern", variable}}; }

template <class Words>
Json words(const Words& list) {
  auto one = Json::object();
  one["enum"] = Json::array();
  for (const auto& word : list) one["enum"].push_back(word);
  auto schema = Json::object();
  schema["anyOf"] = Json::array({std::move(one), any_variable()});
  return schema;
}

template <class Words>
Json words(const Words& list, std::string_view unsaid) {
  auto schema = words(list);
  schema["default"] = unsaid;
  return schema;
}

Json boolean() { return {{"type", {"boolean", "string"}}, {"pattern", variable}}; }
Json boolean(bool unsaid) {
  auto schema = boolean();
  schema["default"] = unsaid;
  return schema;
}

Json count() {
  return {{"type", {"integer", "string"}},
          {"minimum", 1},
          {"maximum", largest_count},
          {"pattern", variable}};
}

Json log() {
  return {{"type", {"boolean", "string"}},
          {"pattern", or_variable("^[ -~]{1," + std::to_string(longest_prefix) + "}$")}};
}

Json rate() {
  std::string units;
  for (const auto unit : unit_words) units.append(units.empty() ? "" : "|").append(unit);
  return matching("^0*[1-9][0-9]*/(" + units + ")$");
}

Json port() {
  return {{"type", {"integer", "string"}},
          {"minimum", 1},
          {"maximum", 65535},
          {"pattern", or_variable("^ *[1-9][0-9]{0,4} *(- *[1-9][0-9]{0,4} *)?$")}};
}

Json protocol() {
  auto schema = words(protocol_names());
  schema["anyOf"].push_back({{"type", {"integer", "string"}},
                             {"minimum", 0},
                             {"maximum", 255},
                             {"pattern", "^(0|[1-9][0-9]{0,2}|icmp6|ipv6-icmp)$"}});
  return schema;
}

Json icmp_type() {
  std::vector<std::string_view> names;
  for (const auto& name : icmp_names()) names.push_back(name.name);
  auto schema = words(names);
  schema["anyOf"].push_back({{"type", {"integer", "string"}},
                             {"minimum", 0},
                             {"maximum", 255},
                             {"pattern", "^[0-9]+(/[0-9]+)?$"}});
  return schema;
}

// Addresses, prefixes, ranges and names of groups are all made of these.
Json address() { return matching("^[0-9A-Za-z._:/ -]+$"); }

Json interface(std::size_t longest) {
  return matching("^[^/:% *]{1," + std::to_string(longest) + "}\\*?$");
}

Json owner() {
  return {{"type", {"integer", "string"}},
          {"minimum", 0},
          {"maximum", largest_count - 1},
          {"minLength", 1}};
}

Json service_names() {
  const Json name = {{"$ref", "#/definitions/service"}};
  auto schema = Json::object();
  schema["anyOf"] =
      Json::array({name, {{"type", "array"}, {"items", name}, {"minItems", 1}}, any_variable()});
  return schema;
}

Json findings() {
  std::vector<std::string_view> names;
  for (const auto kind : all_kinds())
    if (can_be_ignored(kind)) names.push_back(id(kind));
  return one_or_more(words(names));
}

Json transport() { return matching("^[a-z0-9-]+/.+$"); }

// A shape for a key of this name, whatever its section.
struct Shape {
  std::string_view name;
  Json (*make)();
};

constexpr Shape exception_shapes[] = {
    {"service", service_names},
    {"protocol", [] { return one_or_more(protocol()); }},
    {"port", [] { return one_or_more(port()); }},
    {"source-port", [] { return one_or_more(port()); }},
    {"icmp-type", [] { return one_or_more(icmp_type()); }},
    {"from", [] { return one_or_more(address()); }},
    {"to", [] { return one_or_more(address()); }},
    {"from-except", [] { return any_number(address()); }},
    {"to-except", [] { return any_number(address()); }},
    {"in", [] { return one_or_more(interface(longest_defined_name)); }},
    {"out", [] { return one_or_more(interface(longest_defined_name)); }},
    {"family", [] { return words(family_words); }},
    {"user", [] { return one_or_more(owner()); }},
    {"group", [] { return one_or_more(owner()); }},
    {"program", [] { return text_schema(longest_text); }},
    {"windows-service", [] { return text_schema(longest_text); }},
    {"log", log},
    {"count", [] { return boolean(false); }},
    {"expires", [] { return matching("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"); }},
    {"name", [] { return text_schema(longest_name); }},
    {"reason", [] { return text_schema(longest_text); }},
    {"owner", [] { return text_schema(longest_text); }},
    {"ticket", [] { return text_schema(longest_text); }},
    {"only-on", [] { return one_or_more(words(target_words)); }},
    {"ignore", findings},
};

Json exception_value(const Key& key) {
  for (const auto& shape : exception_shapes)
    if (shape.name == key.name) return shape.make();
  return Json::object();
}

Json root_value(const Key& key) {
  const Json path = {{"type", "string"}, {"minLength", 1}};
  if (key.name == "include") return any_number(path);
  auto reserved = Json::object();
  if (key.name == "nat") {
    reserved["not"] = Json::object();
    reserved["x-taplo"] = {{"hidden", true}};
  }
  return reserved;
}

Json policy_value(const Key& key) {
  return text_schema(key.name == "description" ? longest_description : longest_text);
}

Json baseline_value(const Key& key) {
  const Baseline unsaid;
  if (key.name == "loopback") return boolean(unsaid.loopback);
  if (key.name == "established") return boolean(unsaid.established);
  if (key.name == "drop-invalid") return boolean(unsaid.drop_invalid);
  if (key.name == "icmp-errors") return boolean(unsaid.icmp_errors);
  if (key.name == "neighbour-discovery") return boolean(unsaid.neighbour_discovery);
  return Json::object();
}

Json direction_value(const Key& key, Direction direction) {
  if (key.name == "default")
    return words(default_words, default_words[static_cast<std::size_t>(unsaid_default(direction))]);
  if (key.name == "log") return log();
  return Json::object();
}

Json limit_value(const Key& key) {
  if (key.name == "rate") return rate();
  if (key.name == "per") return words(per_words);
  auto schema = count();
  if (key.name == "burst") schema["default"] = RateLimit{}.burst;
  return schema;
}

Json target_value(const Key& key) {
  const TargetOptions unsaid;
  if (key.name == "mode")
    return words(mode_words, mode_words[static_cast<std::size_t>(unsaid.iptables_mode)]);
  if (key.name == "sets")
    return words(sets_words, sets_words[static_cast<std::size_t>(unsaid.iptables_sets)]);
  if (key.name == "layout")
    return words(layout_words, layout_words[static_cast<std::size_t>(unsaid.nftables_layout)]);
  if (key.name == "other-rules")
    return words(other_rules_words, other_rules_words[unsaid.netsh_disable_others ? 0 : 1]);
  auto table =
      matching("^[A-Za-z][A-Za-z0-9_-]{0," + std::to_string(longest_table_name - 1) + "}$");
  table["default"] = unsaid.nftables_table;
  return table;
}

}  // namespace

Json value_schema(const Key& key, Direction direction) {
  switch (key.section) {
    case Section::root: return root_value(key);
    case Section::policy: return policy_value(key);
    case Section::baseline: return baseline_value(key);
    case Section::direction: return direction_value(key, direction);
    case Section::exception: return exception_value(key);
    case Section::limit: return limit_value(key);
    case Section::address_file: return {{"type", "string"}};
    case Section::zone:
      return one_or_more(key.name == "profiles" ? words(profile_words) : interface(15));
    case Section::assertion: return text_schema(longest_name);
    case Section::assertion_set: return words(direction_words);
    case Section::target: return Json::object();
    case Section::target_iptables:
    case Section::target_nftables:
    case Section::target_netsh: return target_value(key);
    case Section::catalogue_service: return Json::object();
  }
  return Json::object();
}

Json service_definition() {
  auto known = Json::object();
  auto names = Json::array();
  auto docs = Json::array();
  for (const auto& [name, index] : catalogue().by_name) {
    names.push_back(name);
    docs.push_back(catalogue().services[index].description);
  }
  known["enum"] = std::move(names);
  known["x-taplo"]["docs"]["enumValues"] = std::move(docs);
  auto schema = Json::object();
  schema["anyOf"] =
      Json::array({std::move(known),
                   matching("^[A-Za-z0-9_.-]{1," + std::to_string(longest_defined_name) + "}$")});
  return schema;
}

Json exception_text() {
  auto schema = Json::object();
  schema["anyOf"] = Json::array({{{"$ref", "#/definitions/service"}}, transport()});
  return schema;
}

Json service_schema() { return one_or_more(transport()); }

Json group_schema() {
  const auto* file = find_key(Section::address_file, "file");
  auto path = value_schema(*file, Direction::inbound);
  describe(path, file->about);
  auto item = address();
  item["type"] = {"string", "object"};
  item["properties"]["file"] = std::move(path);
  item["required"] = {"file"};
  item["additionalProperties"] = false;
  return any_number(item);
}

Json variable_schema() {
  return {{"type", {"string", "integer", "array"}}, {"items", {{"type", {"string", "integer"}}}}};
}

Json any_number(const Json& item) {
  auto list = Json::object({{"type", "array"}, {"items", item}});
  auto schema = Json::object();
  schema["anyOf"] = Json::array({item, std::move(list)});
  return schema;
}

Json one_or_more(const Json& item) {
  auto schema = any_number(item);
  schema["anyOf"][1]["minItems"] = 1;
  return schema;
}

Json text_schema(std::size_t longest) {
  auto schema = Json::object({{"type", "string"}, {"minLength", 1}});
  schema["anyOf"] = Json::array({{{"maxLength", longest}}, {{"pattern", variable}}});
  return schema;
}

std::string name_pattern() {
  return "^[A-Za-z0-9_.-]{1," + std::to_string(longest_defined_name) + "}$";
}

void describe(Json& schema, std::string_view about) {
  schema["description"] = about;
  if (!schema.contains("anyOf")) return;
  auto& first = schema["anyOf"][0];
  if (!first.contains("$ref")) first["description"] = about;
}

}  // namespace firewright::policy
