// Exceptions that differ only in their destination ports become one rule, as an administrator would
// write it: one multiport for ssh, http and https.
//
// Exact by construction: within a run of neighbouring rules that all have the same verdict, no
// effect and no state, no order can be told, and the union of two products that differ in one set
// is a product.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/program.h"

namespace firewright::iptables {

struct MergedRule {
  ir::Rule rule;
  std::vector<std::string> labels;  // of the exceptions that it stands for, each once
};

// An exception's rule that changes places with any other such rule of the same verdict.
[[nodiscard]] bool without_order(const ir::Rule& rule);

[[nodiscard]] std::vector<MergedRule> merge_ports(const std::vector<ir::Rule>& rules);

}  // namespace firewright::iptables
