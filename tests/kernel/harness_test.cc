// The harness judged by itself: a ruleset written by hand for a program written by hand, which
// agree; and wrong rulesets, which it has to find wrong. A harness that sees no wrong verdict
// proves nothing.
#include <gtest/gtest.h>

#include <iostream>
#include <string>

#include "tests/kernel/harness/judge.h"
#include "tests/kernel/harness/loader.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

using ir::ConntrackState;
using ir::Hook;
using ir::Match;
using ir::Verdict;

IcmpSet types(unsigned first, unsigned last) {
  return IcmpSet{{IcmpTypeCode{static_cast<std::uint16_t>(first << 8U)},
                  IcmpTypeCode{static_cast<std::uint16_t>(last << 8U | 0xffU)}}};
}

Match icmp(Family family, IcmpSet icmp = IcmpSet::all()) {
  Match match;
  ir::restrict_families(match, {family});
  match.protocols = ProtocolSet::of(family == Family::ipv4 ? protocol::icmp : protocol::icmpv6);
  match.icmp = std::move(icmp);
  return match;
}

Match to_ports(Protocol protocol, PortSet ports) {
  Match match;
  match.protocols = ProtocolSet::of(protocol);
  match.destination_ports = std::move(ports);
  return match;
}

Match loopback(bool in) {
  Match match;
  (in ? match.in : match.out) = ir::InterfaceSet::of({{.name = "lo", .wildcard = false}});
  return match;
}

Match in_states(ir::StateSet states) {
  Match match;
  match.states = states;
  return match;
}

ir::Rule rule(Match match, Verdict verdict) {
  return {.match = std::move(match), .effects = {}, .verdict = std::move(verdict), .origin = {}};
}

ir::Chain chain(Hook hook, std::vector<ir::Rule> rules) {
  return {.name = std::string(to_string(hook)),
          .hook = hook,
          .policy = ir::VerdictKind::drop,
          .rules = std::move(rules)};
}

// A bit of everything that a policy can say.
ir::Program program() {
  const ir::StateSet replies{ConntrackState::established, ConntrackState::related};
  Match office = to_ports(protocol::tcp, PortSet{{Port{8000}, Port{8010}}});
  office.source.v4 = Ipv4Set{to_interval(Prefix<Ipv4>{*parse_ipv4("198.51.100.0"), 25})};
  office.source.v6 = Ipv6Set{to_interval(Prefix<Ipv6>{*parse_ipv6("2001:db8:51::"), 48})};
  office.in = ir::InterfaceSet::of({{.name = "eth", .wildcard = true}});
  Match by_user = to_ports(protocol::tcp, PortSet::of(Port{25}));
  by_user.users = OwnerSet{{OwnerId{100}, OwnerId{199}}};
  Match onward = to_ports(protocol::udp, PortSet::of(Port{51820}));
  onward.in = ir::InterfaceSet::of({{.name = "wg0", .wildcard = false}});
  onward.out = ir::InterfaceSet::of({{.name = "eth0", .wildcard = false}});
  return {.chains = {
              chain(Hook::inbound,
                    {rule(loopback(true), Verdict::accept()),
                     rule(in_states(replies), Verdict::accept()),
                     rule(icmp(Family::ipv4, types(3, 3)), Verdict::accept()),
                     rule(icmp(Family::ipv6, types(130, 136)), Verdict::accept()),
                     rule(in_states({ConntrackState::invalid}), Verdict::drop()),
                     rule(to_ports(protocol::udp, PortSet::of(Port{53})),
                          Verdict::rejected(ir::RejectKind::port_unreachable)),
                     rule(to_ports(protocol::tcp, PortSet::of(Port{113})),
                          Verdict::rejected(ir::RejectKind::tcp_reset)),
                     rule(to_ports(protocol::tcp, PortSet::of(Port{22})), Verdict::accept()),
                     rule(office, Verdict::accept()), rule(Match{}, Verdict::drop())}),
              chain(Hook::outbound,
                    {rule(loopback(false), Verdict::accept()),
                     rule(in_states(replies), Verdict::accept()), rule(by_user, Verdict::accept()),
                     rule(to_ports(protocol::tcp, PortSet::of(Port{25})),
                          Verdict::rejected(ir::RejectKind::admin_prohibited)),
                     rule(Match{}, Verdict::accept())}),
              chain(Hook::forward,
                    {rule(in_states(replies), Verdict::accept()), rule(onward, Verdict::accept()),
                     rule(Match{}, Verdict::rejected(ir::RejectKind::host_unreachable))}),
          }};
}

constexpr std::string_view right_ruleset = R"(
table inet firewright {
  chain inbound {
    type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ct state established,related accept
    meta nfproto ipv4 icmp type 3 accept
    meta nfproto ipv6 icmpv6 type 130-136 accept
    ct state invalid drop
    udp dport 53 reject
    tcp dport 113 reject with tcp reset
    tcp dport 22 accept
    iifname "eth*" ip saddr 198.51.100.0/25 tcp dport 8000-8010 accept
    iifname "eth*" ip6 saddr 2001:db8:51::/48 tcp dport 8000-8010 accept
    drop
  }
  chain outbound {
    type filter hook output priority 0; policy drop;
    oifname "lo" accept
    ct state established,related accept
    meta skuid 100-199 tcp dport 25 accept
    tcp dport 25 reject with icmpx admin-prohibited
    accept
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "wg0" oifname "eth0" udp dport 51820 accept
    reject with icmpx host-unreachable
  }
}
)";

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(right_ruleset);
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

// The tally of a ruleset, or nothing, with the test skipped or failed.
std::optional<Tally> tally_of(const Choice& choice, const std::string& ruleset) {
  const Trial trial = try_packets(choice, [&] { return load_nft_text(ruleset); });
  if (!trial.outcome.done()) {
    if (!trial.outcome.refused()) ADD_FAILURE() << trial.outcome.text;
    return std::nullopt;
  }
  return judge(program(), choice.packets, trial.observations);
}

TEST(Harness, SeesNothingWrongInARightRuleset) {
  SKIP_WITHOUT_BED();
  const Choice choice = choose(program(), {.seed = 1});
  const auto tally = tally_of(choice, std::string(right_ruleset));
  ASSERT_TRUE(tally);
  std::cout << report(*tally);
  EXPECT_TRUE(tally->mismatches.empty()) << report(*tally);
  EXPECT_GE(tally->arrived, 1000U);
  for (const ConntrackState state : ir::StateSet::all())
    EXPECT_GE(tally->by_state[static_cast<unsigned>(state)], 20U) << to_string(state);
  for (const std::size_t count : tally->by_hook) EXPECT_GE(count, 200U);
  EXPECT_GE(tally->accepted, 100U);
  EXPECT_GE(tally->rejected, 100U);
  EXPECT_GE(tally->answers, 50U);
}

TEST(Harness, FindsEachWrongVerdict) {
  SKIP_WITHOUT_BED();
  const struct {
    std::string_view from, to;
  } wrongs[] = {
      {"tcp dport 22 accept", "tcp dport 22-23 accept"},
      {"tcp dport 22 accept", "th dport 22 accept"},
      {"tcp dport 8000-8010", "tcp dport 8000-8009"},
      {"198.51.100.0/25", "198.51.100.0/24"},
      {"2001:db8:51::/48", "2001:db8:50::/47"},
      {"\"eth*\"", "\"eth0\""},
      {"iifname \"lo\" accept", ""},
      {"meta nfproto ipv6 icmpv6 type 130-136 accept", ""},
      {"meta nfproto ipv6 icmpv6 type 130-136", "meta l4proto 58 @th,0,8 130-136"},
      {"ct state invalid drop", ""},
      {"established,related", "established"},
      {"established,related", "related"},
      {"udp dport 53 reject", "udp dport 53 drop"},
      {"udp dport 53 reject", "udp dport 53 reject with icmpx admin-prohibited"},
      {"reject with tcp reset", "reject with icmpx port-unreachable"},
      {"skuid 100-199", "skuid 100-200"},
      {"skuid 100-199", "skgid 100-199"},
      {"iifname \"wg0\" oifname \"eth0\"", "iifname \"eth0\" oifname \"wg0\""},
      {"reject with icmpx host-unreachable", "drop"},
  };
  const Choice choice = choose(program(), {.seed = 1});
  const bool any_owner = can_send_as_anybody();
  for (const auto& wrong : wrongs) {
    if (wrong.from.starts_with("skuid") && !any_owner) continue;
    const auto tally = tally_of(choice, replaced(wrong.from, wrong.to));
    ASSERT_TRUE(tally);
    EXPECT_FALSE(tally->mismatches.empty()) << wrong.from << " -> " << wrong.to;
  }
}

TEST(Harness, ChoosesTheSamePacketsForTheSameSeed) {
  const auto texts = [](std::uint64_t seed) {
    std::string text;
    for (const auto& packet : choose(program(), {.seed = seed}).packets)
      text += to_text(packet) + "\n";
    return text;
  };
  EXPECT_EQ(texts(7), texts(7));
  EXPECT_NE(texts(7), texts(8));
}

TEST(Harness, LeavesTheMachinesOwnNamespaceAlone) {
  SKIP_WITHOUT_BED();
  const auto links = [] { return run({"ip", "-o", "link"}).out; };
  const std::string before = links();
  const Outcome outcome = in_namespace([&] {
    TestBed bed({"lo", "eth0", "wg0"});
    return links();
  });
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_NE(outcome.text.find("wg0"), std::string::npos);
  EXPECT_EQ(links(), before);
}

TEST(Harness, SaysWhyABodyFailed) {
  SKIP_WITHOUT_BED();
  const Outcome outcome = in_namespace([]() -> std::string { throw HarnessError("no such luck"); });
  EXPECT_EQ(outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(outcome.text, "no such luck");
}

TEST(Harness, EndsABodyThatHangs) {
  SKIP_WITHOUT_BED();
  const Outcome outcome = in_namespace(
      []() -> std::string {
        for (;;) ::pause();
      },
      1);
  EXPECT_EQ(outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(outcome.text, "not done in time");
}

}  // namespace
}  // namespace firewright::kernel
