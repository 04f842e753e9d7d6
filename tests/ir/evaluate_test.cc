#include "compiler/ir/evaluate.h"

#include <gtest/gtest.h>

namespace firewright::ir {
namespace {

Rule rule(Match match, Verdict verdict, Effects effects = {}) {
  return {.match = std::move(match),
          .effects = std::move(effects),
          .verdict = std::move(verdict),
          .origin = {}};
}

Match tcp_to(std::uint16_t port) {
  Match match;
  match.protocols = ProtocolSet::of(protocol::tcp);
  match.destination_ports = PortSet::of(Port{port});
  return match;
}

Packet tcp_packet(std::uint16_t port) {
  Packet packet;
  packet.in = "eth0";
  packet.destination_port = Port{port};
  return packet;
}

Program program(std::vector<Rule> rules, VerdictKind policy = VerdictKind::drop) {
  return {
      .chains = {
          {.name = "inbound", .hook = Hook::inbound, .policy = policy, .rules = std::move(rules)}}};
}

TEST(Evaluate, TheFirstMatchDecides) {
  const auto p = program({rule(tcp_to(22), Verdict::accept()), rule(tcp_to(22), Verdict::drop())});
  EXPECT_EQ(evaluate(p, tcp_packet(22))->verdict, Verdict::accept());
  EXPECT_EQ(evaluate(p, tcp_packet(22))->rule, &p.chains[0].rules[0]);
  EXPECT_EQ(evaluate(p, tcp_packet(23))->verdict, Verdict::drop());
  EXPECT_EQ(evaluate(p, tcp_packet(23))->rule, nullptr) << "the chain's policy";
}

TEST(Evaluate, AHookWithoutAChainAccepts) {
  auto packet = tcp_packet(22);
  packet.hook = Hook::forward;
  EXPECT_EQ(evaluate(program({}), packet)->verdict, Verdict::accept());
}

TEST(Evaluate, EffectsOfEveryRulePassedAreFired) {
  const auto p = program({rule(tcp_to(22), Verdict::next(), {.log = "a", .count = {}}),
                          rule(tcp_to(23), Verdict::next(), {.log = "b", .count = {}}),
                          rule(tcp_to(22), Verdict::accept(), {.log = {}, .count = "c"})});
  const auto decision = evaluate(p, tcp_packet(22));
  ASSERT_EQ(decision->effects.size(), 2U);
  EXPECT_EQ(decision->effects[0]->effects.log, "a");
  EXPECT_EQ(decision->effects[1]->effects.count, "c");
}

TEST(Evaluate, PortsMatchOnlyProtocolsThatHaveThem) {
  Match any_tcp_port;
  any_tcp_port.protocols = ProtocolSet::of(protocol::tcp);
  auto esp = tcp_packet(0);
  esp.protocol = protocol::esp;
  EXPECT_FALSE(matches(any_tcp_port, esp));
  EXPECT_FALSE(matches(tcp_to(22), esp));
  EXPECT_TRUE(matches(Match{}, esp));
}

TEST(Evaluate, IcmpTypeIsThatOfThePacketsFamily) {
  Match echo;
  restrict_families(echo, {Family::ipv6});
  echo.protocols = ProtocolSet::of(protocol::icmpv6);
  echo.icmp = IcmpSet::of(IcmpTypeCode{128U << 8U});
  Packet packet;
  packet.source = Ipv6{1};
  packet.destination = Ipv6{2};
  packet.protocol = protocol::icmpv6;
  packet.icmp = IcmpTypeCode{128U << 8U};
  EXPECT_TRUE(matches(echo, packet));
  packet.source = Ipv4{1};
  packet.destination = Ipv4{2};
  EXPECT_FALSE(matches(echo, packet)) << "protocol 58 in IPv4 is not ICMPv6";
}

TEST(Evaluate, APacketWithoutAnOwnerMatchesNoOwner) {
  Match match;
  match.users = OwnerSet::of(OwnerId{0});
  Packet packet;
  EXPECT_FALSE(matches(match, packet));
  packet.user = OwnerId{0};
  EXPECT_TRUE(matches(match, packet));
  match.users = OwnerSet::all();
  packet.user.reset();
  EXPECT_TRUE(matches(match, packet));
}

TEST(Evaluate, PredicatesAreAsked) {
  auto limited = tcp_to(22);
  limited.predicates.push_back(
      {"ssh", RateLimit{.packets = 1, .unit = TimeUnit::second, .burst = 1, .per_source = false}});
  const auto p = program({rule(limited, Verdict::accept())});
  EXPECT_EQ(evaluate(p, tcp_packet(22))->verdict, Verdict::accept());
  EXPECT_EQ(evaluate(p, tcp_packet(22), [](const Predicate&) { return false; })->verdict,
            Verdict::drop());
}

Verdict to_chain(VerdictKind kind, std::string chain) {
  return {.kind = kind, .reject = {}, .chain = std::move(chain)};
}

TEST(Evaluate, JumpsComeBackAndGotosDoNot) {
  auto p =
      program({rule(tcp_to(1), to_chain(VerdictKind::jump, "sub")),
               rule(tcp_to(2), to_chain(VerdictKind::go_to, "sub")), rule({}, Verdict::accept())});
  p.chains.push_back({.name = "sub", .hook = {}, .policy = {}, .rules = {}});
  EXPECT_EQ(evaluate(p, tcp_packet(1))->verdict, Verdict::accept());
  EXPECT_EQ(evaluate(p, tcp_packet(2))->verdict, Verdict::drop())
      << "the end of goto is the policy";
  p.chains[1].rules.push_back(rule({}, {.kind = VerdictKind::return_, .reject = {}, .chain = {}}));
  p.chains[1].rules.push_back(rule({}, Verdict::drop()));
  EXPECT_EQ(evaluate(p, tcp_packet(1))->verdict, Verdict::accept()) << "return ends the chain";
}

TEST(Evaluate, AnEndlessOrBrokenJumpDecidesNothing) {
  auto p = program({rule({}, to_chain(VerdictKind::jump, "inbound"))});
  EXPECT_FALSE(evaluate(p, tcp_packet(1)));
  p.chains[0].rules[0].verdict.chain = "nowhere";
  EXPECT_FALSE(evaluate(p, tcp_packet(1)));
}

}  // namespace
}  // namespace firewright::ir
