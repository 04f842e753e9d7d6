// One match of the IR as the matches of nft's rules.
#pragma once

#include <optional>
#include <vector>

#include "backends/nftables/merge.h"
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
// The same for packets that have, besides, one of the keys, which stand in `set`.
[[nodiscard]] std::vector<MatchedRule> lower_lookup(const ir::Match& match,
                                                    const std::vector<Tuples::Part>& parts,
                                                    const std::string& set);
// What a key's part is, of one family and protocol.
[[nodiscard]] Field field_of(Tuples::Side side, Family family, Protocol protocol);

// The bits of `ct state`.
[[nodiscard]] std::uint32_t state_mask(ir::StateSet states);

}  // namespace firewright::nftables
