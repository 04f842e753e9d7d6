#include "backends/nftables/expressions.h"

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstring>
#include <optional>
#include <utility>

#include "backends/nftables/fields.h"

namespace firewright::nftables {
namespace {

std::optional<unsigned> prefix_length(DataType type, Range range) {
  if (type != DataType::ipv4_addr && type != DataType::ipv6_addr) return std::nullopt;
  const u128 differing = range.first ^ range.last;
  // A prefix: the low bits are all zero in the first, all one in the last, and equal above.
  if ((differing & (differing + 1)) != 0 || (range.first & differing) != 0) return std::nullopt;
  unsigned host_bits = 0;
  for (u128 rest = differing; rest != 0; rest >>= 1U) ++host_bits;
  return facts(type).bytes * 8 - host_bits;
}

std::size_t wildcard_length(Range range) {
  std::size_t length = 16;
  for (u128 low = range.last; length > 0 && (low & 0xffU) == 0xff; low >>= 8U) --length;
  return length;
}

struct RejectCode {
  std::uint32_t type;
  std::uint8_t code;
};
// Codes of linux/icmp.h and linux/icmpv6.h, or, where one word serves both families, of nf_tables.
RejectCode reject_code(ir::RejectKind kind) {
  switch (kind) {
    case ir::RejectKind::tcp_reset: return {NFT_REJECT_TCP_RST, 0};
    case ir::RejectKind::port_unreachable:
      return {NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH};
    case ir::RejectKind::host_unreachable:
      return {NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_HOST_UNREACH};
    case ir::RejectKind::net_unreachable:
      return {NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_NO_ROUTE};
    case ir::RejectKind::admin_prohibited:
      return {NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED};
    case ir::RejectKind::proto_unreachable: return {NFT_REJECT_ICMP_UNREACH, 2};
    case ir::RejectKind::net_prohibited: return {NFT_REJECT_ICMP_UNREACH, 9};
    case ir::RejectKind::host_prohibited: return {NFT_REJECT_ICMP_UNREACH, 10};
    case ir::RejectKind::policy_fail: return {NFT_REJECT_ICMP_UNREACH, 5};
    case ir::RejectKind::reject_route: return {NFT_REJECT_ICMP_UNREACH, 6};
  }
  return {NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH};
}

void set_data(nftnl_expr* expression, std::uint16_t attribute, const std::string& bytes) {
  nftnl_expr_set(expression, attribute, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

class Writer {
 public:
  Writer(nftnl_rule* rule, SetSource& sets) : rule_(rule), sets_(sets) {}

  void operator()(const Match& match) {
    if (const auto* range = std::get_if<Range>(&match.value)) {
      compare(match.field, *range, match.negated);
      return;
    }
    const auto* name = std::get_if<SetName>(&match.value);
    const SetReference set = name != nullptr
                                 ? sets_.named(name->name)
                                 : sets_.anonymous(match.field, std::get<Elements>(match.value));
    load(match.field);
    if (set.intervals) to_network_order(facts(match.field).type);
    lookup(set, match.negated, /*verdict=*/false);
  }

  // nft joins two comparisons of neighbouring fields into one.
  void joined(const Match& first, const Match& second) {
    const auto& a = facts(first.field);
    const auto& b = facts(second.field);
    const std::string bytes = key_bytes(a.type, std::get<Range>(first.value).first) +
                              key_bytes(b.type, std::get<Range>(second.value).first);
    payload(NFT_PAYLOAD_TRANSPORT_HEADER, a.place, static_cast<std::uint32_t>(bytes.size()));
    cmp(NFT_CMP_EQ, bytes);
  }

  // Each field begins at the next register of four bytes.
  void operator()(const MatchTuple& tuple) {
    const SetReference set = sets_.named(tuple.set);
    std::uint32_t offset = 0;
    for (const auto& part : tuple.parts) {
      const auto& place = facts(part.field);
      const std::uint32_t bytes = facts(place.type).bytes;
      const std::uint32_t target = register_at(offset);
      payload(place.source == Source::network ? NFT_PAYLOAD_NETWORK_HEADER
                                              : NFT_PAYLOAD_TRANSPORT_HEADER,
              place.place, bytes, target);
      if (part.bits < bytes * 8)
        mask(key_bytes(place.type, leading_mask(place.type, part.bits)), target);
      offset += (bytes + 3) / 4 * 4;
    }
    lookup(set, false, /*verdict=*/false);
  }

  void operator()(const MatchStates& states) {
    load(Field::ct_state);
    mask(key_bytes(DataType::ct_state, states.mask));
    cmp(NFT_CMP_NEQ, std::string(4, '\0'));
  }

  void operator()(const VerdictMap& map) {
    const SetReference set = sets_.anonymous(map.field, map.elements);
    load(map.field);
    if (set.intervals) to_network_order(facts(map.field).type);
    lookup(set, false, /*verdict=*/true);
  }

  void operator()(const Limit& limit) { nftnl_rule_add_expr(rule_, limit_expression(limit)); }
  void operator()(const ConnectionCount& count) {
    nftnl_rule_add_expr(rule_, count_expression(count));
  }

  void operator()(const DynamicSet& dynamic) {
    const SetReference set = sets_.named(dynamic.set);
    load(dynamic.key);
    nftnl_expr* expression = add("dynset");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
    nftnl_expr_set_str(expression, NFTNL_EXPR_DYNSET_SET_NAME, set.name.c_str());
    nftnl_expr_set_u32(expression, NFTNL_EXPR_DYNSET_SET_ID, set.id);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_DYNSET_OP,
                       dynamic.update ? NFT_DYNSET_OP_UPDATE : NFT_DYNSET_OP_ADD);
    const auto* limit = std::get_if<Limit>(&dynamic.test);
    nftnl_expr_add_expr(expression, NFTNL_EXPR_DYNSET_EXPR,
                        limit != nullptr
                            ? limit_expression(*limit)
                            : count_expression(std::get<ConnectionCount>(dynamic.test)));
  }

  void operator()(const UseLimit& use) { object(NFT_OBJECT_LIMIT, use.name); }
  void operator()(const UseCounter& use) { object(NFT_OBJECT_COUNTER, use.name); }

  void operator()(const Log& log) {
    nftnl_expr* expression = add("log");
    if (!log.prefix.empty())
      nftnl_expr_set_str(expression, NFTNL_EXPR_LOG_PREFIX, log.prefix.c_str());
  }

  void operator()(const Reject& reject) {
    const RejectCode code = reject_code(reject.kind);
    nftnl_expr* expression = add("reject");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_REJECT_TYPE, code.type);
    nftnl_expr_set_u8(expression, NFTNL_EXPR_REJECT_CODE, code.code);
  }

  void operator()(const Verdict& verdict) {
    nftnl_expr* expression = add("immediate");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_VERDICT, kernel_verdict(verdict.code));
    if (!verdict.chain.empty())
      nftnl_expr_set_str(expression, NFTNL_EXPR_IMM_CHAIN, verdict.chain.c_str());
  }

 private:
  nftnl_expr* add(const char* name) {
    nftnl_expr* expression = nftnl_expr_alloc(name);
    nftnl_rule_add_expr(rule_, expression);
    return expression;
  }

  void load(Field field) { load(field, facts(facts(field).type).bytes); }
  void load(Field field, std::uint32_t bytes) {
    const auto& place = facts(field);
    switch (place.source) {
      case Source::meta: {
        nftnl_expr* expression = add("meta");
        nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, place.place);
        nftnl_expr_set_u32(expression, NFTNL_EXPR_META_DREG, NFT_REG_1);
        return;
      }
      case Source::ct: {
        nftnl_expr* expression = add("ct");
        nftnl_expr_set_u32(expression, NFTNL_EXPR_CT_KEY, place.place);
        nftnl_expr_set_u32(expression, NFTNL_EXPR_CT_DREG, NFT_REG_1);
        return;
      }
      case Source::network: payload(NFT_PAYLOAD_NETWORK_HEADER, place.place, bytes); return;
      case Source::transport: payload(NFT_PAYLOAD_TRANSPORT_HEADER, place.place, bytes); return;
    }
  }

  // The first one by the name of its register of 16 bytes, as are all that begin one.
  static std::uint32_t register_at(std::uint32_t offset) {
    return offset % 16 == 0 ? NFT_REG_1 + offset / 16 : NFT_REG32_00 + offset / 4;
  }

  void mask(const std::string& bits, std::uint32_t target = NFT_REG_1) {
    nftnl_expr* bitwise = add("bitwise");
    nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, target);
    nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, target);
    nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, static_cast<std::uint32_t>(bits.size()));
    nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
    set_data(bitwise, NFTNL_EXPR_BITWISE_MASK, bits);
    set_data(bitwise, NFTNL_EXPR_BITWISE_XOR, std::string(bits.size(), '\0'));
  }

  void payload(std::uint32_t base, std::uint32_t offset, std::uint32_t bytes,
               std::uint32_t target = NFT_REG_1) {
    nftnl_expr* expression = add("payload");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_DREG, target);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_LEN, bytes);
  }

  void cmp(std::uint32_t op, const std::string& bytes) {
    nftnl_expr* expression = add("cmp");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_OP, op);
    set_data(expression, NFTNL_EXPR_CMP_DATA, bytes);
  }

  // "Less than" needs the highest byte first.
  void to_network_order(DataType type) {
    if (facts(type).network_order || type == DataType::ifname) return;
    nftnl_expr* expression = add("byteorder");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BYTEORDER_LEN, facts(type).bytes);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BYTEORDER_SIZE, facts(type).bytes);
  }

  void compare(Field field, Range range, bool negated) {
    const DataType type = facts(field).type;
    const std::uint32_t op = negated ? NFT_CMP_NEQ : NFT_CMP_EQ;
    if (range.single()) {
      load(field);
      cmp(op, key_bytes(type, range.first));
    } else if (type == DataType::ifname) {
      load(field);
      cmp(op, key_bytes(type, range.first).substr(0, wildcard_length(range)));
    } else if (const auto length = prefix_length(type, range)) {
      compare_prefix(field, range.first, *length, op);
    } else {
      compare_range(field, range, negated);
    }
  }

  // Whole bytes are compared as they are; other lengths need a mask.
  void compare_prefix(Field field, u128 address, unsigned length, std::uint32_t op) {
    const DataType type = facts(field).type;
    const std::string bytes = key_bytes(type, address);
    if (length % 8 == 0 && length > 0) {
      load(field, length / 8);
      cmp(op, bytes.substr(0, length / 8));
      return;
    }
    load(field);
    mask(key_bytes(type, leading_mask(type, length)));
    cmp(op, bytes);
  }

  void compare_range(Field field, Range range, bool negated) {
    const DataType type = facts(field).type;
    load(field);
    to_network_order(type);
    const std::string first = key_bytes(type, range.first, /*network_order=*/true);
    const std::string last = key_bytes(type, range.last, /*network_order=*/true);
    if (!negated) {
      cmp(NFT_CMP_GTE, first);
      cmp(NFT_CMP_LTE, last);
      return;
    }
    nftnl_expr* expression = add("range");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_RANGE_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_RANGE_OP, NFT_RANGE_NEQ);
    set_data(expression, NFTNL_EXPR_RANGE_FROM_DATA, first);
    set_data(expression, NFTNL_EXPR_RANGE_TO_DATA, last);
  }

  void lookup(const SetReference& set, bool negated, bool verdict) {
    nftnl_expr* expression = add("lookup");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
    if (verdict) nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_str(expression, NFTNL_EXPR_LOOKUP_SET, set.name.c_str());
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SET_ID, set.id);
    if (negated) nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
  }

  void object(std::uint32_t type, const std::string& name) {
    nftnl_expr* expression = add("objref");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_OBJREF_IMM_TYPE, type);
    nftnl_expr_set_str(expression, NFTNL_EXPR_OBJREF_IMM_NAME, name.c_str());
  }

  static nftnl_expr* limit_expression(const Limit& limit) {
    nftnl_expr* expression = nftnl_expr_alloc("limit");
    nftnl_expr_set_u64(expression, NFTNL_EXPR_LIMIT_RATE, limit.rate);
    nftnl_expr_set_u64(expression, NFTNL_EXPR_LIMIT_UNIT, ir::seconds(limit.unit));
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LIMIT_BURST, limit.burst);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LIMIT_FLAGS, 0);
    return expression;
  }

  static nftnl_expr* count_expression(const ConnectionCount& count) {
    nftnl_expr* expression = nftnl_expr_alloc("connlimit");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CONNLIMIT_COUNT, count.count);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CONNLIMIT_FLAGS, 0);
    return expression;
  }

  nftnl_rule* rule_;
  SetSource& sets_;
};

// Two single values of neighbouring transport fields.
bool are_joined(const Statement& a, const Statement& b) {
  const auto* first = std::get_if<Match>(&a);
  const auto* second = std::get_if<Match>(&b);
  const auto single = [](const Match* match) {
    if (match == nullptr || match->negated) return false;
    const auto* range = std::get_if<Range>(&match->value);
    return range != nullptr && range->single() && facts(match->field).source == Source::transport;
  };
  if (!single(first) || !single(second)) return false;
  const auto& place = facts(first->field);
  return facts(second->field).place == place.place + facts(place.type).bytes;
}

}  // namespace

std::uint32_t kernel_verdict(VerdictCode code) {
  switch (code) {
    case VerdictCode::accept: return NF_ACCEPT;
    case VerdictCode::drop: return NF_DROP;
    case VerdictCode::jump: return static_cast<std::uint32_t>(NFT_JUMP);
    case VerdictCode::go_to: return static_cast<std::uint32_t>(NFT_GOTO);
    case VerdictCode::return_: return static_cast<std::uint32_t>(NFT_RETURN);
  }
  return NF_DROP;
}

std::string key_bytes(DataType type, u128 value, bool network_order) {
  const auto& type_facts = facts(type);
  std::string bytes(type_facts.bytes, '\0');
  if (!type_facts.network_order && !network_order && type != DataType::ifname) {
    const auto host = static_cast<std::uint32_t>(value);  // all such types have four bytes
    std::memcpy(bytes.data(), &host, sizeof host);
    return bytes;
  }
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, value >>= 8U)
    *byte = static_cast<char>(value & 0xffU);
  return bytes;
}

void add_expressions(nftnl_rule* rule, const std::vector<Statement>& statements, SetSource& sets) {
  Writer writer(rule, sets);
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (i + 1 < statements.size() && are_joined(statements[i], statements[i + 1])) {
      writer.joined(std::get<Match>(statements[i]), std::get<Match>(statements[i + 1]));
      ++i;
      continue;
    }
    std::visit(writer, statements[i]);
  }
}

}  // namespace firewright::nftables
