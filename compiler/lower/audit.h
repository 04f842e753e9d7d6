// Audit mode: a program that denies nothing, and counts and logs what the given one would deny.
//
// A packet is counted where it would have been denied, and accepted there. What an exception
// denies is counted under the exception's name; what the default denies, by class: tcp, udp, icmp,
// other protocols, and apart from them packets of no known connection and those of open ones.
//
// The names of the counters begin with "audit-" and say direction, exception and class:
// "audit-inbound-default-tcp". Logs are limited in rate, since nobody knows yet how much there is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compiler/ir/program.h"

namespace firewright::lower {

// Of a lowered program: base chains without jumps that end in an explicit verdict.
[[nodiscard]] ir::Program audit(const ir::Program& program);

// Whether a counter is one of audit mode.
[[nodiscard]] bool is_audit_counter(std::string_view name);

}  // namespace firewright::lower
