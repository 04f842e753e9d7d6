// Assertions, proved over every packet of their sets.
//
// `never` ranges over the packets that start something: of the states new, invalid and untracked.
// Replies to what was allowed, and what is related to it, are none of its business. `always` ranges
// over new and untracked packets; an invalid one is nobody's right. Both leave out the loopback
// interface, unless the set names it with `in` or `out`; nothing is ever forwarded over it.
//
// Limits may hold or not: `never` fails where one of them lets a packet through, `always` where one
// may turn a packet away. The baseline is part of what is looked at: an assertion that it breaks
// fails.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "compiler/analysis/decides.h"
#include "compiler/base/target.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/ir/program.h"
#include "compiler/policy/policy.h"
#include "compiler/semantics/diagram.h"

namespace firewright::analysis {

// What a policy means on one target.
struct Lowering {
  Target target = Target::nftables;
  const ir::Program* program = nullptr;
};

struct AssertionResult {
  enum class Verdict {
    proved,
    vacuous,  // no packet is in its set
    failed,
    unprovable,  // its direction is left to others
    not_proved,  // the budget is used up
  };
  const policy::Assertion* assertion = nullptr;
  Verdict verdict = Verdict::proved;
  Target target = Target::nftables;       // where it fails
  std::optional<Example> counterexample;  // when it failed
};

// One result for each assertion of the policy, in its order: what holds on all of the targets is
// proved. What does not is reported.
[[nodiscard]] std::vector<AssertionResult> prove_assertions(const policy::Policy& policy,
                                                            std::span<const Lowering> lowerings,
                                                            semantics::Budget budget, Sink& sink);

// The packets that an assertion is about on the target; none: its set is empty.
[[nodiscard]] std::vector<ir::Match> packets_of(const policy::Policy& policy,
                                                const policy::Assertion& assertion, Target target);

// Its name, or what it claims in a few words: "never rdp from all except office".
[[nodiscard]] std::string label(const policy::Assertion& assertion);

}  // namespace firewright::analysis
