#include "backends/nftables/merge.h"

#include <iterator>
#include <map>
#include <utility>

namespace firewright::nftables {
namespace {

bool mergeable(const ir::Rule& rule) {
  return rule.origin.kind == ir::OriginKind::exception && rule.effects.empty() &&
         rule.match.predicates.empty();
}

// Joins rules that are equal but for the field that `field` points at; the first one's place is
// kept. The canonical text of the rest of the match is the key, so that a long list costs n log n.
template <class Set>
std::vector<MergedRule> join(std::vector<MergedRule> rules, Set ir::Match::* field) {
  std::vector<MergedRule> result;
  result.reserve(rules.size());
  std::map<std::string, std::size_t> places;
  for (auto& merged : rules) {
    ir::Match rest = merged.rule.match;
    rest.*field = Set::all();
    const auto [place, fresh] = places.try_emplace(ir::to_text(rest), result.size());
    if (fresh) {
      result.push_back(std::move(merged));
      continue;
    }
    auto& into = result[place->second];
    into.rule.match.*field = into.rule.match.*field | merged.rule.match.*field;
    into.labels.insert(into.labels.end(), std::make_move_iterator(merged.labels.begin()),
                       std::make_move_iterator(merged.labels.end()));
  }
  return result;
}

// `protocols` of a match with ports or ICMP types says what these mean, and widening it must not:
// rules are joined by protocol only when both have ports, or neither has anything below the
// protocol.
std::vector<MergedRule> join_protocols(std::vector<MergedRule> rules) {
  std::vector<MergedRule> icmp;
  std::vector<MergedRule> rest;
  rest.reserve(rules.size());
  for (auto& rule : rules) (rule.rule.match.icmp.is_all() ? rest : icmp).push_back(std::move(rule));
  rest = join(std::move(rest), &ir::Match::protocols);
  rest.insert(rest.end(), std::make_move_iterator(icmp.begin()),
              std::make_move_iterator(icmp.end()));
  return rest;
}

std::vector<MergedRule> merge_class(std::vector<MergedRule> rules) {
  return join_protocols(join(std::move(rules), &ir::Match::destination_ports));
}

}  // namespace

std::vector<MergedRule> merge(const std::vector<ir::Rule>& rules) {
  std::vector<MergedRule> result;
  std::vector<MergedRule> current;
  result.reserve(rules.size());
  current.reserve(rules.size());
  const auto flush = [&] {
    for (auto& rule : merge_class(std::exchange(current, {}))) result.push_back(std::move(rule));
  };
  for (const auto& rule : rules) {
    if (!current.empty() && (!mergeable(rule) || rule.verdict != current.front().rule.verdict))
      flush();
    MergedRule single{.rule = rule, .labels = {}};
    if (rule.origin.kind == ir::OriginKind::exception) single.labels.push_back(rule.origin.label);
    (mergeable(rule) ? current : result).push_back(std::move(single));
  }
  flush();
  return result;
}

}  // namespace firewright::nftables
