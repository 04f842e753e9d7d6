// IR to an nft table, rule by rule: the form an administrator would write.
//
// A rule of the IR is a product of sets and becomes one rule of nft where it can: both families in
// one, several ports as a set. It becomes one a family where it names addresses or counts by
// source, and one more for each ICMP type of which it takes only some codes.
//
// Limits. A bucket that only one rule of nft uses stands in that rule; one that several use is a
// named limit, or, for a number of connections, a chain that they jump to. Per source, a dynamic
// set a family holds the buckets; its elements live as long as an idle bucket takes to fill, so
// that forgetting one changes nothing. A full set lets nothing more in: what it cannot count goes
// on to the next rule.
#pragma once

#include "backends/backend.h"
#include "backends/nftables/ruleset.h"

namespace firewright::nftables {

// `program` as `capable` gave it back.
[[nodiscard]] Ruleset build(const ir::Program& program, const backend::Options& options);

// How many sources a per-source limit keeps apart.
inline constexpr std::uint32_t dynamic_set_size = 65535;

}  // namespace firewright::nftables
