// What every policy has without saying so: loopback, replies, essential ICMP, invalid packets.
#pragma once

#include <vector>

#include "compiler/ir/program.h"
#include "compiler/policy/policy.h"

namespace firewright::lower {

[[nodiscard]] std::vector<ir::Rule> baseline_rules(const policy::Baseline& baseline, ir::Hook hook);

}  // namespace firewright::lower
