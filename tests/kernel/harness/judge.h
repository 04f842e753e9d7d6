// The trial of a ruleset: real packets through the kernel, and what the naive evaluator says of
// them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/program.h"
#include "tests/kernel/harness/bed.h"
#include "tests/kernel/harness/choose.h"
#include "tests/kernel/harness/namespace.h"

namespace firewright::kernel {

struct Mismatch {
  std::size_t which = 0;  // of the packets
  TestPacket packet;      // with the state that the kernel gave it
  std::string expected;
  std::string seen;
};

struct Tally {
  std::size_t sent = 0;
  std::size_t arrived = 0;
  std::size_t undecided = 0;  // the verdict hangs on a limit; not compared
  std::size_t accepted = 0, dropped = 0, rejected = 0;
  std::size_t answers = 0;  // of the rejected, those whose answer was seen and was the right one
  std::size_t by_state[ir::StateSet::count] = {};
  std::size_t by_hook[3] = {};
  std::vector<Mismatch> mismatches;
};

// Loads a ruleset into the namespace that it is called in; gives what was wrong, if something was.
using Load = std::function<std::optional<std::string>()>;

struct Trial {
  Outcome outcome;  // done, or why there are no observations
  std::vector<Observation> observations;
};

// In a namespace of its own: opens the flows, loads, sends the packets.
[[nodiscard]] Trial try_packets(const Choice& choice, const Load& load,
                                TestBed::Accepted accepted = TestBed::Accepted::dropped);

// Whether a verdict that hangs on a limit is judged.
enum class OnLimits { undecided, never_over };

// Holds what was seen against what `program` says of each packet, in the state that the kernel gave
// it.
[[nodiscard]] Tally judge(const ir::Program& program, const std::vector<TestPacket>& packets,
                          const std::vector<Observation>& observations,
                          OnLimits limits = OnLimits::undecided);

// A few lines for people: figures, and at most `most` mismatches.
[[nodiscard]] std::string report(const Tally& tally, std::size_t most = 12);

// "accept", "drop", "reject tcp-reset", ...: what became of a packet that arrived.
[[nodiscard]] std::string describe(const Observation& observation, Family family);

}  // namespace firewright::kernel
