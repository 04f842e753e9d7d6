#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

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

// A predicate as one family's packets meet it. What is kept for each source apart is two buckets'
// worth of state, since no source has both families, and may be paired family by family; anything
// else is one for both (family: none).
struct Use {
  ir::Predicate predicate;
  std::optional<Family> family;
  auto operator<=>(const Use&) const = default;
};

bool per_source(const ir::Predicate& predicate) {
  if (const auto* rate = std::get_if<ir::RateLimit>(&predicate.test)) return rate->per_source;
  if (const auto* connections = std::get_if<ir::ConnectionLimit>(&predicate.test))
    return connections->per_source;
  return false;
}

Use use(const ir::Predicate& predicate, Family family) {
  return {predicate, per_source(predicate) ? std::optional(family) : std::nullopt};
}

// The uses in a program, each once, in the order in which packets come to them: hook by hook,
// family by family, and through the chains as they jump, in whatever order a file has them.
class Walk {
 public:
  explicit Walk(const ir::Program& program) : program_(program) {
    for (const auto& chain : program.chains) chains_.emplace(chain.name, &chain);
  }

  std::vector<Use> uses() {
    for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward})
      for (const auto family : FamilySet::all()) {
        entered_.clear();
        for (const auto& chain : program_.chains)
          if (chain.hook == hook) follow(chain, family);
      }
    // What is left in chains that nothing jumps to.
    for (const auto& chain : program_.chains)
      for (const auto& rule : chain.rules)
        for (const auto family : rule.match.families) take(rule, family);
    return std::move(list_);
  }

 private:
  void take(const ir::Rule& rule, Family family) {
    for (const auto& predicate : rule.match.predicates)
      if (auto one = use(predicate, family); seen_.insert(one).second)
        list_.push_back(std::move(one));
  }

  void follow(const ir::Chain& base, Family family) {
    std::vector<std::pair<const ir::Chain*, std::size_t>> path{{&base, 0}};
    while (!path.empty()) {
      auto& [chain, next] = path.back();
      if (next == chain->rules.size()) {
        path.pop_back();
        continue;
      }
      const auto& rule = chain->rules[next++];
      if (!rule.match.families.contains(family)) continue;
      take(rule, family);
      if (rule.verdict.chain.empty()) continue;
      const auto target = chains_.find(rule.verdict.chain);
      if (target != chains_.end() && entered_.insert(target->second).second)
        path.emplace_back(target->second, 0);
    }
  }

  const ir::Program& program_;
  std::map<std::string_view, const ir::Chain*> chains_;
  std::set<const ir::Chain*> entered_;
  std::set<Use> seen_;
  std::vector<Use> list_;
};

std::vector<Use> uses(const ir::Program& program) {
  const bool any = std::ranges::any_of(program.chains, [](const ir::Chain& chain) {
    return std::ranges::any_of(chain.rules,
                               [](const ir::Rule& rule) { return !rule.match.predicates.empty(); });
  });
  if (!any) return {};
  return Walk(program).uses();
}

class Aligner {
 public:
  Aligner(const ir::Program& reference, std::vector<Use> theirs) : theirs_(std::move(theirs)) {
    const auto ours = uses(reference);
    for (const auto& one : ours)
      named_.emplace(std::tuple{one.predicate.instance, kind(one.predicate), one.family},
                     one.predicate);
    for (const auto& one : theirs_) {
      const auto found = named_.find({one.predicate.instance, kind(one.predicate), one.family});
      if (found != named_.end()) pair(one, found->second);
    }
    for (const auto& one : ours)
      if (!taken_.contains(one)) open_[{kind(one.predicate), one.family}].push_back(one.predicate);
    for (const auto& one : theirs_)
      if (!partner_.contains(one)) find_partner(one);
  }

  void rename(ir::Rule& rule) {
    for (auto& predicate : rule.match.predicates) {
      const ir::Predicate* common = nullptr;
      bool same = true;
      for (const auto family : rule.match.families) {
        const auto& partner = partner_.at(use(predicate, family));
        same = same && (common == nullptr || *common == partner);
        common = &partner;
      }
      if (common == nullptr) continue;
      predicate = same ? *common : stranger(predicate);
    }
  }

 private:
  void pair(const Use& theirs, const ir::Predicate& ours) {
    if (taken_.insert({ours, theirs.family}).second) partner_.emplace(theirs, ours);
  }

  void find_partner(const Use& one) {
    // The one of the other family first.
    if (one.family) {
      const auto other = *one.family == Family::ipv4 ? Family::ipv6 : Family::ipv4;
      const auto known = partner_.find(Use{one.predicate, other});
      if (known != partner_.end()) {
        auto& candidates = open_[{kind(one.predicate), one.family}];
        const auto free = std::ranges::find(candidates, known->second);
        if (free != candidates.end()) {
          pair(one, *free);
          candidates.erase(free);
          return;
        }
      }
    }
    auto& candidates = open_[{kind(one.predicate), one.family}];
    if (candidates.empty()) {
      partner_.emplace(one, stranger(one.predicate));
      return;
    }
    pair(one, candidates.front());
    candidates.pop_front();
  }

  ir::Predicate stranger(ir::Predicate predicate) {
    predicate.instance = "unmatched-" + std::to_string(++strangers_) + "-" + predicate.instance;
    return predicate;
  }

  std::vector<Use> theirs_;
  std::map<std::tuple<std::string, Kind, std::optional<Family>>, ir::Predicate> named_;
  std::map<std::pair<Kind, std::optional<Family>>, std::deque<ir::Predicate>> open_;
  std::set<Use> taken_;  // of ours
  std::map<Use, ir::Predicate> partner_;
  unsigned strangers_ = 0;
};

}  // namespace

ir::Program align_predicates(const ir::Program& reference, ir::Program program) {
  auto theirs = uses(program);
  if (theirs.empty()) return program;
  Aligner aligner(reference, std::move(theirs));
  for (auto& chain : program.chains)
    for (auto& rule : chain.rules) aligner.rename(rule);
  return program;
}

}  // namespace firewright::semantics
