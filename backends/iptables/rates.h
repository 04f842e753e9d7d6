// Token buckets: which of them the kernel's matches keep as they were said, and how they are
// spelled.
//
// `-m limit` counts in steps of 1/10000 second and rounds down (XT_LIMIT_SCALE, and user2credits()
// of net/netfilter/xt_limit.c), in 32 bits: 3000/second becomes 3333/second, and 7/minute holds 4
// tokens where 5 were said. It serves where nothing is rounded, under any CONFIG_HZ. `-m hashlimit`
// counts in 1/1000000 second and in 64 bits (revision 3, since Linux 4.9); without a mode it is one
// bucket for all. What it would round so far that another rate reads back is refused.
#pragma once

#include <optional>
#include <string>

#include "compiler/ir/program.h"

namespace firewright::iptables {

[[nodiscard]] bool limit_is_exact(const ir::RateLimit& rate);
[[nodiscard]] bool hashlimit_is_exact(const ir::RateLimit& rate);
[[nodiscard]] bool can_say(const ir::RateLimit& rate);
// The largest bucket within this one that can be said; none where not even one token fits.
[[nodiscard]] std::optional<ir::RateLimit> largest_within(const ir::RateLimit& rate);

// "10/minute"
[[nodiscard]] std::string rate_text(const ir::RateLimit& rate);
// Options with their `-m`. `name` is of the hashlimit's table, for those rates that need one.
[[nodiscard]] std::string spell(const ir::RateLimit& rate, const std::string& name);
[[nodiscard]] bool needs_table(const ir::RateLimit& rate);

// A name for a hashlimit's table, at most 15 bytes. It depends on the parameters: the kernel finds
// tables by name, and a rule that is loaded while the old one still stands would go on with the old
// one's rate (htable_find_get() in xt_hashlimit.c). `attempt` tells collisions apart.
[[nodiscard]] std::string table_name(const ir::Predicate& predicate, unsigned attempt);

}  // namespace firewright::iptables
