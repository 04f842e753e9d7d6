// One rule of nft as rules of the program.
//
// Verdicts: accept, drop, continue, return, jump, goto, reject, and verdict maps as the last thing
// of a rule. Conditions besides matches: limit, ct count, quota (opaque). Effects: named counters,
// log, and what rules do to sets: `add @set { ... }` without a limit counts under its own text. A
// log's options stand behind its prefix, " [level debug]", where they are not the default.
//
// Left out, since they decide nothing: anonymous counters, `meta nftrace set`, `last`, and changes
// of the MSS, DSCP, priority, helper and security mark. Refused: queue, NAT, marks that are set,
// notrack, flow offload, synproxy, tproxy, dup, fwd.
//
// A bucket that conditions follow in its rule spends tokens on other packets too, and is opaque.
// Buckets of each source: `update @set { ip saddr limit rate ... }`, and `add` where the set has no
// timeout; `add @set { ip saddr ct count N }` in a set without a timeout. Buckets that the set
// forgets before they are full again, and those of other keys, are opaque. That a set may be full
// is not looked at.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "backends/nftables/read_text_declarations.h"
#include "backends/nftables/read_text_tree.h"
#include "compiler/ir/program.h"

namespace firewright::nftables::script {

// Where a rule stands.
struct RulePlace {
  const TableTree& table;
  const ChainTree& chain;
  std::size_t number = 0;  // from 1
};

// Appends to `rules`; chains in verdicts have the names of the script. False: an error was
// reported.
[[nodiscard]] bool read_rule(const Script& script, const RuleTree& rule, const RulePlace& place,
                             Declarations& declarations, Sink& sink, std::vector<ir::Rule>& rules);

}  // namespace firewright::nftables::script
