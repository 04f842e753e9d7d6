// Expressions, one by one, as other programs may put them.
#include <gtest/gtest.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "tests/backends/nftables/hand_written.h"

namespace firewright::nftables {
namespace {

using namespace test;
using std::string_literals::operator""s;

constexpr std::uint8_t ip_family = 2;
constexpr std::uint8_t ip6_family = 10;

void expect(const Nodes& expressions, const std::string& rules, std::uint8_t family = 1) {
  EXPECT_EQ(rules_of(with_rule(expressions, family).bytes()), rules);
}

TEST(Decode, AnEmptyRuleSaysNothing) { expect({}, ""); }

TEST(Decode, AddressesWhereTheFamilyIsKnown) {
  expect(ipv4() + network(12, 4) + equal(be32(0xc0000201)) + accept(),
         "family {ipv4} from4 {192.0.2.1} -> accept\n");
  expect({network(16, 4), equal(be32(0xc0000201)), accept()},
         "family {ipv4} to4 {192.0.2.1} -> accept\n", ip_family);
  expect({meta(NFT_META_PROTOCOL), equal(be16(0x0800)), network(12, 3), equal("\xc0\x00\x02"s),
          drop()},
         "family {ipv4} from4 {192.0.2.0/24} -> drop\n");
  expect({network(8, 4), equal("\x20\x01\x0d\xb8"), accept()},
         "family {ipv6} from6 {2001:db8::/32} -> accept\n", ip6_family);
  expect(ipv6() + network(24, 2) + cmp(NFT_CMP_NEQ, "\x20\x01") + accept(),
         "family {ipv6} to6 {::-2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff, "
         "2002::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff} -> accept\n");
}

TEST(Decode, BothAddressesInOneLoad) {
  expect(ipv4() + network(12, 8) + equal(be32(0xc0000201) + be32(0xc0000202)) + accept(),
         "family {ipv4} from4 {192.0.2.1} to4 {192.0.2.2} -> accept\n");
}

TEST(Decode, BytesOfNoKnownFamilyAreOpaque) {
  const auto table = with_rule({network(12, 4), equal(be32(0xc0000201)), accept()});
  EXPECT_EQ(rules_of(table.bytes()),
            "while {opaque:opaque \"@nh,96,32 == 0xc0000201\"} -> accept\n");
  EXPECT_EQ(notes_of(table.bytes()),
            "artifact-opaque: `@nh,96,32 == 0xc0000201` is not looked into: it is taken to hold "
            "for some packets and not for others\n");
}

TEST(Decode, MasksThatArePrefixes) {
  expect(
      ipv4() + network(12, 4) + bitwise("\xff\xff\xfe\x00"s) + equal(be32(0xc0000200)) + accept(),
      "family {ipv4} from4 {192.0.2.0/23} -> accept\n");
  // Bits behind the mask are never set, so this matches nothing.
  expect(
      ipv4() + network(12, 4) + bitwise("\xff\xff\xfe\x00"s) + equal(be32(0xc0000201)) + accept(),
      "");
  expect(ipv4() + network(12, 4) + bitwise("\xff\xff\xfe\x00"s) +
             cmp(NFT_CMP_NEQ, be32(0xc0000201)) + accept(),
         "family {ipv4} -> accept\n");
  expect(
      ipv4() + network(12, 4) + bitwise("\xff\x00\xff\xff"s) + equal(be32(0x0a000001)) + accept(),
      "family {ipv4} while {opaque:opaque \"ip saddr & 0xff00ffff == 0x0a000001\"} -> accept\n");
}

TEST(Decode, MasksOfSmallFields) {
  // Even ports.
  expect(protocol_is(6) + transport(2, 2) + bitwise("\xff\xf9"s) + equal(be16(80)) + accept(),
         "protocol {tcp} dport {80, 82, 84, 86} -> accept\n");
  expect({meta(NFT_META_L4PROTO), bitwise("\x0f", "\x01"), equal("\x07"), accept()},
         "protocol {tcp, 22, 38, 54, 70, 86, 102, 118, 134, 150, 166, 182, 198, 214, 230, 246} -> "
         "accept\n");
}

TEST(Decode, ProtocolsInHeaders) {
  expect(ipv4() + network(9, 1) + equal("\x06") + accept(),
         "family {ipv4} protocol {tcp} -> accept\n");
  expect(ipv6() + network(6, 1) + equal("\x06") + accept(),
         "family {ipv6} protocol {tcp} while {opaque:opaque \"no IPv6 extension headers\"} -> "
         "accept\n");
  expect(ipv6() + network(6, 1) + cmp(NFT_CMP_NEQ, "\x06") + accept(),
         "family {ipv6} while {opaque:opaque \"ip6 nexthdr != 0x06\"} -> accept\n");
  expect(ipv6() + network(6, 1) + equal(std::string(1, '\0')) + accept(),
         "family {ipv6} while {opaque:opaque \"ip6 nexthdr == 0x00\"} -> accept\n");
  expect(protocol_is(1) + accept(), "protocol {icmp} -> accept\n");
}

TEST(Decode, Ports) {
  const auto dport = protocol_is(6) + transport(2, 2);
  expect(dport + equal(be16(22)) + accept(), "protocol {tcp} dport {22} -> accept\n");
  expect(dport + cmp(NFT_CMP_NEQ, be16(22)) + accept(),
         "protocol {tcp} dport {0-21, 23-65535} -> accept\n");
  expect(dport + cmp(NFT_CMP_LT, be16(1024)) + accept(),
         "protocol {tcp} dport {0-1023} -> accept\n");
  expect(dport + cmp(NFT_CMP_LTE, be16(1024)) + accept(),
         "protocol {tcp} dport {0-1024} -> accept\n");
  expect(dport + cmp(NFT_CMP_GT, be16(1024)) + accept(),
         "protocol {tcp} dport {1025-65535} -> accept\n");
  expect(dport + cmp(NFT_CMP_GTE, be16(1024)) + accept(),
         "protocol {tcp} dport {1024-65535} -> accept\n");
  expect(dport + cmp(NFT_CMP_LT, be16(0)) + accept(), "");
  expect(dport + cmp(NFT_CMP_GT, be16(65535)) + accept(), "");
  expect(dport + range(NFT_RANGE_EQ, be16(80), be16(89)) + accept(),
         "protocol {tcp} dport {80-89} -> accept\n");
  expect(dport + range(NFT_RANGE_NEQ, be16(80), be16(89)) + accept(),
         "protocol {tcp} dport {0-79, 90-65535} -> accept\n");
  expect(dport + range(NFT_RANGE_EQ, be16(89), be16(80)) + accept(), "");
  expect(dport + equal(be16(22)) + equal(be16(23)) + accept(), "");
}

TEST(Decode, BothPortsInOneLoad) {
  const auto ports = protocol_is(17) + transport(0, 4);
  expect(ports + equal(be16(53) + be16(1000)) + accept(),
         "protocol {udp} sport {53} dport {1000} -> accept\n");
  // Not both at once: either of them differs.
  expect(ports + cmp(NFT_CMP_NEQ, be16(53) + be16(1000)) + accept(),
         "protocol {udp} sport {0-52, 54-65535} -> accept\n"
         "protocol {udp} sport {53} dport {0-999, 1001-65535} -> accept\n");
  expect(ports + cmp(NFT_CMP_LT, be16(53) + be16(1000)) + accept(),
         "protocol {udp} while {opaque:opaque \"@th,0,32 < 0x003503e8\"} -> accept\n");
}

TEST(Decode, PortsOfWhateverHasPorts) {
  expect({transport(2, 2), equal(be16(53)), accept()},
         "protocol {tcp, udp, dccp, sctp, udplite} dport {53} -> accept\n"
         "protocol {0-5, 7-16, 18-32, 34-131, 133-135, 137-255} while {opaque:opaque "
         "\"@th,16,16 == 0x0035\"} -> accept\n");
  expect(protocol_is(47) + transport(2, 2) + equal(be16(53)) + accept(),
         "protocol {gre} while {opaque:opaque \"@th,16,16 == 0x0035\"} -> accept\n");
}

TEST(Decode, IcmpTypesAndCodes) {
  const auto v4 = ipv4() + protocol_is(1);
  expect(v4 + transport(0, 1) + equal("\x08") + accept(),
         "family {ipv4} protocol {icmp} icmp {8/0-8/255} -> accept\n");
  expect(v4 + transport(0, 2) + equal("\x03\x04") + accept(),
         "family {ipv4} protocol {icmp} icmp {3/4} -> accept\n");
  expect(
      v4 + transport(0, 1) + equal("\x03") + transport(1, 1) + cmp(NFT_CMP_LTE, "\x04") + accept(),
      "family {ipv4} protocol {icmp} icmp {3/0-3/4} -> accept\n");
  expect(ipv6() + protocol_is(58) + transport(0, 1) + cmp(NFT_CMP_GTE, "\x80") + accept(),
         "family {ipv6} protocol {icmpv6} icmp {128/0-255/255} -> accept\n");
  expect(protocol_is(1) + transport(0, 1) + equal("\x08") + accept(),
         "protocol {icmp} while {opaque:opaque \"@th,0,8 == 0x08\"} -> accept\n");
}

TEST(Decode, Interfaces) {
  expect({meta(NFT_META_IIFNAME), equal(interface_name("eth0")), accept()},
         "in {\"eth0\"} -> accept\n");
  expect({meta(NFT_META_OIFNAME), cmp(NFT_CMP_NEQ, interface_name("eth0")), accept()},
         "out not {\"eth0\"} -> accept\n");
  expect({meta(NFT_META_IIFNAME), equal("eth"), accept()}, "in {\"eth*\"} -> accept\n");
  // With its terminating zero, as iptables would compare it.
  expect({meta(NFT_META_IIFNAME), equal("eth0\0"s), accept()}, "in {\"eth0\"} -> accept\n");
  expect({meta(NFT_META_IIFNAME), equal("eth0\0x"s), accept()}, "");
  expect({meta(NFT_META_IIF), equal(host32(1)), accept()}, "in {\"lo\"} -> accept\n");
  expect({meta(NFT_META_OIF), cmp(NFT_CMP_NEQ, host32(1)), accept()},
         "out not {\"lo\"} -> accept\n");
  EXPECT_NE(rules_of(with_rule({meta(NFT_META_IIF), equal(host32(2)), accept()}).bytes())
                .find("opaque \"iif == "),
            std::string::npos);
  expect({meta(NFT_META_IIFNAME), equal("eth"), cmp(NFT_CMP_NEQ, "wg"), accept()},
         "in {\"eth*\"} -> accept\n");
  expect({meta(NFT_META_IIFNAME), equal("eth"), equal("eth1"), accept()},
         "in {\"eth1*\"} -> accept\n");
  // Not to be said as patterns: those of "eth" but one.
  EXPECT_NE(rules_of(with_rule({meta(NFT_META_IIFNAME), equal("eth"),
                                cmp(NFT_CMP_NEQ, interface_name("eth1")), accept()})
                         .bytes())
                .find("in {\"eth*\"} while {opaque:opaque \"iifname != "),
            std::string::npos);
}

TEST(Decode, Owners) {
  expect({meta(NFT_META_SKUID), equal(host32(1000)), accept()}, "user {1000} -> accept\n");
  expect({meta(NFT_META_SKGID), cmp(NFT_CMP_NEQ, host32(0)), accept()},
         "group {1-4294967295} -> accept\n");
  expect({meta(NFT_META_SKUID), to_network_order(4), cmp(NFT_CMP_GTE, be32(1000)),
          cmp(NFT_CMP_LTE, be32(1999)), accept()},
         "user {1000-1999} -> accept\n");
  expect({meta(NFT_META_SKGID), to_network_order(4), cmp(NFT_CMP_GTE, be32(0)),
          cmp(NFT_CMP_LTE, be32(99)), accept()},
         "group {0-99} -> accept\n");
  // Any owner is not any packet.
  expect({meta(NFT_META_SKUID), to_network_order(4), cmp(NFT_CMP_GTE, be32(0)), accept()},
         "while {opaque:opaque \"meta skuid >= 0x00000000\"} -> accept\n");
}

TEST(Decode, States) {
  expect({ct(NFT_CT_STATE), equal(host32(8)), accept()}, "state {new} -> accept\n");
  expect({ct(NFT_CT_STATE), cmp(NFT_CMP_NEQ, host32(1)), accept()},
         "state {new, established, related, untracked} -> accept\n");
  expect({ct(NFT_CT_STATE), bitwise(host32(6)), cmp(NFT_CMP_NEQ, host32(0)), accept()},
         "state {established, related} -> accept\n");
  expect({ct(NFT_CT_STATE), bitwise(host32(6)), equal(host32(0)), drop()},
         "state {new, invalid, untracked} -> drop\n");
  // No packet has two.
  expect({ct(NFT_CT_STATE), equal(host32(6)), accept()}, "");
}

TEST(Decode, WhatTheModelDoesNotHoldIsOpaque) {
  expect({meta(NFT_META_PKTTYPE), equal("\x01"), drop()},
         "while {opaque:opaque \"meta pkttype == 0x01\"} -> drop\n");
  expect({ct(NFT_CT_DIRECTION), equal("\x00"s), drop()},
         "while {opaque:opaque \"ct direction == 0x00\"} -> drop\n");
  expect(protocol_is(6) + transport(13, 1) + bitwise("\x02") + cmp(NFT_CMP_NEQ, "\x00"s) + drop(),
         "protocol {tcp} while {opaque:opaque \"@th,104,8 & 0x02 != 0x00\"} -> drop\n");
  expect({payload(NFT_PAYLOAD_LL_HEADER, 6, 6), equal("\x02\x00\x00\x00\x00\x01"s), drop()},
         "while {opaque:opaque \"@ll,48,48 == 0x020000000001\"} -> drop\n");
}

TEST(Decode, RegistersOf32Bits) {
  // The second port register is read with the first.
  expect(protocol_is(6) + transport(0, 2, NFT_REG32_00) + transport(2, 2, NFT_REG32_01) +
             equal(padded(be16(1)) + padded(be16(2)), NFT_REG_1) + accept(),
         "protocol {tcp} sport {1} dport {2} -> accept\n");
}

TEST(Decode, ConstantsInRegisters) {
  const auto constant = expression(
      "immediate",
      {u32(NFTA_IMMEDIATE_DREG, 1), nest(NFTA_IMMEDIATE_DATA, {raw(NFTA_DATA_VALUE, be32(7))})});
  expect({constant, equal(be32(7)), accept()}, "any -> accept\n");
  expect({constant, equal(be32(8)), accept()}, "");
  expect({constant, cmp(NFT_CMP_NEQ, be32(7)), accept()}, "");
}

// --- statements

TEST(Decode, Limits) {
  expect({limit(10, 60, 20), accept()}, "while {input-1:rate 10/minute burst 20} -> accept\n");
  expect({limit(10, 60, 0), accept()}, "while {input-1:rate 10/minute burst 5} -> accept\n");
  expect({limit(10, 604800, 5), accept()},
         "while {input-1:opaque \"limit rate 10 packets/604800 seconds burst 5 packets\"} -> "
         "accept\n");
  expect(
      {limit(10, 1, 5, 0, NFT_LIMIT_F_INV), drop()},
      "while {input-1:opaque \"limit rate over 10 packets/1 seconds burst 5 packets\"} -> drop\n");
  expect({limit(1000, 1, 0, NFT_LIMIT_PKT_BYTES), accept()},
         "while {input-1:opaque \"limit rate 1000 bytes/1 seconds burst 0 bytes\"} -> accept\n");
  expect({limit(10, 60, 20), limit(100, 3600, 20), accept()},
         "while {input-1:rate 10/minute burst 20, input-1-2:rate 100/hour burst 20} -> accept\n");
}

TEST(Decode, ALimitBeforeConditionsCountsOthersToo) {
  expect(Nodes{limit(10, 60, 20)} + protocol_is(6) + accept(),
         "protocol {tcp} while {input-1:opaque \"a limit before other conditions: while "
         "{input-1:rate 10/minute burst 20}\"} -> accept\n");
  // A condition that excludes nothing any more makes no difference.
  expect(protocol_is(6) + limit(10, 60, 20) + protocol_is(6) + accept(),
         "protocol {tcp} while {input-1:rate 10/minute burst 20} -> accept\n");
}

TEST(Decode, EffectsBeforeConditionsAreRulesOfTheirOwn) {
  const auto log = expression("log", {text(NFTA_LOG_PREFIX, "x: ")});
  expect(Nodes{log} + protocol_is(6) + drop(),
         "any ; log \"x: \" -> next\nprotocol {tcp} -> drop\n");
  expect(protocol_is(6) + log + drop(), "protocol {tcp} ; log \"x: \" -> drop\n");
  expect({log, limit(10, 60, 20), accept()},
         "any ; log \"x: \" -> next\nwhile {input-1:rate 10/minute burst 20} -> accept\n");
  expect({limit(10, 60, 20), log},
         "while {input-1:rate 10/minute burst 20} ; log \"x: \" -> next\n");
  expect({log, log}, "any ; log \"x: \" -> next\nany ; log \"x: \" -> next\n");
}

TEST(Decode, LogOptions) {
  const auto prefix = text(NFTA_LOG_PREFIX, "x");
  expect({expression("log", {prefix, u32(NFTA_LOG_LEVEL, 4)})}, "any ; log \"x\" -> next\n");
  expect({expression("log", {prefix, u32(NFTA_LOG_LEVEL, 7), u32(NFTA_LOG_FLAGS, 0x2f)})},
         "any ; log \"x [level debug, flags all]\" -> next\n");
  expect({expression("log", {prefix, u16(NFTA_LOG_GROUP, 3), u32(NFTA_LOG_SNAPLEN, 64),
                             u16(NFTA_LOG_QTHRESHOLD, 2)})},
         "any ; log \"x [group 3, snaplen 64, queue-threshold 2]\" -> next\n");
}

TEST(Decode, LogFlags) {
  const auto flags = [](std::uint32_t bits) {
    const auto text =
        rules_of(with_rule({expression("log", {test::text(NFTA_LOG_PREFIX, "x"),
                                               u32(NFTA_LOG_LEVEL, 4), u32(NFTA_LOG_FLAGS, bits)})})
                     .bytes());
    return text.substr(0, text.find(" ->"));
  };
  EXPECT_EQ(flags(0x03), "any ; log \"x [flags tcp sequence,options]\"");
  EXPECT_EQ(flags(0x01), "any ; log \"x [flags tcp sequence]\"");
  EXPECT_EQ(flags(0x0e), "any ; log \"x [flags tcp options ip options skuid]\"");
  EXPECT_EQ(flags(0x60), "any ; log \"x [flags ether 64]\"");
}

TEST(Decode, AnswersOfOneFamily) {
  const auto reject = [](std::uint8_t family, std::uint8_t code) {
    return rules_of(with_rule({expression("reject", {u32(NFTA_REJECT_TYPE, NFT_REJECT_ICMP_UNREACH),
                                                     u8(NFTA_REJECT_ICMP_CODE, code)})},
                              family)
                        .bytes());
  };
  EXPECT_EQ(reject(ip_family, 2), "family {ipv4} -> reject proto-unreachable\n");
  EXPECT_EQ(reject(ip_family, 9), "family {ipv4} -> reject net-prohibited\n");
  EXPECT_EQ(reject(ip6_family, 4), "family {ipv6} -> reject port-unreachable\n");
  EXPECT_EQ(reject(ip6_family, 5), "family {ipv6} -> reject policy-fail\n");
  EXPECT_TRUE(reject(ip6_family, 9).starts_with("artifact-unknown: `reject`"));
}

TEST(Decode, Answers) {
  const auto reject = [](std::uint32_t type, std::uint8_t code) {
    return expression("reject", {u32(NFTA_REJECT_TYPE, type), u8(NFTA_REJECT_ICMP_CODE, code)});
  };
  expect({reject(NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_NO_ROUTE)},
         "any -> reject net-unreachable\n");
  expect(protocol_is(6) + reject(NFT_REJECT_TCP_RST, 0), "protocol {tcp} -> reject tcp-reset\n");
  // Whatever is not TCP is dropped without a word.
  expect({reject(NFT_REJECT_TCP_RST, 0)},
         "protocol {tcp} -> reject tcp-reset\nprotocol {0-5, 7-255} -> drop\n");
  // One code, another answer in each family.
  expect({reject(NFT_REJECT_ICMP_UNREACH, 1)},
         "family {ipv4} -> reject host-unreachable\nfamily {ipv6} -> reject admin-prohibited\n");
  expect({reject(NFT_REJECT_ICMP_UNREACH, 13)}, "family {ipv4} -> reject admin-prohibited\n",
         ip_family);
  EXPECT_TRUE(rules_of(with_rule({reject(NFT_REJECT_ICMP_UNREACH, 13)}).bytes())
                  .starts_with("artifact-unknown: `reject`"));
}

TEST(Decode, VerdictsOfRules) {
  expect({verdict(NFT_CONTINUE), accept()}, "any -> accept\n");
  expect({verdict(NFT_BREAK), accept()}, "");
  expect({verdict(NFT_RETURN)}, "any -> return\n");
  expect({accept(), drop()}, "any -> accept\n");
}

TEST(Decode, WhatDecidesNothingIsLeftOut) {
  expect({expression("counter", {u64(NFTA_COUNTER_BYTES, 1), u64(NFTA_COUNTER_PACKETS, 1)}),
          expression("last", {}),
          expression("meta", {u32(NFTA_META_KEY, NFT_META_NFTRACE), u32(NFTA_META_SREG, 1)}),
          accept()},
         "any -> accept\n");
}

}  // namespace
}  // namespace firewright::nftables
