// IR to text: each idiom, rule by rule.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "backends/nftables/build.h"
#include "backends/nftables/text.h"
#include "tests/backends/nftables/programs.h"

namespace firewright::nftables {
namespace {

using test::allow;
using test::fresh_with;
using test::tcp;
using test::udp;
using test::with_destination;
using test::with_source;

std::string text_of(std::vector<ir::Rule> rules, ir::Hook hook = ir::Hook::inbound) {
  return to_text(build(test::program(std::move(rules), hook), {}));
}

// The rules of the first base chain, less its last `drop`.
std::string rules_of(std::vector<ir::Rule> rules, ir::Hook hook = ir::Hook::inbound) {
  const std::string text = text_of(std::move(rules), hook);
  const auto begin = text.find("policy drop;\n") + 13;
  const auto end = text.find("\t\tdrop\n", begin);
  std::string result;
  for (std::size_t i = begin; i < end; ++i)
    if (text[i] != '\t') result += text[i];
  return result;
}

ir::Match any() { return {}; }
ir::Match on(ir::Match match, std::vector<ir::InterfacePattern> in) {
  match.in = ir::InterfaceSet::of(std::move(in));
  return match;
}
ir::Match family(ir::Match match, Family only) {
  ir::restrict_families(match, {only});
  return match;
}
ir::Match protocols(std::vector<Protocol> list) {
  ir::Match match;
  match.protocols = {};
  for (const auto p : list) match.protocols = match.protocols | ProtocolSet::of(p);
  return match;
}
ir::Match ports(ir::Match match, PortSet set) {
  match.destination_ports = std::move(set);
  return match;
}
ir::Match states(ir::StateSet set) {
  ir::Match match;
  match.states = set;
  return match;
}
ir::Match icmp(Family of, IcmpSet types) {
  ir::Match match = family({}, of);
  match.protocols = ProtocolSet::of(of == Family::ipv4 ? protocol::icmp : protocol::icmpv6);
  match.icmp = std::move(types);
  return match;
}
IcmpSet type(unsigned number) {
  return IcmpSet{{IcmpTypeCode{static_cast<std::uint16_t>(number << 8U)},
                  IcmpTypeCode{static_cast<std::uint16_t>((number << 8U) | 0xffU)}}};
}
IcmpSet code(unsigned number, unsigned of) {
  return IcmpSet::of(IcmpTypeCode{static_cast<std::uint16_t>((number << 8U) | of)});
}

struct MatchCase {
  const char* name;
  ir::Match match;
  const char* text;
};
class OneMatch : public testing::TestWithParam<MatchCase> {};
TEST_P(OneMatch, IsWrittenAs) {
  ir::Rule rule = allow("x", GetParam().match);
  rule.origin.kind = ir::OriginKind::decoded;  // no comment
  EXPECT_EQ(rules_of({rule}), GetParam().text);
}

const auto both_addresses = std::vector<std::string>{"192.0.2.1", "2001:db8::/32"};

INSTANTIATE_TEST_SUITE_P(
    Text, OneMatch,
    testing::Values(
        MatchCase{"any", any(), "accept\n"},
        MatchCase{"interface", on({}, {{"lo", false}}), "iifname \"lo\" accept\n"},
        MatchCase{"interfaces", on({}, {{"eth0", false}, {"wg", true}}),
                  "iifname { \"eth0\", \"wg*\" } accept\n"},
        MatchCase{"wildcard", on({}, {{"wg", true}}), "iifname \"wg*\" accept\n"},
        MatchCase{"established",
                  states({ir::ConntrackState::established, ir::ConntrackState::related}),
                  "ct state established,related accept\n"},
        MatchCase{"states_in_nft_order",
                  states({ir::ConntrackState::fresh, ir::ConntrackState::invalid,
                          ir::ConntrackState::untracked}),
                  "ct state invalid,new,untracked accept\n"},
        MatchCase{"port", tcp(22), "tcp dport 22 accept\n"},
        MatchCase{"port_set", ports(tcp(22), {{{22}, {22}}, {{80}, {81}}}),
                  "tcp dport { 22, 80-81 } accept\n"},
        MatchCase{"port_range", ports(udp(1), {{{5000}, {5010}}}), "udp dport 5000-5010 accept\n"},
        MatchCase{"all_ports_but_one", ports(tcp(1), ~PortSet::of({22})),
                  "tcp dport != 22 accept\n"},
        MatchCase{"two_protocols",
                  ports(protocols({protocol::tcp, protocol::udp}), PortSet::of({53})),
                  "meta l4proto { tcp, udp } th dport 53 accept\n"},
        MatchCase{"protocol", protocols({protocol::gre}), "meta l4proto 47 accept\n"},
        MatchCase{"every_sctp", protocols({protocol::sctp}), "meta l4proto sctp accept\n"},
        MatchCase{"family", family(tcp(22), Family::ipv4),
                  "meta nfproto ipv4 tcp dport 22 accept\n"},
        MatchCase{"source_implies_family", with_source(tcp(22), {"192.0.2.0/24"}),
                  "ip saddr 192.0.2.0/24 tcp dport 22 accept\n"},
        MatchCase{"source_of_both_families", with_source(tcp(22), both_addresses),
                  "ip saddr 192.0.2.1 tcp dport 22 accept\nip6 saddr 2001:db8::/32 tcp dport 22 "
                  "accept\n"},
        MatchCase{
            "source_and_destination",
            with_destination(with_source(any(), {"192.0.2.1"}), {"198.51.100.0-198.51.100.9"}),
            "ip saddr 192.0.2.1 ip daddr 198.51.100.0-198.51.100.9 accept\n"},
        MatchCase{"few_addresses", with_source(any(), {"192.0.2.1", "198.51.100.0/24"}),
                  "ip saddr { 192.0.2.1, 198.51.100.0/24 } accept\n"},
        MatchCase{"icmp_types", icmp(Family::ipv4, type(8) | type(3)),
                  "icmp type { destination-unreachable, echo-request } accept\n"},
        MatchCase{"icmpv6_type", icmp(Family::ipv6, type(128)),
                  "icmpv6 type echo-request accept\n"},
        MatchCase{"icmp_codes", icmp(Family::ipv4, type(8) | code(3, 4) | code(3, 1)),
                  "icmp type echo-request accept\n"
                  "icmp type destination-unreachable icmp code { 1, 4 } accept\n"},
        MatchCase{"all_icmp", icmp(Family::ipv4, IcmpSet::all()),
                  "meta nfproto ipv4 meta l4proto icmp accept\n"}),
    [](const auto& chosen) { return std::string(chosen.param.name); });

TEST(Text, InterfacesThatAreNotThose) {
  ir::Match match;
  match.in = ir::InterfaceSet::except({{"eth0", false}, {"wg", true}});
  ir::Rule rule = allow("x", match);
  EXPECT_EQ(rules_of({rule}), "iifname != { \"eth0\", \"wg*\" } accept comment \"x\"\n");
}

TEST(Text, SourceFamilyThatIsNotNarrowedStaysWhole) {
  ir::Match match = tcp(22);
  match.source.v4 = Ipv4Set::of(Ipv4{0xc0000201});
  EXPECT_EQ(rules_of({allow("x", match)}),
            "ip saddr 192.0.2.1 tcp dport 22 accept comment \"x\"\n"
            "meta nfproto ipv6 tcp dport 22 accept comment \"x\"\n");
}

TEST(Text, EverybodyButOnePrefix) {
  ir::Match match = family(any(), Family::ipv4);
  match.source.v4 = ~Ipv4Set{{Ipv4{0x0a000000}, Ipv4{0x0affffff}}};
  EXPECT_EQ(rules_of({allow("x", match)}), "ip saddr != 10.0.0.0/8 accept comment \"x\"\n");
}

// nft 1.0.6 would join two `!=` of neighbouring fields into one comparison.
TEST(Text, NeverTwoNegatedPorts) {
  ir::Match match = ports(tcp(1), ~PortSet::of({22}));
  match.source_ports = ~PortSet::of({23});
  EXPECT_EQ(rules_of({allow("x", match)}),
            "tcp sport { 0-22, 24-65535 } tcp dport { 0-21, 23-65535 } accept comment \"x\"\n");
}

TEST(Text, TwoSinglePortsAreWrittenOnceAProtocol) {
  ir::Match match = ports(protocols({protocol::tcp, protocol::udp}), PortSet::of({53}));
  match.source_ports = PortSet::of({53});
  EXPECT_EQ(rules_of({allow("x", match)}),
            "tcp sport 53 tcp dport 53 accept comment \"x\"\n"
            "udp sport 53 udp dport 53 accept comment \"x\"\n");
}

TEST(Text, Owners) {
  ir::Match match;
  match.users = OwnerSet{{{0}, {0}}, {{1000}, {1999}}};
  match.groups = OwnerSet::of({27});
  EXPECT_EQ(rules_of({allow("x", match)}, ir::Hook::outbound),
            "meta skuid { 0, 1000-1999 } meta skgid 27 accept comment \"x\"\n");
}

// --- merging

TEST(Text, NeighboursBecomeOneRule) {
  EXPECT_EQ(rules_of({allow("ssh", tcp(22)), allow("http", tcp(80)), allow("https", tcp(443))}),
            "tcp dport { 22, 80, 443 } accept comment \"ssh, http, https\"\n");
}

TEST(Text, OneExceptionOverTwoProtocolsIsOneRule) {
  EXPECT_EQ(rules_of({allow("dns", tcp(53)), allow("dns", udp(53))}),
            "meta l4proto { tcp, udp } th dport 53 accept comment \"dns\"\n");
}

TEST(Text, EffectsAndVerdictsKeepRulesApart) {
  auto logged = allow("b", tcp(2));
  logged.effects.log = "b: ";
  auto denied = allow("c", tcp(3));
  denied.verdict = ir::Verdict::drop();
  EXPECT_EQ(rules_of({allow("a", tcp(1)), logged, allow("d", tcp(4)), denied, allow("e", tcp(5))}),
            "tcp dport 1 accept comment \"a\"\n"
            "tcp dport 2 log prefix \"b: \" accept comment \"b\"\n"
            "tcp dport 4 accept comment \"d\"\n"
            "tcp dport 3 drop comment \"c\"\n"
            "tcp dport 5 accept comment \"e\"\n");
}

TEST(Text, AdjacentStatesBecomeAMap) {
  auto established =
      allow("", states({ir::ConntrackState::established, ir::ConntrackState::related}));
  established.origin.kind = ir::OriginKind::established;
  auto invalid = allow("", states({ir::ConntrackState::invalid}));
  invalid.origin.kind = ir::OriginKind::drop_invalid;
  invalid.verdict = ir::Verdict::drop();
  EXPECT_EQ(rules_of({established, invalid}),
            "ct state vmap { invalid : drop, established : accept, related : accept }\n");
}

// --- address sets

std::vector<std::string> seven() {
  return {"192.0.2.1", "192.0.2.3",  "192.0.2.5", "192.0.2.7",
          "192.0.2.9", "192.0.2.11", "192.0.2.13"};
}

TEST(Text, LongListsGetAName) {
  const auto text = text_of({allow("The Office!", with_source(tcp(22), seven()))});
  EXPECT_NE(text.find("\tset from-the-office-v4 {\n\t\ttype ipv4_addr\n\t\telements = { 192.0.2.1, "
                      "192.0.2.3,\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("ip saddr @from-the-office-v4 tcp dport 22 accept"), std::string::npos)
      << text;
}

TEST(Text, EqualListsShareASetAndOtherListsOfTheNameDoNot) {
  auto other = seven();
  other.push_back("192.0.2.200");
  auto second = allow("office", with_source(tcp(80), seven()));
  second.verdict = ir::Verdict::drop();
  EXPECT_EQ(rules_of({allow("office", with_source(udp(22), seven())), second,
                      allow("office", with_source(tcp(81), other))}),
            "ip saddr @from-office-v4 udp dport 22 accept comment \"office\"\n"
            "ip saddr @from-office-v4 tcp dport 80 drop comment \"office\"\n"
            "ip saddr @from-office-2-v4 tcp dport 81 accept comment \"office\"\n");
}

// --- limits

ir::Predicate rate(bool per_source) {
  return {.instance = "ssh",
          .test = ir::RateLimit{
              .packets = 10, .unit = ir::TimeUnit::minute, .burst = 20, .per_source = per_source}};
}
ir::Predicate connections(bool per_source) {
  return {.instance = "ssh",
          .test = ir::ConnectionLimit{.connections = 50, .per_source = per_source}};
}

TEST(Text, RateOfOneRuleStandsInIt) {
  EXPECT_EQ(
      rules_of({allow("ssh", fresh_with(tcp(22), {rate(false)}))}),
      "tcp dport 22 ct state new limit rate 10/minute burst 20 packets accept comment \"ssh\"\n");
}

TEST(Text, RateOfTwoRulesIsShared) {
  const auto text = text_of({allow("ssh", fresh_with(tcp(22), {rate(false)})),
                             allow("ssh", fresh_with(udp(22), {rate(false)}))});
  EXPECT_NE(text.find("\tlimit limit-ssh {\n\t\trate 10/minute burst 20 packets\n\t}\n"),
            std::string::npos);
  EXPECT_NE(text.find("tcp dport 22 ct state new limit name \"limit-ssh\" accept"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("udp dport 22 ct state new limit name \"limit-ssh\" accept"),
            std::string::npos)
      << text;
}

TEST(Text, RateOfEachSource) {
  const auto text = text_of({allow("ssh", fresh_with(tcp(22), {rate(true)}))});
  EXPECT_NE(text.find("\tset limit-ssh-v4 {\n\t\ttype ipv4_addr\n\t\tsize 65535\n"
                      "\t\tflags dynamic,timeout\n\t\ttimeout 2m\n\t}\n"),
            std::string::npos)
      << text;
  EXPECT_NE(
      text.find("tcp dport 22 ct state new update @limit-ssh-v4 { ip saddr limit rate 10/minute "
                "burst 20 packets } accept"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("update @limit-ssh-v6 { ip6 saddr limit"), std::string::npos) << text;
}

TEST(Text, ConnectionsAreAskedBeforeTokensAreSpent) {
  EXPECT_EQ(
      rules_of({allow("ssh", fresh_with(tcp(22), {rate(false), connections(false)}))}),
      "tcp dport 22 ct state new ct count 50 limit rate 10/minute burst 20 packets accept comment "
      "\"ssh\"\n");
}

TEST(Text, ConnectionsOfTwoRulesAreCountedInAChain) {
  auto first = allow("ssh", fresh_with(tcp(22), {rate(false), connections(false)}));
  first.effects = {.log = "ssh: ", .count = "ssh"};
  auto second = first;
  second.match = fresh_with(udp(22), first.match.predicates);
  const auto text = text_of({first, second});
  EXPECT_NE(
      text.find(
          "\tchain limit-ssh {\n\t\tct count 50 limit rate 10/minute burst 20 packets counter "
          "name \"count-ssh\" log prefix \"ssh: \" accept\n\t}\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("tcp dport 22 ct state new jump limit-ssh comment"), std::string::npos)
      << text;
}

TEST(Text, ConnectionsOfEachSource) {
  EXPECT_EQ(
      rules_of({allow("ssh", fresh_with(with_source(tcp(22), {"192.0.2.0/24"}),
                                        {connections(true), rate(true)}))}),
      "ip saddr 192.0.2.0/24 tcp dport 22 ct state new add @connections-ssh-v4 { ip saddr ct count "
      "50 "
      "} update @limit-ssh-v4 { ip saddr limit rate 10/minute burst 20 packets } accept comment "
      "\"ssh\"\n");
}

// --- effects and verdicts

TEST(Text, EffectsWithoutVerdict) {
  auto rule = allow("x", any());
  rule.origin.kind = ir::OriginKind::default_log;
  rule.verdict = ir::Verdict::next();
  rule.effects.log = "denied: ";
  rule.match.predicates = {
      {.instance = "default-log-inbound",
       .test = ir::RateLimit{.packets = 5, .unit = ir::TimeUnit::second, .burst = 10}}};
  EXPECT_EQ(rules_of({rule}), "limit rate 5/second burst 10 packets log prefix \"denied: \"\n");
}

TEST(Text, Rejects) {
  const auto rejected = [](ir::Match match, ir::RejectKind kind) {
    auto rule = allow("x", std::move(match));
    rule.verdict = ir::Verdict::rejected(kind);
    rule.origin.kind = ir::OriginKind::default_verdict;
    return rule;
  };
  EXPECT_EQ(rules_of({rejected(protocols({protocol::tcp}), ir::RejectKind::tcp_reset),
                      rejected(any(), ir::RejectKind::port_unreachable),
                      rejected(with_source(any(), {"192.0.2.1"}), ir::RejectKind::port_unreachable),
                      rejected(family(any(), Family::ipv4), ir::RejectKind::host_prohibited),
                      rejected(any(), ir::RejectKind::admin_prohibited)}),
            "meta l4proto tcp reject with tcp reset\n"
            "reject\n"
            "ip saddr 192.0.2.1 reject with icmpx port-unreachable\n"
            "meta nfproto ipv4 reject with icmp host-prohibited\n"
            "reject with icmpx admin-prohibited\n");
}

TEST(Text, WholeTable) {
  EXPECT_EQ(to_text(build(test::web_server(), {.policy_name = "web"})), R"(#!/usr/sbin/nft -f

table inet firewright
delete table inet firewright

table inet firewright {
	chain input {
		type filter hook input priority filter; policy drop;
		iifname "lo" accept
		ct state established,related accept
		icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
		icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
		icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept
		ct state invalid drop
		tcp dport { 22, 80, 443 } accept comment "ssh, http, https"
		icmp type echo-request accept comment "ping"
		icmpv6 type echo-request accept comment "ping"
		drop comment "default of web"
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
		drop comment "default of web"
	}

	chain output {
		type filter hook output priority filter; policy accept;
		accept comment "default of web"
	}
}
)");
}

}  // namespace
}  // namespace firewright::nftables
