#include "compiler/semantics/meaning.h"

#include <gtest/gtest.h>

#include "compiler/ir/evaluate.h"
#include "tests/semantics/random_programs.h"

namespace firewright::semantics {
namespace {

using ir::Match;
using ir::Packet;
using ir::Program;
using ir::Rule;

using Random = RandomPrograms;

const Outcome& look_up(Meanings& meanings, Node node, const std::vector<std::uint32_t>& ranks) {
  auto& diagrams = meanings.diagrams();
  while (!Diagrams::is_leaf(node)) {
    const auto rank = ranks[diagrams.level(node)];
    for (const auto& edge : diagrams.edges(node))
      if (rank <= edge.last) {
        node = edge.child;
        break;
      }
  }
  return meanings.outcomes()[Diagrams::value(node)];
}

std::vector<std::string> effects_of(Meanings& meanings, const Outcome& outcome) {
  std::vector<std::string> texts;
  for (const auto effect : outcome.effects)
    texts.push_back(meanings.outcomes().effect_text(effect));
  std::sort(texts.begin(), texts.end());
  return texts;
}

std::vector<std::string> effects_of(const ir::Decision& decision) {
  std::vector<std::string> texts;
  for (const auto* rule : decision.effects) {
    if (rule->effects.log) texts.push_back("log " + *rule->effects.log);
    if (rule->effects.count) texts.push_back("count " + *rule->effects.count);
  }
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

class MeaningTest : public testing::TestWithParam<FieldOrder> {};

TEST_P(MeaningTest, AgreesWithTheNaiveEvaluator) {
  std::size_t packets = 0;
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    Random random(seed);
    const auto program = random.program();
    const Program* list[] = {&program};
    Meanings meanings(list, GetParam(), {});
    const auto node = meanings.meaning(program, ir::Hook::inbound);
    ASSERT_TRUE(node);
    for (int i = 0; i < 500; ++i, ++packets) {
      const auto packet = random.packet();
      const auto bits = random.below(8);
      const ir::PredicateValue holds = [&](const ir::Predicate& p) {
        return (bits >> static_cast<unsigned>(p.instance[1] - '0') & 1U) != 0;
      };
      const auto expected = evaluate(program, packet, holds);
      ASSERT_TRUE(expected);
      const auto& outcome = look_up(meanings, *node, meanings.space().ranks(packet, holds));
      ASSERT_TRUE(outcome.decided);
      ASSERT_EQ(outcome.verdict, expected->verdict) << "seed " << seed << "\n"
                                                    << to_text(packet) << "\n"
                                                    << to_text(program);
      ASSERT_EQ(effects_of(meanings, outcome), effects_of(*expected)) << "seed " << seed << "\n"
                                                                      << to_text(packet) << "\n"
                                                                      << to_text(program);
    }
  }
  EXPECT_EQ(packets, 1000000U);
}

TEST_P(MeaningTest, PacketsOfRanksHaveThoseRanks) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    const auto program = random.program();
    const Program* list[] = {&program};
    const Space space(list, GetParam());
    const ir::PredicateValue holds = [](const ir::Predicate&) { return true; };
    for (int i = 0; i < 50; ++i) {
      const auto ranks = space.ranks(random.packet(), holds);
      const auto packet = space.packet(ir::Hook::inbound, ranks);
      const auto again = space.ranks(packet, holds);
      for (const auto field :
           {Field::family, Field::in, Field::state, Field::protocol, Field::user})
        EXPECT_EQ(again[space.level(field)], ranks[space.level(field)]) << static_cast<int>(field);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Orders, MeaningTest,
                         testing::Values(FieldOrder::ports_first, FieldOrder::addresses_first));

TEST(Meaning, EqualProgramsAreTheSameNode) {
  // The same firewall in two spellings: a list split over rules, and a shadowed rule.
  Random random(3);
  for (unsigned seed = 1; seed <= 200; ++seed) {
    Random of(seed);
    const auto program = of.program();
    auto other = program;
    auto& rules = other.chains[0].rules;
    if (rules.empty()) continue;
    auto copy = rules[0];  // said twice: the second time it decides nothing new
    if (copy.verdict.kind == ir::VerdictKind::next) continue;
    copy.effects = rules[0].effects;
    rules.insert(rules.begin() + 1, copy);
    const Program* list[] = {&program, &other};
    Meanings meanings(list, FieldOrder::ports_first, {});
    EXPECT_EQ(meanings.meaning(program, ir::Hook::inbound),
              meanings.meaning(other, ir::Hook::inbound))
        << seed;
  }
}

// A rule for an interface that packets of the hook do not have matches none of them.
TEST(Meaning, InboundPacketsGoOutOfNoInterface) {
  const auto chain_on = [](ir::Hook hook, std::vector<Rule> rules) {
    Program program;
    program.chains.push_back(
        {.name = "base", .hook = hook, .policy = ir::VerdictKind::drop, .rules = std::move(rules)});
    return program;
  };
  Rule out_of_eth0;
  out_of_eth0.match.out = ir::InterfaceSet::of({{"eth0", false}});
  out_of_eth0.verdict = ir::Verdict::accept();
  for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward}) {
    const auto with = chain_on(hook, {out_of_eth0});
    const auto without = chain_on(hook, {});
    const Program* const list[] = {&with, &without};
    Meanings meanings(list, FieldOrder::ports_first, {});
    EXPECT_EQ(meanings.meaning(with, hook) == meanings.meaning(without, hook),
              hook == ir::Hook::inbound);
  }
}

TEST(Meaning, AHookWithoutAChainAccepts) {
  const Program program;
  const Program* list[] = {&program};
  Meanings meanings(list, FieldOrder::ports_first, {});
  const auto node = meanings.meaning(program, ir::Hook::forward);
  ASSERT_TRUE(node && Diagrams::is_leaf(*node));
  EXPECT_EQ(meanings.outcomes()[Diagrams::value(*node)].verdict, ir::Verdict::accept());
}

TEST(Meaning, CirclesAndUnknownChainsHaveNone) {
  Program program{
      .chains = {{.name = "inbound", .hook = ir::Hook::inbound, .policy = {}, .rules = {}}}};
  Rule rule;
  rule.verdict = {.kind = ir::VerdictKind::jump, .reject = {}, .chain = "inbound"};
  program.chains[0].rules.push_back(rule);
  const Program* list[] = {&program};
  EXPECT_FALSE(Meanings(list, FieldOrder::ports_first, {}).meaning(program, ir::Hook::inbound));
  program.chains[0].rules[0].verdict.chain = "nowhere";
  EXPECT_FALSE(Meanings(list, FieldOrder::ports_first, {}).meaning(program, ir::Hook::inbound));
}

}  // namespace
}  // namespace firewright::semantics
