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
    layout_ = options.nftables_layout;
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
    const auto& rules = merged_.emplace_back(merge(chain.rules, layout_));
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
    if (merged.tuples) {
      const auto set = add_tuple_set(merged, out_.chains[chain].name);
      for (auto& matched : lower_lookup(rule.match, merged.tuples->parts, set))
        drafts_.push_back({.matched = std::move(matched), .chain = chain, .origin = &merged});
      return;
    }
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
        auto& made = out_.sets.back();
        if (!made.elements.has_intervals()) made.size = declared_size(made.elements.keys.size());
      }
      match.value = SetName{set.name};
    });
  }

  // Known sizes make the kernel choose a table that is filled three times as fast. There is room to
  // grow, so that some elements more are no other set. 0: it is not worth a word.
  static std::uint32_t declared_size(std::size_t count) {
    constexpr std::size_t few = 512;
    if (count <= few) return 0;
    std::size_t size = few;
    while (size < count + count / 4) size *= 2;
    return static_cast<std::uint32_t>(size);
  }

  // "from-office-24-v4" of one exception; of several "input-allow-from24-port-v4".
  std::string add_tuple_set(const MergedRule& merged, const std::string& chain) {
    const auto& tuples = *merged.tuples;
    const auto family =
        merged.rule.match.families.contains(Family::ipv4) ? Family::ipv4 : Family::ipv6;
    TupleSet set;
    std::string key;
    bool addresses = false;
    for (const auto& part : tuples.parts) {
      const auto type = facts(field_of(part.side, family, protocol::tcp)).type;
      set.types.push_back(type);
      const bool port = type == DataType::inet_service;
      addresses = addresses || !port;
      key += "-" + std::string(side_name(part.side));
      if (part.bits < 8 * facts(type).bytes) key += std::to_string(part.bits);
    }
    const bool alone = merged.labels.size() == 1;
    const auto stem = alone ? slug(merged.labels.front()) + key
                            : chain + "-" + std::string(verdict_name(merged.rule.verdict)) + key;
    const std::string family_name = !addresses ? "" : family == Family::ipv4 ? "-v4" : "-v6";
    set.name = "by-" + stem + family_name;
    for (unsigned n = 2; !set_names_.insert(set.name).second; ++n)
      set.name = "by-" + stem + "-" + std::to_string(n) + family_name;
    set.keys = tuples.keys;
    set.size = declared_size(set.keys.size() / set.width());
    out_.tuple_sets.push_back(std::move(set));
    return out_.tuple_sets.back().name;
  }

  static std::string_view side_name(Tuples::Side side) {
    switch (side) {
      case Tuples::Side::source: return "from";
      case Tuples::Side::destination: return "to";
      case Tuples::Side::source_port: return "sport";
      case Tuples::Side::destination_port: return "port";
    }
    return {};
  }
  static std::string_view verdict_name(const ir::Verdict& verdict) {
    switch (verdict.kind) {
      case ir::VerdictKind::accept: return "allow";
      case ir::VerdictKind::drop: return "deny";
      case ir::VerdictKind::reject: return "reject";
      case ir::VerdictKind::next:
      case ir::VerdictKind::jump:
      case ir::VerdictKind::go_to:
      case ir::VerdictKind::return_: break;
    }
    return "other";
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
    return merged.tuples ? first_of(merged.labels) : comment_text(merged.labels);
  }

  // Not how many there are: one more is to be an element more, and no other rule.
  static std::string first_of(const std::vector<std::string>& labels) {
    std::vector<std::string_view> taken;
    std::string text;
    for (const auto& label : labels) {
      if (std::ranges::find(taken, label) != taken.end()) continue;
      taken.push_back(label);
      text.append(text.empty() ? "" : ", ").append(label);
      if (text.size() > max_comment) break;
    }
    return comment_text(text);
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
  backend::NftablesLayout layout_ = backend::NftablesLayout::automatic;
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
