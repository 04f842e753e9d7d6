// Scripts of nft to programs: sets, named objects, variables, commands, chains and tables.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/backends/nftables/text_reading.h"

namespace firewright::nftables {
namespace {

using test::in_table;
using test::meaning;
using test::read_script;
using test::rules;

// --- sets and named objects

TEST(ReadText, NamedSets) {
  const std::string sets = R"(
set office { type ipv4_addr; flags interval; auto-merge; comment "x"
  elements = { 192.0.2.0/25, 192.0.2.128/25 comment "half",
               198.51.100.7 timeout 1h expires 59m30s }
}
set web { typeof ip saddr . tcp dport; elements = { 192.0.2.1 . 80, 192.0.2.1 . 443 } }
set empty { type ipv6_addr; flags interval; }
set names { type ifname; elements = { "eth0", lo } }
set macs { type ether_addr; elements = { aa:bb:cc:dd:ee:ff } }
)";
  EXPECT_EQ(rules("ip saddr @office accept", sets),
            "family {ipv4} from4 {192.0.2.0/24, 198.51.100.7} -> accept");
  EXPECT_EQ(rules("ip daddr != @office drop", sets),
            "family {ipv4} to4 {0.0.0.0-192.0.1.255, 192.0.3.0-198.51.100.6, "
            "198.51.100.8-255.255.255.255} -> drop");
  EXPECT_EQ(rules("ip saddr . tcp dport @web accept", sets),
            "family {ipv4} protocol {tcp} dport {80, 443} from4 {192.0.2.1} -> accept");
  EXPECT_EQ(rules("ip6 saddr @empty accept", sets), "");
  EXPECT_EQ(rules("ip6 saddr != @empty accept", sets), "family {ipv6} -> accept");
  EXPECT_EQ(rules("iifname @names accept", sets), "in {\"eth0\", \"lo\"} -> accept");
  EXPECT_EQ(rules("ether saddr @macs accept", sets),
            "while {opaque:opaque \"ether saddr { aa:bb:cc:dd:ee:ff }\"} -> accept");
  EXPECT_EQ(rules("tcp dport @office accept", sets),
            "artifact-conflict 13:12-18 this contradicts itself: `office` has another type than "
            "this match");
  EXPECT_EQ(rules("ip saddr @x accept", "set x { type ipv4_addr; elements = { 192.0.2.0/24 } }\n"),
            "artifact-conflict 2:5-6 this contradicts itself: `x` holds ranges without `flags "
            "interval`");
}

TEST(ReadText, VerdictMaps) {
  const std::string before = R"(
map ports { type inet_service : verdict; flags interval; elements = { 22 : jump ssh, 80-81 : drop } }
map where { type ipv4_addr . inet_service : verdict; flags interval
  counter
  elements = { 192.0.2.0/24 . 22 counter packets 1 bytes 2 : accept, 192.0.2.1 . 23 : accept }
}
map nat { type inet_service : ipv4_addr; elements = { 80 : 192.0.2.1 } }
chain ssh { ip saddr 192.0.2.1 accept; }
)";
  EXPECT_EQ(rules("tcp dport vmap @ports", before),
            "protocol {tcp} dport {22} -> jump ssh\nprotocol {tcp} dport {80-81} -> drop");
  EXPECT_EQ(rules("ip saddr . tcp dport vmap @where", before),
            "family {ipv4} protocol {tcp} dport {22} from4 {192.0.2.0/24} -> accept\n"
            "family {ipv4} protocol {tcp} dport {23} from4 {192.0.2.1} -> accept");
  EXPECT_EQ(rules("tcp dport @ports accept", before),
            "artifact-conflict 12:12-17 this contradicts itself: `ports` has another type than "
            "this match");
  EXPECT_EQ(rules("tcp dport vmap @nat", before),
            "artifact-unknown 8:31-40 `ipv4_addr` is not understood here, so what this does is not "
            "known");
}

// A concatenation's overlapping elements: which one wins depends on their order.
TEST(ReadText, OverlapInAMap) {
  const auto map = [](const std::string& elements) {
    return rules("ip saddr . tcp dport vmap { " + elements + " }");
  };
  EXPECT_TRUE(
      map("192.0.2.0/24 . 1-9 : accept, 192.0.2.1 . 5 : drop").starts_with("artifact-conflict"));
  EXPECT_TRUE(map("192.0.2.0/24 . 1-9 : accept, 192.0.2.1 . 10 : drop").starts_with("family"));
  EXPECT_TRUE(map("192.0.2.0/24 . 1-9 : accept, 192.0.2.1 . 5 : accept").starts_with("family"));
}

TEST(ReadText, SetsThatPacketsFill) {
  const std::string sets =
      "set ban { type ipv4_addr; flags dynamic,timeout; timeout 1h; }\n"
      "set known { type ipv4_addr; flags dynamic; }\n";
  EXPECT_EQ(rules("ip saddr @ban drop\nip saddr @ban accept\n"
                  "tcp dport 22 add @ban { ip saddr timeout 5m } accept",
                  sets),
            "family {ipv4} while {c-1:opaque \"ip saddr @ban\"} -> drop\n"
            "family {ipv4} while {c-2:opaque \"ip saddr @ban\"} -> accept\n"
            "family {ipv4} protocol {tcp} dport {22} ; count \"add @ban { ip saddr timeout 5m }\" "
            "-> accept");
  EXPECT_EQ(rules("ip saddr @known drop\nip saddr != @known accept", sets),
            "family {ipv4} while {opaque:opaque \"ip saddr @known\"} -> drop\n"
            "family {ipv4} while {opaque:opaque \"ip saddr != @known\"} -> accept");
}

TEST(ReadText, BucketsOfEachSource) {
  const std::string sets =
      "set a-v4 { type ipv4_addr; size 65535; flags dynamic,timeout; timeout 1m; }\n"
      "set a-v6 { type ipv6_addr; size 65535; flags dynamic,timeout; timeout 1m; }\n"
      "set b { type ipv4_addr; flags dynamic; }\n";
  EXPECT_EQ(rules("update @a-v4 { ip saddr limit rate 10/minute } accept\n"
                  "update @a-v6 { ip6 saddr limit rate 10/minute } accept",
                  sets),
            "family {ipv4} while {a:rate 10/minute burst 5 per source} -> accept\n"
            "family {ipv6} while {a:rate 10/minute burst 5 per source} -> accept");
  // Not the same bucket when they differ, or are of one family.
  EXPECT_EQ(rules("update @a-v4 { ip saddr limit rate 10/minute } accept\n"
                  "update @a-v6 { ip6 saddr limit rate 11/minute } accept",
                  sets),
            "family {ipv4} while {a:rate 10/minute burst 5 per source} -> accept\n"
            "family {ipv6} while {a-1:rate 11/minute burst 5 per source} -> accept");
  EXPECT_EQ(rules("add @b { ip saddr ct count 3 } accept", sets),
            "family {ipv4} while {b:connections 3 per source} -> accept");
  EXPECT_EQ(rules("add @b { ip saddr limit rate 1/second } accept", sets),
            "family {ipv4} while {b:rate 1/second burst 5 per source} -> accept");
  // The set forgets the bucket before it is full again, or while it is empty.
  EXPECT_EQ(rules("update @a-v4 { ip saddr limit rate 1/minute burst 2 packets } accept", sets),
            "family {ipv4} while {a:opaque \"update @a-v4 { ip saddr limit rate 1/minute burst 2 "
            "packets }\"} -> accept");
  EXPECT_EQ(rules("add @a-v4 { ip saddr limit rate 1/second } accept", sets),
            "family {ipv4} while {a:opaque \"add @a-v4 { ip saddr limit rate 1/second }\"} -> "
            "accept");
  EXPECT_EQ(rules("add @b { ip saddr limit rate 1/second } accept\n"
                  "add @b { ip saddr limit rate 2/second } accept",
                  sets),
            "artifact-conflict 8:6-7 this contradicts itself: `b` is filled with different limits");
  EXPECT_EQ(rules("add @b { ip6 saddr limit rate 1/second } accept", sets),
            "artifact-conflict 7:6-7 this contradicts itself: `b` has another type than this key");
}

TEST(ReadText, NamedObjects) {
  const std::string objects =
      "counter count-ssh { packets 0 bytes 0 }\ncounter ssh { }\n"
      "limit slow { rate 5/minute burst 3 packets; }\nlimit over { rate over 5/minute; }\n"
      "quota q { over 10 mbytes used 5 kbytes; }\n";
  EXPECT_EQ(rules("counter name count-ssh counter name \"ssh\" accept", objects),
            "any ; count \"ssh\" -> next\nany ; count \"t/ssh\" -> accept");
  EXPECT_EQ(rules("limit name slow accept\nlimit name \"slow\" drop", objects),
            "while {slow:rate 5/minute burst 3} -> accept\n"
            "while {slow:rate 5/minute burst 3} -> drop");
  EXPECT_EQ(rules("limit name over drop", objects),
            "while {over:opaque \"limit rate over 5/minute burst 5 packets\"} -> drop");
  EXPECT_EQ(rules("quota name q drop", objects),
            "while {q:opaque \"quota { over 10 mbytes used 5 kbytes ; }\"} -> drop");
}

// --- scripts

TEST(ReadText, VariablesAndContinuation) {
  EXPECT_EQ(meaning(read_script(R"(#!/usr/sbin/nft -f
# a comment
define lan = eth1 # another
define ports = { ssh, 80 }
define more = { $ports, 443, \
                8000-8100 }
redefine lan = eth2
flush ruleset
table inet t {
	define office = 192.0.2.0/24
	chain c {
		type filter hook input priority 0; policy drop
		iifname $lan tcp dport $more ip saddr $office accept; ip saddr { $office } drop
	}
}
)")),
            "chain c hook inbound policy drop\n"
            "family {ipv4} in {\"eth2\"} protocol {tcp} dport {22, 80, 443, 8000-8100} from4 "
            "{192.0.2.0/24} -> accept\n"
            "family {ipv4} from4 {192.0.2.0/24} -> drop\n");
  const auto outside = read_script(
      "table t {\ndefine a = 1\n}\ntable u {\nchain c { tcp dport $a; "
      "}\n}\n");
  ASSERT_FALSE(outside.program);
  EXPECT_EQ(outside.errors[0],
            "artifact-undefined 5:21-23 variable `a` is used and nowhere defined");
}

// Definitions of definitions: refused before they fill the memory.
TEST(ReadText, VariablesThatExplode) {
  std::string text = "define a0 = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }\n";
  for (int i = 1; i < 12; ++i) {
    text += "define a" + std::to_string(i) + " = { ";
    for (int j = 0; j < 10; ++j) text += "$a" + std::to_string(i - 1) + ", ";
    text += "1 }\n";
  }
  const auto read = read_script(text);
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_TRUE(read.errors[0].starts_with("artifact-syntax 7:")) << read.errors[0];
}

TEST(ReadText, Commands) {
  EXPECT_EQ(meaning(read_script(R"(
add table inet t
add chain inet t c { type filter hook input priority filter; policy drop; }
create chain inet t other
add set inet t s { type inet_service; }
add element inet t s { 22, 80 }
add counter inet t count-x
add rule inet t c tcp dport @s counter name count-x accept
add rule inet t c jump other
insert rule inet t c ct state established accept
insert rule inet t c iif lo accept
add rule inet t other drop comment "the end"
delete table ip gone
add table ip gone
add chain ip gone c { type filter hook input priority 0; policy drop; }
delete table ip gone
flush chain inet t unknown
)")),
            "chain c hook inbound policy drop\n"
            "in {\"lo\"} -> accept\nstate {established} -> accept\n"
            "protocol {tcp} dport {22, 80} ; count \"x\" -> accept\nany -> jump other\n\n"
            "chain other\nany -> drop\n");
  const auto refused = [](const std::string& command) {
    const auto read = read_script(command + "\n");
    return read.errors.empty() ? std::string("understood") : read.errors[0];
  };
  EXPECT_EQ(refused("include \"other.nft\""),
            "artifact-unknown 1:1-8 `include` is not understood here, so what this does is not "
            "known");
  EXPECT_EQ(refused("list ruleset"),
            "artifact-unknown 1:1-5 `list` is not understood here, so what this does is not known");
  EXPECT_EQ(refused("add rule inet t c accept"),
            "artifact-undefined 1:10-16 table `t` is used and nowhere defined");
  EXPECT_EQ(refused("add table inet t; add chain inet t c; add rule inet t c handle 5 accept"),
            "artifact-unknown 1:57-63 `handle` is not understood here, so what this does is not "
            "known");
  EXPECT_EQ(refused("table inet t { chain c {"),
            "artifact-truncated 2:1-1 the artifact ends in the middle of a chain");
  EXPECT_EQ(refused("table inet t {"),
            "artifact-truncated 2:1-1 the artifact ends in the middle of a table");
  EXPECT_EQ(refused("table inet t { set s { type ipv4_addr; elements = { 1.1.1.1"),
            "artifact-truncated 2:1-1 the artifact ends in the middle of a set");
  EXPECT_EQ(refused("table inet t { chain c { type filter hook input priority high; } }"),
            "artifact-unknown 1:58-62 `high` is not understood here, so what this does is not "
            "known");
  EXPECT_EQ(refused("table inet t { frob x { } }"),
            "artifact-unknown 1:16-20 `frob` is not understood here, so what this does is not "
            "known");
}

TEST(ReadText, OriginsAreCommentsAndLines) {
  const auto read = read_script(in_table("tcp dport 22 accept comment \"ssh\"\n# nothing\ndrop"));
  ASSERT_TRUE(read.program);
  const auto& chain = read.program->chains[0];
  EXPECT_EQ(chain.rules[0].origin.label, "ssh");
  EXPECT_EQ(chain.rules[1].origin.label, "c 2");
  EXPECT_EQ(chain.rules[0].origin.kind, ir::OriginKind::decoded);
  const auto text = in_table("tcp dport 22 accept comment \"ssh\"\n# nothing\ndrop");
  const auto span = chain.rules[0].origin.span;
  EXPECT_EQ(text.substr(span.begin, span.end - span.begin), "tcp dport 22 accept comment \"ssh\"");
}

// --- chains

// The kernel asks in ascending priority, and of two with the same one the younger first.
TEST(ReadText, SeveralBaseChains) {
  EXPECT_EQ(meaning(read_script(R"(
table inet a {
  chain one { type filter hook input priority 0; tcp dport 1 accept; }
  chain two { type filter hook input priority filter; tcp dport 2 accept; }
  chain three { type filter hook input priority mangle + 5; tcp dport 3 accept; }
}
table inet b {
  chain four { type filter hook input priority filter - 10; tcp dport 4 accept; }
  chain five { type filter hook output priority -5; policy drop; }
}
)")),
            "chain a/three hook inbound policy accept\nprotocol {tcp} dport {3} -> accept\n\n"
            "chain b/four hook inbound policy accept\nprotocol {tcp} dport {4} -> accept\n\n"
            "chain a/two hook inbound policy accept\nprotocol {tcp} dport {2} -> accept\n\n"
            "chain a/one hook inbound policy accept\nprotocol {tcp} dport {1} -> accept\n\n"
            "chain b/five hook outbound policy drop\n");
}

// What a table of one family says about the other: nothing.
TEST(ReadText, TablesOfOneFamily) {
  EXPECT_EQ(meaning(read_script(R"(
table ip filter {
  chain input { type filter hook input priority 0; policy drop;
    tcp dport 22 accept
    tcp dport 23 return
    tcp dport 24 counter name c goto user
    jump user
  }
  counter c { }
  chain user { udp dport 53 return; tcp dport 25 accept; }
}
table ip6 filter {
  chain input { type filter hook input priority 0; icmpv6 type 128 accept; }
}
)")),
            "chain ip6 filter/input hook inbound policy accept\n"
            "family {ipv6} protocol {icmpv6} icmp {128/0-128/255} -> accept\n\n"
            "chain ip filter/input hook inbound policy accept\n"
            "family {ipv4} protocol {tcp} dport {22} -> accept\n"
            "family {ipv4} protocol {tcp} dport {23} -> drop\n"
            "family {ipv4} protocol {tcp} dport {24} ; count \"c\" -> jump ip filter/user\n"
            "family {ipv4} protocol {tcp} dport {24} -> drop\n"
            "family {ipv4} -> jump ip filter/user\n"
            "family {ipv4} -> drop\n\n"
            "chain ip filter/user\n"
            "family {ipv4} protocol {udp} dport {53} -> return\n"
            "family {ipv4} protocol {tcp} dport {25} -> accept\n");
}

TEST(ReadText, ChainsThatAreNotCompared) {
  const auto read = read_script(R"(
table inet t {
  chain pre { type filter hook prerouting priority raw; ip saddr 192.0.2.1 drop; }
  chain raw { type filter hook output priority raw; ct state invalid drop; }
  chain none { type filter hook prerouting priority raw; }
  chain input { type filter hook input priority 0; policy drop; }
}
table ip nat {
  chain post { type nat hook postrouting priority srcnat; masquerade; }
  chain unused { dnat to 192.0.2.1; }
}
table bridge b { chain f { type filter hook forward priority 0; policy drop; } }
table inet asleep { flags dormant; chain c { type filter hook input priority 0; policy drop; } }
)");
  EXPECT_EQ(meaning(read), "chain input hook inbound policy drop\n");
  EXPECT_EQ(read.others,
            (std::vector<std::string>{
                "artifact-not-compared 3:9-12 the chain `pre` of table `inet t` (filter, "
                "prerouting) takes part in filtering and is not compared",
                "artifact-not-compared 4:9-12 the chain `raw` of table `inet t` (filter, output) "
                "takes part in filtering and is not compared",
                "artifact-not-compared 9:9-13 the chain `post` of table `ip nat` (nat, "
                "postrouting) takes part in filtering and is not compared",
                "artifact-not-compared 12:24-25 the chain `f` of table `bridge b` (filter, "
                "forward) takes part in filtering and is not compared"}));
}

TEST(ReadText, JumpsThatTheKernelRefuses) {
  EXPECT_EQ(rules("jump a", "chain a { jump b; }\nchain b { jump a; }\n"),
            "artifact-conflict 2:7-8 this contradicts itself: jumps lead back to this chain");
  EXPECT_EQ(rules("jump c"),
            "artifact-conflict 4:1-7 this contradicts itself: a jump to the base chain `c`");
  std::string deep;
  for (int i = 0; i < 20; ++i)
    deep += "chain x" + std::to_string(i) + " { jump x" + std::to_string(i + 1) + "; }\n";
  deep += "chain x20 { }\n";
  EXPECT_TRUE(rules("jump x0", deep).ends_with("jumps lead deeper than the kernel goes"));
  EXPECT_TRUE(rules("jump x10", deep).starts_with("any -> jump x10"));
}

TEST(ReadText, OpaqueIsNotedOnce) {
  const auto read = read_script(in_table("meta mark 1 accept\nmark 0x1 drop\nmeta mark 2 drop"));
  EXPECT_EQ(read.others,
            (std::vector<std::string>{
                "artifact-opaque 4:1-12 `meta mark 1` is not looked into: it is taken to hold for "
                "some packets and not for others",
                "artifact-opaque 6:1-12 `meta mark 2` is not looked into: it is taken to hold for "
                "some packets and not for others"}));
}

// The firewall of a workstation, as such scripts are commonly written.
TEST(ReadText, Workstation) {
  EXPECT_EQ(meaning(read_script(R"(#!/usr/sbin/nft -f

flush ruleset

table inet filter {
	chain input {
		type filter hook input priority 0;

		# accept any localhost traffic
		iif lo accept

		# accept traffic originated from us
		ct state established,related accept

		meta nfproto ipv6 icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-reply, echo-request, nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, 148, 149 } accept
		ip6 saddr fe80::/10 icmpv6 type { 130, 131, 132, 143, 151, 152, 153 } accept

		# count and drop any other traffic
		counter drop
	}
}
)")),
            "chain input hook inbound policy accept\n"
            "in {\"lo\"} -> accept\n"
            "state {established, related} -> accept\n"
            "family {ipv6} protocol {icmpv6} icmp {1/0-4/255, 128/0-129/255, 133/0-136/255, "
            "148/0-149/255} -> accept\n"
            "family {ipv6} protocol {icmpv6} icmp {130/0-132/255, 143/0-143/255, 151/0-153/255} "
            "from6 {fe80::/10} -> accept\n"
            "any -> drop\n");
}

TEST(ReadText, NothingIsAProgram) {
  EXPECT_EQ(meaning(read_script("")), "");
  EXPECT_EQ(meaning(read_script("#!/usr/sbin/nft -f\n\nflush ruleset\n")), "");
}

}  // namespace
}  // namespace firewright::nftables
