// --vars: host facts as a JSON object, the way configuration management hands them out.
//
// Members of nested objects are named with dots: "net.address". Facts that no policy could use
// (booleans, fractions, nulls, arrays of objects) are kept as broken values: they are an error only
// where they are used.
#pragma once

#include <string>
#include <vector>

#include "compiler/policy/context.h"

namespace firewright::policy {

struct Fact {
  std::string name;
  Value value;
};

[[nodiscard]] std::vector<Fact> read_facts(Context& context, const std::string& path);

}  // namespace firewright::policy
