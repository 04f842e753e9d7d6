// The ordered rules of one hook as what Windows Firewall has: a set of block rules over a set of
// allow rules over a default, in no order.
//
// Block beats allow, so a rule that drops becomes a block rule only if nothing that stands before
// it accepts one of its packets. Where something does (the baseline's ICMP), the block is cut down
// to what is accepted below it; where that cannot be said, what is accepted below is narrowed
// instead; and where that cannot be said either, the rule is reported and the plan is not to be
// used.
#pragma once

#include <cstddef>
#include <vector>

#include "compiler/ir/program.h"

namespace firewright::netsh {

struct PlannedRule {
  ir::Match match;
  std::size_t rule = 0;  // its index in the chain
};

struct Plan {
  bool accepts_by_default = false;
  std::vector<PlannedRule> blocks;
  std::vector<PlannedRule> allows;  // none if the default accepts
  // Rules that drop and that no plan can say: those whose own packets cannot be spelled, and those
  // that stand behind an accept of some of their packets.
  std::vector<std::size_t> unspeakable;
  std::vector<std::size_t> behind_accept;
};

// `chain` has accept and drop rules only, without predicates, interfaces and owners, and every
// match of an accept rule can be spelled.
[[nodiscard]] Plan plan(const ir::Chain& chain);

// Whether new packets that are not loopback traffic can meet the rule at all, or it is there for
// packets that Windows Firewall does not filter.
[[nodiscard]] bool concerns_windows(const ir::Rule& rule);
// Whether a match holds for every packet.
[[nodiscard]] bool matches_everything(const ir::Match& match);

}  // namespace firewright::netsh
