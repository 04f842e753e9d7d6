#include "backends/iptables/merge.h"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace firewright::iptables {
namespace {

// Equal for rules that may become one: everything but the destination ports.
std::string key(const ir::Rule& rule) {
  auto match = rule.match;
  match.destination_ports = PortSet::all();
  return to_text(match);
}

MergedRule single(const ir::Rule& rule) {
  MergedRule merged{.rule = rule, .labels = {}};
  if (rule.origin.kind == ir::OriginKind::exception && !rule.origin.label.empty())
    merged.labels.push_back(rule.origin.label);
  return merged;
}

// What becomes one rule, gathered before it does, so that a long list costs n log n.
struct Gathered {
  std::vector<Interval<Port>> ports;
  std::set<std::string_view> labels;  // of rules that outlive it
};

void gather(Gathered& into, const ir::Rule& rule) {
  const auto ports = rule.match.destination_ports.intervals();
  into.ports.insert(into.ports.end(), ports.begin(), ports.end());
}

}  // namespace

bool without_order(const ir::Rule& rule) {
  return rule.origin.kind == ir::OriginKind::exception && rule.effects.empty() &&
         rule.match.predicates.empty();
}

std::vector<MergedRule> merge_ports(const std::vector<ir::Rule>& rules) {
  std::vector<MergedRule> result;
  result.reserve(rules.size());
  std::unordered_map<std::string, std::size_t> run;  // key -> place in result
  std::map<std::size_t, Gathered> gathered;          // by place in result
  std::optional<ir::Verdict> run_verdict;            // unset: not in a run
  for (const auto& rule : rules) {
    if (!without_order(rule) || run_verdict != rule.verdict) run.clear();
    run_verdict = without_order(rule) ? std::optional(rule.verdict) : std::nullopt;
    if (!run_verdict || rule.match.destination_ports.is_all()) {
      result.push_back(single(rule));
      continue;
    }
    const auto [place, is_new] = run.emplace(key(rule), result.size());
    if (is_new) {
      result.push_back(single(rule));
      auto& first = gathered[place->second];
      gather(first, rule);
      first.labels.insert(rule.origin.label);
      continue;
    }
    auto& merged = gathered[place->second];
    gather(merged, rule);
    if (!rule.origin.label.empty() && merged.labels.insert(rule.origin.label).second)
      result[place->second].labels.push_back(rule.origin.label);
  }
  for (auto& [place, merged] : gathered)
    result[place].rule.match.destination_ports = PortSet(std::move(merged.ports));
  return result;
}

}  // namespace firewright::iptables
