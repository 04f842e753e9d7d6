// What few scripts say: answers of reject by number, headers that nothing else looks at, tables
// that are defined in parts, commands that take something back.
#include <gtest/gtest.h>

#include <ostream>

#include "tests/backends/nftables/text_reading.h"

namespace firewright::nftables {
namespace {

struct Said {
  const char* text;
  const char* read;
  const char* before = "";  // sets and maps
};
void PrintTo(const Said& said, std::ostream* out) { *out << said.text; }

class RareRule : public testing::TestWithParam<Said> {};
TEST_P(RareRule, IsReadOrRefused) {
  EXPECT_EQ(test::rules(GetParam().text, GetParam().before), GetParam().read);
}
// The rule stands in line 4.
INSTANTIATE_TEST_SUITE_P(
    Rules, RareRule,
    testing::Values(
        Said{"ip saddr 192.0.2.1 reject with icmp net-unreachable",
             "family {ipv4} from4 {192.0.2.1} -> reject net-unreachable"},
        Said{"reject with icmp type port-unreachable", "family {ipv4} -> reject port-unreachable"},
        Said{"meta nfproto ipv4 reject with icmp admin-prohibited",
             "family {ipv4} -> reject admin-prohibited"},
        Said{"meta nfproto ipv4 reject with icmp 13", "family {ipv4} -> reject admin-prohibited"},
        Said{"meta nfproto ipv4 reject with icmp 5",
             "artifact-syntax 4:36-37 not nft's language as it is known here: expected "
             "an answer that reject knows"},
        Said{"meta nfproto ipv4 reject with icmp 0", "family {ipv4} -> reject net-unreachable"},
        Said{"meta nfproto ipv6 reject with icmpv6 1", "family {ipv6} -> reject admin-prohibited"},
        Said{"meta nfproto ipv6 reject with icmpv6 4", "family {ipv6} -> reject port-unreachable"},
        Said{"meta nfproto ipv6 reject with icmpv6 7",
             "artifact-syntax 4:38-39 not nft's language as it is known here: expected "
             "an answer that reject knows"},
        Said{"reject with icmpx 9",
             "artifact-syntax 4:19-20 not nft's language as it is known here: expected "
             "an answer that reject knows"},
        Said{"reject with icmpx 2", "any -> reject host-unreachable"},
        Said{"tcp dport 22 reject with tcp",
             "artifact-syntax 4:29-29 not nft's language as it is known here: expected "
             "`reset`"},
        Said{"meta l4proto tcp reject with tcp reset", "protocol {tcp} -> reject tcp-reset"},
        Said{"ct state new-established accept",
             "artifact-unknown 4:10-25 `new-established` is not understood here, so "
             "what this does is not known"},
        Said{"ct state < new accept",
             "artifact-unknown 4:16-22 `accept` is not understood here, so what this "
             "does is not known"},
        Said{"ct state ! new accept", "state {established, related, invalid, untracked} -> accept"},
        Said{"tcp dport ! 22 accept",
             "artifact-unknown 4:13-15 `22` is not understood here, so what this does "
             "is not known"},
        Said{"tcp dport < { 22, 23 } accept",
             "artifact-unknown 4:13-14 `{` is not understood here, so what this does "
             "is not known"},
        Said{"ip saddr . tcp dport { 192.0.2.1 } accept",
             "artifact-syntax 4:34-35 not nft's language as it is known here: expected "
             "`.` and a port"},
        Said{"tcp dport { 22 23 } accept",
             "artifact-syntax 4:16-18 not nft's language as it is known here: expected "
             "`,` or `}`"},
        Said{"tcp dport { 22 accept }",
             "artifact-syntax 4:16-22 not nft's language as it is known here: expected "
             "`,` or `}`"},
        Said{"igmp type 17 accept",
             "family {ipv4} protocol {igmp} while {opaque:opaque \"igmp type 17\"} -> "
             "accept"},
        Said{"esp spi 1 accept", "protocol {esp} while {opaque:opaque \"esp spi 1\"} -> accept"},
        Said{"ah spi 1 accept", "protocol {ah} while {opaque:opaque \"ah spi 1\"} -> accept"},
        Said{"comp cpi 1 accept",
             "protocol {ipcomp} while {opaque:opaque \"comp cpi 1\"} -> accept"},
        Said{"ipsec in spnum 1 spi 5 accept",
             "while {opaque:opaque \"ipsec in spnum 1 spi 5\"} -> accept"},
        Said{"ipsec in spi 5 accept", "while {opaque:opaque \"ipsec in spi 5\"} -> accept"},
        Said{"ipsec out ip saddr 192.0.2.1 accept",
             "while {opaque:opaque \"ipsec out ip saddr 192.0.2.1\"} -> accept"},
        Said{"rt mtu 5 accept", "while {opaque:opaque \"rt mtu 5\"} -> accept"},
        Said{"@nh accept",
             "artifact-syntax 4:1-2 not nft's language as it is known here: expected a "
             "match; bits of a packet are @HEADER,OFFSET,LENGTH"},
        Said{"@nh,8,16 5 accept", "while {opaque:opaque \"@nh,8,16 5\"} -> accept"},
        Said{"counter packets 1 bytes 2 accept", "any -> accept"},
        Said{"counter packets x accept",
             "artifact-syntax 4:17-18 not nft's language as it is known here: expected "
             "a number"},
        Said{"quota over 1 mbytes accept", "while {c-1:opaque \"quota over 1 mbytes\"} -> accept"},
        Said{"quota until 5 mbytes used 3 kbytes drop",
             "while {c-1:opaque \"quota until 5 mbytes\"} -> drop"},
        Said{"limit rate 5/fortnight accept",
             "artifact-syntax 4:14-23 not nft's language as it is known here: expected "
             "a unit of time"},
        Said{"limit 5/second accept",
             "artifact-syntax 4:7-8 not nft's language as it is known here: expected "
             "`rate`"},
        Said{"limit rate 5 accept",
             "artifact-unknown 4:14-20 `accept` is not understood here, so what this "
             "does is not known"},
        Said{"limit rate 5 xbytes/second accept",
             "artifact-unknown 4:14-27 `xbytes/second` is not understood here, so what "
             "this does is not known"},
        Said{"limit rate over 10 mbytes/second burst 5 gbytes drop",
             "while {c-1:opaque \"limit rate over 10 mbytes/second burst 5 gbytes\"} "
             "-> drop"},
        Said{"log prefix \"$x \" accept",
             "artifact-unknown 4:18-24 `accept` is not understood here, so what this "
             "does is not known"},
        Said{"log prefix \"a\" group 99999999999 accept",
             "any ; log \"a [group 99999999999]\" -> accept"},
        Said{"meta mark set 99999999999 accept",
             "artifact-unknown 4:11-14 `set` is not understood here, so what this does "
             "is not known"},
        Said{"numgen inc mod 2 vmap { 0 : accept, 1 : drop }",
             "artifact-unknown 4:23-24 `{` is not understood here, so what this does "
             "is not known"},
        Said{"tcp dport vmap { * : drop, 22 : accept }",
             "artifact-unknown 4:18-19 `*` is not understood here, so what this does "
             "is not known"}));
INSTANTIATE_TEST_SUITE_P(
    MoreRules, RareRule,
    testing::Values(
        Said{"tcp dport { *, 22 } accept",
             "artifact-unknown 4:13-14 `*` is not understood here, so what this does "
             "is not known"},
        Said{"last accept", "any -> accept"}, Said{"last used never accept", "any -> accept"},
        Said{"last used 5s accept", "any -> accept"},
        Said{"ct count over 5 drop", "while {c-1:opaque \"ct count over 5\"} -> drop"},
        Said{"ct count 3 accept", "while {c-1:connections 3} -> accept"},
        Said{"meta cpu 1-3 accept", "while {opaque:opaque \"meta cpu 1-3\"} -> accept"},
        Said{"meta cpu { 1, 2 } accept", "while {opaque:opaque \"meta cpu { 1,2 }\"} -> accept"},
        Said{"meta cpu vmap { 1 : accept, 2 : drop }",
             "while {opaque:opaque \"meta cpu 1\"} -> accept\nwhile {opaque:opaque "
             "\"meta cpu 2\"} -> drop"},
        Said{"meta cpu @nothing accept",
             "artifact-undefined 4:11-18 set `nothing` is used and nowhere defined"},
        Said{"fib daddr type local accept",
             "while {opaque:opaque \"fib daddr type local\"} -> accept"},
        Said{"fib daddr type != { local, broadcast } drop",
             "while {opaque:opaque \"fib daddr type != { local,broadcast }\"} -> drop"},
        Said{"meta rtclassid 5 accept", "while {opaque:opaque \"meta rtclassid 5\"} -> accept"},
        Said{"meta pkttype host accept", "while {opaque:opaque \"meta pkttype host\"} -> accept"},
        Said{"tcp flags syn / fin accept",
             "protocol {tcp} while {opaque:opaque \"tcp flags syn/fin\"} -> accept"},
        Said{"ether type ip accept", "while {opaque:opaque \"ether type ip\"} -> accept"},
        Said{"tcp dport ^ 5 accept",
             "artifact-syntax 4:15-21 not nft's language as it is known here: expected "
             "a value"},
        Said{"tcp dport 22 \\ accept",
             "artifact-syntax 4:14-15 not nft's language as it is known here: `\\` "
             "that no line ends with"},
        Said{"tcp dport $ accept",
             "artifact-syntax 4:11-12 not nft's language as it is known here: `$` "
             "without a name"},
        Said{"dup to 192.0.2.1",
             "artifact-unknown 4:1-4 `dup` is not understood here, so what this does "
             "is not known"},
        Said{"queue num 1",
             "artifact-unknown 4:1-6 `queue` is not understood here, so what this does "
             "is not known"},
        Said{"meta skuid < 1000 accept", "user {0-999} -> accept"},
        Said{"ct original saddr 192.0.2.1 accept",
             "while {opaque:opaque \"ct original saddr 192.0.2.1\"} -> accept"},
        Said{"jump",
             "artifact-syntax 4:5-5 not nft's language as it is known here: expected a "
             "name"},
        Said{"goto nothing",
             "artifact-undefined 4:1-13 chain `nothing` is used and nowhere defined"}));

// What was to come, and what comes instead.
INSTANTIATE_TEST_SUITE_P(
    BrokenOff, RareRule,
    testing::Values(
        Said{"meta nfproto",
             "artifact-syntax 4:13-13 not nft's language as it is known here: expected "
             "`ipv4` or `ipv6`"},
        Said{"meta l4proto",
             "artifact-syntax 4:13-13 not nft's language as it is known here: expected "
             "a protocol"},
        Said{"ether type",
             "artifact-syntax 4:11-11 not nft's language as it is known here: expected "
             "a value"},
        Said{"icmp type",
             "artifact-syntax 4:10-10 not nft's language as it is known here: expected "
             "an ICMP type"},
        Said{"icmpv6 type",
             "artifact-syntax 4:12-12 not nft's language as it is known here: expected "
             "an ICMP type"},
        Said{"icmp code",
             "artifact-syntax 4:10-10 not nft's language as it is known here: expected "
             "an ICMP code"},
        Said{"icmpv6 code",
             "artifact-syntax 4:12-12 not nft's language as it is known here: expected "
             "an ICMP code"},
        Said{"iifname",
             "artifact-syntax 4:8-8 not nft's language as it is known here: expected "
             "an interface"},
        Said{"iif",
             "artifact-syntax 4:4-4 not nft's language as it is known here: expected "
             "an interface"},
        Said{"meta skuid",
             "artifact-syntax 4:11-11 not nft's language as it is known here: expected "
             "a user's number"},
        Said{"meta skgid",
             "artifact-syntax 4:11-11 not nft's language as it is known here: expected "
             "a group's number"},
        Said{"meta cpu",
             "artifact-syntax 4:9-9 not nft's language as it is known here: expected a "
             "value"},
        Said{"ct state",
             "artifact-syntax 4:9-9 not nft's language as it is known here: expected a "
             "state"},
        Said{"ip saddr",
             "artifact-syntax 4:9-9 not nft's language as it is known here: expected "
             "an IPv4 address"},
        Said{"limit rate 5",
             "artifact-syntax 4:13-13 not nft's language as it is known here: expected "
             "`/` and a unit of time"},
        Said{"tcp dport vmap { 22 : }",
             "artifact-syntax 4:23-24 not nft's language as it is known here: expected "
             "a verdict"},
        Said{"tcp dport vmap { 22 : frob }",
             "artifact-unknown 4:23-27 `frob` is not understood here, so what this "
             "does is not known"},
        Said{"tcp dport vmap 22",
             "artifact-syntax 4:16-18 not nft's language as it is known here: expected "
             "`{` or `@`"},
        Said{"meta cpu vmap 22",
             "artifact-syntax 4:15-17 not nft's language as it is known here: expected "
             "`{` or `@`"},
        Said{"meta cpu vmap @m", "while {opaque:opaque \"meta cpu 1\"} -> accept",
             "map m { type integer : verdict; elements = { 1 : accept } }\n"},
        Said{"meta mark vmap @m",
             "while {opaque:opaque \"meta mark 1\"} -> accept\nwhile {opaque:opaque "
             "\"meta mark 2\"} -> drop",
             "map m { type mark : verdict; elements = { 1 : accept, 2 : drop } }\n"},
        Said{"meta mark vmap @s",
             "artifact-conflict 5:17-18 this contradicts itself: `s` is no map to "
             "verdicts that are known",
             "set s { type mark; elements = { 1 } }\n"},
        Said{"meta mark vmap @nothing",
             "artifact-undefined 4:17-24 set `nothing` is used and nowhere defined"},
        Said{"meta cpu vmap { * : drop }",
             "artifact-unknown 4:17-18 `*` is not understood here, so what this does "
             "is not known"},
        Said{"quota over 99999999999999999999 bytes",
             "artifact-syntax 4:12-32 not nft's language as it is known here: expected "
             "a number without leading zeros that fits into 64 bits"},
        Said{"counter name",
             "artifact-syntax 4:13-13 not nft's language as it is known here: expected "
             "a name"},
        Said{"counter packets 5 bytes",
             "artifact-syntax 4:24-24 not nft's language as it is known here: expected "
             "a number"},
        Said{"@th,16",
             "artifact-syntax 4:1-2 not nft's language as it is known here: expected a "
             "match; bits of a packet are @HEADER,OFFSET,LENGTH"},
        Said{"@th,0,16 { 22, 23 } accept",
             "while {opaque:opaque \"@th,0,16 { 22,23 }\"} -> accept"},
        Said{"@th,0,16 vmap { 22 : accept }", "while {opaque:opaque \"@th,0,16 22\"} -> accept"},
        Said{"meta cpu { 1 } ", "while {opaque:opaque \"meta cpu { 1 }\"} -> next"},
        Said{"ct state new-",
             "artifact-unknown 4:10-14 `new-` is not understood here, so what this "
             "does is not known"},
        Said{"ct state { new-established } accept",
             "artifact-unknown 4:12-27 `new-established` is not understood here, so "
             "what this does is not known"},
        Said{"ip saddr { 192.0.2.1 . 5 } accept",
             "artifact-syntax 4:22-23 not nft's language as it is known here: expected "
             "`,` or `}`"},
        Said{"tcp sport . tcp dport != { 1 . 2 } accept",
             "protocol {tcp} while {opaque:opaque \"tcp sport . tcp dport != { 1 . 2 "
             "}\"} -> accept"},
        Said{"log flags tcp sequence,options accept",
             "any ; log \" [flags tcp sequence,options]\" -> accept"},
        Said{"log flags ether", "any ; log \" [flags ether]\" -> next"},
        Said{"log queue-threshold 5 group 1 accept",
             "any ; log \" [group 1, queue-threshold 5]\" -> accept"},
        Said{"log snaplen 64 group 1 accept", "any ; log \" [group 1, snaplen 64]\" -> accept"}));

class RareScript : public testing::TestWithParam<Said> {};
TEST_P(RareScript, IsReadOrRefused) {
  auto read = test::meaning(test::read_script(GetParam().text));
  while (read.ends_with('\n')) read.pop_back();
  EXPECT_EQ(read, GetParam().read);
}
INSTANTIATE_TEST_SUITE_P(
    Scripts, RareScript,
    testing::Values(
        Said{"table inet t { flags dormant; chain c { type filter hook input priority "
             "0; drop } }\n",
             ""},
        Said{"table inet t { comment \"x\"; chain c { comment \"y\"; type filter hook "
             "input priority 0; policy accept; drop } }\n",
             "chain c hook inbound policy accept\nany -> drop"},
        Said{"include \"x\"\n",
             "artifact-unknown 1:1-8 `include` is not understood here, so what this "
             "does is not known"},
        Said{"table inet t { include \"x\"\n}\n",
             "artifact-unknown 1:16-23 `include` is not understood here, so what this "
             "does is not known"},
        Said{"table netdev t { chain c { type filter hook ingress device eth0 priority "
             "0; accept } }\n",
             ""},
        Said{"table netdev t { chain c { type filter hook ingress devices = { eth0, "
             "eth1 } priority 0; accept } }\n",
             ""},
        Said{"table netdev t { chain c { type filter hook ingress devices { eth0 } "
             "priority 0; accept } }\n",
             "artifact-syntax 1:61-62 not nft's language as it is known here: expected "
             "`=`"},
        Said{"table inet t { chain c { type filter hook input priority 0; accept "
             "}\n}\ntable inet t { chain c { type filter hook input priority 0; drop } "
             "}\n",
             "chain c hook inbound policy accept\nany -> accept\nany -> drop"},
        Said{"table inet t { chain c { type filter hook input priority 0; }\n}\ntable "
             "inet t { chain c { type filter hook output priority 0; } }\n",
             "artifact-conflict 1:22-23 this contradicts itself: this chain has "
             "another type, hook or priority above"},
        Said{"table inet t { set s { type ipv4_addr; }\n map s { type ipv4_addr : "
             "verdict; }\n}\n",
             "artifact-conflict 2:6-7 this contradicts itself: `s` is a set here and a "
             "map there"},
        Said{"table inet t { set s { flags interval; }\n}\n",
             "artifact-syntax 1:20-21 not nft's language as it is known here: a set "
             "without a type"},
        Said{"table inet t { set s { type ipv4_addr; gc-interval 1h; timeout 5m; size "
             "10; flags timeout; policy memory; }\n}\n",
             ""},
        Said{"table inet t { ct helper h { type \"ftp\" protocol tcp; }\n ct timeout x "
             "{ protocol tcp; l3proto ip; policy = { established: 5 }; }\n secmark z { "
             "\"x\" }\n synproxy s { mss 5 wscale 2 }\n flowtable f { hook ingress "
             "priority 0; devices = { eth0 }; }\n}\n",
             ""},
        Said{"table inet t { limit l { rate 5/second }\n limit l { rate 6/second }\n}\n",
             "artifact-conflict 2:8-9 this contradicts itself: `l` is defined twice"},
        Said{"table inet t { quota q { over 5 mbytes }\n quota q { over 6 mbytes }\n}\n",
             "artifact-conflict 2:8-9 this contradicts itself: `q` is defined twice"},
        Said{"table inet t { counter q { }\n counter q { packets 1 bytes 2 }\n}\n", ""},
        Said{"table inet t { ct helper h { type \"ftp\"\n",
             "artifact-truncated 2:1-1 the artifact ends in the middle of a named "
             "object"},
        Said{"table inet t { chain c { type filter hook input priority 0; accept "
             "}\n}\ndelete chain inet t c\n",
             ""},
        Said{"table inet t { set s { type ipv4_addr; }\n}\ndelete set inet t s\n", ""},
        Said{"delete rule inet t c handle 5\n",
             "artifact-unknown 1:8-12 `rule` is not understood here, so what this does "
             "is not known"},
        Said{"delete chain inet\n",
             "artifact-syntax 1:18-18 not nft's language as it is known here: expected "
             "a name"},
        Said{"table inet t { chain c { type filter hook input priority 0; drop "
             "}\n}\nflush table inet t\n",
             "chain c hook inbound policy accept"},
        Said{"table inet t { chain c { type filter hook input priority 0; drop "
             "}\n}\nflush chain inet t c\n",
             "chain c hook inbound policy accept"},
        Said{"table inet t { set s { type ipv4_addr; elements = { 192.0.2.1 } }\n "
             "chain c { type filter hook input priority 0; ip saddr @s drop "
             "}\n}\nflush set inet t s\n",
             "chain c hook inbound policy accept"},
        Said{"flush nothing\n",
             "artifact-unknown 1:7-14 `nothing` is not understood here, so what this "
             "does is not known"},
        Said{"add rule inet t nothing drop\n",
             "artifact-undefined 1:10-16 table `t` is used and nowhere defined"},
        Said{"table inet t { }\nadd rule inet t nothing drop\n",
             "artifact-undefined 2:17-24 chain `nothing` is used and nowhere defined"},
        Said{"table inet t { }\nadd element inet t nothing { 192.0.2.1 }\n",
             "artifact-undefined 2:20-27 set `nothing` is used and nowhere defined"},
        Said{"add frob inet t\n",
             "artifact-unknown 1:5-9 `frob` is not understood here, so what this does "
             "is not known"},
        Said{"frob\n",
             "artifact-unknown 1:1-5 `frob` is not understood here, so what this does "
             "is not known"},
        Said{"table inet t { chain c { type filter hook input priority 0; } }\nadd "
             "rule inet t c tcp dport 22 accept\ninsert rule inet t c drop\n",
             "chain c hook inbound policy accept\nany -> drop\nprotocol {tcp} dport "
             "{22} -> accept"},
        Said{"define x = 22\ntable inet t { chain c { type filter hook input priority "
             "0; tcp dport $x accept } }\n",
             "chain c hook inbound policy accept\nprotocol {tcp} dport {22} -> accept"},
        Said{"table arp t { chain c { type filter hook input priority 0; accept } }\n", ""},
        Said{"table netdev t { chain c { type filter hook ingress device \"eth0\" "
             "priority 0; accept } }\n",
             ""},
        Said{"table inet t { chain c { type filter hook input priority 0; accept } } "
             "table inet u { }\n",
             "artifact-syntax 1:72-77 not nft's language as it is known here: expected "
             "a new line"},
        Said{"table inet t { chain c { type filter hook input device eth0 priority 0; "
             "} }\n",
             "chain c hook inbound policy accept"},
        Said{"table inet t { set s { typeof ip saddr; elements = { 192.0.2.1 timeout "
             "500ms, 192.0.2.2 timeout 2w } ; flags timeout; }\n chain c { type filter "
             "hook input priority 0; ip saddr @s drop } }\n",
             "chain c hook inbound policy accept\nfamily {ipv4} from4 "
             "{192.0.2.1-192.0.2.2} -> drop"},
        Said{"table inet t { set s { type ipv4_addr; flags timeout; timeout 5x; }\n}\n",
             "artifact-syntax 1:63-65 not nft's language as it is known here: expected "
             "a time such as 1h30m"}));

}  // namespace
}  // namespace firewright::nftables
