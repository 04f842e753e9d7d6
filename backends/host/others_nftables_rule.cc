#include "backends/host/others_nftables.h"

#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "backends/host/routes.h"

namespace firewright::host {
namespace {

using nat::Element;
using nat::get;
using nat::get_number;
using nat::get_text;
using nat::Name;
using nat::Range;
using nat::SetContent;

enum class Field { none, unknown, source, destination, in, protocol, family, sport, dport, local };

struct Register {
  Field field = Field::none;
  unsigned bits = 0;                // of an address: how many were loaded, or are left of its mask
  std::string constant = {};        // with Field::none: a value
  const SetContent* map = nullptr;  // with Field::none: what was found in it, from `offset` on
  std::size_t offset = 0;
};

class Reader {
 public:
  Reader(unsigned family, const std::map<Name, SetContent>& sets, std::string table)
      : sets_(sets), table_(std::move(table)) {
    if (family == NFPROTO_IPV4) ir::restrict_families(rule_.match, FamilySet{Family::ipv4});
    if (family == NFPROTO_IPV6) ir::restrict_families(rule_.match, FamilySet{Family::ipv6});
  }

  std::vector<NatRule> read(std::string_view expressions) {
    AttributeReader reader(expressions);
    while (const auto expression = reader.next()) {
      const auto name = get_text(expression->value, NFTA_EXPR_NAME);
      if (!take(name, get(expression->value, NFTA_EXPR_DATA))) rule_.exact = false;
    }
    branches_.push_back(std::move(rule_));
    return std::move(branches_);
  }

 private:
  // Registers are of 4 bytes; the old names mean four of them.
  static std::size_t slot(std::string_view number) {
    const auto r = big_endian_u32(number).value_or(0);
    const auto index = r < NFT_REG32_00 ? r * 4 : r - NFT_REG32_00 + 4;
    return std::min<std::size_t>(index, most_slots - 1);
  }

  // False: it is a condition, or an action, that is not understood.
  bool take(const std::string& name, std::string_view data) {
    if (name == "meta") return load(get(data, NFTA_META_DREG), meta(data));
    if (name == "payload") return load(get(data, NFTA_PAYLOAD_DREG), payload(data));
    if (name == "fib") return load(get(data, NFTA_FIB_DREG), fib(data));
    if (name == "bitwise") return bitwise(data);
    if (name == "cmp") return compare(data);
    if (name == "range") return range(data);
    if (name == "lookup") return lookup(data);
    if (name == "immediate") return immediate(data);
    if (name == "nat") return translate(data);
    if (name == "redir") return redirect(data);
    if (name == "counter" || name == "log") return true;
    // It may have loaded something.
    registers_.fill({.field = Field::unknown});
    return false;
  }

  bool load(std::string_view where, Register what) {
    if (where.empty()) return false;
    registers_[slot(where)] = std::move(what);
    return true;
  }

  static Register meta(std::string_view data) {
    switch (get_number(data, NFTA_META_KEY)) {
      case NFT_META_L4PROTO: return {.field = Field::protocol};
      case NFT_META_NFPROTO:
      case NFT_META_PROTOCOL: return {.field = Field::family};
      case NFT_META_IIFNAME:
      case NFT_META_IIF: return {.field = Field::in};
      default: return {.field = Field::unknown};
    }
  }

  static Register payload(std::string_view data) {
    const auto base = get_number(data, NFTA_PAYLOAD_BASE);
    const auto offset = get_number(data, NFTA_PAYLOAD_OFFSET);
    const auto size = get_number(data, NFTA_PAYLOAD_LEN);
    if (base == NFT_PAYLOAD_TRANSPORT_HEADER && size == 2) {
      if (offset == 0) return {.field = Field::sport};
      if (offset == 2) return {.field = Field::dport};
    }
    if (base != NFT_PAYLOAD_NETWORK_HEADER) return {.field = Field::unknown};
    if (size == 1 && (offset == 9 || offset == 6)) return {.field = Field::protocol};
    // A prefix of whole bytes is loaded as such. At 24 IPv6 has its destination, IPv4 nothing.
    if (offset == 12 && size <= 4) return {.field = Field::source, .bits = size * 8};
    if (offset == 16 && size <= 4) return {.field = Field::destination, .bits = size * 8};
    if (offset == 8 && size <= 16) return {.field = Field::source, .bits = size * 8};
    if (offset == 24 && size <= 16) return {.field = Field::destination, .bits = size * 8};
    return {.field = Field::unknown};
  }

  static Register fib(std::string_view data) {
    const bool type = get_number(data, NFTA_FIB_RESULT) == NFT_FIB_RESULT_ADDRTYPE;
    const bool of_destination = (get_number(data, NFTA_FIB_FLAGS) & NFTA_FIB_F_DADDR) != 0;
    return {.field = type && of_destination ? Field::local : Field::unknown};
  }

  // Of an address, with a mask of leading ones; all else is not known.
  bool bitwise(std::string_view data) {
    auto& from = registers_[slot(get(data, NFTA_BITWISE_SREG))];
    Register to = from;
    const auto mask = get(get(data, NFTA_BITWISE_MASK), NFTA_DATA_VALUE);
    const auto flip = get(get(data, NFTA_BITWISE_XOR), NFTA_DATA_VALUE);
    const bool plain = std::all_of(flip.begin(), flip.end(), [](char c) { return c == 0; });
    unsigned ones = 0;
    while (ones < mask.size() * 8 &&
           (static_cast<unsigned char>(mask[ones / 8]) >> (7U - ones % 8U) & 1U) != 0)
      ++ones;
    unsigned all = 0;
    for (const char c : mask)
      all += static_cast<unsigned>(__builtin_popcount(static_cast<unsigned char>(c)));
    const bool address = from.field == Field::source || from.field == Field::destination;
    if (address && plain && all == ones && ones > 0)
      to.bits = ones;
    else
      to = {.field = Field::unknown};
    registers_[slot(get(data, NFTA_BITWISE_DREG))] = std::move(to);
    return true;
  }

  // --- Narrowing

  static std::uint16_t number_16(std::string_view value) {
    if (value.size() < 2) return 0;
    return static_cast<std::uint16_t>(static_cast<unsigned char>(value[0]) << 8U |
                                      static_cast<unsigned char>(value[1]));
  }
  static Port port_of(std::string_view value) { return Port{number_16(value)}; }

  // The number whose leading bits are given, the others being `rest`.
  static u128 number(std::string_view bytes, std::size_t size, unsigned bits, bool ones) {
    u128 value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value = value << 8U | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    const auto behind = static_cast<unsigned>(size * 8) - bits;
    const u128 mask = behind == 0 ? 0 : ~u128{0} >> (128U - behind);
    return ones ? value | mask : value & ~mask;
  }

  // IPv4, if the value or what the rule said before makes it so.
  [[nodiscard]] bool is_ipv4(const Register& field, std::string_view value) const {
    if (rule_.match.families == FamilySet{Family::ipv4}) return true;
    return rule_.match.families.is_all() && field.bits <= 32 && value.size() <= 4;
  }

  [[nodiscard]] AddressSet addresses(const Register& field, std::string_view first,
                                     std::string_view last) const {
    AddressSet set;
    if (is_ipv4(field, first)) {
      set.v4 = Ipv4Set{{Ipv4{static_cast<std::uint32_t>(number(first, 4, field.bits, false))},
                        Ipv4{static_cast<std::uint32_t>(number(last, 4, field.bits, true))}}};
    } else {
      set.v6 = Ipv6Set{
          {Ipv6{number(first, 16, field.bits, false)}, Ipv6{number(last, 16, field.bits, true)}}};
    }
    return set;
  }

  // The field is in one of the ranges, or in none of them.
  bool narrow(const Register& r, const std::vector<Range>& ranges, bool negated) {
    auto& match = rule_.match;
    switch (r.field) {
      case Field::sport:
      case Field::dport: {
        std::vector<Interval<Port>> list;
        for (const auto& [first, last, chain] : ranges)
          list.push_back({port_of(first), port_of(last)});
        const PortSet set(std::move(list));
        auto& ports = r.field == Field::sport ? match.source_ports : match.destination_ports;
        ports = negated ? ports - set : ports & set;
        match.protocols = match.protocols & ProtocolSet{{protocol::tcp, protocol::tcp},
                                                        {protocol::udp, protocol::udp},
                                                        {protocol::dccp, protocol::dccp},
                                                        {protocol::sctp, protocol::sctp},
                                                        {protocol::udplite, protocol::udplite}};
        return true;
      }
      case Field::protocol: {
        std::vector<Interval<Protocol>> list;
        for (const auto& [first, last, chain] : ranges)
          if (!first.empty() && !last.empty())
            list.push_back({Protocol{static_cast<std::uint8_t>(first[0])},
                            Protocol{static_cast<std::uint8_t>(last[0])}});
        const ProtocolSet set(std::move(list));
        match.protocols = negated ? match.protocols - set : match.protocols & set;
        return true;
      }
      case Field::source:
      case Field::destination: {
        AddressSet set;
        for (const auto& [first, last, chain] : ranges) set = set | addresses(r, first, last);
        ir::restrict_families(match, match.families & set.families());
        auto& field = r.field == Field::source ? match.source : match.destination;
        field = negated ? field - set : field & set;
        return true;
      }
      case Field::in: return narrow_interfaces(ranges, negated);
      case Field::family: return narrow_family(ranges, negated);
      case Field::local:
        rule_.to_this_host_only = rule_.to_this_host_only || (!negated && ranges.size() == 1 &&
                                                              is_local_type(ranges[0].first));
        return rule_.to_this_host_only;
      case Field::none:
      case Field::unknown: return false;
    }
    return false;
  }

  // The type of an address is a number of the host's byte order.
  static bool is_local_type(std::string_view value) {
    std::uint32_t type = 0;
    if (value.size() == sizeof type) std::memcpy(&type, value.data(), sizeof type);
    return type == RTN_LOCAL;
  }

  bool narrow_interfaces(const std::vector<Range>& ranges, bool negated) {
    std::vector<ir::InterfacePattern> patterns;
    for (const auto& [value, last, chain] : ranges) {
      std::uint32_t index = 0;
      if (value.size() == sizeof index) std::memcpy(&index, value.data(), sizeof index);
      auto name = interface_name(index);
      // A name that is compared without its end is the beginning of many.
      const bool wildcard = name.empty() && value.find('\0') == std::string::npos;
      if (name.empty()) name = std::string(text_of(value));
      if (name.empty() || last != value) return false;
      patterns.push_back({.name = name, .wildcard = wildcard});
    }
    return intersect(rule_.match.in, negated ? ir::InterfaceSet::except(std::move(patterns))
                                             : ir::InterfaceSet::of(std::move(patterns)));
  }

  bool narrow_family(const std::vector<Range>& ranges, bool negated) {
    FamilySet said;
    for (const auto& [value, last, chain] : ranges) {
      const auto number =
          value.size() == 1 ? static_cast<unsigned char>(value[0]) : unsigned{number_16(value)};
      if (number == NFPROTO_IPV4 || number == ETH_P_IP) said.insert(Family::ipv4);
      if (number == NFPROTO_IPV6 || number == ETH_P_IPV6) said.insert(Family::ipv6);
    }
    if (negated) said = FamilySet::all() - said;
    ir::restrict_families(rule_.match, rule_.match.families & said);
    return true;
  }

  bool compare(std::string_view data) {
    const auto& r = registers_[slot(get(data, NFTA_CMP_SREG))];
    const auto operation = get_number(data, NFTA_CMP_OP);
    const std::string value(get(get(data, NFTA_CMP_DATA), NFTA_DATA_VALUE));
    if (operation != NFT_CMP_EQ && operation != NFT_CMP_NEQ)
      return compare_order(r, operation, value);
    return narrow(r, {{value, value, {}}}, operation == NFT_CMP_NEQ);
  }

  // Ports only.
  bool compare_order(const Register& r, unsigned operation, const std::string& value) {
    if (r.field != Field::sport && r.field != Field::dport) return false;
    const std::string lowest(2, '\0');
    const std::string highest(2, '\xff');
    switch (operation) {
      case NFT_CMP_LTE: return narrow(r, {{lowest, value, {}}}, false);
      case NFT_CMP_GT: return narrow(r, {{lowest, value, {}}}, true);
      case NFT_CMP_GTE: return narrow(r, {{value, highest, {}}}, false);
      case NFT_CMP_LT: return narrow(r, {{value, highest, {}}}, true);
      default: return false;
    }
  }

  bool range(std::string_view data) {
    const std::string first(get(get(data, NFTA_RANGE_FROM_DATA), NFTA_DATA_VALUE));
    const std::string last(get(get(data, NFTA_RANGE_TO_DATA), NFTA_DATA_VALUE));
    return narrow(registers_[slot(get(data, NFTA_RANGE_SREG))], {{first, last, {}}},
                  get_number(data, NFTA_RANGE_OP) == NFT_RANGE_NEQ);
  }

  // --- Sets and maps

  // The last value before one that begins the gap.
  static std::string before(std::string value) {
    for (auto i = value.size(); i-- > 0;)
      if (value[i]-- != '\0') break;
    return value;
  }

  static std::vector<Range> ranges_of(const SetContent& set) {
    std::vector<Range> ranges;
    if (!set.intervals) {
      for (const auto& element : set.elements)
        ranges.push_back({element.key, element.key, element.chain});
      return ranges;
    }
    const auto& elements = set.elements;  // in order
    for (std::size_t i = 0; i < elements.size(); ++i) {
      if (elements[i].ends_interval) continue;
      auto last = elements[i].key_end;
      if (last.empty())
        last = i + 1 < elements.size() ? before(elements[i + 1].key)
                                       : std::string(elements[i].key.size(), '\xff');
      ranges.push_back({elements[i].key, last, elements[i].chain});
    }
    return ranges;
  }

  static std::size_t width(const Register& r) {
    switch (r.field) {
      case Field::sport:
      case Field::dport: return 2;
      case Field::protocol: return 1;
      case Field::source:
      case Field::destination: return r.bits / 8;
      case Field::none:
      case Field::unknown:
      case Field::in:
      case Field::family:
      case Field::local: return 0;
    }
    return 0;
  }

  bool lookup(std::string_view data) {
    const auto set = sets_.find({table_, get_text(data, NFTA_LOOKUP_SET)});
    if (set == sets_.end()) return false;
    const auto& content = set->second;
    const bool negated = (get_number(data, NFTA_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV) != 0;
    const Register key = registers_[slot(get(data, NFTA_LOOKUP_SREG))];
    const auto to = get(data, NFTA_LOOKUP_DREG);
    // Register 0 is the verdict.
    if (big_endian_u32(to).value_or(0) != 0) registers_[slot(to)] = {.map = &content};
    // A key of several fields is of another size than its first.
    const bool one_field =
        std::all_of(content.elements.begin(), content.elements.end(), [&](const Element& element) {
          return width(key) == 0 || element.key.size() == width(key);
        });
    const auto ranges = ranges_of(content);
    const bool known = one_field && key.field != Field::in;
    branch(key, ranges, known);
    return known && narrow(key, ranges, negated);
  }

  void branch(const Register& key, const std::vector<Range>& ranges, bool known) {
    const auto before = rule_;
    for (const auto& range : ranges) {
      if (range.chain.empty()) continue;
      if (!known || !narrow(key, {range}, false)) rule_.exact = false;
      rule_.jumps = {range.chain};
      branches_.push_back(std::exchange(rule_, before));
    }
  }

  // --- Actions

  bool immediate(std::string_view data) {
    const auto what = get(data, NFTA_IMMEDIATE_DATA);
    if (auto chain = nat::chain_of_verdict(what); !chain.empty())
      rule_.jumps.push_back(std::move(chain));
    const auto value = get(what, NFTA_DATA_VALUE);
    if (!value.empty())
      registers_[slot(get(data, NFTA_IMMEDIATE_DREG))] = {.constant = std::string(value)};
    return true;
  }

  // The values that a register may hold; of a map those of all its elements.
  [[nodiscard]] std::vector<std::string> values(std::string_view where, std::size_t size) const {
    if (where.empty()) return {};
    const auto at = slot(where);
    const auto& r = registers_[at];
    if (!r.constant.empty()) return {r.constant.substr(0, size)};
    std::vector<std::string> list;
    // What a map gave begins in some register before this one.
    for (std::size_t begin = at + 1; begin-- > 0 && at - begin < 8;) {
      const auto* map = registers_[begin].map;
      if (map == nullptr) continue;
      for (const auto& element : map->elements)
        if (element.data.size() >= (at - begin) * 4 + size)
          list.push_back(element.data.substr((at - begin) * 4, size));
      break;
    }
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    return list;
  }

  void take_ports(std::string_view low, std::string_view high) {
    const auto first = values(low, 2);
    const auto last = values(high.empty() ? low : high, 2);
    for (std::size_t i = 0; i < first.size(); ++i) {
      const bool paired = first.size() == last.size() && port_of(last[i]) >= port_of(first[i]);
      rule_.ports.push_back({port_of(first[i]), port_of(paired ? last[i] : first[i])});
    }
  }

  bool translate(std::string_view data) {
    if (get_number(data, NFTA_NAT_TYPE) != NFT_NAT_DNAT) return true;
    rule_.redirects = true;
    const bool four = get_number(data, NFTA_NAT_FAMILY) == NFPROTO_IPV4;
    ir::restrict_families(rule_.match,
                          rule_.match.families & FamilySet{four ? Family::ipv4 : Family::ipv6});
    const std::size_t size = four ? 4 : 16;
    const auto low = get(data, NFTA_NAT_REG_ADDR_MIN);
    const auto high = get(data, NFTA_NAT_REG_ADDR_MAX);
    const auto first = values(low, size);
    auto last = values(high.empty() ? low : high, size);
    if (last.size() != first.size()) last = first;
    for (std::size_t i = 0; i < first.size(); ++i) {
      const auto a = number(first[i], size, static_cast<unsigned>(size * 8), false);
      const auto b = std::max(a, number(last[i], size, static_cast<unsigned>(size * 8), false));
      if (four)
        rule_.addresses.emplace_back(Interval<Ipv4>{Ipv4{static_cast<std::uint32_t>(a)},
                                                    Ipv4{static_cast<std::uint32_t>(b)}});
      else
        rule_.addresses.emplace_back(Interval<Ipv6>{Ipv6{a}, Ipv6{b}});
    }
    take_ports(get(data, NFTA_NAT_REG_PROTO_MIN), get(data, NFTA_NAT_REG_PROTO_MAX));
    return low.empty() || !first.empty();
  }

  bool redirect(std::string_view data) {
    rule_.redirects = true;
    take_ports(get(data, NFTA_REDIR_REG_PROTO_MIN), get(data, NFTA_REDIR_REG_PROTO_MAX));
    return true;
  }

  static constexpr std::size_t most_slots = 24;
  std::array<Register, most_slots> registers_;
  const std::map<Name, SetContent>& sets_;
  std::string table_;
  NatRule rule_;
  std::vector<NatRule> branches_;
};

}  // namespace

std::string nat::chain_of_verdict(std::string_view data) {
  return get_text(get(data, NFTA_DATA_VERDICT), NFTA_VERDICT_CHAIN);
}

std::vector<NatRule> read_nat_rule(unsigned family, const std::string& table,
                                   std::string_view expressions,
                                   const std::map<Name, SetContent>& sets) {
  return Reader(family, sets, table).read(expressions);
}

}  // namespace firewright::host
