#include "compiler/semantics/witness.h"

#include <gtest/gtest.h>

#include "compiler/semantics/boolean.h"
#include "compiler/semantics/meaning.h"
#include "tests/semantics/random_programs.h"

namespace firewright::semantics {
namespace {

// The packet that is shown for a match.
std::string shown(const ir::Match& match, ir::Hook hook = ir::Hook::inbound) {
  ir::Program program{
      .chains = {{.name = "inbound", .hook = ir::Hook::inbound, .policy = {}, .rules = {}}}};
  ir::Rule rule;
  rule.match = match;
  program.chains[0].rules.push_back(rule);
  const ir::Program* list[] = {&program};
  const Space space(list, FieldOrder::ports_first);
  Diagrams diagrams;
  const auto found = witness(diagrams, space, hook, space.match(diagrams, match));
  if (!found) return "none";
  EXPECT_TRUE(ir::matches(match, found->packet, found->holds()));
  return to_text(found->packet);
}

ir::Match of(const std::function<void(ir::Match&)>& change) {
  ir::Match match;
  change(match);
  return match;
}

ir::Match from(std::uint32_t first, std::uint32_t last) {
  return of([&](ir::Match& m) {
    m.source = {.v4 = {{Ipv4{first}, Ipv4{last}}}, .v6 = {}};
    ir::restrict_families(m, FamilySet::all());
  });
}

TEST(WitnessTest, IsPlain) {
  EXPECT_EQ(shown({}), "tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0 new");
  EXPECT_EQ(shown({}, ir::Hook::outbound), "tcp 192.0.2.10:40000 -> 203.0.113.9:22 out eth0 new");
  EXPECT_EQ(shown({}, ir::Hook::forward),
            "tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0 out eth0 new");
}

TEST(WitnessTest, StaysInTheSetAndPlainInTheRest) {
  EXPECT_EQ(shown(from(0x0A140000, 0x0A14FFFF)),
            "tcp 10.20.0.9:40000 -> 192.0.2.10:22 in eth0 new");
  EXPECT_EQ(shown(from(0x0A140003, 0x0A140003)),
            "tcp 10.20.0.3:40000 -> 192.0.2.10:22 in eth0 new");
  EXPECT_EQ(shown(of([](ir::Match& m) {
              m.protocols = ProtocolSet::of(protocol::udp);
              m.destination_ports = {{Port{1000}, Port{6000}}};
            })),
            "udp 203.0.113.9:40000 -> 192.0.2.10:3389 in eth0 new");
  EXPECT_EQ(shown(of([](ir::Match& m) {
              ir::restrict_families(m, {Family::ipv6});
              m.protocols = ProtocolSet::of(protocol::icmpv6);
              m.icmp = {{IcmpTypeCode{133 << 8U}, IcmpTypeCode{137 << 8U | 255U}}};
            })),
            "icmpv6 133/0 2001:db8:0:9::9 -> 2001:db8::10 in eth0 new");
  EXPECT_EQ(shown(of([](ir::Match& m) {
              m.in = ir::InterfaceSet::of({{"wg", true}});
              m.states = {ir::ConntrackState::established, ir::ConntrackState::related};
            })),
            "tcp 203.0.113.9:40000 -> 192.0.2.10:22 in wg0 established");
}

TEST(WitnessTest, ASourceThatNobodySendsFromOnlyWhereThereIsNoOther) {
  EXPECT_EQ(shown(from(0x00000000, 0x01FFFFFF)), "tcp 1.0.0.9:40000 -> 192.0.2.10:22 in eth0 new");
  EXPECT_EQ(shown(from(0x7F000001, 0x7F000001)),
            "tcp 127.0.0.1:40000 -> 192.0.2.10:22 in eth0 new");
  EXPECT_EQ(shown(of([](ir::Match& m) {
              m.in = ir::InterfaceSet::of({{"lo", false}, {"dummy0", false}});
            })),
            "tcp 203.0.113.9:40000 -> 192.0.2.10:22 in dummy0 new");
  EXPECT_EQ(shown(of([](ir::Match& m) { m.in = ir::InterfaceSet::of({{"lo", false}}); })),
            "tcp 203.0.113.9:40000 -> 192.0.2.10:22 in lo new");
}

// A name of the region "eth*" that none of the others takes: nothing with a digit, nor "eth".
TEST(WitnessTest, ANameBetweenWildcards) {
  std::vector<ir::InterfacePattern> digits{{"eth", false}};
  for (char c = '0'; c <= '9'; ++c) digits.push_back({std::string("eth") + c, true});
  ir::Rule inner, outer;
  inner.match.in = ir::InterfaceSet::of(digits);
  outer.match.in = ir::InterfaceSet::of({{"eth", true}});
  const ir::Program program{
      .chains = {
          {.name = "inbound", .hook = ir::Hook::inbound, .policy = {}, .rules = {inner, outer}}}};
  const ir::Program* list[] = {&program};
  const Space space(list, FieldOrder::ports_first);
  Diagrams diagrams;
  Booleans booleans(diagrams);
  const auto found = witness(
      diagrams, space, ir::Hook::inbound,
      booleans.without(space.match(diagrams, outer.match), space.match(diagrams, inner.match)));
  ASSERT_TRUE(found);
  EXPECT_TRUE(ir::matches(outer.match, found->packet)) << found->packet.in;
  EXPECT_FALSE(ir::matches(inner.match, found->packet)) << found->packet.in;
}

TEST(WitnessTest, LimitsHoldWhereTheyMay) {
  const auto limited = of([](ir::Match& m) { m.predicates = {{"a", ir::RateLimit{}}}; });
  ir::Program program{
      .chains = {{.name = "inbound", .hook = ir::Hook::inbound, .policy = {}, .rules = {}}}};
  ir::Rule rule;
  rule.match = limited;
  program.chains[0].rules.push_back(rule);
  const ir::Program* list[] = {&program};
  const Space space(list, FieldOrder::ports_first);
  Diagrams diagrams;
  Booleans booleans(diagrams);
  const auto all = witness(diagrams, space, ir::Hook::inbound, Booleans::all);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->holding, limited.predicates);
  const auto over = witness(diagrams, space, ir::Hook::inbound,
                            booleans.opposite(space.match(diagrams, limited)));
  ASSERT_TRUE(over);
  EXPECT_EQ(over->holding, std::vector<ir::Predicate>{});
  EXPECT_FALSE(witness(diagrams, space, ir::Hook::inbound, Booleans::none));
}

TEST(WitnessTest, OfRandomSetsIsInTheSet) {
  std::size_t found = 0;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    RandomPrograms random(seed);
    const auto program = random.program();
    const ir::Program* list[] = {&program};
    Meanings meanings(list, seed % 2 == 0 ? FieldOrder::ports_first : FieldOrder::addresses_first,
                      {});
    auto& diagrams = meanings.diagrams();
    const auto node = meanings.meaning(program, ir::Hook::inbound);
    ASSERT_TRUE(node);
    for (const auto kind :
         {ir::VerdictKind::accept, ir::VerdictKind::drop, ir::VerdictKind::reject}) {
      const auto set = diagrams.map(diagrams.new_operation(), *node, [&](std::uint32_t leaf) {
        return meanings.outcomes()[leaf].verdict.kind == kind ? Booleans::all : Booleans::none;
      });
      const auto one = witness(diagrams, meanings.space(), ir::Hook::inbound, set);
      ASSERT_EQ(one.has_value(), set != Booleans::none) << "seed " << seed;
      if (!one) continue;
      ++found;
      const auto decision = ir::evaluate(program, one->packet, one->holds());
      ASSERT_TRUE(decision);
      ASSERT_EQ(decision->verdict.kind, kind)
          << "seed " << seed << " " << to_text(one->packet) << "\n"
          << to_text(program);
      // Its ranks are its own.
      const auto ranks = meanings.space().ranks(one->packet, one->holds());
      for (const auto field : {Field::in, Field::state, Field::protocol, Field::user})
        ASSERT_EQ(ranks[meanings.space().level(field)], one->ranks[meanings.space().level(field)])
            << "seed " << seed;
    }
  }
  EXPECT_GT(found, 600U);
}

}  // namespace
}  // namespace firewright::semantics
