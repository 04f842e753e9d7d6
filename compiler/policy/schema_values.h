// What single values look like, as JSON Schemas: the leaves of schema.h's.
//
// Wherever a string may stand, a variable may, and most other values may come from one too; so
// patterns and words also let a string with "${name}" through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "compiler/policy/keys.h"

namespace firewright::policy {

using Json = nlohmann::ordered_json;

// What the key holds, without its description. `direction` matters for what is unsaid.
[[nodiscard]] Json value_schema(const Key& key, Direction direction);

// Under `definitions`: names of services, with what the catalogue says of them.
[[nodiscard]] Json service_definition();
// An exception's string form.
[[nodiscard]] Json exception_text();
// What stands behind names of groups, services and variables.
[[nodiscard]] Json group_schema();
[[nodiscard]] Json service_schema();
[[nodiscard]] Json variable_schema();

[[nodiscard]] Json one_or_more(const Json& item);
// The item's schema, for a value or an array of them, which may have none.
[[nodiscard]] Json any_number(const Json& item);
[[nodiscard]] Json text_schema(std::size_t longest);
// Names in `[addresses]`, `[services]`, ...
[[nodiscard]] std::string name_pattern();
// A key's description, for hover text. Some editors look for it in the alternatives only.
void describe(Json& schema, std::string_view about);

}  // namespace firewright::policy
