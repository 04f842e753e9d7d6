// The sets of ipset that rules look into: put there, read, and destroyed when no rule needs them.
//
// A set is ours by the form of its name, which holds a digest of what is in it:
// "fw-ip4-0123456789abcdef". Sets of others are never changed. Ours are not changed either while
// they are as they should be, so rules that look into them never find them otherwise.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "backends/host/host.h"

namespace firewright::host {

[[nodiscard]] bool is_own_set(std::string_view name);

// The sets that rules of a saved text or of a file to load refer to: `--match-set NAME`.
[[nodiscard]] std::set<std::string> sets_in(std::string_view rules);
[[nodiscard]] std::set<std::string> own_sets_in(std::string_view rules);

// Whether there is any set, whoever's. Rules may look into them then, and whoever reads or writes
// such rules with iptables needs CAP_NET_RAW for it.
[[nodiscard]] bool has_sets(const std::string& ipset = "ipset");

struct [[nodiscard]] LoadedSets {
  Result result;
  std::vector<std::string> made;  // that were not there before
};
// What of `text`, as for `ipset restore`, is ours: sets are made, and those that somebody has
// changed are as the text says again. With `only_names` they are made without elements, so that
// rules can be checked. After a failure none that was made is left. Without a set of ours nothing
// is asked of ipset.
LoadedSets load_sets(std::string_view text, bool only_names, const std::string& ipset);

// Those of them that no rule refers to, whoever's; the kernel keeps the others.
void destroy_sets(const std::vector<std::string>& names, const std::string& ipset);
// All of ours that are not in `text`.
void destroy_other_sets(std::string_view text, const std::string& ipset);

// What `ipset save` says of them. No value: `error` says why, for people.
[[nodiscard]] std::optional<std::string> save_sets(const std::set<std::string>& names,
                                                   std::string& error, const std::string& ipset);

}  // namespace firewright::host
