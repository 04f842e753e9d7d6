#include "tests/backends/nftables/hand_written.h"

#include <gtest/gtest.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstring>
#include <sstream>

#include "tests/backends/nftables/decoding.h"

namespace firewright::test {
namespace {

Node value(std::uint16_t type, std::string_view bytes) {
  return nest(type, {raw(NFTA_DATA_VALUE, bytes)});
}

Node verdict_data(std::uint16_t type, std::int32_t code, std::string_view chain) {
  Nodes parts{u32(NFTA_VERDICT_CODE, static_cast<std::uint32_t>(code))};
  if (!chain.empty()) parts.push_back(text(NFTA_VERDICT_CHAIN, chain));
  return nest(type, {nest(NFTA_DATA_VERDICT, parts)});
}

}  // namespace

Node expression(std::string_view name, Nodes data) {
  return nest(NFTA_LIST_ELEM, {text(NFTA_EXPR_NAME, name), nest(NFTA_EXPR_DATA, std::move(data))});
}
Node payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length, std::uint32_t to) {
  return expression("payload", {u32(NFTA_PAYLOAD_DREG, to), u32(NFTA_PAYLOAD_BASE, base),
                                u32(NFTA_PAYLOAD_OFFSET, offset), u32(NFTA_PAYLOAD_LEN, length)});
}
Node network(std::uint32_t offset, std::uint32_t length, std::uint32_t to) {
  return payload(NFT_PAYLOAD_NETWORK_HEADER, offset, length, to);
}
Node transport(std::uint32_t offset, std::uint32_t length, std::uint32_t to) {
  return payload(NFT_PAYLOAD_TRANSPORT_HEADER, offset, length, to);
}
Node meta(std::uint32_t key, std::uint32_t to) {
  return expression("meta", {u32(NFTA_META_DREG, to), u32(NFTA_META_KEY, key)});
}
Node ct(std::uint32_t key, std::uint32_t to) {
  return expression("ct", {u32(NFTA_CT_DREG, to), u32(NFTA_CT_KEY, key)});
}
Node cmp(std::uint32_t op, std::string_view bytes, std::uint32_t from) {
  return expression("cmp",
                    {u32(NFTA_CMP_SREG, from), u32(NFTA_CMP_OP, op), value(NFTA_CMP_DATA, bytes)});
}
Node equal(std::string_view bytes, std::uint32_t from) { return cmp(NFT_CMP_EQ, bytes, from); }
Node bitwise(std::string_view mask, std::string_view flip) {
  const std::string none(mask.size(), '\0');
  return expression("bitwise",
                    {u32(NFTA_BITWISE_SREG, 1), u32(NFTA_BITWISE_DREG, 1),
                     u32(NFTA_BITWISE_LEN, static_cast<std::uint32_t>(mask.size())),
                     u32(NFTA_BITWISE_OP, NFT_BITWISE_BOOL), value(NFTA_BITWISE_MASK, mask),
                     value(NFTA_BITWISE_XOR, flip.empty() ? none : flip)});
}
Node to_network_order(std::uint32_t size) {
  return expression("byteorder", {u32(NFTA_BYTEORDER_SREG, 1), u32(NFTA_BYTEORDER_DREG, 1),
                                  u32(NFTA_BYTEORDER_OP, NFT_BYTEORDER_HTON),
                                  u32(NFTA_BYTEORDER_LEN, size), u32(NFTA_BYTEORDER_SIZE, size)});
}
Node range(std::uint32_t op, std::string_view first, std::string_view last) {
  return expression("range", {u32(NFTA_RANGE_SREG, 1), u32(NFTA_RANGE_OP, op),
                              value(NFTA_RANGE_FROM_DATA, first), value(NFTA_RANGE_TO_DATA, last)});
}
Node lookup(std::string_view set, bool inverted, int to, std::uint32_t id) {
  Nodes data{u32(NFTA_LOOKUP_SREG, 1), text(NFTA_LOOKUP_SET, set)};
  if (to >= 0) data.push_back(u32(NFTA_LOOKUP_DREG, static_cast<std::uint32_t>(to)));
  if (id != 0) data.push_back(u32(NFTA_LOOKUP_SET_ID, id));
  if (inverted) data.push_back(u32(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV));
  return expression("lookup", std::move(data));
}
Node limit(std::uint64_t rate, std::uint64_t unit, std::uint32_t burst, std::uint32_t type,
           std::uint32_t flags) {
  return expression("limit", {u64(NFTA_LIMIT_RATE, rate), u64(NFTA_LIMIT_UNIT, unit),
                              u32(NFTA_LIMIT_BURST, burst), u32(NFTA_LIMIT_TYPE, type),
                              u32(NFTA_LIMIT_FLAGS, flags)});
}
Node verdict(std::int32_t code, std::string_view chain) {
  return expression("immediate", {u32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT),
                                  verdict_data(NFTA_IMMEDIATE_DATA, code, chain)});
}
Node accept() { return verdict(NF_ACCEPT); }
Node drop() { return verdict(NF_DROP); }
Node object(std::uint32_t type, std::string_view name) {
  return expression("objref", {u32(NFTA_OBJREF_IMM_TYPE, type), text(NFTA_OBJREF_IMM_NAME, name)});
}

Nodes ipv4() { return {meta(NFT_META_NFPROTO), equal("\x02")}; }
Nodes ipv6() { return {meta(NFT_META_NFPROTO), equal("\x0a")}; }
Nodes protocol_is(std::uint8_t number) {
  return {meta(NFT_META_L4PROTO), equal(std::string(1, static_cast<char>(number)))};
}
Nodes operator+(Nodes a, const Nodes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Nodes operator+(Nodes a, const Node& b) {
  a.push_back(b);
  return a;
}

std::string be16(std::uint16_t value) { return u16(0, value).bytes; }
std::string be32(std::uint32_t value) { return u32(0, value).bytes; }
std::string host32(std::uint32_t value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
std::string hex_of(std::string_view bytes) {
  std::string out = "0x";
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4U];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 0xfU];
  }
  return out;
}
std::string interface_name(std::string_view name) {
  std::string bytes(name);
  bytes.resize(16, '\0');
  return bytes;
}
std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + 3U) & ~std::size_t{3}, '\0');
  return bytes;
}

Element plain(std::string key) { return {.key = std::move(key), .last = {}, .more = {}}; }
Element between(std::string first, std::string last) {
  return {.key = std::move(first), .last = std::move(last), .more = {}};
}
Element ends(std::string key) {
  return {.key = std::move(key),
          .last = {},
          .more = {u32(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END)}};
}
Element decides(Element element, std::int32_t code, std::string_view chain) {
  element.more.push_back(verdict_data(NFTA_SET_ELEM_DATA, code, chain));
  return element;
}

Table::Table(std::uint8_t family, std::string name) : family_(family), name_(std::move(name)) {
  add(NFT_MSG_NEWTABLE, {table(NFTA_TABLE_NAME)});
}

Table& Table::add(int kind, Nodes attributes, std::uint16_t flags) {
  messages_.push_back(message(kind, std::move(attributes), flags));
  messages_.back().family = family_;
  return *this;
}

Table& Table::set(std::string_view name, std::uint32_t flags, std::uint32_t key_length,
                  const std::vector<Element>& elements, Nodes more) {
  Nodes attributes{table(NFTA_SET_TABLE), text(NFTA_SET_NAME, name), u32(NFTA_SET_FLAGS, flags),
                   u32(NFTA_SET_KEY_LEN, key_length)};
  if ((flags & NFT_SET_MAP) != 0 && more.empty())
    attributes.push_back(u32(NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT));
  add(NFT_MSG_NEWSET, std::move(attributes) + more);
  Nodes list;
  for (const auto& element : elements) {
    Nodes parts = element.more;
    if (!element.key.empty()) parts.push_back(value(NFTA_SET_ELEM_KEY, element.key));
    if (!element.last.empty()) parts.push_back(value(NFTA_SET_ELEM_KEY_END, element.last));
    list.push_back(nest(NFTA_LIST_ELEM, std::move(parts)));
  }
  return add(NFT_MSG_NEWSETELEM,
             {table(NFTA_SET_ELEM_LIST_TABLE), text(NFTA_SET_ELEM_LIST_SET, name),
              nest(NFTA_SET_ELEM_LIST_ELEMENTS, std::move(list))});
}

Table& Table::chain(std::string_view name, Nodes more, std::uint16_t flags) {
  return add(NFT_MSG_NEWCHAIN, Nodes{table(NFTA_CHAIN_TABLE), text(NFTA_CHAIN_NAME, name)} + more,
             flags);
}

Table& Table::base(std::string_view name, std::uint32_t hook, std::int32_t priority,
                   std::string_view type, std::uint32_t policy) {
  return chain(
      name, {nest(NFTA_CHAIN_HOOK, {u32(NFTA_HOOK_HOOKNUM, hook),
                                    u32(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(priority))}),
             text(NFTA_CHAIN_TYPE, type), u32(NFTA_CHAIN_POLICY, policy)});
}

Table& Table::rule(std::string_view chain, Nodes expressions, Nodes more, std::uint16_t flags) {
  return add(NFT_MSG_NEWRULE,
             Nodes{table(NFTA_RULE_TABLE), text(NFTA_RULE_CHAIN, chain),
                   nest(NFTA_RULE_EXPRESSIONS, std::move(expressions))} +
                 more,
             flags);
}

Table& Table::made(std::string_view name, std::uint32_t type, Nodes data) {
  return add(NFT_MSG_NEWOBJ, {table(NFTA_OBJ_TABLE), text(NFTA_OBJ_NAME, name),
                              u32(NFTA_OBJ_TYPE, type), nest(NFTA_OBJ_DATA, std::move(data))});
}

Table Table::also(const Table& other) const {
  Table both = *this;
  both.messages_.insert(both.messages_.end(), other.messages_.begin(), other.messages_.end());
  return both;
}

Table with_rule(Nodes expressions, std::uint8_t family) {
  Table table(family);
  table.base("input", NF_INET_LOCAL_IN, 0).rule("input", std::move(expressions));
  return table;
}

std::string rules_of(const std::string& bytes) {
  const auto decoded = decode("batch", bytes);
  EXPECT_EQ(decoded.broken, "");
  if (!decoded.program) return decoded.errors;
  std::string out;
  for (const auto& chain : decoded.program->chains) {
    std::istringstream lines(to_text(ir::Program{{chain}}));
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("  ")) continue;
      line = line.substr(2, line.find("  #") - 2);
      out += (chain.name == "input" ? "" : chain.name + ": ") + line + "\n";
    }
  }
  return out;
}

std::string notes_of(const std::string& bytes) { return decode("batch", bytes).notes; }

}  // namespace firewright::test
