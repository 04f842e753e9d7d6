// One option, command or refusal at a time, as people and other programs write them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/backends/iptables/build_program.h"
#include "tests/backends/iptables/reading.h"

namespace firewright::iptables::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// The rules of one chain, one a line, without where they come from.
std::string rules_text(const ir::Program& program, const std::string& name) {
  const auto* chain = program.find(name);
  if (chain == nullptr) return "no chain " + name;
  std::string text;
  for (const auto& rule : chain->rules) {
    text += to_text(rule.match);
    if (rule.effects.log) text += " ; log \"" + *rule.effects.log + "\"";
    if (rule.effects.count) text += " ; count \"" + *rule.effects.count + "\"";
    text += " -> " + to_string(rule.verdict) + '\n';
  }
  return text;
}

// What "-A INPUT OPTIONS -j ACCEPT" says, without the family and the verdict.
std::string match_of(Family family, const std::string& options) {
  const auto read = read_rules(family, "-A INPUT " + options + " -j ACCEPT\n");
  if (!read.program) return read.errors.at(0);
  auto text = rules_text(*read.program, family == Family::ipv4 ? "v4 INPUT" : "v6 INPUT");
  for (const std::string part : {"family {ipv4} ", "family {ipv6} ", "family {ipv4}",
                                 "family {ipv6}", " -> accept", "-> accept"})
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part))
      text.erase(at, part.size());
  if (!text.empty()) text.pop_back();
  return text;
}

struct Case {
  std::string options;
  std::string match;
};

void expect_matches(Family family, const std::vector<Case>& cases) {
  for (const auto& [options, match] : cases) EXPECT_EQ(match_of(family, options), match) << options;
}

TEST(IptablesDecode, ProtocolsAndPorts) {
  expect_matches(
      Family::ipv4,
      {{"", ""},
       {"-p all", ""},
       {"-p 0", ""},
       {"-p tcp", "protocol {tcp}"},
       {"-p TCP", "protocol {tcp}"},
       {"--protocol 6", "protocol {tcp}"},
       {"! -p tcp", "protocol {0-5, 7-255}"},
       {"-p ! tcp", "protocol {0-5, 7-255}"},
       {"-p ipip", "protocol {94}"},
       {"-p ipencap", "protocol {ipip}"},
       {"-p icmpv6", "protocol {icmpv6}"},
       {"-p tcp --dport 22", "protocol {tcp} dport {22}"},
       {"-p tcp -m tcp --dport ssh", "protocol {tcp} dport {22}"},
       {"-p tcp ! --dport 22", "protocol {tcp} dport {0-21, 23-65535}"},
       {"-p udp --sport :53 --dport 1024:", "protocol {udp} sport {0-53} dport {1024-65535}"},
       {"-p sctp --destination-port 5", "protocol {sctp} dport {5}"},
       {"-p dccp -m dccp --source-port 5", "protocol {dccp} sport {5}"},
       {"-p 136 -m multiport --dports 1,3:4", "protocol {udplite} dport {1, 3-4}"},
       {"-p tcp -m multiport ! --sports 1,3:4", "protocol {tcp} sport {0, 2, 5-65535}"},
       {"-p tcp -m multiport --dports 1:9 -m multiport --dports 5:20",
        "protocol {tcp} dport {5-9}"},
       {"-p tcp -m multiport --ports 7",
        "protocol {tcp} sport {7}\nprotocol {tcp} sport {0-6, 8-65535} dport {7}"},
       {"-p tcp -m multiport ! --ports 7",
        "protocol {tcp} sport {0-6, 8-65535} dport {0-6, 8-65535}"},
       {"-p tcp --dport 5 -m multiport --dports 1,2", ""}});
}

TEST(IptablesDecode, Addresses) {
  expect_matches(Family::ipv4,
                 {{"-s 192.0.2.7", "from4 {192.0.2.7}"},
                  {"-s 192.0.2.7/24", "from4 {192.0.2.0/24}"},
                  {"-s 192.0.2.7/255.255.255.0", "from4 {192.0.2.0/24}"},
                  {"-s 10/8", "from4 {10.0.0.0/8}"},
                  {"-s 0/0", ""},
                  {"! -d 192.0.2.0/25", "to4 {0.0.0.0-192.0.1.255, 192.0.2.128-255.255.255.255}"},
                  {"! -s 0.0.0.0/0", ""},
                  {"--src 192.0.2.1,192.0.2.2", "from4 {192.0.2.1-192.0.2.2}"},
                  {"-s 10.0.0.1/255.255.255.253", "from4 {10.0.0.1, 10.0.0.3}"},
                  {"-m iprange --src-range 192.0.2.1-192.0.2.2", "from4 {192.0.2.1-192.0.2.2}"},
                  {"-m iprange ! --dst-range 0.0.0.0-255.255.255.254", "to4 {255.255.255.255}"},
                  {"-s 192.0.2.0/24 -m iprange --src-range 192.0.2.9-192.0.9.9",
                   "from4 {192.0.2.9-192.0.2.255}"}});
  expect_matches(Family::ipv6, {{"-s 2001:db8::/32", "from6 {2001:db8::/32}"},
                                {"-d 2001:db8::1/ffff:ffff::", "to6 {2001:db8::/32}"},
                                {"-s ::/0", ""},
                                {"-m iprange --src-range 2001:db8::1-2001:db8::2",
                                 "from6 {2001:db8::1-2001:db8::2}"},
                                {"-s ::1/::ffff", "while {opaque:opaque \"-s ::1/::ffff\"}"}});
}

// A mask with gaps is as many intervals as it has addresses.
TEST(IptablesDecode, MasksWithGaps) {
  const auto read = read_rules(Family::ipv4, "-A INPUT -s 10.0.5.0/255.0.255.0 -j ACCEPT\n");
  const auto& set = read.program->find("v4 INPUT")->rules.at(0).match.source.v4;
  ASSERT_EQ(set.intervals().size(), 256U);
  EXPECT_TRUE(set.contains(Ipv4{0x0a070500}));
  EXPECT_TRUE(set.contains(Ipv4{0x0aff05ff}));
  EXPECT_FALSE(set.contains(Ipv4{0x0a070600}));
}

// What matches nothing is no rule at all; above it stood as a line that matches everything.
TEST(IptablesDecode, RulesThatMatchNothing) {
  for (const std::string options :
       {"! -s 0/0", "! -i +", "-p icmp -m icmp ! --icmp-type any",
        "-p tcp --dport 5 -m multiport --dports 1,2",
        "-m conntrack ! --ctstate NEW,ESTABLISHED,RELATED,INVALID,UNTRACKED"}) {
    const auto read = read_rules(Family::ipv4, "-A INPUT " + options + " -j ACCEPT\n");
    ASSERT_TRUE(read.program.has_value()) << options;
    EXPECT_TRUE(read.program->find("v4 INPUT")->rules.empty()) << options;
  }
}

TEST(IptablesDecode, InterfacesStatesOwners) {
  expect_matches(
      Family::ipv4,
      {{"-i eth0", "in {\"eth0\"}"},
       {"-i wg+", "in {\"wg*\"}"},
       {"! -i wg+", "in not {\"wg*\"}"},
       {"-i +", ""},
       {"-m state --state new", "state {new}"},
       {"-m conntrack --ctstate RELATED,ESTABLISHED", "state {established, related}"},
       {"-m conntrack ! --ctstate INVALID", "state {new, established, related, untracked}"},
       {"-m conntrack --ctstate NEW,DNAT",
        "while {opaque:opaque \"-m conntrack --ctstate NEW,DNAT\"}"},
       {"-m conntrack --ctstate NEW ! --ctproto 6",
        "state {new} while {opaque:opaque \"-m conntrack ! --ctproto 6\"}"},
       {"-m owner --uid-owner 0 --gid-owner 5-9", "user {0} group {5-9}"},
       {"-m owner --gid-owner 5 --suppl-groups",
        "while {opaque:opaque \"-m owner --gid-owner 5 --suppl-groups\"}"}});
}

// xt_owner.c: a packet without a socket passes a negated option, and no other.
TEST(IptablesDecode, NegatedOwners) {
  const auto read = read_rules(Family::ipv4, "-A OUTPUT -p tcp -m owner ! --uid-owner 7 -j DROP\n");
  ir::Packet packet;
  packet.hook = ir::Hook::outbound;
  packet.protocol = protocol::tcp;
  const auto verdict = [&](std::optional<OwnerId> user) {
    packet.user = user;
    return to_string(ir::evaluate(*read.program, packet)->verdict);
  };
  EXPECT_EQ(verdict(OwnerId{7}), "accept");
  EXPECT_EQ(verdict(OwnerId{8}), "drop");
  EXPECT_EQ(verdict(std::nullopt), "drop");
  EXPECT_EQ(match_of(Family::ipv4, "-m owner ! --uid-owner 7 -g own"),
            "artifact-syntax 5:42-44 not "
            "iptables-restore text as it is known here: `-j` is there twice");
}

TEST(IptablesDecode, NegatedOwnersOfAJumpWithoutReturn) {
  const auto read = read_rules(Family::ipv4, "-A OUTPUT -m owner ! --uid-owner 7 -j RETURN\n");
  EXPECT_EQ(rules_text(*read.program, "v4 OUTPUT"),
            "family {ipv4} while {opaque:opaque \"-m owner ! --uid-owner 7\"} -> return\n");
}

TEST(IptablesDecode, IcmpTypes) {
  expect_matches(Family::ipv4,
                 {{"-p icmp --icmp-type 8", "protocol {icmp} icmp {8/0-8/255}"},
                  {"-p icmp -m icmp --icmp-type echo-request", "protocol {icmp} icmp {8/0-8/255}"},
                  {"-p icmp -m icmp --icmp-type 3/1", "protocol {icmp} icmp {3/1}"},
                  {"-p icmp --icmp-type TOS-host-redirect", "protocol {icmp} icmp {5/3}"},
                  {"-p icmp --icmp-type any", "protocol {icmp}"},
                  {"-p icmp --icmp-type 255", "protocol {icmp}"},
                  {"-p icmp --icmp-type 255/7", "protocol {icmp}"},
                  {"-p icmp ! --icmp-type 3", "protocol {icmp} icmp {0/0-2/255, 4/0-255/255}"}});
  expect_matches(
      Family::ipv6,
      {{"-p ipv6-icmp -m icmp6 --icmpv6-type 128", "protocol {icmpv6} icmp {128/0-128/255}"},
       {"-p icmpv6 --icmpv6-type neighbour-solicitation", "protocol {icmpv6} icmp {135/0-135/255}"},
       {"-p 58 --icmpv6-type 255", "protocol {icmpv6} icmp {255/0-255/255}"},
       // A number means the same in both.
       {"-p icmp", "protocol {icmp}"}});
}

TEST(IptablesDecode, Limits) {
  expect_matches(
      Family::ipv4,
      {{"-m limit", "while {v4-INPUT-1:rate 3/hour burst 5}"},
       {"-m limit --limit 10/min --limit-burst 7", "while {v4-INPUT-1:rate 10/minute burst 7}"},
       {"-m limit --limit 5/s", "while {v4-INPUT-1:rate 5/second burst 5}"},
       {"-m limit --limit 5", "while {v4-INPUT-1:rate 5/second burst 5}"},
       // The kernel waits a whole number of 1/10000 seconds.
       {"-m limit --limit 3000/second", "while {v4-INPUT-1:rate 3333/second burst 5}"},
       {"-m hashlimit --hashlimit-upto 9/min --hashlimit-mode srcip --hashlimit-name a_b",
        "while {a-b:rate 9/minute burst 5 per source}"},
       {"-m hashlimit --hashlimit 9/min --hashlimit-name x", "while {v4-x:rate 9/minute burst 5}"},
       {"-m connlimit --connlimit-upto 3", "while {v4-INPUT-1:connections 3 per source}"},
       {"-m connlimit --connlimit-upto 3 --connlimit-mask 0", "while {v4-INPUT-1:connections 3}"},
       {"-m connlimit ! --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr",
        "while {v4-INPUT-1:connections 3 per source}"}});
  // No plain bucket of tokens, or no plain count.
  for (const std::string options :
       {"-m limit --limit 5/s -m mark --mark 1", "-p tcp -m limit --limit 5/s --dport 22",
        "-m hashlimit --hashlimit-above 9/min --hashlimit-name x",
        "-m hashlimit --hashlimit-upto 9/min --hashlimit-mode dstip --hashlimit-name x",
        "-m hashlimit --hashlimit-upto 9/min --hashlimit-mode srcip --hashlimit-srcmask 24"
        " --hashlimit-name x",
        "-m hashlimit --hashlimit-upto 9/min --hashlimit-burst 10 --hashlimit-name x",
        "-m hashlimit --hashlimit-upto 9/min --hashlimit-name x --hashlimit-htable-expire 9000",
        "-m hashlimit --hashlimit-upto 512kb/s --hashlimit-name x",
        "-m connlimit --connlimit-upto 3 --connlimit-mask 24",
        "-m connlimit --connlimit-upto 3 --connlimit-daddr",
        "-m connlimit --connlimit-upto 3 -m mark --mark 1"}) {
    const auto match = match_of(Family::ipv4, options);
    EXPECT_THAT(match, HasSubstr(":opaque \"-m ")) << options;
    EXPECT_THAT(match, testing::Not(HasSubstr(":rate"))) << options;
    EXPECT_THAT(match, testing::Not(HasSubstr(":connections"))) << options;
  }
}

TEST(IptablesDecode, BucketsAreSharedByNameOrByRule) {
  const std::string limit =
      "-m hashlimit --hashlimit-upto 9/min --hashlimit-mode srcip --hashlimit-name ssh -j ACCEPT\n";
  const std::string rules = "*filter\n-A INPUT -p tcp " + limit + "-A INPUT -p udp " + limit +
                            "-A INPUT -m limit -j ACCEPT\n-A INPUT -m limit -j ACCEPT\nCOMMIT\n";
  const auto read = read_files(rules, rules);
  ASSERT_TRUE(read.program.has_value());
  const auto instance = [&](const std::string& chain, std::size_t rule) {
    return read.program->find(chain)->rules.at(rule).match.predicates.at(0).instance;
  };
  EXPECT_EQ(instance("v4 INPUT", 0), "ssh");
  EXPECT_EQ(instance("v4 INPUT", 1), "ssh");
  EXPECT_EQ(instance("v6 INPUT", 1), "ssh");
  EXPECT_EQ(instance("v4 INPUT", 2), "v4-INPUT-3");
  EXPECT_EQ(instance("v4 INPUT", 3), "v4-INPUT-4");
  EXPECT_EQ(instance("v6 INPUT", 3), "v6-INPUT-4");
}

TEST(IptablesDecode, OverTheLimitOfConnections) {
  const auto read =
      read_rules(Family::ipv4, "-A INPUT -p tcp -m connlimit --connlimit-above 3 -j REJECT\n");
  EXPECT_EQ(rules_text(*read.program, "v4 INPUT"),
            "family {ipv4} protocol {tcp} -> jump v4 INPUT 1\n");
  EXPECT_EQ(rules_text(*read.program, "v4 INPUT 1"),
            "family {ipv4} while {v4-INPUT-1:connections 3 per source} -> return\n"
            "family {ipv4} -> reject port-unreachable\n");
}

TEST(IptablesDecode, OpaqueMatchesAreKeptAndNotedOnce) {
  const auto read = read_rules(
      Family::ipv4,
      "-A INPUT -p tcp --syn -m mark ! --mark 0x1/0xff -j DROP\n"
      "-A INPUT -p tcp --tcp-flags SYN,RST,ACK,FIN SYN -m mark ! --mark 0x1/0xff -j DROP\n"
      "-A INPUT -m string --algo bm --string \"a -j b\" -j DROP\n"
      "-A INPUT -m recent --name x --rcheck -m set --match-set y src,dst -f -j DROP\n"
      "-A INPUT -m recent --name x --rcheck -j DROP\n");
  EXPECT_EQ(rules_text(*read.program, "v4 INPUT"),
            "family {ipv4} protocol {tcp} while {opaque:opaque \"-m tcp --tcp-flags "
            "FIN,SYN,RST,ACK SYN\", "
            "opaque:opaque \"-m mark ! --mark 0x1/0xff\"} -> drop\n"
            "family {ipv4} protocol {tcp} while {opaque:opaque \"-m tcp --tcp-flags "
            "FIN,SYN,RST,ACK SYN\", "
            "opaque:opaque \"-m mark ! --mark 0x1/0xff\"} -> drop\n"
            "family {ipv4} while {opaque:opaque \"-m string --algo bm --string \\\"a -j b\\\"\"} "
            "-> drop\n"
            "family {ipv4} while {opaque:opaque \"-f\", v4-INPUT-4:opaque \"-m recent --name x "
            "--rcheck\", "
            "opaque:opaque \"-m set --match-set y src,dst\"} -> drop\n"
            "family {ipv4} while {v4-INPUT-5:opaque \"-m recent --name x --rcheck\"} -> drop\n");
  EXPECT_EQ(read.others.size(), 6U);
  EXPECT_THAT(read.others.at(0), StartsWith("artifact-opaque 5:17-22 `-m tcp --tcp-flags"));
}

TEST(IptablesDecode, ForwardedPacketsHaveBothInterfaces) {
  const auto read = read_rules(Family::ipv4, "-A FORWARD -o eth0 ! -i lo -j DROP\n");
  EXPECT_EQ(rules_text(*read.program, "v4 FORWARD"),
            "family {ipv4} in not {\"lo\"} out {\"eth0\"} -> drop\n");
}

TEST(IptablesDecode, Targets) {
  const auto read = read_rules(
      Family::ipv4,
      "-N own\n-A INPUT -j own\n-A INPUT -g own\n-A INPUT -j RETURN\n-A INPUT -j REJECT\n"
      "-A INPUT -p tcp -j REJECT --reject-with tcp-reset\n"
      "-A INPUT -j REJECT --reject-with host-prohib\n-A INPUT\n-A INPUT -j LOG\n"
      "-A INPUT -j LOG --log-level 4 --log-prefix \"a \\\"b\\\" \"\n"
      "-A INPUT -j LOG --log-prefix x --log-uid --log-level debug\n"
      "-A INPUT -j NFLOG --nflog-group 3 --nflog-prefix y\n"
      "-A INPUT -j ACCEPT -p udp\n");
  EXPECT_EQ(read.errors, std::vector<std::string>{});
  EXPECT_EQ(rules_text(*read.program, "v4 INPUT"),
            "family {ipv4} -> jump v4 own\nfamily {ipv4} -> goto v4 own\nfamily {ipv4} -> return\n"
            "family {ipv4} -> reject port-unreachable\n"
            "family {ipv4} protocol {tcp} -> reject tcp-reset\n"
            "family {ipv4} -> reject host-prohibited\nfamily {ipv4} -> next\n"
            "family {ipv4} ; log \"\" -> next\nfamily {ipv4} ; log \"a \"b\" \" -> next\n"
            "family {ipv4} ; log \"x [level debug, uid]\" -> next\n"
            "family {ipv4} ; log \"y [nflog group 3]\" -> next\n"
            "family {ipv4} protocol {udp} -> accept\n");
}

TEST(IptablesDecode, EveryKindOfRejection) {
  const auto kind = [](Family family, const std::string& name) {
    const auto read = read_rules(family, "-A INPUT -p tcp -j REJECT --reject-with " + name + "\n");
    return read.program ? to_string(read.program->chains.at(0).rules.at(0).verdict)
                        : read.errors.at(0);
  };
  EXPECT_EQ(kind(Family::ipv4, "icmp-net-unreachable"), "reject net-unreachable");
  EXPECT_EQ(kind(Family::ipv4, "icmp-host-unreachable"), "reject host-unreachable");
  EXPECT_EQ(kind(Family::ipv4, "icmp-proto-unreachable"), "reject proto-unreachable");
  EXPECT_EQ(kind(Family::ipv4, "icmp-net-prohibited"), "reject net-prohibited");
  EXPECT_EQ(kind(Family::ipv4, "icmp-admin-prohibited"), "reject admin-prohibited");
  EXPECT_EQ(kind(Family::ipv4, "tcp-rst"), "reject tcp-reset");
  EXPECT_EQ(kind(Family::ipv6, "icmp6-no-route"), "reject net-unreachable");
  EXPECT_EQ(kind(Family::ipv6, "icmp6-addr-unreachable"), "reject host-unreachable");
  EXPECT_EQ(kind(Family::ipv6, "adm-prohibited"), "reject admin-prohibited");
  EXPECT_EQ(kind(Family::ipv6, "icmp6-port-unreachable"), "reject port-unreachable");
  EXPECT_EQ(kind(Family::ipv6, "icmp6-policy-fail"), "reject policy-fail");
  EXPECT_EQ(kind(Family::ipv6, "reject-route"), "reject reject-route");
  EXPECT_THAT(kind(Family::ipv6, "icmp-net-prohibited"), StartsWith("artifact-syntax 5:41-60 "));
}

TEST(IptablesDecode, CommentsAreLabelsOrCounters) {
  const auto read =
      read_rules(Family::ipv4,
                 "-A INPUT -m comment --comment \"web server\" -j ACCEPT\n"
                 "-A INPUT -m comment --comment \"count web: name: x\" -j ACCEPT\n"
                 "-A INPUT -m comment --comment \"name: count me\" -j ACCEPT\n-A INPUT -j DROP\n");
  const auto& rules = read.program->find("v4 INPUT")->rules;
  EXPECT_EQ(rules.at(0).origin.label, "web server");
  EXPECT_EQ(rules.at(0).effects.count, std::nullopt);
  EXPECT_EQ(rules.at(1).origin.label, "name: x");
  EXPECT_EQ(rules.at(1).effects.count, "web");
  EXPECT_EQ(rules.at(2).origin.label, "count me");
  EXPECT_EQ(rules.at(2).effects.count, std::nullopt);
  EXPECT_EQ(rules.at(3).origin.label, "INPUT 4");
  EXPECT_EQ(rules.at(3).origin.kind, ir::OriginKind::decoded);
}

TEST(IptablesDecode, PoliciesAreOfTheirFamily) {
  const auto read = read_files("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",
                               "*filter\n:INPUT ACCEPT\n-P INPUT DROP\nCOMMIT\n");
  EXPECT_EQ(to_text(*read.program),
            "chain v4 INPUT hook inbound policy accept\n"
            "  family {ipv4} protocol {tcp} -> accept  # decoded \"INPUT 1\"\n"
            "  family {ipv4} -> drop  # decoded \"INPUT policy\"\n\n"
            "chain v6 INPUT hook inbound policy accept\n"
            "  family {ipv6} -> drop  # decoded \"INPUT policy\"\n");
}

// `return` in a built-in chain, and the end of a chain that is reached by goto, give the policy.
TEST(IptablesDecode, ReturnGivesThePolicy) {
  const auto read = read_files(
      "*filter\n:INPUT DROP [0:0]\n:own - [0:0]\n-A INPUT -p tcp -j RETURN\n-A INPUT -p udp -g "
      "own\n"
      "-A INPUT -j ACCEPT\n-A own -i lo -j ACCEPT\nCOMMIT\n",
      "");
  ir::Packet packet;
  const auto verdict = [&](Protocol of) {
    packet.protocol = of;
    return to_string(ir::evaluate(*read.program, packet)->verdict);
  };
  EXPECT_EQ(verdict(protocol::tcp), "drop");
  EXPECT_EQ(verdict(protocol::udp), "drop");
  EXPECT_EQ(verdict(protocol::gre), "accept");
}

TEST(IptablesDecode, Commands) {
  const auto read = read_rules(
      Family::ipv4,
      "-N own\n-A INPUT -p 1 -j own\n-A INPUT -p 2 -j own\n-I INPUT -p 3 -j own\n"
      "-I INPUT 2 -p 4 -j own\n-D INPUT -p 2 -j own\n-D INPUT 3\n[1:2] -A INPUT -c 3 4 -p 5\n"
      "-A own -j DROP\n-F own\n-A OUTPUT -6 -j DROP\n-A OUTPUT -4 -j DROP\n-Z\n"
      "-N gone\n-X gone\n-F elsewhere\n-X elsewhere\n");
  EXPECT_EQ(read.errors, std::vector<std::string>{});
  EXPECT_EQ(rules_text(*read.program, "v4 INPUT"),
            "family {ipv4} protocol {3} -> jump v4 own\n"
            "family {ipv4} protocol {ipip} -> jump v4 own\n"
            "family {ipv4} protocol {5} -> next\n");
  EXPECT_EQ(rules_text(*read.program, "v4 own"), "");
  EXPECT_EQ(rules_text(*read.program, "v4 OUTPUT"), "family {ipv4} -> drop\n");
  EXPECT_EQ(rules_text(*read.program, "v4 gone"), "no chain v4 gone");
}

TEST(IptablesDecode, OtherTables) {
  const auto read = read_files(
      "# Generated\n*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n"
      "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j MARK --set-mark 1\n"
      "-A PREROUTING -j DROP\nCOMMIT\n*raw\n:PREROUTING DROP [0:0]\nCOMMIT\n"
      "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"
      "# Table `security' is incompatible, use 'nft' tool.\n",
      "");
  EXPECT_EQ(read.errors, std::vector<std::string>{});
  EXPECT_THAT(
      read.others,
      ElementsAre(
          "artifact-not-compared 7:1-35 the table `mangle` takes part in filtering and is not "
          "compared",
          "artifact-not-compared 11:1-23 the table `raw` takes part in filtering and is not "
          "compared",
          "artifact-not-compared 16:1-52 the table `security` takes part in filtering and is not "
          "compared"));
}

TEST(IptablesDecode, QuotesAsIptablesRestoreReadsThem) {
  const auto label = [](const std::string& comment) {
    const auto read =
        read_rules(Family::ipv4, "-A INPUT -m comment --comment " + comment + " -j DROP\n");
    return read.program ? read.program->find("v4 INPUT")->rules.at(0).origin.label
                        : read.errors.at(0);
  };
  EXPECT_EQ(label("plain"), "plain");
  EXPECT_EQ(label("\"a b\""), "a b");
  EXPECT_EQ(label("\"a \\\"b\\\" \\\\ it\\'s\""), "a \"b\" \\ it's");
  EXPECT_EQ(label("x\"a b\""), "xa b");
  EXPECT_EQ(label("back\\slash"), "back\\slash");
  EXPECT_EQ(label("-j"), "-j");
  EXPECT_EQ(label("!"), "!");
  EXPECT_EQ(label("\"\t\""), "\t");
  // The word ends where the quote does.
  EXPECT_THAT(label("\"a\"b"), StartsWith("artifact-unknown 5:34-35 `b`"));
  EXPECT_THAT(label("\"open"), StartsWith("artifact-syntax 5:31-44 not iptables-restore text"));
}

TEST(IptablesDecode, TheFilesAreOnePart) {
  const auto empty = read_files("", "");
  ASSERT_TRUE(empty.program.has_value());
  EXPECT_TRUE(empty.program->chains.empty());
}

// Far from quadratic, and fast enough for a proof of every compile.
TEST(IptablesDecode, ManyRules) {
  std::string text = "*filter\n:INPUT DROP [0:0]\n";
  for (unsigned i = 0; i < 100'000; ++i)
    text += "-A INPUT -s 10." + std::to_string(i / 65536 % 256) + '.' +
            std::to_string(i / 256 % 256) + '.' + std::to_string(i % 256) +
            "/32 -p tcp -m tcp --dport " + std::to_string(1 + i % 60'000) +
            " -m comment --comment \"exception " + std::to_string(i) + "\" -j ACCEPT\n";
  text += "COMMIT\n";
  const auto read = read_files(text, "");
  ASSERT_TRUE(read.program.has_value());
  EXPECT_EQ(read.program->find("v4 INPUT")->rules.size(), 100'001U);
}

}  // namespace
}  // namespace firewright::iptables::test
