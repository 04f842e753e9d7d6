#include "compiler/semantics/meaning.h"

#include <gtest/gtest.h>

#include <random>

#include "compiler/ir/evaluate.h"

namespace firewright::semantics {
namespace {

using ir::Match;
using ir::Packet;
using ir::Program;
using ir::Rule;

// Programs and packets over few values, so that they meet.
class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

  Program program() {
    Program program;
    program.chains.push_back({.name = "inbound",
                              .hook = ir::Hook::inbound,
                              .policy = one_in(2) ? ir::VerdictKind::drop : ir::VerdictKind::accept,
                              .rules = rules({"a", "b"})});
    program.chains.push_back({.name = "a", .hook = {}, .policy = {}, .rules = rules({"b"})});
    program.chains.push_back({.name = "b", .hook = {}, .policy = {}, .rules = rules({})});
    if (one_in(3))  // a second base chain on the hook, behind the first
      program.chains.push_back({.name = "later",
                                .hook = ir::Hook::inbound,
                                .policy = ir::VerdictKind::accept,
                                .rules = rules({"a"})});
    return program;
  }

  Packet packet() {
    Packet packet;
    static const char* const names[] = {"eth0", "eth1", "wg0", "wg7", "wlan0", "lo"};
    packet.in = names[below(6)];
    packet.state = static_cast<ir::ConntrackState>(below(5));
    static constexpr Protocol protocols[] = {protocol::tcp, protocol::udp, protocol::icmp,
                                             protocol::icmpv6, protocol::esp};
    packet.protocol = protocols[below(5)];
    if (one_in(2)) {
      packet.source = Ipv4{0xC0000200U + below(8)};
      packet.destination = Ipv4{0xC6336400U + below(4)};
    } else {
      packet.source = Ipv6{(u128{0x20010db8} << 96U) + below(8)};
      packet.destination = Ipv6{(u128{0x20010db8} << 96U) + below(4)};
    }
    packet.source_port = Port{static_cast<std::uint16_t>(below(6))};
    packet.destination_port = Port{static_cast<std::uint16_t>(below(12))};
    packet.icmp = IcmpTypeCode{static_cast<std::uint16_t>(below(6) << 7U)};
    if (one_in(3)) packet.user = OwnerId{below(4)};
    return packet;
  }

 private:
  template <class T>
  IntervalSet<T> set(std::uint32_t base, std::uint32_t span) {
    std::vector<Interval<T>> list;
    for (auto n = 1 + below(2); n > 0; --n) {
      const auto low = below(span);
      const auto high = low + below(span - low);
      list.push_back({T{static_cast<decltype(T{}.value)>(base + low)},
                      T{static_cast<decltype(T{}.value)>(base + high)}});
    }
    return IntervalSet<T>(std::move(list));
  }

  Match match() {
    Match match;
    if (one_in(3))
      match.in = one_in(2) ? ir::InterfaceSet::of({{"wg", true}, {"eth0", false}})
                           : ir::InterfaceSet::except({{"eth", true}, {"wg7", false}});
    if (one_in(4))
      match.states = {static_cast<ir::ConntrackState>(below(5)),
                      static_cast<ir::ConntrackState>(below(5))};
    if (one_in(3)) match.source.v4 = set<Ipv4>(0xC0000200U, 8);
    if (one_in(3)) match.destination.v4 = set<Ipv4>(0xC6336400U, 4);
    if (one_in(4)) match.source.v6 = {};
    if (one_in(4)) match.source.v4 = {};
    if (one_in(5)) match.users = set<OwnerId>(0, 4);
    if (one_in(6))
      match.predicates.push_back({"p" + std::to_string(below(3)), ir::OpaqueMatch{"x"}});
    ir::restrict_families(match, FamilySet::all());
    switch (below(5)) {
      case 0:
        match.protocols = ProtocolSet::of(protocol::tcp);
        match.destination_ports = set<Port>(0, 12);
        break;
      case 1:
        match.protocols =
            ProtocolSet{{protocol::tcp, protocol::tcp}, {protocol::udp, protocol::udp}};
        match.source_ports = set<Port>(0, 6);
        match.destination_ports = set<Port>(0, 12);
        break;
      case 2: {
        const auto family = one_in(2) ? Family::ipv4 : Family::ipv6;
        if (!match.families.contains(family)) break;
        ir::restrict_families(match, {family});
        match.protocols =
            ProtocolSet::of(family == Family::ipv4 ? protocol::icmp : protocol::icmpv6);
        match.icmp = set<IcmpTypeCode>(0, 700);
        break;
      }
      case 3: match.protocols = ~ProtocolSet::of(protocol::udp); break;
      default: break;
    }
    return match;
  }

  std::vector<Rule> rules(const std::vector<std::string>& chains) {
    std::vector<Rule> rules;
    for (auto n = 1 + below(7); n > 0; --n) {
      Rule rule;
      rule.match = match();
      if (rule.match.families.empty()) continue;
      if (one_in(5)) rule.effects.log = "l" + std::to_string(below(3));
      if (one_in(5)) rule.effects.count = "c" + std::to_string(below(3));
      switch (below(8)) {
        case 0:
        case 1: rule.verdict = ir::Verdict::accept(); break;
        case 2: rule.verdict = ir::Verdict::drop(); break;
        case 3:
          rule.verdict = ir::Verdict::rejected(one_in(2) ? ir::RejectKind::tcp_reset
                                                         : ir::RejectKind::port_unreachable);
          break;
        case 4: rule.verdict.kind = ir::VerdictKind::return_; break;
        case 5: rule.verdict = ir::Verdict::next(); break;
        default:
          if (chains.empty()) break;
          rule.verdict.kind = one_in(2) ? ir::VerdictKind::jump : ir::VerdictKind::go_to;
          rule.verdict.chain = chains[below(static_cast<std::uint32_t>(chains.size()))];
      }
      rules.push_back(std::move(rule));
    }
    return rules;
  }

  std::mt19937 engine_;
};

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
  for (unsigned seed = 1; seed <= 400; ++seed) {
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
  EXPECT_EQ(packets, 200000U);
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
