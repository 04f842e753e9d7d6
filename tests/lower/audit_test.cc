#include "compiler/lower/audit.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

#include "compiler/diagnostics/render.h"
#include "compiler/ir/evaluate.h"
#include "compiler/lower/lower.h"
#include "compiler/policy/read.h"

namespace firewright::lower {
namespace {

constexpr const char* policy_text = R"(
[inbound]
default = "reject"
log = true
allow = [
  "ssh",
  { service = "http", from = ["192.0.2.0/24", "2001:db8::/32"] },
  { service = "https", limit = { rate = "10/minute", burst = 3 } },
]
deny = [
  { from = "198.51.100.0/24", name = "bad people", log = true, count = true },
  { from = "203.0.113.0/24", protocol = "tcp", port = 22, name = "bad people!" },
]
[outbound]
default = "drop"
allow = ["dns", { service = "https", to = "192.0.2.9" }]
reject = [{ service = "smtp", name = "no mail" }]
[forward]
default = "drop"
)";

ir::Program lowered(const std::string& toml) {
  MemoryFileSystem files;
  files.files["p.toml"] = toml;
  const policy::HostOwnerDatabase owners;
  Sources sources;
  Sink sink;
  const auto policy = policy::read_policy(
      "p.toml", std::nullopt,
      {.files = &files, .owners = &owners, .set_vars = {}, .vars_files = {}}, sources, sink);
  auto program = lower(policy, {.target = Target::nftables, .today = {2026, 6, 1}}, sink);
  EXPECT_FALSE(sink.has_errors()) << render_text(sink, sources);
  return program;
}

ir::Packet random_packet(std::mt19937& random) {
  const auto pick = [&](auto... values) {
    const std::array all{values...};
    return all[random() % all.size()];
  };
  ir::Packet packet;
  packet.hook = pick(ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward);
  if (packet.hook != ir::Hook::outbound) packet.in = "eth0";
  if (packet.hook != ir::Hook::inbound) packet.out = "eth1";
  packet.state =
      pick(ir::ConntrackState::fresh, ir::ConntrackState::fresh, ir::ConntrackState::invalid,
           ir::ConntrackState::untracked, ir::ConntrackState::established);
  packet.protocol = pick(protocol::tcp, protocol::tcp, protocol::udp, protocol::icmp,
                         protocol::icmpv6, Protocol{47});
  if (random() % 2 == 0) {
    packet.source = pick(Ipv4{0xc0000201}, Ipv4{0xc6336401}, Ipv4{0xcb007101});
    packet.destination = pick(Ipv4{0xc0000209}, Ipv4{0xc0000210});
  } else {
    const auto net = u128{0x20010db8} << 96U;
    packet.source = Ipv6{net + random() % 3};
    packet.destination = Ipv6{net + random() % 3};
  }
  packet.destination_port = Port{pick(std::uint16_t{22}, std::uint16_t{25}, std::uint16_t{53},
                                      std::uint16_t{80}, std::uint16_t{443}, std::uint16_t{9})};
  packet.icmp = IcmpTypeCode{static_cast<std::uint16_t>(pick(0x0800U, 0x8000U, 0x0300U))};
  return packet;
}

// Every packet is accepted, and counted once where the program denies it.
TEST(Audit, DeniesNothingAndCountsWhatWouldHaveBeenDenied) {
  const auto program = lowered(policy_text);
  const auto audited = audit(program);
  for (const auto& chain : audited.chains)
    for (const auto& rule : chain.rules) EXPECT_TRUE(ir::valid(rule.match)) << to_text(rule.match);
  std::mt19937 random(7);
  std::size_t denied = 0;
  std::set<std::string> counters;
  for (int i = 0; i < 20'000; ++i) {
    const auto packet = random_packet(random);
    const bool limits_hold = random() % 2 == 0;
    const auto holds = [&](const ir::Predicate&) { return limits_hold; };
    const auto before = ir::evaluate(program, packet, holds);
    const auto after = ir::evaluate(audited, packet, holds);
    ASSERT_TRUE(before && after);
    EXPECT_EQ(after->verdict.kind, ir::VerdictKind::accept) << to_text(packet);
    std::size_t counted = 0;
    std::vector<ir::Effects> others;
    for (const auto* rule : after->effects) {
      if (rule->effects.count && is_audit_counter(*rule->effects.count)) {
        ++counted;
        counters.insert(*rule->effects.count);
      } else if (!rule->effects.log || !rule->effects.log->starts_with("audit ")) {
        others.push_back(rule->effects);
      }
    }
    std::vector<ir::Effects> first;
    for (const auto* rule : before->effects) first.push_back(rule->effects);
    EXPECT_EQ(others, first) << to_text(packet);
    const bool was_denied = before->verdict.kind != ir::VerdictKind::accept;
    denied += was_denied ? 1 : 0;
    EXPECT_EQ(counted, was_denied ? 1U : 0U) << to_text(packet);
  }
  EXPECT_GT(denied, 3'000U);
  for (const auto* name :
       {"audit-inbound-deny-bad-people", "audit-inbound-deny-bad-people-2",
        "audit-outbound-deny-no-mail", "audit-inbound-invalid", "audit-inbound-default-tcp",
        "audit-inbound-default-udp", "audit-inbound-default-icmp", "audit-outbound-default-other",
        "audit-outbound-default-invalid", "audit-forward-default-tcp"})
    EXPECT_TRUE(counters.contains(name)) << name;
}

TEST(Audit, LogPrefixesFitIptables) {
  for (const auto& chain : audit(lowered(policy_text)).chains)
    for (const auto& rule : chain.rules)
      if (rule.effects.log) {
        EXPECT_LE(rule.effects.log->size(), 29U) << *rule.effects.log;
      }
}

}  // namespace
}  // namespace firewright::lower
