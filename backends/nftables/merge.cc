#include "backends/nftables/merge.h"

#include <iterator>
#include <utility>

#include "backends/nftables/join.h"
#include "backends/nftables/structure.h"

namespace firewright::nftables {
namespace {

bool mergeable(const ir::Rule& rule) {
  return rule.origin.kind == ir::OriginKind::exception && rule.effects.empty() &&
         rule.match.predicates.empty();
}

// Of one class, from `begin` on. `protocols` of a match with ports or ICMP types says what these
// mean, and widening it must not: rules are joined by protocol only when both have ports, or
// neither has anything below the protocol.
void merge_class(std::vector<MergedRule>& rules, std::size_t begin) {
  if (rules.size() - begin < 2) return;
  join(rules, begin, [](ir::Match& match) -> auto& { return match.destination_ports; });
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
  join(rules, begin, [](ir::Match& match) -> auto& { return match.protocols; });
  rules.insert(rules.end(), std::make_move_iterator(icmp.begin()),
               std::make_move_iterator(icmp.end()));
}

}  // namespace

std::vector<MergedRule> merge(const std::vector<ir::Rule>& rules, backend::NftablesLayout layout) {
  std::vector<MergedRule> result;
  result.reserve(rules.size());
  std::size_t begin = 0;  // of the class under way
  bool open = false;
  const auto end_class = [&] {
    merge_class(result, begin);
    structure(result, begin, layout);
  };
  for (const auto& rule : rules) {
    const bool joins = mergeable(rule);
    if (open && (!joins || rule.verdict != result.back().rule.verdict)) end_class();
    if (!open || !joins || rule.verdict != result.back().rule.verdict) begin = result.size();
    open = joins;
    result.push_back({.rule = rule, .labels = {}, .tuples = {}});
    if (rule.origin.kind == ir::OriginKind::exception)
      result.back().labels.push_back(rule.origin.label);
  }
  if (open) end_class();
  return result;
}

}  // namespace firewright::nftables
