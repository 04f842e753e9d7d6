// Expressions that put something into registers, or change what is there.
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <bit>

#include "backends/nftables/decode_run.h"

namespace firewright::nftables::netlink {
namespace {

struct OpaqueKey {
  std::string_view name;
  std::uint8_t length;
};

// By NFT_META_*; an empty name is a field of the IR, or not known.
constexpr OpaqueKey meta_keys[] = {
    {"meta length", 4},
    {"", 0},
    {"meta priority", 4},
    {"meta mark", 4},
    {"", 0},
    {"", 0},
    {"", 0},
    {"", 0},
    {"meta iiftype", 2},
    {"meta oiftype", 2},
    {"", 0},
    {"", 0},
    {"meta nftrace", 1},
    {"meta rtclassid", 4},
    {"meta secmark", 4},
    {"", 0},
    {"", 0},
    {"meta ibrname", 16},
    {"meta obrname", 16},
    {"meta pkttype", 1},
    {"meta cpu", 4},
    {"meta iifgroup", 4},
    {"meta oifgroup", 4},
    {"meta cgroup", 4},
    {"meta random", 4},
    {"meta ipsec", 1},
    {"meta iifkind", 16},
    {"meta oifkind", 16},
    {"meta ibrpvid", 2},
    {"meta ibrvproto", 2},
    {"meta time", 8},
    {"meta day", 1},
    {"meta hour", 4},
    {"meta sdif", 4},
    {"meta sdifname", 16},
};

// By NFT_CT_*.
constexpr OpaqueKey ct_keys[] = {
    {"", 0},
    {"ct direction", 1},
    {"ct status", 4},
    {"ct mark", 4},
    {"ct secmark", 4},
    {"ct expiration", 4},
    {"ct helper", 16},
    {"ct l3proto", 1},
    {"ct saddr", 16},
    {"ct daddr", 16},
    {"ct protocol", 1},
    {"ct proto-src", 2},
    {"ct proto-dst", 2},
    {"ct label", 16},
    {"ct packets", 8},
    {"ct bytes", 8},
    {"ct avgpkt", 8},
    {"ct zone", 2},
    {"ct event", 4},
    {"ct ip saddr", 4},
    {"ct ip daddr", 4},
    {"ct ip6 saddr", 16},
    {"ct ip6 daddr", 16},
    {"ct id", 4},
};

struct MetaField {
  std::uint32_t key;
  Field field;
  bool host_order;
};
constexpr MetaField meta_fields[] = {
    {NFT_META_NFPROTO, Field::nfproto, false},  {NFT_META_PROTOCOL, Field::ethertype, false},
    {NFT_META_L4PROTO, Field::protocol, false}, {NFT_META_IIFNAME, Field::in_name, false},
    {NFT_META_OIFNAME, Field::out_name, false}, {NFT_META_IIF, Field::in_index, true},
    {NFT_META_OIF, Field::out_index, true},     {NFT_META_SKUID, Field::user, true},
    {NFT_META_SKGID, Field::group, true}};

// A field as it lies in a register. Numbers of the host's order are of the order of the host that
// reads them: an artifact is read on a host like the one that it is for.
std::vector<Byte> bytes_of_field(Field field, bool host_order) {
  std::vector<Byte> bytes(bytes_of(field));
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = {.kind = Byte::Kind::field,
                .mask = 0xff,
                .flip = 0,
                .index = static_cast<std::uint16_t>(i),
                .source = static_cast<std::uint16_t>(field)};
  if (host_order && std::endian::native == std::endian::little)
    std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

}  // namespace

bool Run::load(const Expression& expression, std::optional<std::uint32_t> number,
               const std::vector<Byte>& bytes) {
  if (!number) return incomplete(expression);
  for (auto& world : worlds_)
    if (!world.registers.write(*number, bytes)) {
      artifact_.syntax(expression.whole, "a register that is none");
      return false;
    }
  return true;
}

std::vector<Byte> Run::opaque_bytes(std::size_t length, const std::string& text) {
  auto known = std::find(opaque_values_.begin(), opaque_values_.end(), text);
  if (known == opaque_values_.end()) known = opaque_values_.insert(known, text);
  const auto source = static_cast<std::uint16_t>(known - opaque_values_.begin());
  std::vector<Byte> bytes(length);
  for (std::size_t i = 0; i < length; ++i)
    bytes[i] = {.kind = Byte::Kind::opaque,
                .mask = 0xff,
                .flip = 0,
                .index = static_cast<std::uint16_t>(i),
                .source = source};
  return bytes;
}

bool Run::load_opaque(const Expression& expression, std::optional<std::uint32_t> number,
                      std::size_t length, const std::string& text) {
  return load(expression, number, opaque_bytes(length, text));
}

bool Run::payload(const Expression& expression) {
  const Attributes<NFTA_PAYLOAD_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  if (attributes.has(NFTA_PAYLOAD_SREG)) {
    // The first two bytes of either network header hold the DSCP.
    if (attributes.u32(NFTA_PAYLOAD_BASE) == NFT_PAYLOAD_NETWORK_HEADER &&
        attributes.u32(NFTA_PAYLOAD_OFFSET) == 0U &&
        attributes.u32(NFTA_PAYLOAD_LEN).value_or(0) <= 2)
      return true;
    artifact_.unknown(expression.whole, "payload set");
    return false;
  }
  const auto base = attributes.u32(NFTA_PAYLOAD_BASE);
  const auto offset = attributes.u32(NFTA_PAYLOAD_OFFSET);
  const auto length = attributes.u32(NFTA_PAYLOAD_LEN);
  if (!base || !offset || !length || *length == 0 || *length > Registers::size ||
      *offset > 0xffff - Registers::size)
    return incomplete(expression);
  const auto number = attributes.u32(NFTA_PAYLOAD_DREG);
  if (*base != NFT_PAYLOAD_NETWORK_HEADER && *base != NFT_PAYLOAD_TRANSPORT_HEADER)
    return load_opaque(
        expression, number, *length,
        (*base == NFT_PAYLOAD_LL_HEADER ? "@ll," : "@base" + std::to_string(*base) + ",") +
            std::to_string(*offset * 8) + "," + std::to_string(*length * 8));
  std::vector<Byte> bytes(*length);
  for (std::uint32_t i = 0; i < *length; ++i)
    bytes[i] = {
        .kind = *base == NFT_PAYLOAD_NETWORK_HEADER ? Byte::Kind::network : Byte::Kind::transport,
        .mask = 0xff,
        .flip = 0,
        .index = static_cast<std::uint16_t>(*offset + i),
        .source = 0};
  return load(expression, number, bytes);
}

bool Run::meta(const Expression& expression) {
  const Attributes<NFTA_META_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  const auto key = attributes.u32(NFTA_META_KEY);
  if (!key) return incomplete(expression);
  if (attributes.has(NFTA_META_SREG)) {
    if (*key == NFT_META_NFTRACE || *key == NFT_META_PRIORITY || *key == NFT_META_SECMARK)
      return true;
    artifact_.unknown(expression.whole, "meta set");
    return false;
  }
  const auto number = attributes.u32(NFTA_META_DREG);
  for (const auto& known : meta_fields)
    if (known.key == *key)
      return load(expression, number, bytes_of_field(known.field, known.host_order));
  if (*key >= std::size(meta_keys) || meta_keys[*key].name.empty()) {
    artifact_.unknown(expression.whole, "meta key " + std::to_string(*key));
    return false;
  }
  std::string name(meta_keys[*key].name);
  // Another number each time.
  if (*key == NFT_META_PRANDOM) name += " in " + std::string(place_.stem);
  return load_opaque(expression, number, meta_keys[*key].length, name);
}

bool Run::ct(const Expression& expression) {
  const Attributes<NFTA_CT_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  const auto key = attributes.u32(NFTA_CT_KEY);
  if (!key) return incomplete(expression);
  if (attributes.has(NFTA_CT_SREG)) {
    artifact_.unknown(expression.whole, "ct set");
    return false;
  }
  const auto number = attributes.u32(NFTA_CT_DREG);
  if (*key == NFT_CT_STATE)
    return load(expression, number, bytes_of_field(Field::state, /*host_order=*/true));
  if (*key >= std::size(ct_keys)) {
    artifact_.unknown(expression.whole, "ct key " + std::to_string(*key));
    return false;
  }
  std::string name(ct_keys[*key].name);
  if (attributes.has(NFTA_CT_DIRECTION)) name += " direction " + hex(attributes[NFTA_CT_DIRECTION]);
  return load_opaque(expression, number, ct_keys[*key].length, name);
}

bool Run::exthdr(const Expression& expression) {
  const Attributes<NFTA_EXTHDR_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  const auto length = attributes.u32(NFTA_EXTHDR_LEN);
  constexpr std::uint32_t mss = 2;  // TCPOPT_MAXSEG
  if (attributes.has(NFTA_EXTHDR_SREG) && attributes.u32(NFTA_EXTHDR_OP) == NFT_EXTHDR_OP_TCPOPT &&
      big_endian(attributes[NFTA_EXTHDR_TYPE], 1) == mss)
    return true;
  if (attributes.has(NFTA_EXTHDR_SREG) || !attributes.has(NFTA_EXTHDR_DREG)) {
    artifact_.unknown(expression.whole, "exthdr set");
    return false;
  }
  if (!length || *length == 0 || *length > Registers::size) return incomplete(expression);
  std::string text = "exthdr";
  for (const std::size_t part :
       {NFTA_EXTHDR_OP, NFTA_EXTHDR_TYPE, NFTA_EXTHDR_OFFSET, NFTA_EXTHDR_LEN, NFTA_EXTHDR_FLAGS})
    text += " " + (attributes.has(part) ? hex(attributes[part]) : "-");
  const bool present = (attributes.u32(NFTA_EXTHDR_FLAGS).value_or(0) & NFT_EXTHDR_F_PRESENT) != 0;
  return load_opaque(expression, attributes.u32(NFTA_EXTHDR_DREG), present ? 1 : *length, text);
}

// Whatever else looks at a packet or its surroundings: its name is all its parameters, but for the
// register.
bool Run::other_load(const Expression& expression) {
  constexpr std::size_t most_parameters = 10;
  const Attributes<most_parameters> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  // The register is the first attribute, but for these.
  std::size_t target = 1;
  if (expression.name == "socket" || expression.name == "hash") target = 2;
  std::size_t length = 4;
  if (expression.name == "osf" || expression.name == "rt" || expression.name == "xfrm") length = 16;
  if (expression.name == "fib" && attributes.u32(NFTA_FIB_RESULT) == NFT_FIB_RESULT_OIFNAME)
    length = 16;
  if (expression.name == "socket") {
    const auto key = attributes.u32(NFTA_SOCKET_KEY);
    length = key == NFT_SOCKET_MARK ? 4 : key == NFT_SOCKET_CGROUPV2 ? 8 : 1;
  }
  const auto number = attributes.u32(target);
  std::string text(expression.name);
  const bool reads = expression.name == "hash" && attributes.has(NFTA_HASH_SREG);
  for (std::size_t type = 1; type <= most_parameters; ++type)
    if (type != target && !(reads && type == NFTA_HASH_SREG) && attributes.has(type))
      text.append(" ").append(std::to_string(type)).append("=").append(hex(attributes[type]));
  if (reads) {
    const auto from = attributes.u32(NFTA_HASH_SREG);
    const auto size = attributes.u32(NFTA_HASH_LEN).value_or(0);
    if (worlds_.empty()) return true;
    const auto& world = worlds_.front();
    const auto bytes = source(world, expression, from, size);
    if (!bytes) return false;
    text += " of " + describe(*bytes, world.match, opaque_values_);
  }
  if (expression.name == "numgen") text += " in " + std::string(place_.stem);
  return load_opaque(expression, number, length, text);
}

bool Run::immediate(const Expression& expression) {
  const Attributes<NFTA_IMMEDIATE_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  const auto number = attributes.u32(NFTA_IMMEDIATE_DREG);
  const AttributeTable<NFTA_DATA_MAX> data(attributes[NFTA_IMMEDIATE_DATA]);
  if (!number || data.damaged()) return incomplete(expression);
  if (*number != NFT_REG_VERDICT) {
    const auto value = data[NFTA_DATA_VALUE];
    std::vector<Byte> bytes;
    for (const char byte : value) bytes.push_back(Byte::of(static_cast<std::uint8_t>(byte)));
    return load(expression, number, bytes);
  }
  const auto verdict = read_verdict(data[NFTA_DATA_VERDICT]);
  if (!verdict) return incomplete(expression);
  return each_world(
      [&](World& world, std::vector<World>&) { return decide(world, *verdict, expression.whole); });
}

bool Run::bitwise(const Expression& expression) {
  const Attributes<NFTA_BITWISE_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  const auto from = attributes.u32(NFTA_BITWISE_SREG);
  const auto to = attributes.u32(NFTA_BITWISE_DREG);
  const auto length = attributes.u32(NFTA_BITWISE_LEN);
  const auto op = attributes.u32(NFTA_BITWISE_OP).value_or(NFT_BITWISE_BOOL);
  if (!from || !to || !length || *length == 0 || *length > Registers::size)
    return incomplete(expression);
  if (op != NFT_BITWISE_BOOL && op != NFT_BITWISE_LSHIFT && op != NFT_BITWISE_RSHIFT) {
    artifact_.unknown(expression.whole, "bitwise operation " + std::to_string(op));
    return false;
  }
  const AttributeTable<NFTA_DATA_MAX> mask_data(attributes[NFTA_BITWISE_MASK]);
  const AttributeTable<NFTA_DATA_MAX> flip_data(attributes[NFTA_BITWISE_XOR]);
  const AttributeTable<NFTA_DATA_MAX> shift_data(attributes[NFTA_BITWISE_DATA]);
  const auto mask = mask_data[NFTA_DATA_VALUE];
  const auto flip = flip_data[NFTA_DATA_VALUE];
  if (op == NFT_BITWISE_BOOL && (mask.size() != *length || flip.size() != *length))
    return incomplete(expression);
  return each_world([&](World& world, std::vector<World>&) {
    const auto bytes = source(world, expression, from, *length);
    if (!bytes) return false;
    std::vector<Byte> result(bytes->begin(), bytes->end());
    if (op == NFT_BITWISE_BOOL) {
      for (std::size_t i = 0; i < result.size(); ++i) {
        const auto m = static_cast<std::uint8_t>(mask[i]);
        result[i].mask &= m;
        result[i].flip =
            static_cast<std::uint8_t>((result[i].flip & m) ^ static_cast<std::uint8_t>(flip[i]));
      }
    } else {
      result = opaque_bytes(*length, describe(*bytes, world.match, opaque_values_) +
                                         (op == NFT_BITWISE_LSHIFT ? " << " : " >> ") +
                                         hex(shift_data[NFTA_DATA_VALUE]));
    }
    if (world.registers.write(*to, result)) return true;
    artifact_.syntax(expression.whole, "a register that is none");
    return false;
  });
}

bool Run::byteorder(const Expression& expression) {
  const Attributes<NFTA_BYTEORDER_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  const auto from = attributes.u32(NFTA_BYTEORDER_SREG);
  const auto to = attributes.u32(NFTA_BYTEORDER_DREG);
  const auto length = attributes.u32(NFTA_BYTEORDER_LEN);
  const auto size = attributes.u32(NFTA_BYTEORDER_SIZE);
  const auto op = attributes.u32(NFTA_BYTEORDER_OP);
  if (!from || !to || !length || !op || *op > NFT_BYTEORDER_HTON || *length > Registers::size ||
      (size != 2U && size != 4U && size != 8U) || *length == 0)
    return incomplete(expression);
  return each_world([&](World& world, std::vector<World>&) {
    const auto bytes = source(world, expression, from, *length);
    if (!bytes) return false;
    std::vector<Byte> result(bytes->begin(), bytes->end());
    // To and from network order is the same turn, or none. A rest stays as it was, as it does in
    // the kernel.
    if (std::endian::native == std::endian::little)
      for (std::size_t i = 0; i + *size <= result.size(); i += *size)
        std::reverse(result.begin() + static_cast<std::ptrdiff_t>(i),
                     result.begin() + static_cast<std::ptrdiff_t>(i + *size));
    if (world.registers.write(*to, result)) return true;
    artifact_.syntax(expression.whole, "a register that is none");
    return false;
  });
}

}  // namespace firewright::nftables::netlink
