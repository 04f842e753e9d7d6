// As much of JSON Schema (draft-07) as our schemas use, for the tests. A keyword that is not known
// here is an exception, so that none is passed over.
#pragma once

#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

namespace firewright::policy {

using Json = nlohmann::ordered_json;

class JsonSchema {
 public:
  explicit JsonSchema(const std::string& text) : root_(Json::parse(text)) {}

  [[nodiscard]] const Json& root() const { return root_; }
  // "/inbound/allow/0: additionalProperties", ...; none: the value is valid.
  [[nodiscard]] std::vector<std::string> faults(const Json& value) const {
    std::vector<std::string> found;
    check(root_, value, "", found);
    return found;
  }
  // The schema behind a reference.
  [[nodiscard]] const Json& resolve(const Json& schema) const {
    if (!schema.contains("$ref")) return schema;
    return root_.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1)));
  }

 private:
  using Faults = std::vector<std::string>;

  [[nodiscard]] bool valid(const Json& schema, const Json& value) const {
    Faults found;
    check(schema, value, "", found);
    return found.empty();
  }

  void check(const Json& schema, const Json& value, const std::string& path, Faults& found) const {
    if (schema.is_boolean()) {
      if (!schema.get<bool>()) found.push_back(path + ": false");
      return;
    }
    if (schema.contains("$ref")) return check(resolve(schema), value, path, found);
    for (const auto& [keyword, operand] : schema.items())
      if (!holds(keyword, operand, value)) found.push_back(path + ": " + keyword);
    if (value.is_object()) check_members(schema, value, path, found);
    if (value.is_array() && schema.contains("items"))
      for (std::size_t i = 0; i < value.size(); ++i)
        check(schema["items"], value[i], path + "/" + std::to_string(i), found);
  }

  void check_members(const Json& schema, const Json& value, const std::string& path,
                     Faults& found) const {
    for (const auto& [name, member] : value.items()) {
      const auto below = path + "/" + name;
      bool known = false;
      if (schema.contains("properties") && schema["properties"].contains(name)) {
        known = true;
        check(schema["properties"][name], member, below, found);
      }
      if (schema.contains("patternProperties"))
        for (const auto& [pattern, of] : schema["patternProperties"].items())
          if (matches(name, pattern)) {
            known = true;
            check(of, member, below, found);
          }
      if (!known && schema.contains("additionalProperties"))
        check(schema["additionalProperties"], member, below, found);
    }
  }

  static bool matches(const std::string& text, const std::string& pattern) {
    return std::regex_search(text, std::regex(pattern));
  }

  static bool has_type(const Json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "boolean") return value.is_boolean();
    throw std::logic_error("type " + type);
  }

  static bool has_all(const Json& value, const Json& names) {
    for (const auto& name : names)
      if (!value.contains(name.get<std::string>())) return false;
    return true;
  }

  [[nodiscard]] std::size_t count_valid(const Json& schemas, const Json& value) const {
    std::size_t count = 0;
    for (const auto& schema : schemas) count += valid(schema, value) ? 1 : 0;
    return count;
  }

  [[nodiscard]] bool dependencies_hold(const Json& dependencies, const Json& value) const {
    for (const auto& [name, needs] : dependencies.items()) {
      if (!value.contains(name)) continue;
      if (needs.is_array() ? !has_all(value, needs) : !valid(needs, value)) return false;
    }
    return true;
  }

  [[nodiscard]] bool holds(const std::string& keyword, const Json& operand,
                           const Json& value) const {
    if (keyword == "type") {
      if (operand.is_string()) return has_type(value, operand);
      return std::any_of(operand.begin(), operand.end(),
                         [&](const Json& type) { return has_type(value, type); });
    }
    if (keyword == "enum") return std::find(operand.begin(), operand.end(), value) != operand.end();
    if (keyword == "pattern")
      return !value.is_string() || matches(value.get<std::string>(), operand);
    if (keyword == "minLength")
      return !value.is_string() || value.get<std::string>().size() >= operand.get<std::size_t>();
    if (keyword == "maxLength") return !value.is_string() || length(value) <= operand;
    if (keyword == "minimum") return !value.is_number() || value >= operand;
    if (keyword == "maximum") return !value.is_number() || value <= operand;
    if (keyword == "minItems") return !value.is_array() || value.size() >= operand;
    if (keyword == "minProperties") return !value.is_object() || value.size() >= operand;
    if (keyword == "required") return !value.is_object() || has_all(value, operand);
    if (keyword == "dependencies") return !value.is_object() || dependencies_hold(operand, value);
    if (keyword == "anyOf") return count_valid(operand, value) > 0;
    if (keyword == "oneOf") return count_valid(operand, value) == 1;
    if (keyword == "not") return !valid(operand, value);
    for (const auto* elsewhere :
         {"properties", "patternProperties", "additionalProperties", "items"})
      if (keyword == elsewhere) return true;
    for (const auto* annotation :
         {"$schema", "title", "description", "default", "definitions", "x-taplo"})
      if (keyword == annotation) return true;
    throw std::logic_error("keyword " + keyword);
  }

  // In code points.
  static std::size_t length(const Json& value) {
    std::size_t count = 0;
    for (const char c : value.get<std::string>())
      count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
    return count;
  }

  Json root_;
};

}  // namespace firewright::policy
