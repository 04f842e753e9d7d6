// The packets that a policy is judged with: one for each leaf of its decision diagram and for
// random paths through it, at either end of the ranges that lead there; then what choose() finds,
// of which a part is drawn.
#pragma once

#include <cstdint>

#include "compiler/ir/program.h"
#include "tests/kernel/harness/choose.h"

namespace firewright::judge {

struct PacketOptions {
  std::uint64_t seed = 1;
  std::size_t most = 400;
};

[[nodiscard]] kernel::Choice packets_for(const ir::Program& program, const PacketOptions& options);

}  // namespace firewright::judge
