#include "backends/nftables/build.h"

#include <algorithm>
#include <list>
#include <map>
#include <set>
#include <utility>

#include "backends/nftables/fields.h"
#include "backends/nftables/matches.h"
#include "backends/nftables/merge.h"
#include "backends/nftables/names.h"

namespace firewright::nftables {
namespace {

// A rule of nft before its limits, effects and verdict are written.
struct Draft {
  MatchedRule matched;
  std::size_t chain = 0;
  const MergedRule* origin = nullptr;  // null: `matched` is all of it
};

std::string_view chain_name(ir::Hook hook) {
  switch (hook) {
    case ir::Hook::inbound: return "input";
    case ir::Hook::outbound: return "output";
    case ir::Hook::forward: return "forward";
  }
  return {};
}

// How long an empty bucket takes to fill, and at least a minute, so that a list of buckets can be
// read.
std::uint64_t idle_seconds(const ir::RateLimit& rate) {
  const std::uint64_t whole = ir::seconds(rate.unit) * rate.burst;
  return std::max<std::uint64_t>(60, (whole + rate.packets - 1) / rate.packets);
}

bool is_per_source(const ir::Predicate& predicate) {
  if (const auto* rate = std::get_if<ir::RateLimit>(&predicate.test)) return rate->per_source;
  if (const auto* limit = std::get_if<ir::ConnectionLimit>(&predicate.test))
    return limit->per_source;
  return false;
}

bool only_states(const ir::Rule& rule) {
  if (rule.match.states.is_all() || !rule.effects.empty()) return false;
  ir::Match rest = rule.match;
  rest.states = ir::StateSet::all();
  const auto kind = rule.verdict.kind;
  return rest == ir::Match{} &&
         (kind == ir::VerdictKind::accept || kind == ir::VerdictKind::drop) &&
         rule.origin.kind != ir::OriginKind::exception;
}

// Rules that look at the state only, as one map; the first one wins where they overlap.
VerdictMap state_map(const MergedRule* first, const MergedRule* last) {
  std::map<std::uint32_t, VerdictCode> verdicts;
  for (; first != last; ++first)
    for (const auto state : first->rule.match.states)
      verdicts.try_emplace(state_mask({state}), first->rule.verdict.kind == ir::VerdictKind::accept
                                                    ? VerdictCode::accept
                                                    : VerdictCode::drop);
  VerdictMap map{.field = Field::ct_state, .elements = {}};
  for (const auto& [state, verdict] : verdicts) {
    map.elements.keys.push_back({state, state});
    map.elements.verdicts.push_back({.code = verdict, .chain = {}});
  }
  return map;
}

class Builder {
 public:
  Ruleset build(const ir::Program& program, const backend::Options& options) {
    out_.table = options.nftables_table;
    policy_name_ = options.policy_name;
    for (const auto& chain : program.chains) {
      if (!chain.hook) continue;
      const BaseHook base{.hook = *chain.hook,
                          .priority = 0,
                          .policy_accepts = chain.policy == ir::VerdictKind::accept};
      out_.chains.push_back(
          {.name = std::string(chain_name(*chain.hook)), .base = base, .rules = {}});
      draft(chain);
    }
    for (const auto& draft : drafts_) count_uses(draft);
    name_address_sets();
    for (auto& draft : drafts_) finish(draft);
    return std::move(out_);
  }

 private:
  void draft(const ir::Chain& chain) {
    const auto& rules = merged_.emplace_back(merge(chain.rules));
    const std::size_t place = out_.chains.size() - 1;
    for (std::size_t i = 0; i < rules.size();) {
      std::size_t end = i;
      while (end < rules.size() && only_states(rules[end].rule)) ++end;
      if (end - i >= 2) {
        MatchedRule map;
        map.statements.emplace_back(state_map(rules.data() + i, rules.data() + end));
        drafts_.push_back({.matched = std::move(map), .chain = place, .origin = nullptr});
        i = end;
        continue;
      }
      draft(rules[i++], place);
    }
  }

  void draft(const MergedRule& merged, std::size_t chain) {
    const auto& rule = merged.rule;
    if (rule.verdict.kind == ir::VerdictKind::next && rule.effects.empty()) return;
    const bool by_family =
        std::any_of(rule.match.predicates.begin(), rule.match.predicates.end(), is_per_source);
    for (auto& matched : lower_match(rule.match, by_family))
      drafts_.push_back({.matched = std::move(matched), .chain = chain, .origin = &merged});
  }

  void count_uses(const Draft& draft) {
    if (draft.origin == nullptr) return;
    for (const auto& predicate : draft.origin->rule.match.predicates) ++uses_[predicate];
  }

  // --- address sets

  struct SharedSet {
    std::size_t uses = 0;
    std::string name;
  };
  using SetKey = std::pair<DataType, std::vector<Range>>;

  // A list that is long, or stands in several rules, gets a name, which is that of the first
  // exception that uses it. Equal lists share one set.
  void name_address_sets() {
    std::map<SetKey, SharedSet> shared;
    each_address_list([&](const Draft&, Match& match, Elements& elements) {
      ++shared[{facts(match.field).type, elements.keys}].uses;
    });
    each_address_list([&](const Draft& draft, Match& match, Elements& elements) {
      constexpr std::size_t longest_inline = 6;
      const auto type = facts(match.field).type;
      auto& set = shared[{type, elements.keys}];
      const bool named =
          elements.keys.size() > longest_inline || (set.uses > 1 && elements.keys.size() > 2);
      if (!named) return;
      if (set.name.empty()) {
        set.name = new_set_name(draft, match.field);
        out_.sets.push_back({.name = set.name,
                             .type = type,
                             .elements = std::move(elements),
                             .dynamic = false,
                             .size = 0,
                             .timeout_seconds = 0,
                             .comment = {}});
      }
      match.value = SetName{set.name};
    });
  }

  template <class Visit>
  void each_address_list(Visit visit) {
    for (auto& draft : drafts_)
      for (auto& statement : draft.matched.statements) {
        auto* match = std::get_if<Match>(&statement);
        if (match == nullptr) continue;
        const auto type = facts(match->field).type;
        if (type != DataType::ipv4_addr && type != DataType::ipv6_addr) continue;
        if (auto* elements = std::get_if<Elements>(&match->value)) visit(draft, *match, *elements);
      }
  }

  // "from-office-v4". It begins with a word and holds a '-', so it is no keyword.
  std::string new_set_name(const Draft& draft, Field field) {
    const bool source = field == Field::ip_saddr || field == Field::ip6_saddr;
    const bool v4 = field == Field::ip_saddr || field == Field::ip_daddr;
    const auto& origin = draft.origin->rule.origin;
    const std::string label = slug(origin.label);
    const std::string stem = (source ? "from-" : "to-") + (label.empty() ? "addresses" : label);
    const std::string family = v4 ? "-v4" : "-v6";
    std::string name = stem + family;
    for (unsigned n = 2; !set_names_.insert(name).second; ++n)
      name = stem + "-" + std::to_string(n) + family;
    return name;
  }

  // --- limits, effects, verdict

  void finish(Draft& draft) {
    if (draft.origin == nullptr) {
      add_rule(draft.chain, std::move(draft.matched.statements), {});
      return;
    }
    const auto& rule = draft.origin->rule;
    const std::string comment = comment_of(*draft.origin);
    auto& matched = draft.matched;
    // Open connections are asked first, so that no token is spent on one too many.
    if (const auto* shared = shared_connection_limit(rule)) {
      limit_chain(*shared, rule);
      matched.statements.emplace_back(
          Verdict{.code = VerdictCode::jump, .chain = "limit-" + shared->instance});
    } else {
      for (const auto& predicate : rule.match.predicates)
        if (std::holds_alternative<ir::ConnectionLimit>(predicate.test))
          add_limit(predicate, matched);
      add_rates_and_verdict(rule, matched, /*in_chain=*/false);
    }
    add_rule(draft.chain, std::move(matched.statements), comment);
  }

  // The policy's name stands where the policy ends. A rule can be changed in place; the comment of
  // a table or chain stays as it was made.
  [[nodiscard]] std::string comment_of(const MergedRule& merged) const {
    if (merged.rule.origin.kind == ir::OriginKind::default_verdict && !policy_name_.empty())
      return comment_text("default of " + policy_name_);
    return comment_text(merged.labels);
  }

  void add_rule(std::size_t chain, std::vector<Statement> statements, std::string comment) {
    out_.chains[chain].rules.push_back(
        {.statements = std::move(statements), .comment = std::move(comment)});
  }

  // The limit on all open connections that several rules of nft share, if the rule has one.
  const ir::Predicate* shared_connection_limit(const ir::Rule& rule) const {
    for (const auto& predicate : rule.match.predicates)
      if (std::holds_alternative<ir::ConnectionLimit>(predicate.test) &&
          !is_per_source(predicate) && uses_.at(predicate) > 1)
        return &predicate;
    return nullptr;
  }

  // The chain that counts: entered by whatever matches the exception, left where the limit is
  // reached.
  void limit_chain(const ir::Predicate& predicate, const ir::Rule& rule) {
    const std::string name = "limit-" + predicate.instance;
    if (!limit_chains_.insert(name).second) return;
    MatchedRule inside;
    add_limit(predicate, inside);
    add_rates_and_verdict(rule, inside, /*in_chain=*/true);
    out_.chains.push_back({.name = name, .base = std::nullopt, .rules = {}});
    add_rule(out_.chains.size() - 1, std::move(inside.statements), {});
  }

  void add_rates_and_verdict(const ir::Rule& rule, MatchedRule& matched, bool in_chain) {
    for (const auto& predicate : rule.match.predicates) {
      const auto* rate = std::get_if<ir::RateLimit>(&predicate.test);
      if (rate == nullptr) continue;
      if (in_chain)
        matched.statements.emplace_back(plain_limit(*rate));
      else
        add_limit(predicate, matched);
    }
    if (rule.effects.count)
      matched.statements.emplace_back(UseCounter{counter(*rule.effects.count)});
    if (rule.effects.log) matched.statements.emplace_back(Log{*rule.effects.log});
    add_verdict(rule.verdict, matched);
  }

  static Limit plain_limit(const ir::RateLimit& rate) {
    return {.rate = rate.packets, .unit = rate.unit, .burst = rate.burst};
  }

  void add_limit(const ir::Predicate& predicate, MatchedRule& matched) {
    if (is_per_source(predicate)) {
      imply_family(matched);
      matched.statements.emplace_back(per_source(predicate, *matched.family));
      return;
    }
    if (const auto* limit = std::get_if<ir::ConnectionLimit>(&predicate.test)) {
      matched.statements.emplace_back(ConnectionCount{limit->connections});
    } else if (const auto* rate = std::get_if<ir::RateLimit>(&predicate.test)) {
      if (uses_.at(predicate) == 1) {
        matched.statements.emplace_back(plain_limit(*rate));
        return;
      }
      const std::string name = "limit-" + predicate.instance;
      if (named_limits_.insert(name).second)
        out_.limits.push_back({.name = name, .limit = plain_limit(*rate)});
      matched.statements.emplace_back(UseLimit{name});
    }
  }

  DynamicSet per_source(const ir::Predicate& predicate, Family family) {
    const bool v4 = family == Family::ipv4;
    const Field key = v4 ? Field::ip_saddr : Field::ip6_saddr;
    const auto* rate = std::get_if<ir::RateLimit>(&predicate.test);
    const std::string name =
        (rate != nullptr ? "limit-" : "connections-") + predicate.instance + (v4 ? "-v4" : "-v6");
    if (set_names_.insert(name).second)
      out_.sets.push_back({.name = name,
                           .type = facts(key).type,
                           .elements = {},
                           .dynamic = true,
                           .size = dynamic_set_size,
                           .timeout_seconds = rate != nullptr ? idle_seconds(*rate) : 0,
                           .comment = {}});
    DynamicSet statement{.set = name, .key = key, .update = rate != nullptr, .test = {}};
    if (rate != nullptr)
      statement.test = plain_limit(*rate);
    else
      statement.test = ConnectionCount{std::get<ir::ConnectionLimit>(predicate.test).connections};
    return statement;
  }

  std::string counter(const std::string& name) {
    std::string full = "count-" + name;
    if (counter_names_.insert(full).second) out_.counters.push_back(full);
    return full;
  }

  static void add_verdict(const ir::Verdict& verdict, MatchedRule& matched) {
    switch (verdict.kind) {
      case ir::VerdictKind::accept:
        matched.statements.emplace_back(Verdict{.code = VerdictCode::accept, .chain = {}});
        return;
      case ir::VerdictKind::drop:
        matched.statements.emplace_back(Verdict{.code = VerdictCode::drop, .chain = {}});
        return;
      case ir::VerdictKind::reject:
        matched.statements.emplace_back(
            Reject{.kind = verdict.reject,
                   .family = matched.family_is_known ? matched.family : std::nullopt});
        return;
      case ir::VerdictKind::next:
      case ir::VerdictKind::jump:
      case ir::VerdictKind::go_to:
      case ir::VerdictKind::return_: return;  // refused by `capable`, but for `next`
    }
  }

  Ruleset out_;
  std::string policy_name_;
  std::list<std::vector<MergedRule>> merged_;  // drafts point into it
  std::vector<Draft> drafts_;
  std::map<ir::Predicate, std::size_t> uses_;
  std::set<std::string> set_names_;
  std::set<std::string> counter_names_;
  std::set<std::string> named_limits_;
  std::set<std::string> limit_chains_;
};

}  // namespace

Ruleset build(const ir::Program& program, const backend::Options& options) {
  return Builder().build(program, options);
}

}  // namespace firewright::nftables
