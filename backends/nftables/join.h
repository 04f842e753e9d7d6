// Rules that differ in one field as one rule.
#pragma once

#include <map>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/nftables/merge.h"

namespace firewright::nftables {

// From `begin` on, joins rules that are equal but for one field, in place; the first one's place is
// kept. `field` gives the set in a match. The canonical text of the rest of the match is the key,
// and what is joined is gathered before it becomes one set, so that a long list costs n log n.
template <class Field>
void join(std::vector<MergedRule>& rules, std::size_t begin, const Field& field) {
  using Set = std::remove_reference_t<decltype(field(rules[begin].rule.match))>;
  using Intervals = std::vector<Interval<typename Set::Value>>;
  std::unordered_map<std::string, std::size_t> places;
  std::map<std::size_t, Intervals> joined;
  const auto gather = [&](Intervals& into, const Set& set) {
    into.insert(into.end(), set.intervals().begin(), set.intervals().end());
  };
  auto kept = begin;
  for (auto at = begin; at < rules.size(); ++at) {
    auto& merged = rules[at];
    auto& set = field(merged.rule.match);
    const auto own = std::exchange(set, Set::all());
    const auto [place, fresh] = places.try_emplace(ir::to_text(merged.rule.match), kept);
    set = own;
    if (fresh) {
      if (kept != at) rules[kept] = std::move(merged);
      ++kept;
      continue;
    }
    auto& into = rules[place->second];
    auto& intervals = joined[place->second];
    if (intervals.empty()) gather(intervals, field(into.rule.match));
    gather(intervals, own);
    into.labels.insert(into.labels.end(), std::make_move_iterator(merged.labels.begin()),
                       std::make_move_iterator(merged.labels.end()));
  }
  rules.resize(kept);
  for (auto& [place, intervals] : joined)
    field(rules[place].rule.match) = Set(std::move(intervals));
}

}  // namespace firewright::nftables
