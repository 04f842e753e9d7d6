#include "compiler/semantics/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "compiler/semantics/digest.h"
#include "tests/semantics/random_programs.h"

namespace firewright::semantics {
namespace {

using ir::Program;
using ir::Rule;
using ir::Verdict;

Rule rule(ir::Match match, Verdict verdict) {
  Rule rule;
  rule.match = std::move(match);
  rule.verdict = std::move(verdict);
  return rule;
}

ir::Match tcp(std::uint16_t first, std::uint16_t last) {
  ir::Match match;
  match.protocols = ProtocolSet::of(protocol::tcp);
  match.destination_ports = PortSet{{Port{first}, Port{last}}};
  return match;
}

ir::Predicate limit(const std::string& instance, std::uint32_t packets, ir::TimeUnit unit) {
  return {.instance = instance, .test = ir::RateLimit{.packets = packets, .unit = unit}};
}

Program inbound(std::vector<Rule> rules) {
  Program program;
  program.chains.push_back({.name = "inbound",
                            .hook = ir::Hook::inbound,
                            .policy = ir::VerdictKind::drop,
                            .rules = std::move(rules)});
  return program;
}

TEST(Compare, EqualInAnotherForm) {
  const auto a = inbound({rule(tcp(20, 29), Verdict::accept())});
  const auto b =
      inbound({rule(tcp(25, 29), Verdict::accept()), rule(tcp(20, 24), Verdict::accept())});
  EXPECT_EQ(compare(a, b).answer, Answer::equal);
}

TEST(Compare, ADifferenceComesWithAPacketThatShowsIt) {
  const auto a = inbound({rule(tcp(20, 29), Verdict::accept())});
  const auto b = inbound({rule(tcp(20, 28), Verdict::accept())});
  const auto result = compare(a, b);
  ASSERT_EQ(result.answer, Answer::different);
  ASSERT_TRUE(result.difference);
  EXPECT_EQ(result.difference->packet.destination_port, Port{29});
  EXPECT_EQ(result.difference->first, "accept");
  EXPECT_EQ(result.difference->second, "drop");
  EXPECT_EQ(ir::evaluate(a, result.difference->packet)->verdict, Verdict::accept());
  EXPECT_EQ(ir::evaluate(b, result.difference->packet)->verdict, Verdict::drop());
}

TEST(Compare, EffectsAreCompared) {
  auto a = inbound({rule(tcp(22, 22), Verdict::accept())});
  auto b = a;
  b.chains[0].rules[0].effects.log = "ssh ";
  const auto result = compare(a, b);
  ASSERT_EQ(result.answer, Answer::different);
  EXPECT_EQ(result.difference->second, "accept, log ssh ");
}

TEST(Compare, RejectIsNotDrop) {
  const auto a = inbound({rule(tcp(22, 22), Verdict::drop())});
  const auto b = inbound({rule(tcp(22, 22), Verdict::rejected(ir::RejectKind::tcp_reset))});
  EXPECT_EQ(compare(a, b).answer, Answer::different);
}

TEST(Compare, ExcludedPacketsAreLeftOut) {
  const auto a = inbound({rule(tcp(20, 29), Verdict::accept())});
  const auto b = inbound({rule(tcp(20, 28), Verdict::accept())});
  const Excluded port_29{.hook = ir::Hook::inbound, .match = tcp(29, 29)};
  EXPECT_EQ(compare(a, b, {.excluded = {&port_29, 1}, .budget = {}}).answer, Answer::equal);
  const Excluded on_output{.hook = ir::Hook::outbound, .match = tcp(29, 29)};
  EXPECT_EQ(compare(a, b, {.excluded = {&on_output, 1}, .budget = {}}).answer, Answer::different);
}

TEST(Compare, ExcludedPacketsOverlap) {
  const auto a = inbound({rule(tcp(20, 29), Verdict::accept())});
  const auto b = inbound({});
  const auto excluding = [&](std::uint16_t from, std::uint16_t to) {
    const std::vector<Excluded> excluded{{.hook = ir::Hook::inbound, .match = tcp(20, 26)},
                                         {.hook = ir::Hook::inbound, .match = tcp(from, to)},
                                         {.hook = ir::Hook::outbound, .match = {}}};
    return compare(a, b, {.excluded = excluded, .budget = {}});
  };
  EXPECT_EQ(excluding(24, 29).answer, Answer::equal);
  const auto result = excluding(24, 28);
  ASSERT_EQ(result.answer, Answer::different);
  EXPECT_EQ(result.difference->packet.destination_port, Port{29});
}

TEST(Compare, PredicatesOfOtherNamesAreTheSameWhenParametersAgree) {
  auto match = tcp(22, 22);
  match.predicates = {limit("ssh", 60, ir::TimeUnit::minute)};
  const auto a = inbound({rule(match, Verdict::accept())});
  match.predicates = {limit("INPUT-3", 1, ir::TimeUnit::second)};
  const auto b = inbound({rule(match, Verdict::accept())});
  EXPECT_EQ(compare(a, b).answer, Answer::equal);
  match.predicates = {limit("INPUT-3", 2, ir::TimeUnit::second)};
  EXPECT_EQ(compare(a, inbound({rule(match, Verdict::accept())})).answer, Answer::different);
}

// One bucket for two ports is not two buckets, one for each.
TEST(Compare, OneBucketIsNotTwo) {
  auto ssh = tcp(22, 22);
  auto http = tcp(80, 80);
  ssh.predicates = http.predicates = {limit("web", 10, ir::TimeUnit::minute)};
  const auto shared = inbound({rule(ssh, Verdict::accept()), rule(http, Verdict::accept())});
  http.predicates = {limit("web-2", 10, ir::TimeUnit::minute)};
  const auto apart = inbound({rule(ssh, Verdict::accept()), rule(http, Verdict::accept())});
  EXPECT_EQ(compare(shared, apart).answer, Answer::different);
  EXPECT_EQ(compare(apart, shared).answer, Answer::different);
  EXPECT_EQ(compare(apart, apart).answer, Answer::equal);
}

// A bucket for each source is the same whether the families are kept apart or not; one bucket for
// all is not.
TEST(Compare, FamiliesMayBeApartWhereSourcesAre) {
  const auto with = [](const std::string& instance, bool per_source, FamilySet families) {
    auto match = tcp(22, 22);
    ir::restrict_families(match, families);
    match.predicates = {{.instance = instance,
                         .test = ir::ConnectionLimit{.connections = 3, .per_source = per_source}}};
    return rule(match, Verdict::accept());
  };
  for (const bool per_source : {true, false}) {
    const auto one = inbound({with("ssh", per_source, FamilySet::all())});
    const auto two = inbound(
        {with("v4-1", per_source, {Family::ipv4}), with("v6-1", per_source, {Family::ipv6})});
    EXPECT_EQ(compare(one, two).answer, per_source ? Answer::equal : Answer::different);
  }
  // Two of them in one family are two.
  const auto shared = inbound({with("ssh", true, FamilySet::all())});
  const auto apart = inbound({with("a", true, {Family::ipv4}), with("b", true, FamilySet::all())});
  EXPECT_EQ(compare(shared, apart).answer, Answer::different);
}

TEST(Compare, ADifferenceNamesThePredicatesThatItTakes) {
  auto ssh = tcp(22, 22);
  auto http = tcp(80, 80);
  ssh.predicates = {limit("ssh", 1, ir::TimeUnit::second)};
  http.predicates = {limit("http", 2, ir::TimeUnit::second)};
  const auto a = inbound({rule(ssh, Verdict::accept()), rule(http, Verdict::accept())});
  const auto b = inbound({rule(http, Verdict::accept())});
  const auto result = compare(a, b);
  ASSERT_EQ(result.answer, Answer::different);
  ASSERT_EQ(result.difference->holding.size(), 1U);
  EXPECT_EQ(result.difference->holding[0].instance, "ssh");
}

TEST(Compare, ChainsOnOneHookRunOneAfterAnother) {
  auto both = inbound({rule(tcp(20, 29), Verdict::accept())});
  auto second = inbound({rule(tcp(25, 39), Verdict::accept())});
  both.chains.push_back(second.chains[0]);
  both.chains[1].name = "later";
  const auto meet = inbound({rule(tcp(25, 29), Verdict::accept())});
  EXPECT_EQ(compare(both, meet).answer, Answer::equal);
}

// What one packet gets, effects and all, by the naive evaluator.
std::string naive(const Program& program, const ir::Packet& packet,
                  const ir::PredicateValue& holds) {
  const auto decision = ir::evaluate(program, packet, holds);
  if (!decision) return "nothing";
  std::set<std::string> effects;
  for (const auto* rule : decision->effects) {
    if (rule->effects.log) effects.insert(", log " + *rule->effects.log);
    if (rule->effects.count) effects.insert(", count " + *rule->effects.count);
  }
  auto text = to_string(decision->verdict);
  for (const auto& effect : effects) text += effect;
  return text;
}

// A rule lost, doubled, moved or turned round: the answer and the witness are the evaluator's.
TEST(Compare, AgreesWithTheNaiveEvaluator) {
  std::size_t equal = 0;
  std::size_t different = 0;
  for (unsigned seed = 1; seed <= 1500; ++seed) {
    RandomPrograms random(seed);
    const auto program = random.program();
    auto damaged = program;
    auto& rules = damaged.chains[random.below(3)].rules;
    if (rules.empty()) continue;
    const auto at = random.below(static_cast<std::uint32_t>(rules.size()));
    switch (random.below(4)) {
      case 0: rules.erase(rules.begin() + at); break;
      case 1: rules.insert(rules.begin() + at, rules[at]); break;
      case 2: std::swap(rules[at], rules.front()); break;
      default: rules[at].verdict = Verdict::drop(); break;
    }
    const auto result = compare(program, damaged);
    ASSERT_NE(result.answer, Answer::not_proved) << "seed " << seed;
    if (result.answer == Answer::different) {
      ++different;
      const auto& shown = *result.difference;
      const auto holds = [&](const ir::Predicate& predicate) {
        return std::ranges::find(shown.holding, predicate) != shown.holding.end();
      };
      EXPECT_EQ(naive(program, shown.packet, holds), shown.first) << "seed " << seed;
      EXPECT_EQ(naive(damaged, shown.packet, holds), shown.second) << "seed " << seed;
      EXPECT_NE(shown.first, shown.second) << "seed " << seed;
      continue;
    }
    ++equal;
    for (int i = 0; i < 100; ++i) {
      const auto packet = random.packet();
      const bool all = random.one_in(2);
      const auto holds = [&](const ir::Predicate&) { return all; };
      ASSERT_EQ(naive(program, packet, holds), naive(damaged, packet, holds)) << "seed " << seed;
    }
  }
  EXPECT_GT(equal, 100U);
  EXPECT_GT(different, 300U);
}

TEST(Compare, SaysWhenItCannotTell) {
  std::vector<Rule> rules;
  for (std::uint16_t i = 0; i < 200; ++i) {
    auto match = tcp(static_cast<std::uint16_t>(i * 7), static_cast<std::uint16_t>(i * 7 + 500));
    match.source_ports = PortSet{{Port{i}, Port{static_cast<std::uint16_t>(60000 - i * 11)}}};
    rules.push_back(rule(match, i % 2 == 0 ? Verdict::accept() : Verdict::drop()));
  }
  const auto a = inbound(rules);
  rules.back().verdict = Verdict::accept();
  const auto result = compare(a, inbound(rules), {.excluded = {}, .budget = {.nodes = 50}});
  EXPECT_EQ(result.answer, Answer::not_proved);
  EXPECT_NE(result.why.find("50 nodes"), std::string::npos);
  EXPECT_FALSE(result.difference);
}

// What does not fit whole may fit in slices, one hook and family at a time.
TEST(Compare, SlicesGoFurther) {
  Program a;
  for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward}) {
    std::vector<Rule> rules;
    for (std::uint16_t i = 0; i < 40; ++i)
      rules.push_back(rule(tcp(static_cast<std::uint16_t>(i * 100 + static_cast<unsigned>(hook)),
                               static_cast<std::uint16_t>(i * 100 + 50)),
                           Verdict::accept()));
    a.chains.push_back({.name = std::string(to_string(hook)),
                        .hook = hook,
                        .policy = ir::VerdictKind::drop,
                        .rules = rules});
  }
  std::size_t nodes = 1;
  while (compare(a, a, {.excluded = {}, .budget = {.nodes = nodes}}).answer != Answer::equal)
    ASSERT_LT(++nodes, 1000U);
  // With so little, all hooks together cannot be made in one go.
  const Program* const programs[] = {&a};
  Meanings meanings(programs, FieldOrder::ports_first, {.nodes = nodes});
  for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward})
    (void)meanings.meaning(a, hook);
  EXPECT_TRUE(meanings.diagrams().exhausted());
}

TEST(Compare, ACircleIsNotProved) {
  auto circle = inbound({rule({}, {.kind = ir::VerdictKind::jump, .reject = {}, .chain = "a"})});
  circle.chains.push_back(
      {.name = "a",
       .hook = {},
       .policy = {},
       .rules = {rule({}, {.kind = ir::VerdictKind::jump, .reject = {}, .chain = "a"})}});
  const auto result = compare(circle, circle);
  EXPECT_EQ(result.answer, Answer::not_proved);
  EXPECT_NE(result.why.find("circle"), std::string::npos);
}

Sha256 digest_of(const Program& program, const Program& beside, Family family) {
  const Program* const programs[] = {&program, &beside};
  Meanings meanings(programs, FieldOrder::ports_first, {});
  return digest(meanings, *meanings.meaning(program, ir::Hook::inbound), family);
}

TEST(Digest, DependsOnTheMeaningAlone) {
  auto match = tcp(20, 29);
  match.in = ir::InterfaceSet::of({{"wg", true}, {"eth0", false}});
  const auto a = inbound({rule(match, Verdict::accept())});
  auto other = tcp(23, 25);
  other.in = ir::InterfaceSet::of({{"wg7", false}, {"w", true}});
  other.source.v4 = IntervalSet<Ipv4>::of(Ipv4{7});
  const auto b = inbound({rule(other, Verdict::accept())});
  for (const auto family : {Family::ipv4, Family::ipv6}) {
    EXPECT_EQ(digest_of(a, a, family), digest_of(a, b, family));
    EXPECT_NE(digest_of(a, b, family), digest_of(b, a, family));
  }
}

TEST(Digest, PredicatesCountByNameAndParameters) {
  const auto limited = [](const std::string& name, unsigned packets) {
    auto match = tcp(22, 22);
    match.predicates.push_back(limit(name, packets, ir::TimeUnit::minute));
    return inbound({rule(match, Verdict::accept())});
  };
  const auto a = limited("a", 5);
  const auto digest = [](const Program& program, const Program& beside) {
    return digest_of(program, beside, Family::ipv4);
  };
  EXPECT_EQ(digest(a, a), digest(a, limited("b", 6)));
  EXPECT_NE(digest(a, a), digest(limited("b", 5), a));
  EXPECT_NE(digest(a, a), digest(limited("a", 6), a));
  EXPECT_NE(digest(a, a), digest(inbound({rule(tcp(22, 22), Verdict::accept())}), a));
}

// "wg*" holds the name "wg" as well, whether or not something mentions it.
TEST(Digest, ANameThatIsItsOwnWildcardsBeginning) {
  const auto of = [](std::vector<ir::InterfacePattern> patterns) {
    auto match = tcp(22, 22);
    match.in = ir::InterfaceSet::of(std::move(patterns));
    return inbound({rule(match, Verdict::accept())});
  };
  const auto wildcard = of({{"wg", true}});
  const auto name = of({{"wg", false}});
  EXPECT_EQ(digest_of(wildcard, wildcard, Family::ipv4), digest_of(wildcard, name, Family::ipv4));
  EXPECT_EQ(digest_of(name, name, Family::ipv4), digest_of(name, wildcard, Family::ipv4));
  EXPECT_NE(digest_of(name, wildcard, Family::ipv4), digest_of(wildcard, name, Family::ipv4));
}

TEST(Digest, FamiliesHaveTheirOwn) {
  auto match = tcp(22, 22);
  ir::restrict_families(match, {Family::ipv4});
  const auto a = inbound({rule(match, Verdict::accept())});
  EXPECT_NE(digest_of(a, a, Family::ipv4), digest_of(a, a, Family::ipv6));
  EXPECT_EQ(digest_of(a, a, Family::ipv6), digest_of(inbound({}), a, Family::ipv6));
}

// Each limit is a level of the diagrams, and what hangs on all of them at once has paths as long.
TEST(Compare, ThousandsOfLimitsAtOnceAreNotProvedAndDoNotCrash) {
  std::vector<Rule> rules;
  for (int i = 0; i < 12'000; ++i) {
    auto match = tcp(22, 22);
    match.predicates.push_back(limit("limit-" + std::to_string(i), 5, ir::TimeUnit::minute));
    rules.push_back(rule(match, Verdict::accept()));
  }
  const auto a = inbound(rules);
  const auto result = compare(a, a);
  EXPECT_EQ(result.answer, Answer::not_proved);
  EXPECT_THAT(result.why, testing::HasSubstr("limits at once"));
}

TEST(Compare, TwoChainsOfOneNameAreNotProved) {
  auto a = inbound({rule(tcp(22, 22), Verdict::accept())});
  a.chains.push_back({.name = "inbound",
                      .hook = {},
                      .policy = ir::VerdictKind::accept,
                      .rules = {rule(tcp(80, 80), Verdict::accept())}});
  const auto result = compare(a, a);
  EXPECT_EQ(result.answer, Answer::not_proved);
  EXPECT_THAT(result.why, testing::HasSubstr("one name"));
}

}  // namespace
}  // namespace firewright::semantics
