#include <deque>
#include <map>
#include <set>

#include "compiler/semantics/compare.h"

namespace firewright::semantics {
namespace {

// Buckets of the same size that fill at the same speed are the same kind: 60/minute is 1/second.
using Kind = decltype(ir::Predicate::test);

Kind kind(ir::Predicate predicate) {
  if (auto* rate = std::get_if<ir::RateLimit>(&predicate.test)) {
    while (rate->unit != ir::TimeUnit::second) {
      const auto smaller = static_cast<ir::TimeUnit>(static_cast<std::uint8_t>(rate->unit) - 1);
      const auto factor =
          static_cast<std::uint32_t>(ir::seconds(rate->unit) / ir::seconds(smaller));
      if (rate->packets % factor != 0) break;
      rate->packets /= factor;
      rate->unit = smaller;
    }
  }
  return predicate.test;
}

// Each once, in the order in which the rules name them.
std::vector<ir::Predicate> in_order(const ir::Program& program) {
  std::vector<ir::Predicate> list;
  std::set<ir::Predicate> seen;
  for (const auto& chain : program.chains)
    for (const auto& rule : chain.rules)
      for (const auto& predicate : rule.match.predicates)
        if (seen.insert(predicate).second) list.push_back(predicate);
  return list;
}

}  // namespace

ir::Program align_predicates(const ir::Program& reference, ir::Program program) {
  const auto theirs = in_order(program);
  if (theirs.empty()) return program;
  std::map<ir::Predicate, ir::Predicate> partner;
  std::set<ir::Predicate> taken;
  std::map<Kind, std::deque<ir::Predicate>> open;
  std::map<std::pair<std::string, Kind>, ir::Predicate> named;
  for (const auto& predicate : in_order(reference))
    named.emplace(std::pair{predicate.instance, kind(predicate)}, predicate);
  for (const auto& predicate : theirs)
    if (const auto found = named.find({predicate.instance, kind(predicate)}); found != named.end()) {
      if (taken.insert(found->second).second) partner.emplace(predicate, found->second);
    }
  for (const auto& predicate : in_order(reference))
    if (!taken.contains(predicate)) open[kind(predicate)].push_back(predicate);
  for (const auto& predicate : theirs) {
    auto& candidates = open[kind(predicate)];
    if (partner.contains(predicate) || candidates.empty()) continue;
    partner.emplace(predicate, candidates.front());
    candidates.pop_front();
  }
  unsigned stranger = 0;
  for (const auto& predicate : theirs) {
    if (partner.contains(predicate)) continue;
    auto own = predicate;
    own.instance = "unmatched-" + std::to_string(++stranger) + "-" + predicate.instance;
    partner.emplace(predicate, std::move(own));
  }
  for (auto& chain : program.chains)
    for (auto& rule : chain.rules)
      for (auto& predicate : rule.match.predicates) predicate = partner.at(predicate);
  return program;
}

}  // namespace firewright::semantics
