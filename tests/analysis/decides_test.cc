#include "compiler/analysis/decides.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/analysis/small_programs.h"

namespace firewright::analysis {
namespace {

ir::Program without(ir::Program program, const ir::Origin& origin) {
  for (auto& chain : program.chains)
    std::erase_if(chain.rules, [&](const ir::Rule& rule) {
      return rule.origin.span == origin.span && rule.origin.label == origin.label;
    });
  return program;
}

// Dead and alive are what removal shows, packet by packet.
TEST(ExceptionUsesTest, AgreeWithRemovalOnEveryPacket) {
  const auto packets = all_small_packets();
  std::size_t dead = 0;
  std::size_t alive = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    const auto program = SmallPrograms(seed).program();
    const auto uses = exception_uses(program);
    ASSERT_TRUE(uses);
    for (const auto& use : *uses) {
      const auto rest = without(program, use.origin);
      if (use.alone) {
        ++alive;
        EXPECT_NE(outcome(program, use.alone->packet, use.alone->holds()),
                  outcome(rest, use.alone->packet, use.alone->holds()))
            << "seed " << seed << ", " << use.origin.label << "\n"
            << to_text(use.alone->packet) << "\n"
            << to_text(program);
        EXPECT_TRUE(use.decides);
        continue;
      }
      ++dead;
      for (const auto& packet : packets)
        for (std::uint32_t bits = 0; bits < 4; ++bits)
          ASSERT_EQ(outcome(program, packet, predicates(bits)),
                    outcome(rest, packet, predicates(bits)))
              << "seed " << seed << ", " << use.origin.label << "\n"
              << to_text(packet) << "\n"
              << to_text(program);
    }
  }
  EXPECT_GT(dead, 80U);
  EXPECT_GT(alive, 80U);
}

// Whoever decides nothing first can be taken out together with all others of the kind.
TEST(ExceptionUsesTest, AllThatNeverDecideCanGoAtOnce) {
  const auto packets = all_small_packets();
  std::size_t gone = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    const auto program = SmallPrograms(seed).program();
    const auto uses = exception_uses(program);
    ASSERT_TRUE(uses);
    auto rest = program;
    for (const auto& use : *uses)
      if (!use.decides && !use.alone) {
        rest = without(rest, use.origin);
        ++gone;
      }
    for (const auto& packet : packets)
      for (std::uint32_t bits = 0; bits < 4; ++bits)
        ASSERT_EQ(ir::evaluate(program, packet, predicates(bits))->verdict,
                  ir::evaluate(rest, packet, predicates(bits))->verdict)
            << "seed " << seed;
  }
  EXPECT_GT(gone, 15U);
}

TEST(ExceptionUsesTest, DecidersWithoutAreThoseThatDecide) {
  const auto packets = all_small_packets();
  for (unsigned seed = 1; seed <= 100; ++seed) {
    const auto program = SmallPrograms(seed).program();
    const auto uses = exception_uses(program);
    ASSERT_TRUE(uses);
    for (const auto& use : *uses) {
      const auto rest = without(program, use.origin);
      std::vector<std::string> expected;
      for (const auto& packet : packets)
        for (std::uint32_t bits = 0; bits < 4; ++bits) {
          const bool own = std::any_of(use.rules.begin(), use.rules.end(), [&](const auto* rule) {
            return ir::matches(rule->match, packet, predicates(bits));
          });
          if (!own) continue;
          const auto decision = ir::evaluate(rest, packet, predicates(bits));
          const auto& origin = decision->rule->origin;
          expected.push_back(std::string(to_string(origin.kind)) + origin.label);
        }
      std::sort(expected.begin(), expected.end());
      expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
      std::vector<std::string> found;
      const auto deciders = deciders_without(program, use);
      ASSERT_TRUE(deciders);
      for (const auto* rule : *deciders)
        found.push_back(std::string(to_string(rule->origin.kind)) + rule->origin.label);
      EXPECT_THAT(found, testing::UnorderedElementsAreArray(expected))
          << "seed " << seed << ", " << use.origin.label << "\n"
          << to_text(program);
    }
  }
}

TEST(MeetTest, AgreesWithTheEvaluator) {
  const auto packets = all_small_packets();
  SmallPrograms random(7);
  std::size_t apart = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto a = random.match();
    const auto b = random.match();
    if (a.families.empty() || b.families.empty()) continue;
    const bool both = std::any_of(packets.begin(), packets.end(), [&](const ir::Packet& packet) {
      return ir::matches(a, packet) && ir::matches(b, packet);
    });
    EXPECT_EQ(meet(a, b), both) << to_text(a) << "\n" << to_text(b);
    apart += both ? 0U : 1U;
  }
  EXPECT_GT(apart, 100U);
}

TEST(MeetTest, KnowsInterfaceNames) {
  const auto of = [](std::initializer_list<ir::InterfacePattern> patterns) {
    ir::Match match;
    match.in = ir::InterfaceSet::of(patterns);
    return match;
  };
  const auto except = [](std::initializer_list<ir::InterfacePattern> patterns) {
    ir::Match match;
    match.in = ir::InterfaceSet::except(patterns);
    return match;
  };
  EXPECT_TRUE(meet(of({{"wg", true}}), of({{"wg0", false}})));
  EXPECT_TRUE(meet(of({{"wg0", false}}), of({{"wg", true}})));
  EXPECT_TRUE(meet(of({{"w", true}}), of({{"wg", true}})));
  EXPECT_FALSE(meet(of({{"wg", true}}), of({{"eth", true}})));
  EXPECT_FALSE(meet(of({{"eth0", false}}), of({{"eth1", false}})));
  EXPECT_FALSE(meet(of({{"wg0", false}}), except({{"wg", true}})));
  EXPECT_TRUE(meet(of({{"wg", true}}), except({{"wg0", false}})));
  EXPECT_TRUE(meet(except({{"wg", true}}), except({{"eth", true}})));
}

ir::Rule allow(std::string label, ir::Match match) {
  ir::Rule rule;
  rule.match = std::move(match);
  rule.verdict = ir::Verdict::accept();
  rule.origin = {
      .kind = ir::OriginKind::exception, .label = std::move(label), .reason = {}, .span = {}};
  return rule;
}

// n sources, each with a port of its own or all with one.
ir::Program many(std::uint32_t n) {
  ir::Chain chain;
  chain.name = "inbound";
  chain.hook = ir::Hook::inbound;
  for (std::uint32_t i = 0; i < n; ++i) {
    ir::Match match;
    match.source = {.v4 = Ipv4Set{{Ipv4{0x0A000000U + i * 4}, Ipv4{0x0A000003U + i * 4}}},
                    .v6 = {}};
    ir::restrict_families(match, FamilySet::all());
    match.protocols = ProtocolSet::of(protocol::tcp);
    match.destination_ports = PortSet::of(Port{static_cast<std::uint16_t>(1000 + i % 50)});
    chain.rules.push_back(allow("e" + std::to_string(i), match));
  }
  chain.rules.push_back(chain.rules[n / 2]);
  chain.rules.back().origin.label = "again";
  ir::Rule last;
  last.verdict = ir::Verdict::drop();
  last.origin.kind = ir::OriginKind::default_verdict;
  chain.rules.push_back(last);
  return {.chains = {chain}};
}

TEST(ExceptionUsesTest, FindsOneAmongTenThousand) {
  const auto program = many(10'000);
  const auto uses = exception_uses(program);
  ASSERT_TRUE(uses);
  ASSERT_EQ(uses->size(), 10'001U);
  std::vector<std::string> dead;
  for (const auto& use : *uses)
    if (!use.alone) dead.push_back(use.origin.label);
  EXPECT_THAT(dead, testing::ElementsAre("e5000", "again"));
}

TEST(ExceptionUsesTest, SaysSoWhenTheBudgetDoesNotSuffice) {
  EXPECT_FALSE(exception_uses(many(1000), {.nodes = 100, .time = std::chrono::seconds(5)}));
}

TEST(ExceptionUsesTest, TakesFlatChainsOnly) {
  auto program = many(3);
  program.chains.front().rules.front().verdict = {
      .kind = ir::VerdictKind::jump, .reject = {}, .chain = "inbound"};
  EXPECT_FALSE(exception_uses(program));
}

TEST(ExceptionUsesTest, ShowsAPlainPacket) {
  auto program = many(1);
  program.chains.front().rules.front().match.source.v4 = Ipv4Set::all();
  program.chains.front().rules.erase(program.chains.front().rules.begin() + 1);  // "again"
  const auto uses = exception_uses(program);
  ASSERT_TRUE(uses && uses->front().alone);
  EXPECT_EQ(to_text(uses->front().alone->packet),
            "tcp 203.0.113.9:40000 -> 192.0.2.10:1000 in eth0 new");
}

}  // namespace
}  // namespace firewright::analysis
