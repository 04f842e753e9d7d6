// Sets and maps: intervals, concatenations, verdicts, data and objects.
#include <gtest/gtest.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "tests/backends/nftables/hand_written.h"

namespace firewright::nftables {
namespace {

using namespace test;
using std::string_literals::operator""s;

constexpr std::uint32_t ranges = NFT_SET_INTERVAL | NFT_SET_CONCAT;

// A table with `set` and a rule of the base chain.
std::string with_set(const Table& table, const Nodes& expressions) {
  auto whole = table;
  whole.base("input", NF_INET_LOCAL_IN, 0).rule("input", expressions);
  return rules_of(whole.bytes());
}

Nodes dport() { return protocol_is(6) + transport(2, 2); }
// `ip saddr . tcp dport` in two registers of four bytes.
Nodes source_and_port() {
  return ipv4() + protocol_is(6) + network(12, 4, NFT_REG32_00) + transport(2, 2, NFT_REG32_01);
}
std::string source_and_port(std::uint32_t source, std::uint16_t port) {
  return be32(source) + padded(be16(port));
}

Table ports(const std::vector<Element>& elements, std::uint32_t flags = 0) {
  return Table().set("s", flags, 2, elements);
}

TEST(DecodeSets, SingleValues) {
  const auto table = ports({plain(be16(22)), plain(be16(80)), plain(be16(81))});
  EXPECT_EQ(with_set(table, dport() + lookup("s") + accept()),
            "protocol {tcp} dport {22, 80-81} -> accept\n");
  EXPECT_EQ(with_set(table, dport() + lookup("s", true) + accept()),
            "protocol {tcp} dport {0-21, 23-79, 82-65535} -> accept\n");
}

TEST(DecodeSets, NoElements) {
  EXPECT_EQ(with_set(ports({}), dport() + lookup("s") + accept()), "");
  EXPECT_EQ(with_set(ports({}), dport() + lookup("s", true) + accept()),
            "protocol {tcp} -> accept\n");
}

TEST(DecodeSets, StartsAndEnds) {
  const auto table = ports({ends(be16(0)), plain(be16(80)), ends(be16(90)), plain(be16(90)),
                            ends(be16(91)), plain(be16(65000))},
                           NFT_SET_INTERVAL);
  EXPECT_EQ(with_set(table, dport() + lookup("s") + accept()),
            "protocol {tcp} dport {80-90, 65000-65535} -> accept\n");
  EXPECT_EQ(with_set(table, dport() + lookup("s", true) + accept()),
            "protocol {tcp} dport {0-79, 91-64999} -> accept\n");
}

TEST(DecodeSets, RangesInOneElement) {
  EXPECT_EQ(with_set(ports({between(be16(80), be16(89))}, NFT_SET_INTERVAL),
                     dport() + lookup("s") + accept()),
            "protocol {tcp} dport {80-89} -> accept\n");
}

// A key that is the same for every packet is there or it is not.
TEST(DecodeSets, ConstantsAreLookedUp) {
  const auto found = [](const Table& table, std::uint16_t port, bool inverted = false) {
    const auto constant =
        expression("immediate", {u32(NFTA_IMMEDIATE_DREG, 1),
                                 nest(NFTA_IMMEDIATE_DATA, {raw(NFTA_DATA_VALUE, be16(port))})});
    return with_set(table, Nodes{constant} + lookup("s", inverted) + accept());
  };
  const auto single = ports({plain(be16(22)), plain(be16(80))});
  EXPECT_EQ(found(single, 22), "any -> accept\n");
  EXPECT_EQ(found(single, 23), "");
  EXPECT_EQ(found(single, 22, true), "");
  EXPECT_EQ(found(single, 23, true), "any -> accept\n");
  const auto range = ports({plain(be16(80)), ends(be16(90))}, NFT_SET_INTERVAL);
  EXPECT_EQ(found(range, 89), "any -> accept\n");
  EXPECT_EQ(found(range, 90), "");
  EXPECT_EQ(found(range, 90, true), "any -> accept\n");
}

TEST(DecodeSets, AnyOtherKey) {
  const auto table = Table().set(
      "s", NFT_SET_MAP, 2,
      {decides(plain(be16(22)), NF_ACCEPT),
       decides({.key = {}, .last = {}, .more = {u32(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_CATCHALL)}},
               NF_DROP)});
  EXPECT_EQ(with_set(table, dport() + lookup("s", false, NFT_REG_VERDICT)),
            "protocol {tcp} dport {22} -> accept\n"
            "protocol {tcp} dport {0-21, 23-65535} -> drop\n");
}

TEST(DecodeSets, AnonymousOnesByNumber) {
  auto table = Table();
  table.set("__set%d", NFT_SET_ANONYMOUS, 1, {}, {u32(NFTA_SET_ID, 3)});
  // The elements name their set by number too.
  table.add(
      NFT_MSG_NEWSETELEM,
      {text(NFTA_SET_ELEM_LIST_TABLE, "t"), text(NFTA_SET_ELEM_LIST_SET, "__set%d"),
       u32(NFTA_SET_ELEM_LIST_SET_ID, 3),
       nest(NFTA_SET_ELEM_LIST_ELEMENTS,
            {nest(NFTA_LIST_ELEM, {nest(NFTA_SET_ELEM_KEY, {raw(NFTA_DATA_VALUE, "\x11")})})})});
  // The first message of elements in `set` above names none.
  auto messages = table.messages();
  messages.erase(messages.begin() + 2);
  auto rest =
      Table()
          .base("input", NF_INET_LOCAL_IN, 0)
          .rule("input", {meta(NFT_META_L4PROTO), lookup("__set%d", false, -1, 3), accept()});
  messages.insert(messages.end(), rest.messages().begin() + 1, rest.messages().end());
  EXPECT_EQ(rules_of(serialise(messages)), "protocol {udp} -> accept\n");
}

TEST(DecodeSets, FamiliesStatesAndNames) {
  EXPECT_EQ(with_set(Table().set("s", 0, 1, {plain("\x02"), plain("\x0a")}),
                     {meta(NFT_META_NFPROTO), lookup("s"), accept()}),
            "any -> accept\n");
  EXPECT_EQ(with_set(Table().set("s", 0, 4, {plain(host32(2)), plain(host32(64))}),
                     {ct(NFT_CT_STATE), lookup("s", true), accept()}),
            "state {new, related, invalid} -> accept\n");
  EXPECT_EQ(with_set(Table().set("s", 0, 16,
                                 {plain(interface_name("eth0")), plain(interface_name("lo"))}),
                     {meta(NFT_META_IIFNAME), lookup("s", true), accept()}),
            "in not {\"eth0\", \"lo\"} -> accept\n");
  // Wildcards are ranges of names.
  EXPECT_EQ(with_set(Table().set("s", NFT_SET_INTERVAL, 16,
                                 {plain(interface_name("eth0")),
                                  ends(interface_name("eth0\0\0\0\0\0\0\0\0\0\0\0\1"s)),
                                  plain(interface_name("wg")), ends(interface_name("wh"))}),
                     {meta(NFT_META_IIFNAME), lookup("s"), accept()}),
            "in {\"eth0\", \"wg*\"} -> accept\n");
}

TEST(DecodeSets, NumbersOfTheHostsOrder) {
  EXPECT_EQ(with_set(Table().set("s", 0, 4, {plain(host32(1000)), plain(host32(0))}),
                     {meta(NFT_META_SKUID), lookup("s"), accept()}),
            "user {0, 1000} -> accept\n");
  EXPECT_EQ(with_set(Table().set("s", NFT_SET_INTERVAL, 4, {plain(be32(1000)), ends(be32(2000))}),
                     {meta(NFT_META_SKUID), to_network_order(4), lookup("s"), accept()}),
            "user {1000-1999} -> accept\n");
  // Without the right order a range is no range of users.
  EXPECT_NE(with_set(Table().set("s", NFT_SET_INTERVAL, 4, {plain(be32(1000)), ends(be32(2000))}),
                     {meta(NFT_META_SKUID), lookup("s"), accept()})
                .find("opaque"),
            std::string::npos);
}

TEST(DecodeSets, Concatenations) {
  const auto table =
      Table().set("s", 0, 8,
                  {plain(source_and_port(0xc0000201, 22)), plain(source_and_port(0xc0000202, 22)),
                   plain(source_and_port(0xc0000203, 80))});
  EXPECT_EQ(with_set(table, source_and_port() + lookup("s") + accept()),
            "family {ipv4} protocol {tcp} dport {22} from4 {192.0.2.1-192.0.2.2} -> accept\n"
            "family {ipv4} protocol {tcp} dport {80} from4 {192.0.2.3} -> accept\n");
  EXPECT_EQ(with_set(table, source_and_port() + lookup("s", true) + accept()),
            "family {ipv4} protocol {tcp} from4 {0.0.0.0-192.0.2.0, 192.0.2.4-255.255.255.255} -> "
            "accept\n"
            "family {ipv4} protocol {tcp} dport {0-21, 23-65535} from4 {192.0.2.1-192.0.2.2} -> "
            "accept\n"
            "family {ipv4} protocol {tcp} dport {0-79, 81-65535} from4 {192.0.2.3} -> accept\n");
}

TEST(DecodeSets, ConcatenatedRanges) {
  const auto table =
      Table().set("s", ranges, 8,
                  {between(source_and_port(0x0a000000, 80), source_and_port(0x0affffff, 89)),
                   between(source_and_port(0x0a000000, 85), source_and_port(0x0a0000ff, 99))});
  // They overlap, which in a set means no harm.
  EXPECT_EQ(
      with_set(table, source_and_port() + lookup("s") + accept()),
      "family {ipv4} protocol {tcp} dport {80-99} from4 {10.0.0.0/24} -> accept\n"
      "family {ipv4} protocol {tcp} dport {80-89} from4 {10.0.1.0-10.255.255.255} -> accept\n");
}

TEST(DecodeSets, OverlapsInMapsAreRefused) {
  const auto element = [](std::uint32_t last, std::int32_t code) {
    return decides(between(source_and_port(0x0a000000, 80), source_and_port(last, 89)), code);
  };
  const auto rule = source_and_port() + lookup("s", false, NFT_REG_VERDICT);
  const auto differing = Table().set(
      "s", ranges | NFT_SET_MAP, 8, {element(0x0affffff, NF_ACCEPT), element(0x0a0000ff, NF_DROP)});
  EXPECT_EQ(with_set(differing, rule),
            "artifact-conflict: this contradicts itself: elements of the map `s` overlap and say "
            "different things\n");
  const auto equal_ones =
      Table().set("s", ranges | NFT_SET_MAP, 8,
                  {element(0x0affffff, NF_ACCEPT), element(0x0a0000ff, NF_ACCEPT)});
  EXPECT_EQ(with_set(equal_ones, rule),
            "family {ipv4} protocol {tcp} dport {80-89} from4 {10.0.0.0/8} -> accept\n");
}

TEST(DecodeSets, TwoValuesForOneKeyAreRefused) {
  for (const std::uint32_t intervals : {0U, std::uint32_t{NFT_SET_INTERVAL}})
    EXPECT_TRUE(with_set(Table().set("s", NFT_SET_MAP | intervals, 2,
                                     {decides(plain(be16(22)), NF_ACCEPT),
                                      decides(plain(be16(22)), NF_DROP)}),
                         dport() + lookup("s", false, NFT_REG_VERDICT))
                    .starts_with("artifact-conflict"));
}

TEST(DecodeSets, VerdictMaps) {
  const auto table =
      Table()
          .set("s", NFT_SET_MAP, 2,
               {decides(plain(be16(22)), NFT_JUMP, "other"), decides(plain(be16(80)), NF_ACCEPT),
                decides(plain(be16(81)), NF_ACCEPT), decides(plain(be16(82)), NFT_CONTINUE),
                decides(plain(be16(83)), NFT_RETURN)})
          .chain("other")
          .rule("other", {drop()});
  EXPECT_EQ(with_set(table, dport() + lookup("s", false, NFT_REG_VERDICT) + drop()),
            "protocol {tcp} dport {22} -> jump other\n"
            "protocol {tcp} dport {80-81} -> accept\n"
            "protocol {tcp} dport {83} -> return\n"
            "protocol {tcp} dport {82} -> drop\n"
            "other: any -> drop\n");
}

TEST(DecodeSets, ProtocolsBesidePorts) {
  const auto key = [](char protocol, std::uint16_t port) {
    return padded(std::string(1, protocol)) + padded(be16(port));
  };
  EXPECT_EQ(
      with_set(Table().set("s", 0, 8, {plain(key(6, 22)), plain(key(17, 53)), plain(key(6, 53))}),
               {meta(NFT_META_L4PROTO, NFT_REG32_00), transport(2, 2, NFT_REG32_01), lookup("s"),
                accept()}),
      "protocol {tcp} dport {22, 53} -> accept\nprotocol {udp} dport {53} -> accept\n");
}

TEST(DecodeSets, WhatIsPartlyOpaque) {
  EXPECT_EQ(with_set(Table().set("s", 0, 8, {plain(host32(8) + host32(1))}),
                     {ct(NFT_CT_STATE, NFT_REG32_00), meta(NFT_META_MARK, NFT_REG32_01),
                      lookup("s"), accept()}),
            "state {new} while {opaque:opaque \"ct state . meta mark in { " +
                hex_of(host32(8) + host32(1)) + " }\"} -> accept\n");
  // Content of a named set stands in the text: two of one name are two conditions.
  EXPECT_EQ(with_set(Table().set("s", 0, 4, {plain(host32(2)), plain(host32(1))}),
                     {meta(NFT_META_MARK), lookup("s", true), accept()}),
            "while {opaque:opaque \"meta mark not in { " + hex_of(host32(1)) + ", " +
                hex_of(host32(2)) + " }\"} -> accept\n");
}

TEST(DecodeSets, DataGoToRegisters) {
  // `meta mark set` would be refused; a comparison shows what came.
  const auto data = [](std::uint16_t port, std::uint32_t value) {
    auto element = plain(be16(port));
    element.more.push_back(nest(NFTA_SET_ELEM_DATA, {raw(NFTA_DATA_VALUE, be32(value))}));
    return element;
  };
  const auto table = Table().set("s", NFT_SET_MAP, 2, {data(22, 1), data(80, 2), data(81, 2)},
                                 {u32(NFTA_SET_DATA_TYPE, 0), u32(NFTA_SET_DATA_LEN, 4)});
  EXPECT_EQ(with_set(table, dport() + lookup("s", false, 2) + equal(be32(2), 2) + accept()),
            "protocol {tcp} dport {80-81} -> accept\n");
}

TEST(DecodeSets, MapsOfObjects) {
  const auto named = [](std::uint16_t port, std::string_view name) {
    auto element = plain(be16(port));
    element.more.push_back(text(NFTA_SET_ELEM_OBJREF, name));
    return element;
  };
  const auto table = Table()
                         .made("count-web", NFT_OBJECT_COUNTER, {})
                         .made("other", NFT_OBJECT_COUNTER, {})
                         .set("s", NFT_SET_OBJECT, 2,
                              {named(80, "count-web"), named(81, "count-web"), named(22, "other")},
                              {u32(NFTA_SET_OBJ_TYPE, NFT_OBJECT_COUNTER)});
  const auto by_map =
      expression("objref", {u32(NFTA_OBJREF_SET_SREG, 1), text(NFTA_OBJREF_SET_NAME, "s")});
  EXPECT_EQ(with_set(table, dport() + by_map + accept()),
            "protocol {tcp} dport {80-81} ; count \"web\" -> accept\n"
            "protocol {tcp} dport {22} ; count \"other\" -> accept\n");
}

TEST(DecodeSets, ElementsGo) {
  auto table = ports({plain(be16(22)), plain(be16(80))});
  table.add(
      NFT_MSG_DELSETELEM,
      {text(NFTA_SET_ELEM_LIST_TABLE, "t"), text(NFTA_SET_ELEM_LIST_SET, "s"),
       nest(NFTA_SET_ELEM_LIST_ELEMENTS,
            {nest(NFTA_LIST_ELEM, {nest(NFTA_SET_ELEM_KEY, {raw(NFTA_DATA_VALUE, be16(22))})})})});
  EXPECT_EQ(with_set(table, dport() + lookup("s") + accept()),
            "protocol {tcp} dport {80} -> accept\n");
  table.add(NFT_MSG_DELSETELEM,
            {text(NFTA_SET_ELEM_LIST_TABLE, "t"), text(NFTA_SET_ELEM_LIST_SET, "s")});
  EXPECT_EQ(with_set(table, dport() + lookup("s") + accept()), "");
}

TEST(DecodeSets, ElementsWithLimitsAreRefused) {
  auto element = plain(be16(22));
  element.more.push_back(nest(NFTA_SET_ELEM_EXPR, limit(1, 1, 1).children));
  EXPECT_EQ(with_set(ports({element}), dport() + lookup("s") + accept()),
            "artifact-unknown: `set with limits in its elements` is not understood here, so what "
            "this does is not known\n");
}

// --- sets that packets fill

Node fill(std::uint32_t op, Nodes more) {
  return expression("dynset", Nodes{text(NFTA_DYNSET_SET_NAME, "s"), u32(NFTA_DYNSET_OP, op),
                                    u32(NFTA_DYNSET_SREG_KEY, 1)} +
                                  more);
}
Node test_of(Node expression_node) { return nest(NFTA_DYNSET_EXPR, expression_node.children); }
Table meter(std::uint64_t timeout) {
  Nodes more;
  if (timeout != 0) more.push_back(u64(NFTA_SET_TIMEOUT, timeout));
  return Table().set("s", NFT_SET_EVAL | NFT_SET_TIMEOUT, 4, {}, more + u32(NFTA_SET_DATA_TYPE, 0));
}

TEST(DecodeSets, BucketsOfEachSource) {
  const auto by_source = ipv4() + network(12, 4);
  const auto rate = test_of(limit(10, 60, 20));
  const std::string bucket =
      "family {ipv4} while {s:rate 10/minute burst 20 per source} -> accept\n";
  // A bucket is full again after two minutes.
  EXPECT_EQ(with_set(meter(120000), by_source + fill(NFT_DYNSET_OP_UPDATE, {rate}) + accept()),
            bucket);
  EXPECT_EQ(with_set(meter(0), by_source + fill(NFT_DYNSET_OP_ADD, {rate}) + accept()), bucket);
  for (const auto& other :
       {with_set(meter(119999), by_source + fill(NFT_DYNSET_OP_UPDATE, {rate}) + accept()),
        with_set(meter(120000), by_source + fill(NFT_DYNSET_OP_ADD, {rate}) + accept()),
        with_set(meter(120000),
                 by_source + fill(NFT_DYNSET_OP_UPDATE, {rate, u64(NFTA_DYNSET_TIMEOUT, 60000)}) +
                     accept()),
        with_set(meter(0), ipv4() + network(16, 4) + fill(NFT_DYNSET_OP_ADD, {rate}) + accept()),
        with_set(meter(0), ipv4() + network(12, 4) + bitwise("\xff\xff\xff\x00"s) +
                               fill(NFT_DYNSET_OP_ADD, {rate}) + accept())})
    EXPECT_TRUE(other.starts_with("family {ipv4} while {input-1:opaque \"@s { ip ")) << other;
  const auto connections = test_of(
      expression("connlimit", {u32(NFTA_CONNLIMIT_COUNT, 7), u32(NFTA_CONNLIMIT_FLAGS, 0)}));
  EXPECT_EQ(with_set(meter(0), by_source + fill(NFT_DYNSET_OP_ADD, {connections}) + accept()),
            "family {ipv4} while {s:connections 7 per source} -> accept\n");
  EXPECT_NE(with_set(meter(60000), by_source + fill(NFT_DYNSET_OP_UPDATE, {connections}) + accept())
                .find("opaque"),
            std::string::npos);
}

TEST(DecodeSets, SetsThatPacketsFillAreOpaque) {
  EXPECT_EQ(
      with_set(meter(0),
               ipv4() + network(12, 4) + lookup("s") + fill(NFT_DYNSET_OP_ADD, {}) + drop()),
      "family {ipv4} while {s:opaque \"ip saddr @s\"} ; count \"add @s { ip saddr }\" -> drop\n");
}

}  // namespace
}  // namespace firewright::nftables
