// Random IR programs that iptables can say, and packets at their boundaries.
#pragma once

#include <cstdint>
#include <random>

#include "compiler/ir/evaluate.h"

namespace firewright::iptables::test {

using Random = std::mt19937;

// A number below `count`; the same on every platform, unlike the standard distributions.
[[nodiscard]] unsigned below(Random& random, unsigned count);

// Each limit of the program has a number of packets or connections of its own.
[[nodiscard]] ir::Program random_program(Random& random);
// Most of its fields lie at the ends of the sets of one rule of the program, or right beside them.
[[nodiscard]] ir::Packet random_packet(Random& random, const ir::Program& program);

}  // namespace firewright::iptables::test
