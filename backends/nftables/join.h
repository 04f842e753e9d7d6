// Rules that differ in one field as one rule.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/nftables/merge.h"
#include "compiler/ir/hash.h"

namespace firewright::nftables {

// From `begin` on, joins rules that are equal but for one field, in place; the first one's place is
// kept. `field` gives the set in a match. Rules are found by a hash of the rest of the match, and
// what is joined is gathered before it becomes one set, so that a long list costs n log n.
template <class Field>
void join(std::vector<MergedRule>& rules, std::size_t begin, const Field& field) {
  using Set = std::remove_reference_t<decltype(field(rules[begin].rule.match))>;
  using Intervals = std::vector<Interval<typename Set::Value>>;
  std::unordered_multimap<std::size_t, std::size_t> places;
  places.reserve(rules.size() - begin);
  std::map<std::size_t, Intervals> joined;
  const auto gather = [&](Intervals& into, const Set& set) {
    into.insert(into.end(), set.intervals().begin(), set.intervals().end());
  };
  auto kept = begin;
  for (auto at = begin; at < rules.size(); ++at) {
    auto& merged = rules[at];
    auto& match = merged.rule.match;
    auto own = std::exchange(field(match), Set::all());
    const auto hash = ir::hash(match);
    const auto is_equal = [&](const auto& entry) {
      auto& other = rules[entry.second].rule.match;
      auto set = std::exchange(field(other), Set::all());
      const bool equal = other == match;
      field(other) = std::move(set);
      return equal;
    };
    const auto [first, last] = places.equal_range(hash);
    const auto found = std::find_if(first, last, is_equal);
    field(match) = own;
    if (found == last) {
      places.emplace(hash, kept);
      if (kept != at) rules[kept] = std::move(merged);
      ++kept;
      continue;
    }
    const auto place = found->second;
    auto& into = rules[place];
    auto& intervals = joined[place];
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
