// Random programs of many exceptions, as lists become trees.
#pragma once

#include "tests/backends/iptables/random_program.h"

namespace firewright::iptables::test {

// Runs of exceptions that name sources, destinations and ports from pools that overlap: single
// addresses, networks around them, ranges, long lists. All on the inbound and the forward hook.
[[nodiscard]] ir::Program large_program(Random& random);

// `count` exceptions, each with one source and one TCP port of its own.
[[nodiscard]] ir::Program one_by_one(unsigned count);

}  // namespace firewright::iptables::test
