#include "compiler/ir/program.h"

#include <gtest/gtest.h>

namespace firewright::ir {
namespace {

TEST(InterfaceSet, IsCanonical) {
  const auto a = InterfaceSet::of({{"wg0", false}, {"eth0", false}, {"wg", true}, {"eth0", false}});
  const auto b = InterfaceSet::of({{"eth0", false}, {"wg", true}});
  EXPECT_EQ(a, b) << "wg0 is contained in wg*";
  EXPECT_TRUE(a.contains("wg17"));
  EXPECT_TRUE(a.contains("eth0"));
  EXPECT_FALSE(a.contains("eth01"));
  const auto except = InterfaceSet::except({{"lo", false}});
  EXPECT_TRUE(except.contains("eth0"));
  EXPECT_FALSE(except.contains("lo"));
  EXPECT_TRUE(InterfaceSet().is_any());
  EXPECT_TRUE(InterfaceSet::of({}).empty());
}

TEST(Match, RestrictingFamiliesClearsTheOther) {
  Match match;
  EXPECT_TRUE(valid(match));
  match.source.v6 = {};
  EXPECT_FALSE(valid(match));
  restrict_families(match, FamilySet::all());
  EXPECT_TRUE(valid(match));
  EXPECT_EQ(match.families, FamilySet{Family::ipv4});
  EXPECT_TRUE(match.destination.v6.empty());
}

TEST(Match, IcmpWithAPortIsNotValid) {
  Match match;
  restrict_families(match, {Family::ipv4});
  match.protocols = ProtocolSet::of(protocol::icmp);
  match.icmp = IcmpSet::of(IcmpTypeCode{8U << 8U});
  EXPECT_TRUE(valid(match));
  match.destination_ports = PortSet::of(Port{22});
  EXPECT_FALSE(valid(match));
  match.destination_ports = PortSet::all();
  match.protocols = ProtocolSet::all();
  EXPECT_FALSE(valid(match)) << "an ICMP type without the protocol";
}

TEST(Text, LeavesOutWhatIsAny) {
  Match match;
  EXPECT_EQ(to_text(match), "any");
  match.in = InterfaceSet::of({{"eth", true}});
  match.states = {ConntrackState::fresh, ConntrackState::untracked};
  match.protocols = ProtocolSet::of(protocol::tcp);
  match.destination_ports = PortSet{{Port{22}, Port{22}}, {Port{5000}, Port{5010}}};
  match.source.v4 = Ipv4Set{{Ipv4{0xC0000200}, Ipv4{0xC00002ff}}};
  match.predicates = {
      {"ssh", RateLimit{.packets = 10, .unit = TimeUnit::minute, .burst = 20, .per_source = true}}};
  EXPECT_EQ(to_text(match),
            "in {\"eth*\"} state {new, untracked} protocol {tcp} dport {22, 5000-5010} "
            "from4 {192.0.2.0/24} while {ssh:rate 10/minute burst 20 per source}");
}

TEST(Text, QuotesWhatAnAuthorWrote) {
  Program program;
  Chain chain{.name = "inbound", .hook = Hook::inbound, .policy = VerdictKind::drop, .rules = {}};
  chain.rules.push_back(
      {.match = {},
       .effects = {.log = "a\"b\n", .count = {}},
       .verdict = Verdict::drop(),
       .origin = {.kind = OriginKind::exception, .label = "x\\y", .reason = {}, .span = {}}});
  program.chains.push_back(chain);
  EXPECT_EQ(to_text(program),
            "chain inbound hook inbound policy drop\n"
            "  any ; log \"a\\\"b\\x0a\" -> drop  # exception \"x\\\\y\"\n");
}

}  // namespace
}  // namespace firewright::ir
