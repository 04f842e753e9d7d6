// Lint: what a policy means and its author may not have meant. Judged by packets, not by spelling.
//
// Findings are warnings and notes; an exception's `ignore` takes one back. What each means and what
// to do about it: firewright-policy(5), LINT.
//
// - shadowed, redundant, overlap: by the diagram of who decides (decides.h). An exception is one of
//   the first two only if it is so on every target that has it.
// - open-service, open-ssh, open-everything, open-ipv6: what the outside may reach. The outside is
//   every interface that the policy does not name, and those of zones called wan, internet,
//   external, outside, public, untrusted, uplink or world; on Windows the public profile. "Any
//   source" is at least half of the public addresses of a family, so that a blocklist in front
//   hides nothing.
// - unused: groups, services and zones of the root file; what is included may serve others too.
#pragma once

#include <span>

#include "compiler/analysis/assertions.h"

namespace firewright::analysis {

struct LintOptions {
  policy::Date today;
  semantics::Budget budget;  // for each target
  Sink* ignored = nullptr;   // set: what an `ignore` takes back goes here
};

void lint(const policy::Policy& policy, std::span<const Lowering> lowerings,
          const LintOptions& options, Sink& sink);

}  // namespace firewright::analysis
