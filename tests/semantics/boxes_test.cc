#include "compiler/semantics/boxes.h"

#include <gtest/gtest.h>

#include "compiler/semantics/boolean.h"
#include "compiler/semantics/meaning.h"
#include "tests/semantics/random_programs.h"

namespace firewright::semantics {
namespace {

using ir::Match;

// Matches of one rule each, in a space that knows them all.
class Sets {
 public:
  explicit Sets(const std::vector<Match>& matches) {
    ir::Chain chain{.name = "inbound", .hook = ir::Hook::inbound, .policy = {}, .rules = {}};
    for (const auto& match : matches) {
      ir::Rule rule;
      rule.match = match;
      chain.rules.push_back(rule);
    }
    program_.chains.push_back(std::move(chain));
    const ir::Program* list[] = {&program_};
    space_.emplace(list, FieldOrder::ports_first);
  }

  Node operator()(const Match& match) { return space_->match(diagrams, match); }
  [[nodiscard]] const Space& space() const { return *space_; }
  std::vector<std::string> texts(Node set) {
    std::vector<std::string> texts;
    for (const auto& box : boxes(diagrams, *space_, set).boxes) texts.push_back(to_text(box.match));
    return texts;
  }

  Diagrams diagrams;

 private:
  ir::Program program_;
  std::optional<Space> space_;
};

Match tcp(std::initializer_list<Interval<Port>> ports) {
  Match match;
  match.protocols = ProtocolSet::of(protocol::tcp);
  if (ports.size() > 0) match.destination_ports = PortSet(ports);
  return match;
}

Match from(Match match, std::uint32_t first, std::uint32_t last) {
  match.source = {.v4 = {{Ipv4{first}, Ipv4{last}}}, .v6 = {}};
  ir::restrict_families(match, FamilySet::all());
  return match;
}

using Texts = std::vector<std::string>;

TEST(BoxesTest, NothingAndEverything) {
  Sets sets({});
  EXPECT_EQ(sets.texts(Booleans::none), Texts{});
  EXPECT_EQ(sets.texts(Booleans::all), Texts{"any"});
}

TEST(BoxesTest, ARuleIsItsOwnBox) {
  auto both = from(tcp({{Port{22}, Port{22}}, {Port{80}, Port{80}}}), 0x0A000000, 0x0AFFFFFF);
  both.source.v6 = {{Ipv6{u128{0x20010db8} << 96U}, Ipv6{(u128{0x20010db9} << 96U) - 1}}};
  both.destination = AddressSet::all();
  both.families = FamilySet::all();
  both.states = {ir::ConntrackState::fresh, ir::ConntrackState::untracked};
  both.in = ir::InterfaceSet::except({{"lo", false}});
  both.predicates = {{"ssh", ir::RateLimit{}}};
  Sets sets({both});
  EXPECT_EQ(sets.texts(sets(both)), Texts{to_text(both)});
}

TEST(BoxesTest, OverlappingRulesComeBackAsTheyWereWritten) {
  // 22 from anywhere, and 22 and 80 from 10/8: the second box says only what the first does not.
  const auto everywhere = tcp({{Port{22}, Port{22}}});
  const auto inside =
      from(tcp({{Port{22}, Port{22}}, {Port{80}, Port{80}}}), 0x0A000000, 0x0AFFFFFF);
  Sets sets({everywhere, inside});
  Booleans booleans(sets.diagrams);
  EXPECT_EQ(sets.texts(booleans.either(sets(everywhere), sets(inside))),
            (Texts{to_text(everywhere),
                   to_text(from(tcp({{Port{80}, Port{80}}}), 0x0A000000, 0x0AFFFFFF))}));
}

TEST(BoxesTest, AHoleStaysAHole) {
  const auto wide = from(tcp({}), 0x0A000000, 0x0AFFFFFF);
  const auto hole = from(tcp({}), 0x0A010000, 0x0A01FFFF);
  Sets sets({wide, hole});
  Booleans booleans(sets.diagrams);
  auto expected = wide;
  expected.source.v4 = wide.source.v4 - hole.source.v4;
  EXPECT_EQ(sets.texts(booleans.without(sets(wide), sets(hole))), Texts{to_text(expected)});
}

TEST(BoxesTest, PortsAreNeverSaidOfProtocolsWithoutThem) {
  // TCP 22, and all of ESP: no box may say "TCP and ESP, port 22".
  Match esp;
  esp.protocols = ProtocolSet::of(protocol::esp);
  const auto ssh = tcp({{Port{22}, Port{22}}});
  Sets sets({esp, ssh});
  Booleans booleans(sets.diagrams);
  const auto all = boxes(sets.diagrams, sets.space(), booleans.either(sets(esp), sets(ssh)));
  ASSERT_EQ(all.boxes.size(), 2U);
  for (const auto& box : all.boxes) EXPECT_TRUE(ir::valid(box.match)) << to_text(box.match);
}

TEST(BoxesTest, NamesInsideWildcards) {
  Match wg;
  wg.in = ir::InterfaceSet::of({{"wg", true}});
  Match wg7;
  wg7.in = ir::InterfaceSet::of({{"wg7", false}});
  Sets sets({wg, wg7});
  Booleans booleans(sets.diagrams);
  const auto all = boxes(sets.diagrams, sets.space(), booleans.without(sets(wg), sets(wg7))).boxes;
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].match.in, ir::InterfaceSet::of({{"wg", true}}));
  EXPECT_EQ(all[0].in_except, (std::vector<ir::InterfacePattern>{{"wg7", false}}));
  ir::Packet packet;
  packet.in = "wg7";
  EXPECT_FALSE(contains(all[0], packet, {}));
  packet.in = "wg1";
  EXPECT_TRUE(contains(all[0], packet, {}));
}

TEST(BoxesTest, OwnersAndNobody) {
  Match user;
  user.users = OwnerSet::of(OwnerId{1000});
  Sets sets({user});
  Booleans booleans(sets.diagrams);
  const auto all = boxes(sets.diagrams, sets.space(), booleans.opposite(sets(user))).boxes;
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].match.users.is_all());
  EXPECT_EQ(all[0].users.except, OwnerSet::of(OwnerId{1000}));
  ir::Packet packet;
  EXPECT_TRUE(contains(all[0], packet, {}));
  packet.user = OwnerId{1000};
  EXPECT_FALSE(contains(all[0], packet, {}));
}

TEST(BoxesTest, PredicatesHoldOrDoNot) {
  Match limited;
  limited.predicates = {{"a", ir::OpaqueMatch{"x"}}};
  Sets sets({limited});
  Booleans booleans(sets.diagrams);
  const auto held = boxes(sets.diagrams, sets.space(), sets(limited)).boxes;
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].match.predicates, limited.predicates);
  const auto over = boxes(sets.diagrams, sets.space(), booleans.opposite(sets(limited))).boxes;
  ASSERT_EQ(over.size(), 1U);
  EXPECT_EQ(over[0].without, limited.predicates);
}

TEST(BoxesTest, WhatIsLeftOutIsKnown) {
  // Sixty sources, each with a port of its own: a box for each, and only ten may be given.
  std::vector<Match> matches;
  for (std::uint16_t i = 0; i < 60; ++i)
    matches.push_back(from(
        tcp({{Port{static_cast<std::uint16_t>(i * 2)}, Port{static_cast<std::uint16_t>(i * 2)}}}),
        0x0A000000U + i * 512U, 0x0A000000U + i * 512U + 255U));
  Sets sets(matches);
  Booleans booleans(sets.diagrams);
  auto set = Booleans::none;
  for (const auto& match : matches) set = booleans.either(set, sets(match));
  const auto few = boxes(sets.diagrams, sets.space(), set, {.boxes = 10});
  EXPECT_EQ(few.boxes.size(), 10U);
  const auto left = share(sets.diagrams, sets.space(), few.rest);
  EXPECT_NEAR(left / share(sets.diagrams, sets.space(), set), 50.0 / 60, 1e-9);
  const auto all = boxes(sets.diagrams, sets.space(), set);
  EXPECT_EQ(all.boxes.size(), 60U);
  EXPECT_EQ(all.rest, Booleans::none);
}

TEST(BoxesTest, PacketsThatDoNotMatterMakeBoxesWider) {
  const auto ssh = tcp({{Port{22}, Port{22}}});
  const auto loopback = from(Match{}, 0x7F000000, 0x7FFFFFFF);
  Sets sets({ssh, loopback});
  Booleans booleans(sets.diagrams);
  const auto set = booleans.without(sets(ssh), sets(loopback));
  const auto exact = boxes(sets.diagrams, sets.space(), set).boxes;
  ASSERT_EQ(exact.size(), 1U);
  EXPECT_FALSE(exact[0].match.source.v4.is_all());
  const auto wide = boxes(sets.diagrams, sets.space(), set, {}, sets(loopback));
  ASSERT_EQ(wide.boxes.size(), 1U);
  EXPECT_EQ(to_text(wide.boxes[0].match), to_text(ssh));
  EXPECT_EQ(wide.rest, Booleans::none);
  // Of them alone there is no box.
  EXPECT_TRUE(boxes(sets.diagrams, sets.space(), sets(loopback), {}, sets(loopback)).boxes.empty());
}

TEST(BoxesTest, AnyButTheseInOneFamilyGoesWithAnyOfTheOther) {
  auto but_one = tcp({{Port{22}, Port{22}}});
  but_one.source.v4 = ~Ipv4Set::of(Ipv4{0xC0000207});
  Sets sets({but_one});
  EXPECT_EQ(sets.texts(sets(but_one)), Texts{to_text(but_one)});
  auto few = but_one;
  few.source.v4 = Ipv4Set::of(Ipv4{0xC0000207});
  Sets others({few});
  EXPECT_EQ(others.texts(others(few)).size(), 2U);
}

class BoxesOfRandomSets : public testing::TestWithParam<FieldOrder> {};

TEST_P(BoxesOfRandomSets, AreExactlyTheSet) {
  std::size_t found = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    RandomPrograms random(seed);
    const auto program = random.program();
    const ir::Program* list[] = {&program};
    Meanings meanings(list, GetParam(), {});
    auto& diagrams = meanings.diagrams();
    const auto node = meanings.meaning(program, ir::Hook::inbound);
    ASSERT_TRUE(node);
    const auto accepted = diagrams.map(diagrams.new_operation(), *node, [&](std::uint32_t leaf) {
      return meanings.outcomes()[leaf].verdict.kind == ir::VerdictKind::accept ? Booleans::all
                                                                               : Booleans::none;
    });
    const auto all = boxes(diagrams, meanings.space(), accepted, {.boxes = 5000});
    found += all.boxes.size();
    ASSERT_EQ(all.rest, Booleans::none) << "seed " << seed;
    Booleans booleans(diagrams);
    auto sum = Booleans::none;
    for (const auto& box : all.boxes) {
      ASSERT_TRUE(ir::valid(box.match)) << "seed " << seed << " " << to_text(box.match);
      sum = booleans.either(sum, to_node(diagrams, meanings.space(), box));
    }
    ASSERT_EQ(sum, accepted) << "seed " << seed << "\n" << to_text(program);
    // What the boxes say in words is the same set.
    for (int i = 0; i < 200; ++i) {
      const auto packet = random.packet();
      const auto bits = random.below(8);
      const ir::PredicateValue holds = [&](const ir::Predicate& p) {
        return (bits >> static_cast<unsigned>(p.instance[1] - '0') & 1U) != 0;
      };
      const auto decision = ir::evaluate(program, packet, holds);
      ASSERT_TRUE(decision);
      const bool inside = std::any_of(all.boxes.begin(), all.boxes.end(),
                                      [&](const Box& box) { return contains(box, packet, holds); });
      ASSERT_EQ(inside, decision->verdict.kind == ir::VerdictKind::accept)
          << "seed " << seed << " " << to_text(packet) << "\n"
          << to_text(program);
    }
  }
  EXPECT_GT(found, 300U);
}

INSTANTIATE_TEST_SUITE_P(Orders, BoxesOfRandomSets,
                         testing::Values(FieldOrder::ports_first, FieldOrder::addresses_first));

}  // namespace
}  // namespace firewright::semantics
