// Neighbouring rules as one, where nobody could tell.
//
// Exceptions of one class all end the same way, so their order says nothing: rules without effects
// and predicates that differ only in ports, or only in protocols, become one rule with a set.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/program.h"

namespace firewright::nftables {

struct MergedRule {
  ir::Rule rule;
  std::vector<std::string> labels;  // of the exceptions in it
};

[[nodiscard]] std::vector<MergedRule> merge(const std::vector<ir::Rule>& rules);

}  // namespace firewright::nftables
