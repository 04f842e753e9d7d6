// The encoder, sabotaged between its stages: after exceptions are merged, before their rules are
// written. Each sabotage is a slip that an encoder could have; the proof catches each.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>

#include "backends/iptables/encode.h"
#include "backends/iptables/merge.h"
#include "backends/iptables/rules.h"
#include "backends/iptables/runs.h"
#include "backends/iptables/table.h"
#include "tests/backends/iptables/build_program.h"
#include "tests/backends/iptables/corpus.h"
#include "tests/backends/iptables/large_program.h"
#include "tests/backends/iptables/mutate.h"

namespace firewright::iptables::test {
namespace {

using semantics::Answer;
using Rules = std::vector<MergedRule>;

struct Sabotage {
  std::string name;
  std::function<void(Rules&, Family)> rules;       // of one chain
  std::function<void(ir::Program&)> limits;        // what the writer is told about shared limits
  std::function<Family(Family)> family;            // for which the rules are written
  std::function<ir::Hook(ir::Hook)> hook;          // in whose chain they are written
  std::function<std::string(std::string)> policy;  // of a built-in chain
  bool last_rule = true;                           // a dropping chain ends in a rule
};

const char* built_in(ir::Hook hook) {
  switch (hook) {
    case ir::Hook::inbound: return "INPUT";
    case ir::Hook::forward: return "FORWARD";
    case ir::Hook::outbound: return "OUTPUT";
  }
  return "";
}

// The stages of encode(), in replace mode, with the sabotage between them.
std::string assembled(const ir::Program& program, Family family, const Sabotage& sabotage,
                      Sets* sets = nullptr) {
  auto counted = program;
  if (sabotage.limits) sabotage.limits(counted);
  Table table;
  RuleWriter writer(table, counted, sabotage.family ? sabotage.family(family) : family, sets);
  constexpr ir::Hook hooks[] = {ir::Hook::inbound, ir::Hook::forward, ir::Hook::outbound};
  for (const auto hook : hooks)
    if (const auto* chain = program.find(hook)) {
      const std::string policy = chain->policy == ir::VerdictKind::drop ? "DROP" : "ACCEPT";
      table.declare(built_in(hook), sabotage.policy ? sabotage.policy(policy) : policy);
    }
  for (const auto hook : hooks) {
    const auto* chain = program.find(hook);
    if (chain == nullptr) continue;
    auto rules = merge_ports(chain->rules);
    const bool accepts = chain->policy == ir::VerdictKind::accept;
    if (accepts && !rules.empty() &&
        rules.back().rule.origin.kind == ir::OriginKind::default_verdict &&
        rules.back().rule.effects.empty() && decides_everything(rules.back().rule, hook, family))
      rules.pop_back();
    if (!sabotage.last_rule && !rules.empty()) rules.pop_back();
    const bool decided = !rules.empty() && decides_everything(rules.back().rule, hook, family);
    if (sabotage.rules) sabotage.rules(rules, family);
    const auto into = sabotage.hook ? sabotage.hook(hook) : hook;
    RunWriter writing(writer, hook);
    for (const auto run : runs_of(rules))
      for (const auto& line : writing.lines(run))
        table.append(built_in(program.find(into) == nullptr ? hook : into), line);
    if (sabotage.last_rule && !decided && !accepts)
      table.append(built_in(hook), {.match = {}, .target = "DROP", .comment = {}});
  }
  std::string text = "*filter\n";
  table.append_declarations(text);
  table.append_rules(text);
  return text + "COMMIT\n";
}

bool manages_all(const ir::Program& program) {
  return program.find(ir::Hook::inbound) != nullptr && program.find(ir::Hook::forward) != nullptr &&
         program.find(ir::Hook::outbound) != nullptr;
}

// For each rule on its own.
Sabotage each(std::string name, std::function<void(ir::Rule&, Family)> change) {
  Sabotage sabotage;
  sabotage.name = std::move(name);
  sabotage.rules = [change = std::move(change)](Rules& rules, Family family) {
    for (auto& merged : rules) {
      change(merged.rule, family);
      if (!ir::valid(merged.rule.match)) ir::restrict_families(merged.rule.match, FamilySet::all());
    }
  };
  return sabotage;
}

Sabotage on_list(std::string name, std::function<void(Rules&)> change) {
  Sabotage sabotage;
  sabotage.name = std::move(name);
  sabotage.rules = [change = std::move(change)](Rules& rules, Family) { change(rules); };
  return sabotage;
}

template <class T>
IntervalSet<T> hull(const IntervalSet<T>& set) {
  if (set.empty()) return set;
  return IntervalSet<T>{{set.intervals().front().first, set.intervals().back().last}};
}

template <class T>
IntervalSet<T> without_last(const IntervalSet<T>& set) {
  if (set.intervals().size() < 2) return set;
  return set - IntervalSet<T>{set.intervals().back()};
}

bool is_kind(const ir::Rule& rule, ir::OriginKind kind) { return rule.origin.kind == kind; }

Rules::iterator of_kind(Rules& rules, ir::OriginKind kind) {
  return std::ranges::find_if(rules, [&](const MergedRule& m) { return is_kind(m.rule, kind); });
}

void change_rates(ir::Rule& rule, const std::function<void(ir::RateLimit&)>& change) {
  for (auto& predicate : rule.match.predicates)
    if (auto* rate = std::get_if<ir::RateLimit>(&predicate.test)) change(*rate);
}

std::vector<Sabotage> sabotages() {
  std::vector<Sabotage> list;
  // --- order and membership
  list.push_back(on_list("exceptions in reverse", [](Rules& rules) {
    const auto is_exception = [](const MergedRule& m) {
      return is_kind(m.rule, ir::OriginKind::exception);
    };
    const auto first = std::ranges::find_if(rules, is_exception);
    std::reverse(first, std::find_if_not(first, rules.end(), is_exception));
  }));
  list.push_back(on_list("the last exception forgotten", [](Rules& rules) {
    for (auto it = rules.rbegin(); it != rules.rend(); ++it)
      if (is_kind(it->rule, ir::OriginKind::exception)) {
        rules.erase(std::next(it).base());
        return;
      }
  }));
  list.push_back(on_list("no answers to established connections", [](Rules& rules) {
    const auto found = of_kind(rules, ir::OriginKind::established);
    if (found != rules.end()) rules.erase(found);
  }));
  list.push_back(on_list("rules without a verdict left out", [](Rules& rules) {
    std::erase_if(rules,
                  [](const MergedRule& m) { return m.rule.verdict.kind == ir::VerdictKind::next; });
  }));
  list.push_back(on_list("merged over a rule of another verdict", [](Rules& rules) {
    for (std::size_t i = 0; i + 1 < rules.size(); ++i) {
      auto& here = rules[i].rule;
      const auto& next = rules[i + 1].rule;
      if (here.match.protocols != next.match.protocols || here.verdict == next.verdict) continue;
      here.match.destination_ports = here.match.destination_ports | next.match.destination_ports;
    }
  }));
  list.push_back(on_list("merged without a look at the source", [](Rules& rules) {
    for (std::size_t i = 0; i + 1 < rules.size(); ++i) {
      auto& here = rules[i].rule.match;
      const auto& next = rules[i + 1].rule.match;
      if (here.protocols == next.protocols && !here.destination_ports.is_all())
        here.destination_ports = here.destination_ports | next.destination_ports;
    }
  }));
  {
    Sabotage sabotage;
    sabotage.name = "policy accept, and no last rule";
    sabotage.policy = [](const std::string&) { return "ACCEPT"; };
    sabotage.last_rule = false;
    list.push_back(std::move(sabotage));
  }
  {
    Sabotage sabotage;
    sabotage.name = "inbound and outbound swapped";
    sabotage.hook = [](ir::Hook hook) {
      if (hook == ir::Hook::forward) return hook;
      return hook == ir::Hook::inbound ? ir::Hook::outbound : ir::Hook::inbound;
    };
    list.push_back(std::move(sabotage));
  }
  {
    Sabotage sabotage;
    sabotage.name = "the other family's rules";
    sabotage.family = [](Family family) {
      return family == Family::ipv4 ? Family::ipv6 : Family::ipv4;
    };
    list.push_back(std::move(sabotage));
  }
  {
    Sabotage sabotage;
    sabotage.name = "a shared limit in each rule again";
    sabotage.limits = [](ir::Program& program) {
      std::vector<std::vector<ir::Predicate>> seen;
      for (auto& chain : program.chains)
        std::erase_if(chain.rules, [&](const ir::Rule& rule) {
          if (rule.match.predicates.empty()) return false;
          const bool known = std::ranges::find(seen, rule.match.predicates) != seen.end();
          seen.push_back(rule.match.predicates);
          return known;
        });
    };
    list.push_back(std::move(sabotage));
  }

  // --- one field
  list.push_back(each("an empty list is any", [](ir::Rule& rule, Family family) {
    auto& match = rule.match;
    if (match.families.contains(family) || !match.icmp.is_all() || match.source.is_all()) return;
    match.families = FamilySet::all();
    for (auto* set : {&match.source, &match.destination}) {
      if (set->v4.empty()) set->v4 = Ipv4Set::all();
      if (set->v6.empty()) set->v6 = Ipv6Set::all();
    }
  }));
  list.push_back(each("the last source forgotten", [](ir::Rule& rule, Family) {
    rule.match.source.v4 = without_last(rule.match.source.v4);
    rule.match.source.v6 = without_last(rule.match.source.v6);
  }));
  list.push_back(each("sources from the first to the last", [](ir::Rule& rule, Family) {
    rule.match.source = {.v4 = hull(rule.match.source.v4), .v6 = hull(rule.match.source.v6)};
  }));
  list.push_back(each("source and destination swapped", [](ir::Rule& rule, Family) {
    std::swap(rule.match.source, rule.match.destination);
  }));
  list.push_back(each("ports from the first to the last", [](ir::Rule& rule, Family) {
    rule.match.destination_ports = hull(rule.match.destination_ports);
  }));
  list.push_back(each("the last port forgotten", [](ir::Rule& rule, Family) {
    rule.match.destination_ports = without_last(rule.match.destination_ports);
  }));
  list.push_back(each("source ports for destination ports", [](ir::Rule& rule, Family) {
    std::swap(rule.match.source_ports, rule.match.destination_ports);
  }));
  list.push_back(each("the last protocol forgotten", [](ir::Rule& rule, Family) {
    rule.match.protocols = without_last(rule.match.protocols);
  }));
  list.push_back(each("one code of an ICMP type", [](ir::Rule& rule, Family) {
    if (rule.match.icmp.is_all()) return;
    const auto first = rule.match.icmp.intervals().front().first;
    rule.match.icmp = IcmpSet::of(first);
  }));
  list.push_back(each("a negated interface without its negation", [](ir::Rule& rule, Family) {
    if (rule.match.in.complemented() && !rule.match.in.is_any())
      rule.match.in = ir::InterfaceSet::of(rule.match.in.patterns());
  }));
  list.push_back(each("a wildcard without its star", [](ir::Rule& rule, Family) {
    auto patterns = rule.match.in.patterns();
    for (auto& pattern : patterns) pattern.wildcard = false;
    rule.match.in = rule.match.in.complemented() ? ir::InterfaceSet::except(std::move(patterns))
                                                 : ir::InterfaceSet::of(std::move(patterns));
  }));
  list.push_back(each("loopback is everywhere", [](ir::Rule& rule, Family) {
    if (is_kind(rule, ir::OriginKind::loopback)) rule.match.in = ir::InterfaceSet::any();
  }));
  list.push_back(each("new connections are any", [](ir::Rule& rule, Family) {
    if (rule.match.states == ir::StateSet{ir::ConntrackState::fresh})
      rule.match.states = ir::StateSet::all();
  }));
  list.push_back(each("owners forgotten", [](ir::Rule& rule, Family) {
    rule.match.users = OwnerSet::all();
    rule.match.groups = OwnerSet::all();
  }));

  // --- limits
  list.push_back(
      each("limits forgotten", [](ir::Rule& rule, Family) { rule.match.predicates.clear(); }));
  list.push_back(each("a burst too large", [](ir::Rule& rule, Family) {
    change_rates(rule, [](ir::RateLimit& rate) { ++rate.burst; });
  }));
  list.push_back(each("one bucket for all sources", [](ir::Rule& rule, Family) {
    change_rates(rule, [](ir::RateLimit& rate) { rate.per_source = false; });
  }));
  list.push_back(each("one bucket for all exceptions", [](ir::Rule& rule, Family) {
    for (auto& predicate : rule.match.predicates) predicate.instance = "limit";
  }));

  // --- what happens
  list.push_back(each("every rejection the same", [](ir::Rule& rule, Family) {
    if (rule.verdict.kind == ir::VerdictKind::reject)
      rule.verdict.reject = ir::RejectKind::admin_prohibited;
  }));
  list.push_back(each("reject is drop", [](ir::Rule& rule, Family) {
    if (rule.verdict.kind == ir::VerdictKind::reject) rule.verdict = ir::Verdict::drop();
  }));
  list.push_back(each("logs forgotten", [](ir::Rule& rule, Family) { rule.effects.log.reset(); }));
  list.push_back(each("every log the same", [](ir::Rule& rule, Family) {
    if (rule.effects.log) rule.effects.log = "firewright: ";
  }));
  list.push_back(
      each("counters forgotten", [](ir::Rule& rule, Family) { rule.effects.count.reset(); }));
  return list;
}

// The stages above are the encoder's, as long as nobody sabotages them.
TEST(IptablesSabotage, TheSeamIsTrue) {
  for (const auto& example : corpus()) {
    if (!manages_all(example.program)) continue;
    backend::Options options = example.options;
    options.iptables_coexist = false;
    const auto artifact = encode(example.program, options);
    for (const auto family : FamilySet::all()) {
      const auto& whole = artifact.find(family == Family::ipv4 ? "v4" : "v6")->bytes;
      EXPECT_EQ(assembled(example.program, family, {}), whole.substr(whole.find("*filter")))
          << example.name;
    }
    options.iptables_ipset = true;
    const auto with_sets = encode(example.program, options);
    Sets sets;
    for (const auto family : FamilySet::all()) {
      const auto& whole = with_sets.find(family == Family::ipv4 ? "v4" : "v6")->bytes;
      EXPECT_EQ(assembled(example.program, family, {}, &sets), whole.substr(whole.find("*filter")))
          << example.name;
    }
    const auto& whole = with_sets.find("sets")->bytes;
    EXPECT_EQ(sets.text(), whole.substr(whole.find('\n') + 1)) << example.name;
  }
}

TEST(IptablesSabotage, EachIsCaught) {
  const auto list = sabotages();
  EXPECT_GE(list.size(), 20U);
  for (const auto& sabotage : list) {
    SCOPED_TRACE(sabotage.name);
    std::size_t caught = 0;
    for (const auto& example : corpus()) {
      if (!manages_all(example.program)) continue;
      SCOPED_TRACE(example.name);
      const auto v4 = assembled(example.program, Family::ipv4, sabotage);
      const auto v6 = assembled(example.program, Family::ipv6, sabotage);
      const auto read = read_files(v4, v6);
      if (!read.program) {
        ++caught;
        continue;
      }
      const auto comparison = semantics::compare(example.program, *read.program);
      ASSERT_NE(comparison.answer, Answer::not_proved);
      ASSERT_EQ(contradiction(example.program, *read.program, comparison, 150), "") << v4 << v6;
      const bool same = v4 == assembled(example.program, Family::ipv4, {}) &&
                        v6 == assembled(example.program, Family::ipv6, {});
      if (same) {
        EXPECT_EQ(comparison.answer, Answer::equal);
      }
      if (comparison.answer == Answer::different) ++caught;
    }
    EXPECT_GT(caught, 0U);
  }
}

// The same with long lists and crowds in sets.
TEST(IptablesSabotage, EachIsCaughtInSets) {
  std::vector<std::string> many;
  for (unsigned i = 0; i < 20; ++i) many.push_back("198.51.100." + std::to_string(2 * i));
  for (unsigned i = 0; i < 20; ++i) many.push_back("2001:db8:5::" + std::to_string(2 * i));
  auto program = one_by_one(30);
  auto& rules = program.chains.front().rules;
  rules.insert(rules.begin(),
               {reject("no", ir::RejectKind::admin_prohibited).from(many).udp({9}),
                deny("bad").from(many).log("bad: "), allow("to").to(many).udp({53}).count("to")});
  const auto of = [&](const Sabotage& sabotage) {
    Sets sets;
    const auto v4 = assembled(program, Family::ipv4, sabotage, &sets);
    const auto v6 = assembled(program, Family::ipv6, sabotage, &sets);
    return std::array{v4, v6, sets.text()};
  };
  const auto sound = of({});
  EXPECT_NE(sound[0].find("src,dst"), std::string::npos);
  std::size_t changed = 0;
  for (const auto& sabotage : sabotages()) {
    SCOPED_TRACE(sabotage.name);
    const auto files = of(sabotage);
    if (files == sound) continue;
    ++changed;
    const auto read = read_files(files[0], files[1], files[2]);
    if (!read.program) continue;
    const auto comparison = semantics::compare(program, *read.program);
    ASSERT_NE(comparison.answer, Answer::not_proved);
    ASSERT_EQ(contradiction(program, *read.program, comparison, 150), "") << files[0] << files[2];
    EXPECT_EQ(comparison.answer, Answer::different) << files[0] << files[2];
  }
  EXPECT_GE(changed, 12U);
}

}  // namespace
}  // namespace firewright::iptables::test
