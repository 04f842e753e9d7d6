// One rule of nft at a time: matches, verdicts, effects and limits, in the encoder's words, in
// those of `nft list ruleset`, and in other people's.
#include <gtest/gtest.h>

#include <ostream>

#include "tests/backends/nftables/text_reading.h"

namespace firewright::nftables {
namespace {

using test::rules;

struct Case {
  const char* rule;
  const char* means;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.rule; }

class TextRule : public testing::TestWithParam<Case> {};
TEST_P(TextRule, Means) { EXPECT_EQ(rules(GetParam().rule), GetParam().means); }

INSTANTIATE_TEST_SUITE_P(
    Ports, TextRule,
    testing::Values(
        Case{"tcp dport 22 accept", "protocol {tcp} dport {22} -> accept"},
        Case{"tcp dport ssh accept", "protocol {tcp} dport {22} -> accept"},
        Case{"tcp dport != 22 drop", "protocol {tcp} dport {0-21, 23-65535} -> drop"},
        Case{"tcp dport { 22, 80-90 } accept", "protocol {tcp} dport {22, 80-90} -> accept"},
        Case{"tcp dport != { 22, 80 } accept",
             "protocol {tcp} dport {0-21, 23-79, 81-65535} -> accept"},
        Case{"udp sport 0x35 accept", "protocol {udp} sport {53} -> accept"},
        Case{"sctp dport 1-9 accept", "protocol {sctp} dport {1-9} -> accept"},
        Case{"dccp dport 5 accept", "protocol {dccp} dport {5} -> accept"},
        Case{"udplite dport 5 accept", "protocol {udplite} dport {5} -> accept"},
        Case{"tcp dport < 1024 accept", "protocol {tcp} dport {0-1023} -> accept"},
        Case{"tcp dport <= 1024 accept", "protocol {tcp} dport {0-1024} -> accept"},
        Case{"tcp dport > 65534 accept", "protocol {tcp} dport {65535} -> accept"},
        Case{"tcp dport ge 1024 accept", "protocol {tcp} dport {1024-65535} -> accept"},
        Case{"tcp dport > 65535 accept", ""},
        Case{"tcp dport == 22 accept", "protocol {tcp} dport {22} -> accept"},
        Case{"tcp sport 22 tcp dport 80 accept", "protocol {tcp} sport {22} dport {80} -> accept"},
        Case{"tcp dport 22 tcp dport 23 accept", ""},
        Case{"meta l4proto { tcp, udp } th dport 53 accept",
             "protocol {tcp, udp} dport {53} -> accept"},
        // Without a protocol nft looks at whatever bytes there are.
        Case{"th dport 53 accept",
             "protocol {0-5, 7-16, 18-32, 34-131, 133-135, 137-255} while {opaque:opaque \"th "
             "dport {53}\"} -> accept\n"
             "protocol {tcp, udp, dccp, sctp, udplite} dport {53} -> accept"},
        Case{"meta l4proto . th dport { tcp . 22, udp . 53, udp . 67-68 } accept",
             "protocol {tcp} dport {22} -> accept\nprotocol {udp} dport {53, 67-68} -> accept"}));

INSTANTIATE_TEST_SUITE_P(
    Protocols, TextRule,
    testing::Values(
        Case{"meta l4proto tcp accept", "protocol {tcp} -> accept"},
        Case{"meta l4proto { icmp, ipv6-icmp } accept", "protocol {icmp, icmpv6} -> accept"},
        Case{"meta l4proto != 6 drop", "protocol {0-5, 7-255} -> drop"},
        Case{"meta l4proto ipencap accept", "protocol {ipip} -> accept"},
        Case{"meta l4proto ipip accept", "protocol {94} -> accept"},
        Case{"ip protocol tcp accept", "family {ipv4} protocol {tcp} -> accept"},
        Case{"ip protocol { tcp, udp } th dport 53 accept",
             "family {ipv4} protocol {tcp, udp} dport {53} -> accept"},
        Case{"ip6 nexthdr tcp tcp dport 22 accept",
             "family {ipv6} protocol {tcp} dport {22} while {opaque:opaque \"no IPv6 extension "
             "headers\"} -> accept"},
        Case{"ip6 nexthdr != tcp drop",
             "family {ipv6} while {opaque:opaque \"ip6 nexthdr != {6}\"} -> drop"},
        Case{"ip6 nexthdr { 0, 58 } accept",
             "family {ipv6} while {opaque:opaque \"ip6 nexthdr {0,58}\"} -> accept"},
        Case{"meta nfproto ipv4 accept", "family {ipv4} -> accept"},
        Case{"meta nfproto != ipv4 accept", "family {ipv6} -> accept"},
        Case{"meta nfproto { ipv4, ipv6 } accept", "any -> accept"},
        Case{"meta protocol ip accept", "family {ipv4} -> accept"},
        Case{"meta protocol { ip, ip6 } accept", "any -> accept"},
        Case{"meta protocol != ip6 accept", "family {ipv4} -> accept"}));

INSTANTIATE_TEST_SUITE_P(
    Icmp, TextRule,
    testing::Values(
        Case{"icmp type echo-request accept",
             "family {ipv4} protocol {icmp} icmp {8/0-8/255} -> accept"},
        Case{"icmpv6 type { nd-neighbor-solicit, 136 } accept",
             "family {ipv6} protocol {icmpv6} icmp {135/0-136/255} -> accept"},
        Case{"icmp type destination-unreachable icmp code frag-needed accept",
             "family {ipv4} protocol {icmp} icmp {3/4} -> accept"},
        Case{"icmpv6 type . icmpv6 code { 1 . 4, 2 . 0-5 } accept",
             "family {ipv6} protocol {icmpv6} icmp {2/0-2/5} -> accept\n"
             "family {ipv6} protocol {icmpv6} icmp {1/4} -> accept"},
        Case{"icmp type != 8 accept",
             "family {ipv4} protocol {icmp} icmp {0/0-7/255, 9/0-255/255} -> accept"},
        Case{"ip protocol icmp icmp type 8 accept",
             "family {ipv4} protocol {icmp} icmp {8/0-8/255} -> accept"},
        Case{"meta nfproto ipv6 icmpv6 type 128 accept",
             "family {ipv6} protocol {icmpv6} icmp {128/0-128/255} -> accept"},
        // Having named the protocol, nft does not add the family.
        Case{"meta l4proto icmp icmp type 8 accept",
             "family {ipv6} protocol {icmp} while {opaque:opaque \"icmp type {8}\"} -> accept\n"
             "family {ipv4} protocol {icmp} icmp {8/0-8/255} -> accept"},
        Case{"ip6 saddr ::1 icmp type 8 accept",
             "family {ipv6} protocol {icmp} from6 {::1} while {opaque:opaque \"icmp type {8}\"} -> "
             "accept"},
        Case{"icmp id 5 accept",
             "family {ipv4} protocol {icmp} while {opaque:opaque \"icmp id 5\"} -> accept"}));

INSTANTIATE_TEST_SUITE_P(
    Addresses, TextRule,
    testing::Values(
        Case{"ip saddr 192.0.2.1 accept", "family {ipv4} from4 {192.0.2.1} -> accept"},
        Case{"ip saddr 192.0.2.0/24 accept", "family {ipv4} from4 {192.0.2.0/24} -> accept"},
        Case{"ip saddr 192.0.2.77/24 accept", "family {ipv4} from4 {192.0.2.0/24} -> accept"},
        Case{"ip daddr 0.0.0.0/0 accept", "family {ipv4} -> accept"},
        Case{"ip saddr != 192.0.2.0/24 drop",
             "family {ipv4} from4 {0.0.0.0-192.0.1.255, 192.0.3.0-255.255.255.255} -> drop"},
        Case{"ip saddr 192.0.2.1-192.0.2.9 accept",
             "family {ipv4} from4 {192.0.2.1-192.0.2.9} -> accept"},
        Case{"ip6 saddr { fe80::/10, ::1 } accept",
             "family {ipv6} from6 {::1, fe80::/10} -> accept"},
        Case{"ip6 daddr 2001:db8:30:3::80 accept",
             "family {ipv6} to6 {2001:db8:30:3::80} -> accept"},
        Case{"ip6 saddr 2001:db8::1-2001:db8::5 accept",
             "family {ipv6} from6 {2001:db8::1-2001:db8::5} -> accept"},
        Case{"ip saddr . tcp dport { 192.0.2.1 . 22, 192.0.2.2 . 22 } accept",
             "family {ipv4} protocol {tcp} dport {22} from4 {192.0.2.1-192.0.2.2} -> accept"},
        Case{"ip saddr . ip daddr . tcp dport { 192.0.2.0/24 . 198.51.100.1 . 1-9 } accept",
             "family {ipv4} protocol {tcp} dport {1-9} from4 {192.0.2.0/24} to4 {198.51.100.1} -> "
             "accept"},
        Case{"ip saddr . tcp dport != { 192.0.2.1 . 22 } drop",
             "family {ipv4} protocol {tcp} while {opaque:opaque \"ip saddr . tcp dport != { "
             "192.0.2.1 . 22 }\"} -> drop"},
        Case{"ip saddr & 255.0.0.255 == 10.0.0.1 drop",
             "family {ipv4} while {opaque:opaque \"ip saddr & 255.0.0.255 == 10.0.0.1\"} -> "
             "drop"}));

INSTANTIATE_TEST_SUITE_P(
    Interfaces, TextRule,
    testing::Values(
        Case{"iif lo accept", "in {\"lo\"} -> accept"},
        Case{"iif \"lo\" accept", "in {\"lo\"} -> accept"},
        Case{"meta iifname eth0 accept", "in {\"eth0\"} -> accept"},
        Case{"iifname != \"eth0\" drop", "in not {\"eth0\"} -> drop"},
        Case{"iifname \"wg*\" accept", "in {\"wg*\"} -> accept"},
        Case{"oifname { br-lan, eth0.100, wlp3s0 } accept",
             "out {\"br-lan\", \"eth0.100\", \"wlp3s0\"} -> accept"},
        Case{"iifname { \"eth*\", lo } oifname != { \"eth*\" } accept",
             "in {\"eth*\", \"lo\"} out not {\"eth*\"} -> accept"},
        Case{"iifname \"eth*\" iifname \"eth0\" accept", "in {\"eth0\"} -> accept"},
        Case{"iifname != eth0 iifname != eth1 accept", "in not {\"eth0\", \"eth1\"} -> accept"},
        Case{"iifname { eth0, wg0 } iifname != \"wg*\" accept", "in {\"eth0\"} -> accept"},
        Case{"iifname eth0 iifname eth1 accept", ""},
        Case{"iifname \"eth*\" iifname != \"eth0\" accept",
             "in {\"eth*\"} while {opaque:opaque \"meta iifname != {eth0}\"} -> accept"},
        Case{"iifname 1 accept", "in {\"1\"} -> accept"}));

INSTANTIATE_TEST_SUITE_P(
    States, TextRule,
    testing::Values(
        Case{"ct state new accept", "state {new} -> accept"},
        Case{"ct state established,related accept", "state {established, related} -> accept"},
        Case{"ct state { established, related } accept", "state {established, related} -> accept"},
        Case{"ct state established | related accept", "state {established, related} -> accept"},
        Case{"ct state != new drop", "state {established, related, invalid, untracked} -> drop"},
        Case{"ct state ! established,related drop", "state {new, invalid, untracked} -> drop"},
        // Compared as a whole: no packet has both bits.
        Case{"ct state == established,related accept", ""},
        Case{"ct state != established,related accept", "any -> accept"},
        Case{"ct state 0x2 accept", "state {established} -> accept"},
        Case{"ct state vmap { established : accept, related : accept, invalid : drop }",
             "state {established, related} -> accept\nstate {invalid} -> drop"},
        Case{"ct status dnat accept", "while {opaque:opaque \"ct status dnat\"} -> accept"}));

INSTANTIATE_TEST_SUITE_P(
    Owners, TextRule,
    testing::Values(Case{"meta skuid 1000 accept", "user {1000} -> accept"},
                    Case{"skuid != 0 skgid { 5, 7-9 } accept",
                         "user {1-4294967295} group {5, 7-9} -> accept"},
                    Case{"meta skuid root accept", "user {0} -> accept"},
                    Case{"meta skuid >= 0 accept",
                         "while {opaque:opaque \"meta skuid {0-4294967295}\"} -> accept"}));

INSTANTIATE_TEST_SUITE_P(
    Verdicts, TextRule,
    testing::Values(
        Case{"accept", "any -> accept"}, Case{"continue", "any -> next"},
        Case{"return", "any -> return"}, Case{"counter", "any -> next"},
        Case{"counter packets 5 bytes 300 drop", "any -> drop"},
        Case{"reject", "any -> reject port-unreachable"},
        Case{"tcp dport 22 reject", "protocol {tcp} dport {22} -> reject port-unreachable"},
        Case{"reject with tcp reset", "protocol {tcp} -> reject tcp-reset"},
        Case{"meta l4proto tcp reject with tcp reset", "protocol {tcp} -> reject tcp-reset"},
        Case{"reject with icmp type host-unreachable", "family {ipv4} -> reject host-unreachable"},
        Case{"reject with icmp net-prohibited", "family {ipv4} -> reject net-prohibited"},
        Case{"reject with icmp 2", "family {ipv4} -> reject proto-unreachable"},
        Case{"reject with icmp host-prohibited", "family {ipv4} -> reject host-prohibited"},
        Case{"reject with icmpv6 type no-route", "family {ipv6} -> reject net-unreachable"},
        Case{"reject with icmpv6 addr-unreachable", "family {ipv6} -> reject host-unreachable"},
        Case{"reject with icmpv6 policy-fail", "family {ipv6} -> reject policy-fail"},
        Case{"reject with icmpv6 reject-route", "family {ipv6} -> reject reject-route"},
        Case{"reject with icmpx admin-prohibited", "any -> reject admin-prohibited"},
        Case{"reject with icmpx type no-route", "any -> reject net-unreachable"},
        Case{"tcp dport vmap { 22 : accept, 23-25 : drop, 80 : continue }",
             "protocol {tcp} dport {22} -> accept\nprotocol {tcp} dport {23-25} -> drop\n"
             "protocol {tcp} dport {80} -> next"},
        Case{"meta l4proto . th dport vmap { tcp . 22 : accept, udp . 53 : accept }",
             "protocol {tcp} dport {22} -> accept\nprotocol {udp} dport {53} -> accept"},
        Case{"ip saddr vmap { 192.0.2.0/25:drop, 192.0.2.128/25 : accept }",
             "family {ipv4} from4 {192.0.2.0/25} -> drop\n"
             "family {ipv4} from4 {192.0.2.128/25} -> accept"},
        Case{"meta mark vmap { 0x1 : accept, 2 : drop }",
             "while {opaque:opaque \"meta mark 1\"} -> accept\n"
             "while {opaque:opaque \"meta mark 2\"} -> drop"}));

INSTANTIATE_TEST_SUITE_P(
    Effects, TextRule,
    testing::Values(Case{"log", "any ; log \"\" -> next"},
                    Case{"log prefix \"in: \" drop", "any ; log \"in: \" -> drop"},
                    Case{"log prefix \"in: \" level warn drop", "any ; log \"in: \" -> drop"},
                    Case{"log flags all level debug prefix \"x\" accept",
                         "any ; log \"x [level debug, flags all]\" -> accept"},
                    Case{"log prefix \"x\" group 2 snaplen 64 queue-threshold 5 accept",
                         "any ; log \"x [group 2, snaplen 64, queue-threshold 5]\" -> accept"},
                    Case{"log flags tcp sequence,options",
                         "any ; log \" [flags tcp sequence,options]\" -> next"},
                    // What comes behind an effect does not take it back.
                    Case{"log prefix \"a\" tcp dport 22 accept",
                         "any ; log \"a\" -> next\nprotocol {tcp} dport {22} -> accept"},
                    Case{"log prefix \"a\" log prefix \"b\" drop",
                         "any ; log \"a\" -> next\nany ; log \"b\" -> drop"},
                    Case{"log prefix \"a\" ct state vmap { new : drop }",
                         "any ; log \"a\" -> next\nstate {new} -> drop"},
                    Case{"meta nftrace set 1 accept", "any -> accept"},
                    Case{"tcp flags syn tcp option maxseg size set rt mtu",
                         "protocol {tcp} while {opaque:opaque \"tcp flags syn\"} -> next"},
                    Case{"ip dscp set cs1 accept", "family {ipv4} -> accept"}));

INSTANTIATE_TEST_SUITE_P(
    Limits, TextRule,
    testing::Values(
        Case{"limit rate 10/minute accept", "while {c-1:rate 10/minute burst 5} -> accept"},
        Case{"limit rate 10/day burst 7 packets accept",
             "while {c-1:rate 10/day burst 7} -> accept"},
        Case{"limit rate over 10/second drop",
             "while {c-1:opaque \"limit rate over 10/second burst 5 packets\"} -> drop"},
        Case{"limit rate 10 mbytes/second burst 2 kbytes accept",
             "while {c-1:opaque \"limit rate 10 mbytes/second burst 2 kbytes\"} -> accept"},
        Case{"limit rate 1/week accept",
             "while {c-1:opaque \"limit rate 1/week burst 5 packets\"} -> accept"},
        Case{"ct count 50 accept", "while {c-1:connections 50} -> accept"},
        Case{"ct count over 50 drop", "while {c-1:opaque \"ct count over 50\"} -> drop"},
        Case{"quota over 10 mbytes drop", "while {c-1:opaque \"quota over 10 mbytes\"} -> drop"},
        Case{"meter flood size 1000 { ip saddr limit rate 5/second } accept",
             "family {ipv4} while {flood:rate 5/second burst 5 per source} -> accept"},
        Case{"meter flood { ip daddr limit rate 5/second } accept",
             "family {ipv4} while {flood:opaque \"meter flood { ip daddr limit rate 5/second "
             "}\"} -> accept"},
        // A bucket before a condition counts other packets as well.
        Case{"limit rate 1/second tcp dport 22 accept",
             "protocol {tcp} dport {22} while {c-1:opaque \"limit rate 1/second burst 5 packets, "
             "before other conditions\"} -> accept"},
        Case{"tcp dport 22 ct count 3 meta mark 1 accept",
             "protocol {tcp} dport {22} while {c-1:opaque \"ct count 3, before other conditions\", "
             "opaque:opaque \"meta mark 1\"} -> accept"},
        Case{"limit rate 1/second ct state vmap { new : accept }",
             "state {new} while {c-1:opaque \"limit rate 1/second burst 5 packets, before other "
             "conditions\"} -> accept"},
        Case{"limit rate 1/second reject with tcp reset",
             "protocol {tcp} while {c-1:opaque \"limit rate 1/second burst 5 packets, before other "
             "conditions\"} -> reject tcp-reset"},
        Case{"tcp dport 22 limit rate 1/second meta l4proto tcp reject with tcp reset",
             "protocol {tcp} dport {22} while {c-1:rate 1/second burst 5} -> reject tcp-reset"},
        // Two buckets in one rule, and one in another.
        Case{"limit rate 1/second limit rate 2/minute accept\nlimit rate 1/second accept",
             "while {c-1:rate 1/second burst 5, c-1-1:rate 2/minute burst 5} -> accept\n"
             "while {c-2:rate 1/second burst 5} -> accept"}));

// Matches that are not looked into are one condition each, under one canonical text.
INSTANTIATE_TEST_SUITE_P(
    Opaque, TextRule,
    testing::Values(
        Case{"mark 0x10 accept", "while {opaque:opaque \"meta mark 16\"} -> accept"},
        Case{"meta mark != 0x00000010 accept",
             "while {opaque:opaque \"meta mark != 16\"} -> accept"},
        Case{"ct mark and 0xff == 0x10 accept",
             "while {opaque:opaque \"ct mark and 255 == 16\"} -> accept"},
        Case{"tcp flags & (fin | syn) == syn accept",
             "protocol {tcp} while {opaque:opaque \"tcp flags & ( fin | syn ) == syn\"} -> accept"},
        Case{"tcp flags syn / syn,ack accept",
             "protocol {tcp} while {opaque:opaque \"tcp flags syn/syn,ack\"} -> accept"},
        Case{"fib saddr . iif oif missing drop",
             "while {opaque:opaque \"fib saddr . iif oif missing\"} -> drop"},
        Case{"fib daddr type { local, broadcast } accept",
             "while {opaque:opaque \"fib daddr type { local,broadcast }\"} -> accept"},
        Case{"ip ttl < 5 drop", "family {ipv4} while {opaque:opaque \"ip ttl < 5\"} -> drop"},
        Case{"ip6 hoplimit != 255 drop",
             "family {ipv6} while {opaque:opaque \"ip6 hoplimit != 255\"} -> drop"},
        Case{"meta pkttype broadcast drop",
             "while {opaque:opaque \"meta pkttype broadcast\"} -> drop"},
        Case{"pkttype broadcast drop", "while {opaque:opaque \"meta pkttype broadcast\"} -> drop"},
        Case{"ether saddr aa:bb:cc:dd:ee:ff accept",
             "while {opaque:opaque \"ether saddr aa:bb:cc:dd:ee:ff\"} -> accept"},
        Case{"meta time < \"2030-01-01 00:00:00\" accept",
             "while {opaque:opaque \"meta time < \\\"2030-01-01 00:00:00\\\"\"} -> accept"},
        Case{"meta day \"Monday\" accept", "while {opaque:opaque \"meta day Monday\"} -> accept"},
        Case{"rt type 0 drop", "family {ipv6} while {opaque:opaque \"rt type 0\"} -> drop"},
        Case{"tcp option sack-permitted exists accept",
             "protocol {tcp} while {opaque:opaque \"tcp option sack-permitted exists\"} -> accept"},
        Case{"@th,16,16 0x16 accept", "while {opaque:opaque \"@th,16,16 22\"} -> accept"},
        Case{"ct original ip saddr 192.0.2.1 accept",
             "while {opaque:opaque \"ct original ip saddr 192.0.2.1\"} -> accept"},
        Case{"socket cgroupv2 level 2 \"a.slice\" accept",
             "while {opaque:opaque \"socket cgroupv2 level 2 \\\"a.slice\\\"\"} -> accept"},
        Case{"iifname eth0 meta mark . tcp dport { 1 . 22 } accept",
             "in {\"eth0\"} protocol {tcp} while {opaque:opaque \"meta mark . tcp dport { 1 . 22 "
             "}\"} -> accept"},
        Case{"numgen random mod 2 0 accept\nnumgen random mod 2 0 drop",
             "while {c-1:opaque \"numgen random mod 2 0\"} -> accept\n"
             "while {c-2:opaque \"numgen random mod 2 0\"} -> drop"}));

}  // namespace
}  // namespace firewright::nftables
