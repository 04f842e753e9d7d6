// One match of the IR as the matches of nft's rules.
#pragma once

#include <optional>
#include <vector>

#include "backends/nftables/ruleset.h"

namespace firewright::nftables {

// The matching part of one rule.
struct MatchedRule {
  std::vector<Statement> statements;
  std::optional<Family> family;  // the only one it is meant for
  bool family_is_known = false;  // the statements say so already
};
// States the family as nft does before it looks at an address, unless it is known.
void imply_family(MatchedRule& rule);

// Disjoint rules that together match what `match` does, predicates left out. `by_family`: one a
// family at least, because a statement to come looks at an address; the caller implies the family
// then. None: nothing matches.
[[nodiscard]] std::vector<MatchedRule> lower_match(const ir::Match& match, bool by_family);

// The bits of `ct state`.
[[nodiscard]] std::uint32_t state_mask(ir::StateSet states);

}  // namespace firewright::nftables
