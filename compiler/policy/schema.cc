#include "compiler/policy/schema.h"

#include "compiler/policy/schema_values.h"

namespace firewright::policy {
namespace {

constexpr std::string_view draft = "http://json-schema.org/draft-07/schema#";

// What is said of a key: what it is for and, for hover text, what it holds.
std::string described(const Key& key) {
  return std::string(key.about) + "\n\nHolds " + std::string(key.holds) + ".";
}

Json closed_object() {
  return {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
}

// Values behind names that the author chooses.
Json named(Json value) {
  auto schema = Json::object({{"type", "object"}});
  schema["patternProperties"][name_pattern()] = std::move(value);
  schema["additionalProperties"] = false;
  return schema;
}

Json reference(const std::string& definition) { return {{"$ref", "#/definitions/" + definition}}; }

std::string definition_of(Direction direction, Action action) {
  return std::string(to_string(direction)).append("-").append(to_string(action));
}

void add(Json& object, const Key& key, Json value) {
  describe(value, described(key));
  object["properties"][std::string(key.name)] = std::move(value);
}

// All keys of a section, each with the value that its kind has.
Json section(Section section) {
  auto object = closed_object();
  for (const auto& key : all_keys())
    if (key.section == section) add(object, key, value_schema(key, Direction::inbound));
  return object;
}

Json any_of(std::initializer_list<std::string_view> keys) {
  auto list = Json::array();
  for (const auto key : keys) list.push_back({{"required", {key}}});
  return list;
}

// What keys ask of one another, where that can be seen without looking at values.
void add_dependencies(Json& object) {
  auto& needs = object["dependencies"];
  needs["port"] = {"protocol"};
  needs["source-port"] = {"protocol"};
  needs["service"]["not"]["anyOf"] = any_of({"protocol", "port", "source-port", "icmp-type"});
}

Json limit() {
  auto schema = section(Section::limit);
  schema["type"] = {"string", "object"};
  schema["pattern"] = schema["properties"]["rate"]["pattern"];
  schema["anyOf"] = any_of({"rate", "connections"});
  schema["dependencies"]["burst"] = {"rate"};
  return schema;
}

Json exception(Direction direction, Action action) {
  auto object = closed_object();
  for (const auto& key : all_keys()) {
    if (key.section != Section::exception || !key.directions.contains(direction)) continue;
    if (key.name == "limit") {
      if (action == Action::allow) add(object, key, limit());
      continue;
    }
    add(object, key, value_schema(key, direction));
  }
  add_dependencies(object);
  object["dependencies"]["ignore"] = {"reason"};
  return object;
}

Json direction_section(Direction direction) {
  auto object = closed_object();
  for (const auto& key : all_keys()) {
    if (key.section != Section::direction) continue;
    auto value = value_schema(key, direction);
    for (const auto action : {Action::allow, Action::deny, Action::reject}) {
      if (key.name != to_string(action)) continue;
      auto item = exception_text();
      item["anyOf"].push_back(reference(definition_of(direction, action)));
      value = Json::object({{"type", {"array", "string"}}, {"items", std::move(item)}});
      value["pattern"] = R"(^\$\{[A-Za-z0-9_.-]+\}$)";
    }
    add(object, key, std::move(value));
  }
  return object;
}

Json assertion_set() {
  auto object = section(Section::assertion_set);
  for (const auto& key : all_keys()) {
    if (key.section != Section::exception || !key.narrows) continue;
    add(object, key, value_schema(key, Direction::inbound));
    if (key.directions == DirectionSet::all()) continue;
    auto where = Json::array();
    for (const auto direction : key.directions) where.push_back(to_string(direction));
    auto& directions = object["dependencies"][std::string(key.name)]["properties"]["direction"];
    directions["anyOf"] = Json::array({{{"enum", std::move(where)}}, {{"pattern", R"(\$\{)"}}});
  }
  add_dependencies(object);
  object["required"] = {"direction"};
  return object;
}

Json assertions() {
  auto item = section(Section::assertion);
  for (const auto* claim : {"never", "always"}) {
    const auto* key = find_key(Section::assertion, claim);
    add(item, *key, assertion_set());
  }
  item["oneOf"] = any_of({"never", "always"});
  return {{"type", "array"}, {"items", std::move(item)}};
}

Json target() {
  auto object = closed_object();
  const std::pair<std::string_view, Section> targets[] = {{"iptables", Section::target_iptables},
                                                          {"nftables", Section::target_nftables},
                                                          {"netsh", Section::target_netsh}};
  for (const auto& [name, keys] : targets)
    add(object, *find_key(Section::target, name), section(keys));
  return object;
}

Json zones() {
  auto zone = section(Section::zone);
  zone["minProperties"] = 1;
  return named(std::move(zone));
}

// The tables of a policy file.
Json table_of(const Key& key) {
  if (key.name == "policy") return section(Section::policy);
  if (key.name == "vars") return named(variable_schema());
  if (key.name == "addresses") return named(group_schema());
  if (key.name == "services") return named(service_schema());
  if (key.name == "zones") return zones();
  if (key.name == "baseline") return section(Section::baseline);
  if (key.name == "assert") return assertions();
  if (key.name == "target") return target();
  for (const auto direction : DirectionSet::all())
    if (key.name == to_string(direction)) return direction_section(direction);
  return value_schema(key, Direction::inbound);
}

Json root(std::string_view title, std::string_view about) {
  auto schema = Json::object({{"$schema", draft}, {"title", title}, {"description", about}});
  schema.update(closed_object());
  return schema;
}

std::string written(const Json& schema) { return schema.dump(2) + "\n"; }

}  // namespace

std::string policy_schema() {
  auto schema = root("Firewright policy",
                     "A firewall policy: everything is denied, and the file lists the exceptions. "
                     "See firewright-policy(5).");
  for (const auto& key : all_keys())
    if (key.section == Section::root) add(schema, key, table_of(key));
  auto& definitions = schema["definitions"];
  definitions["service"] = service_definition();
  for (const auto direction : DirectionSet::all())
    for (const auto action : {Action::allow, Action::deny, Action::reject})
      definitions[definition_of(direction, action)] = exception(direction, action);
  return written(schema);
}

std::string hosts_schema() {
  auto schema = root("Firewright hosts",
                     "The hosts of a fleet, for `firewright compile --hosts`. See firewright(1).");
  auto host = closed_object();
  const Json path = {{"type", "string"}, {"minLength", 1}};
  auto& keys = host["properties"];
  keys["facts"] = any_number(path);
  describe(keys["facts"],
           "JSON files of variables, relative to this file, as `--vars` takes them.");
  keys["vars"] = named(variable_schema());
  describe(keys["vars"], "Variables of this host. They win over its facts.");
  keys["policy"] = path;
  describe(keys["policy"], "The policy of this host, in place of the one on the command line.");
  auto hosts = Json::object({{"type", "object"}, {"minProperties", 1}});
  hosts["patternProperties"]["^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$"] = std::move(host);
  hosts["additionalProperties"] = false;
  describe(hosts, "The hosts, by name: `[hosts.web1]`. A name with dots stands in quotes.");
  schema["properties"]["hosts"] = std::move(hosts);
  schema["required"] = {"hosts"};
  return written(schema);
}

}  // namespace firewright::policy
