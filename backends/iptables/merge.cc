#include "backends/iptables/merge.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>

namespace firewright::iptables {
namespace {

bool mergeable(const ir::Rule& rule) {
  return rule.origin.kind == ir::OriginKind::exception && rule.effects.empty() &&
         rule.match.predicates.empty();
}

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

void merge(MergedRule& into, const ir::Rule& rule) {
  auto& ports = into.rule.match.destination_ports;
  ports = ports | rule.match.destination_ports;
  const auto& label = rule.origin.label;
  if (!label.empty() &&
      std::find(into.labels.begin(), into.labels.end(), label) == into.labels.end())
    into.labels.push_back(label);
}

}  // namespace

std::vector<MergedRule> merge_ports(const std::vector<ir::Rule>& rules) {
  std::vector<MergedRule> result;
  std::map<std::string, std::size_t> run;  // key -> place in result
  std::optional<ir::Verdict> run_verdict;  // unset: not in a run
  for (const auto& rule : rules) {
    if (!mergeable(rule) || run_verdict != rule.verdict) run.clear();
    run_verdict = mergeable(rule) ? std::optional(rule.verdict) : std::nullopt;
    if (!run_verdict || rule.match.destination_ports.is_all()) {
      result.push_back(single(rule));
      continue;
    }
    const auto [place, is_new] = run.emplace(key(rule), result.size());
    if (is_new)
      result.push_back(single(rule));
    else
      merge(result[place->second], rule);
  }
  return result;
}

}  // namespace firewright::iptables
