// Policies that are right: what is read out of them.
#include "compiler/policy/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policy/reading.h"

namespace firewright::policy {
namespace {

using testing::ElementsAre;

std::vector<std::string> labels(const std::vector<Exception>& exceptions) {
  std::vector<std::string> all;
  for (const auto& exception : exceptions) all.push_back(exception.label());
  return all;
}

// "192.0.2.0/24 2001:db8::/32"
std::string text(const AddressSet& set) {
  std::string out;
  for (const auto& interval : set.v4.intervals()) out += to_string(interval) + " ";
  for (const auto& interval : set.v6.intervals()) out += to_string(interval) + " ";
  if (!out.empty()) out.pop_back();
  return out;
}

TEST(Read, SmallestPolicyDeniesByDefault) {
  Reading reading;
  ASSERT_EQ(reading.read_text("[inbound]\nallow = [\"ssh\", \"http\", \"https\", \"ping\"]\n"), "");
  const auto& policy = reading.policy;
  EXPECT_EQ(policy.inbound.default_verdict, DefaultVerdict::drop);
  EXPECT_EQ(policy.outbound.default_verdict, DefaultVerdict::accept);
  EXPECT_EQ(policy.forward.default_verdict, DefaultVerdict::drop);
  EXPECT_FALSE(policy.inbound.default_span.known());
  EXPECT_THAT(labels(policy.inbound.exceptions), ElementsAre("ssh", "http", "https", "ping"));
  const auto& ssh = policy.inbound.exceptions[0];
  EXPECT_EQ(reading.text(ssh.span), "\"ssh\"");
  EXPECT_EQ(ssh.services.size(), 1U);
  ASSERT_TRUE(ssh.transports);
  ASSERT_EQ(ssh.transports->value.size(), 1U);
  EXPECT_EQ(ssh.transports->value[0].protocols, ProtocolSet::of(protocol::tcp));
  EXPECT_EQ(ssh.transports->value[0].destination_ports, PortSet::of(Port{22}));
}

TEST(Read, AnEmptySectionIsAPolicy) {
  Reading reading;
  EXPECT_EQ(reading.read_text("[inbound]"), "");
  EXPECT_EQ(reading.policy.files.size(), 1U);
}

TEST(Read, TakesAByteOrderMarkAndWindowsLineEnds) {
  Reading reading;
  EXPECT_EQ(reading.read_text("\xEF\xBB\xBF[inbound]\r\nallow = [\"ssh\"]\r\n"), "");
  EXPECT_EQ(reading.text(reading.policy.inbound.exceptions[0].span), "\"ssh\"");
}

TEST(Read, TextInPlaceOfTheFile) {
  Reading reading;
  reading.files.files["a.toml"] = "[outbound]\ndefault = \"drop\"\n";
  EXPECT_EQ(reading.read("-", "include = \"a.toml\"\n[inbound]\n"), "");
  EXPECT_EQ(reading.policy.outbound.default_verdict, DefaultVerdict::drop);
  EXPECT_EQ(reading.sources.file(reading.policy.files[0]).name(), "-");
}

TEST(Read, EveryKeyOfAnException) {
  Reading reading;
  ASSERT_EQ(reading.read_text(R"(
[addresses]
office = ["192.0.2.0/24", "2001:db8::/32"]
[zones]
lan = { interfaces = ["eth0", "wg*"], profiles = ["private", "domain"] }
[[inbound.allow]]
service = ["ssh", "rdp"]
from = ["office", "198.51.100.1"]
from-except = "192.0.2.66"
to = "203.0.113.1"
to-except = ["203.0.113.2"]
in = ["lan", "tun*"]
family = "ipv4"
limit = { rate = "10/minute", burst = 20, connections = 50, per = "source" }
log = "ssh: "
count = true
expires = 2030-12-31
name = "administration – Büro"
reason = "change 4711"
owner = "network team"
ticket = "FW-1"
only-on = ["nftables", "iptables"]
ignore = ["open-ssh", "overlap"]
[[outbound.deny]]
protocol = ["tcp", "udp"]
port = [25, "6000-6010"]
source-port = "1024-65535"
out = "eth1"
user = ["www-data", 1000, "2000-2999"]
group = "adm"
program = 'C:\Windows\System32\svchost.exe'
windows-service = "Dnscache"
log = true
[[forward.reject]]
in = "lan"
out = "eth1"
)"),
            "");
  const auto& policy = reading.policy;
  ASSERT_EQ(policy.inbound.exceptions.size(), 1U);
  const auto& in = policy.inbound.exceptions[0];
  EXPECT_EQ(in.action, Action::allow);
  EXPECT_EQ(in.direction, Direction::inbound);
  EXPECT_EQ(in.services.size(), 2U);
  EXPECT_EQ(reading.text(in.services[1].span), "\"rdp\"");
  EXPECT_EQ(text(in.from->set), "192.0.2.0/24 198.51.100.1 2001:db8::/32");
  EXPECT_EQ(std::get<std::string>(in.from->items[0].value), "office");
  EXPECT_EQ(reading.text(in.from->items[1].span), "\"198.51.100.1\"");
  EXPECT_EQ(reading.text(in.from->span), "[\"office\", \"198.51.100.1\"]");
  EXPECT_EQ(text(in.from_except->set), "192.0.2.66");
  EXPECT_EQ(text(in.to->set), "203.0.113.1");
  EXPECT_EQ(text(in.to_except->set), "203.0.113.2");
  ASSERT_EQ(in.in.size(), 2U);
  EXPECT_EQ(in.in[1].value, "tun*");
  EXPECT_EQ(in.family->value, Family::ipv4);
  EXPECT_EQ(in.limit->rate->packets, 10U);
  EXPECT_EQ(in.limit->rate->unit, TimeUnit::minute);
  EXPECT_EQ(in.limit->rate->burst, 20U);
  EXPECT_TRUE(in.limit->rate->per_source);
  EXPECT_EQ(in.limit->connections, 50U);
  EXPECT_TRUE(in.limit->connections_per_source);
  EXPECT_EQ(in.log->prefix, "ssh: ");
  ASSERT_EQ(in.ignore.size(), 2U);
  EXPECT_EQ(in.ignore[1].value, "overlap");
  EXPECT_EQ(reading.text(in.ignore[1].span), "\"overlap\"");
  EXPECT_TRUE(in.count);
  EXPECT_EQ(to_string(in.expires->value), "2030-12-31");
  EXPECT_EQ(reading.text(in.expires->span), "2030-12-31");
  EXPECT_EQ(in.name->value, "administration – Büro");
  EXPECT_EQ(in.reason->value, "change 4711");
  EXPECT_EQ(in.owner->value, "network team");
  EXPECT_EQ(in.ticket->value, "FW-1");
  EXPECT_EQ(in.only_on->value, (TargetSet{Target::nftables, Target::iptables}));
  EXPECT_EQ(in.label(), "administration – Büro");
  EXPECT_EQ(reading.text(in.span), "[[inbound.allow]]");

  const auto& out = policy.outbound.exceptions[0];
  EXPECT_EQ(out.action, Action::deny);
  ASSERT_EQ(out.transports->value.size(), 2U);
  EXPECT_EQ(out.transports->value[1].protocols, ProtocolSet::of(protocol::udp));
  EXPECT_EQ(out.transports->value[1].destination_ports,
            (PortSet{{Port{25}, Port{25}}, {Port{6000}, Port{6010}}}));
  EXPECT_EQ(out.transports->value[1].source_ports, (PortSet{{Port{1024}, Port{65535}}}));
  EXPECT_EQ(out.user->value, (OwnerSet{{OwnerId{33}, OwnerId{33}},
                                       {OwnerId{1000}, OwnerId{1000}},
                                       {OwnerId{2000}, OwnerId{2999}}}));
  EXPECT_EQ(out.group->value, OwnerSet::of(OwnerId{4}));
  EXPECT_EQ(out.program->value, "C:\\Windows\\System32\\svchost.exe");
  EXPECT_EQ(out.windows_service->value, "Dnscache");
  EXPECT_TRUE(out.log);
  EXPECT_FALSE(out.log->prefix);
  EXPECT_EQ(out.label(), "tcp,udp/25,6000-6010 source-port 1024-65535 out eth1");
  EXPECT_EQ(policy.forward.exceptions[0].action, Action::reject);
  EXPECT_EQ(policy.forward.exceptions[0].label(), "anything in lan out eth1");

  EXPECT_TRUE(policy.groups.at("office").used);
  EXPECT_TRUE(policy.zones.at("lan").used);
  EXPECT_EQ(reading.text(policy.zones.at("lan").interfaces[1].span), "\"wg*\"");
}

TEST(Read, EverySetting) {
  Reading reading;
  ASSERT_EQ(reading.read_text(R"(
[policy]
name = "web1"
description = """
Two
lines"""
owner = "ops"
[baseline]
loopback = false
established = false
drop-invalid = false
icmp-errors = false
neighbour-discovery = false
[inbound]
default = "reject"
log = "in: "
[outbound]
default = "drop"
log = true
[forward]
default = "unmanaged"
[target.iptables]
mode = "coexist"
sets = "ipset"
[target.nftables]
table = "wall"
layout = "readable"
[target.netsh]
other-rules = "keep"
)"),
            "");
  const auto& policy = reading.policy;
  EXPECT_EQ(policy.name, "web1");
  EXPECT_EQ(policy.description, "Two\nlines");
  EXPECT_EQ(policy.owner, "ops");
  EXPECT_FALSE(policy.baseline.loopback || policy.baseline.established ||
               policy.baseline.drop_invalid || policy.baseline.icmp_errors ||
               policy.baseline.neighbour_discovery);
  EXPECT_EQ(policy.inbound.default_verdict, DefaultVerdict::reject);
  EXPECT_EQ(reading.text(policy.inbound.default_span), "\"reject\"");
  EXPECT_EQ(policy.inbound.log->prefix, "in: ");
  EXPECT_EQ(policy.outbound.default_verdict, DefaultVerdict::drop);
  EXPECT_FALSE(policy.outbound.log->prefix);
  EXPECT_EQ(policy.forward.default_verdict, DefaultVerdict::unmanaged);
  EXPECT_EQ(policy.target.iptables_mode, IptablesMode::coexist);
  EXPECT_EQ(policy.target.iptables_sets, IptablesSets::ipset);
  EXPECT_EQ(policy.target.nftables_table, "wall");
  EXPECT_EQ(policy.target.nftables_layout, NftablesLayout::readable);
  EXPECT_FALSE(policy.target.netsh_disable_others);
}

TEST(Read, Assertions) {
  Reading reading;
  ASSERT_EQ(reading.read_text(R"(
[addresses]
office = "192.0.2.0/24"
[inbound]
[[assert]]
name = "RDP is reachable from the office only"
never = { direction = "inbound", service = "rdp", from-except = "office" }
[[assert]]
always = { direction = "forward", in = "eth0", out = "eth1", protocol = "tcp", port = 80 }
)"),
            "");
  const auto& assertions = reading.policy.assertions;
  ASSERT_EQ(assertions.size(), 2U);
  EXPECT_EQ(assertions[0].claim, Assertion::Claim::never);
  EXPECT_EQ(assertions[0].name->value, "RDP is reachable from the office only");
  EXPECT_EQ(assertions[0].set.label(), "rdp from all except office");
  EXPECT_EQ(assertions[1].claim, Assertion::Claim::always);
  EXPECT_EQ(assertions[1].set.direction, Direction::forward);
  EXPECT_FALSE(assertions[1].name);
  EXPECT_TRUE(reading.policy.groups.at("office").used);
}

TEST(Read, FormsOfLimits) {
  Reading reading;
  ASSERT_EQ(reading.read_text(R"([inbound]
allow = [
  { service = "ssh", limit = "3/hour" },
  { service = "ssh", limit = { rate = "1/day" } },
  { service = "ssh", limit = { connections = 5 } },
  { service = "ssh", limit = { rate = "7/second", per = "source" }, log = false },
])"),
            "");
  const auto& e = reading.policy.inbound.exceptions;
  EXPECT_EQ(e[0].limit->rate->burst, 5U);
  EXPECT_EQ(e[0].limit->rate->unit, TimeUnit::hour);
  EXPECT_EQ(reading.text(e[0].limit->span), "\"3/hour\"");
  EXPECT_EQ(e[1].limit->rate->unit, TimeUnit::day);
  EXPECT_FALSE(e[2].limit->rate);
  EXPECT_FALSE(e[2].limit->connections_per_source);
  EXPECT_FALSE(e[3].limit->connections);
  EXPECT_FALSE(e[3].limit->connections_per_source);
  EXPECT_FALSE(e[3].log);
}

TEST(Read, ReadingOrderAndIndexes) {
  Reading reading;
  reading.files.files["b.toml"] = "[inbound]\nallow = [\"smtp\"]\ndeny = [\"telnet\"]\n";
  ASSERT_EQ(reading.read_text("include = \"b.toml\"\n[inbound]\ndeny = [\"ftp\"]\n"
                              "allow = [\"ssh\", \"http\"]\n"),
            "");
  const auto& exceptions = reading.policy.inbound.exceptions;
  EXPECT_THAT(labels(exceptions), ElementsAre("ftp", "ssh", "http", "smtp", "telnet"));
  std::vector<std::size_t> indexes;
  for (const auto& exception : exceptions) indexes.push_back(exception.index);
  EXPECT_THAT(indexes, ElementsAre(0U, 0U, 1U, 2U, 1U));
}

TEST(Read, DottedKeysAndEscapes) {
  Reading reading;
  EXPECT_EQ(reading.read_text("inbound.allow = [\"tcp/\\u0038080\"]\ninbound.log = true\n"), "");
  const auto& exception = reading.policy.inbound.exceptions[0];
  EXPECT_EQ(exception.transports->value[0].destination_ports, PortSet::of(Port{8080}));
  EXPECT_EQ(reading.text(exception.span), "\"tcp/\\u0038080\"");
}

TEST(Labels, OfAFewWords) {
  Reading reading;
  ASSERT_EQ(reading.read_text(R"([inbound]
allow = [
  { service = "rdp", from = "192.0.2.0/24" },
  { service = ["http", "https"], from = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"] },
  { protocol = "icmp", icmp-type = ["echo-request", "echo-reply"], to-except = "2001:db8::/32" },
  { protocol = 50 },
  {},
  "icmp/echo-request",
])"),
            "");
  EXPECT_THAT(labels(reading.policy.inbound.exceptions),
              ElementsAre("rdp from 192.0.2.0/24",
                          "http,https from 192.0.2.1, 192.0.2.2, 192.0.2.3 and 2 more",
                          "icmp/echo-request,echo-reply to all except 2001:db8::/32", "50",
                          "anything", "icmp/echo-request"));
}

TEST(Dates, ParseAndPrint) {
  EXPECT_EQ(to_string(*parse_date("2024-02-29")), "2024-02-29");
  for (const auto* bad : {"2023-02-29", "2024-13-01", "2024-00-10", "2024-04-31", "2024-1-1", "",
                          "2024-01-0x", "2024/01/01", "2024-01-01 "})
    EXPECT_FALSE(parse_date(bad)) << bad;
}

}  // namespace
}  // namespace firewright::policy
