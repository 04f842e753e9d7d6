#include "backends/nftables/merge.h"

#include <iterator>
#include <map>
#include <unordered_map>
#include <utility>

namespace firewright::nftables {
namespace {

bool mergeable(const ir::Rule& rule) {
  return rule.origin.kind == ir::OriginKind::exception && rule.effects.empty() &&
         rule.match.predicates.empty();
}

// Joins rules that are equal but for the field that `field` points at, in place; the first one's
// place is kept. The canonical text of the rest of the match is the key, and what is joined is
// gathered before it becomes one set, so that a long list costs n log n.
template <class Set>
void join(std::vector<MergedRule>& rules, std::size_t begin, Set ir::Match::* field) {
  using Intervals = std::vector<Interval<typename Set::Value>>;
  std::unordered_map<std::string, std::size_t> places;
  std::map<std::size_t, Intervals> joined;
  const auto gather = [&](Intervals& into, const Set& set) {
    into.insert(into.end(), set.intervals().begin(), set.intervals().end());
  };
  auto kept = begin;
  for (auto at = begin; at < rules.size(); ++at) {
    auto& merged = rules[at];
    auto& set = merged.rule.match.*field;
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
    if (intervals.empty()) gather(intervals, into.rule.match.*field);
    gather(intervals, own);
    into.labels.insert(into.labels.end(), std::make_move_iterator(merged.labels.begin()),
                       std::make_move_iterator(merged.labels.end()));
  }
  rules.resize(kept);
  for (auto& [place, intervals] : joined)
    rules[place].rule.match.*field = Set(std::move(intervals));
}

// Of one class, from `begin` on. `protocols` of a match with ports or ICMP types says what these
// mean, and widening it must not: rules are joined by protocol only when both have ports, or
// neither has anything below the protocol.
void merge_class(std::vector<MergedRule>& rules, std::size_t begin) {
  if (rules.size() - begin < 2) return;
  join(rules, begin, &ir::Match::destination_ports);
  const auto is_icmp = [](const MergedRule& merged) { return !merged.rule.match.icmp.is_all(); };
  std::vector<MergedRule> icmp;
  auto kept = begin;
  for (auto at = begin; at < rules.size(); ++at) {
    if (is_icmp(rules[at])) {
      icmp.push_back(std::move(rules[at]));
    } else {
      if (kept != at) rules[kept] = std::move(rules[at]);
      ++kept;
    }
  }
  rules.resize(kept);
  join(rules, begin, &ir::Match::protocols);
  rules.insert(rules.end(), std::make_move_iterator(icmp.begin()),
               std::make_move_iterator(icmp.end()));
}

}  // namespace

std::vector<MergedRule> merge(const std::vector<ir::Rule>& rules) {
  std::vector<MergedRule> result;
  result.reserve(rules.size());
  std::size_t begin = 0;  // of the class under way
  bool open = false;
  for (const auto& rule : rules) {
    const bool joins = mergeable(rule);
    if (open && (!joins || rule.verdict != result.back().rule.verdict)) merge_class(result, begin);
    if (!open || !joins || rule.verdict != result.back().rule.verdict) begin = result.size();
    open = joins;
    result.push_back({.rule = rule, .labels = {}});
    if (rule.origin.kind == ir::OriginKind::exception)
      result.back().labels.push_back(rule.origin.label);
  }
  if (open) merge_class(result, begin);
  return result;
}

}  // namespace firewright::nftables
