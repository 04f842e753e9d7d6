#include "backends/nftables/decode_values.h"

#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>

namespace firewright::nftables::netlink {
namespace {

// All values that a field can have, where they are few enough to be tried one by one.
Ranges domain(Field field) {
  switch (field) {
    case Field::nfproto: return {{NFPROTO_IPV4, NFPROTO_IPV4}, {NFPROTO_IPV6, NFPROTO_IPV6}};
    case Field::ethertype: return {{ETH_P_IP, ETH_P_IP}, {ETH_P_IPV6, ETH_P_IPV6}};
    // The bits of `ct state`: invalid, established, related, new, untracked.
    case Field::state: return {{1, 1}, {2, 2}, {4, 4}, {8, 8}, {64, 64}};
    case Field::protocol:
    case Field::next_header: return {{0, 0xff}};
    case Field::source_port:
    case Field::destination_port:
    case Field::icmp: return {{0, 0xffff}};
    case Field::in_name:
    case Field::out_name:
    case Field::in_index:
    case Field::out_index:
    case Field::user:
    case Field::group:
    case Field::source4:
    case Field::destination4:
    case Field::source6:
    case Field::destination6: return {};
  }
  return {};
}

bool is_enumeration(Field field) {
  return field == Field::nfproto || field == Field::ethertype || field == Field::state;
}

std::uint8_t byte_of(u128 value, unsigned width, unsigned index) {
  return static_cast<std::uint8_t>(value >> (8U * (width - 1 - index)));
}

// What the component's bytes are for a value of its field.
u128 image(const Component& component, u128 value) {
  const auto width = bytes_of(component.field);
  u128 number = 0;
  for (std::size_t i = 0; i < component.count; ++i) {
    const auto byte = byte_of(value, width, component.index[i]);
    number =
        (number << 8U) | static_cast<std::uint8_t>((byte & component.mask[i]) ^ component.flip[i]);
  }
  return number;
}

Ranges try_all(const Component& component, const Ranges& ranges) {
  Ranges result;
  for (const auto& part : domain(component.field))
    for (u128 value = part.first; value <= part.last; ++value) {
      if (!contains(ranges, image(component, value))) continue;
      if (!result.empty() && result.back().last + 1 == value && !is_enumeration(component.field))
        result.back().last = value;
      else
        result.push_back({value, value});
    }
  return result;
}

// The highest bytes of the field in their order, with a mask of leading ones and nothing inverted:
// ranges stay ranges.
std::optional<unsigned> leading_bits(const Component& component) {
  unsigned bits = 0;
  bool ended = false;
  for (std::size_t i = 0; i < component.count; ++i) {
    if (component.index[i] != i || component.flip[i] != 0) return std::nullopt;
    const auto mask = component.mask[i];
    const auto ones = static_cast<unsigned>(__builtin_clz(~(unsigned{mask} << 24U)));
    if (static_cast<std::uint8_t>(0xff00U >> ones) != mask || (ended && mask != 0))
      return std::nullopt;
    bits += ones;
    ended = ones < 8;
  }
  return bits;
}

Ranges spread(const Component& component, unsigned bits, const Ranges& ranges) {
  const unsigned masked = component.count * 8U - bits;  // low bits of the number that are zero
  const unsigned below = (bytes_of(component.field) - component.count) * 8U;
  const u128 low = masked >= 128 ? ~u128{0} : (u128{1} << masked) - 1;
  const u128 rest = below == 0 ? 0 : (u128{1} << below) - 1;
  Ranges result;
  for (const auto& range : ranges) {
    // The first and last number in it whose masked bits are zero.
    const u128 first = (range.first & low) == 0 ? range.first : (range.first | low) + 1;
    if ((range.first & low) != 0 && first == 0) continue;
    const u128 last = range.last & ~low;
    if (first > last) continue;
    result.push_back({first << below, ((last | low) << below) | rest});
  }
  normalise(result);
  return result;
}

// Single numbers, whatever the order of the bytes: the bits of the mask must be leading ones.
std::optional<Ranges> turn(const Component& component, const Ranges& ranges) {
  const auto width = bytes_of(component.field);
  u128 mask = 0;
  for (std::size_t i = 0; i < component.count; ++i)
    mask |= u128{component.mask[i]} << (8U * (width - 1U - component.index[i]));
  const u128 free = largest(width) & ~mask;
  if ((free & (free + 1)) != 0) return std::nullopt;
  Ranges result;
  for (const auto& range : ranges) {
    if (range.first != range.last) return std::nullopt;
    u128 value = 0;
    bool possible = true;
    for (std::size_t i = 0; i < component.count; ++i) {
      const auto byte = static_cast<std::uint8_t>(
          byte_of(range.first, component.count, static_cast<unsigned>(i)) ^ component.flip[i]);
      possible = possible && (byte & ~component.mask[i]) == 0;
      value |= u128{byte} << (8U * (width - 1U - component.index[i]));
    }
    if (possible) result.push_back({value, value | free});
  }
  normalise(result);
  return result;
}

}  // namespace

unsigned bytes_of(Field field) {
  switch (field) {
    case Field::nfproto:
    case Field::protocol:
    case Field::next_header: return 1;
    case Field::ethertype:
    case Field::source_port:
    case Field::destination_port:
    case Field::icmp: return 2;
    case Field::in_index:
    case Field::out_index:
    case Field::state:
    case Field::user:
    case Field::group:
    case Field::source4:
    case Field::destination4: return 4;
    case Field::in_name:
    case Field::out_name:
    case Field::source6:
    case Field::destination6: return 16;
  }
  return 1;
}

std::string_view name_of(Field field) {
  switch (field) {
    case Field::nfproto: return "meta nfproto";
    case Field::ethertype: return "meta protocol";
    case Field::protocol: return "meta l4proto";
    case Field::in_name: return "iifname";
    case Field::out_name: return "oifname";
    case Field::in_index: return "iif";
    case Field::out_index: return "oif";
    case Field::state: return "ct state";
    case Field::user: return "meta skuid";
    case Field::group: return "meta skgid";
    case Field::source4: return "ip saddr";
    case Field::destination4: return "ip daddr";
    case Field::source6: return "ip6 saddr";
    case Field::destination6: return "ip6 daddr";
    case Field::source_port: return "th sport";
    case Field::destination_port: return "th dport";
    case Field::icmp: return "icmp type";
    case Field::next_header: return "ip6 nexthdr";
  }
  return {};
}

std::optional<std::size_t> register_offset(std::uint32_t number) {
  if (number >= NFT_REG_1 && number <= NFT_REG_4) return (number - NFT_REG_1) * 16U;
  if (number >= NFT_REG32_00 && number <= NFT_REG32_15) return (number - NFT_REG32_00) * 4U;
  return std::nullopt;
}

std::optional<std::span<const Byte>> Registers::read(std::uint32_t number,
                                                     std::size_t length) const {
  const auto offset = register_offset(number);
  if (!offset || length == 0 || length > size - *offset) return std::nullopt;
  static constexpr Bytes unset{};
  return std::span<const Byte>(bytes_ ? *bytes_ : unset).subspan(*offset, length);
}

bool Registers::write(std::uint32_t number, std::span<const Byte> bytes) {
  const auto offset = register_offset(number);
  if (!offset || bytes.empty() || bytes.size() > size - *offset) return false;
  if (bytes_.use_count() != 1) bytes_ = std::make_shared<Bytes>(bytes_ ? *bytes_ : Bytes{});
  auto& held = *bytes_;
  std::copy(bytes.begin(), bytes.end(), held.begin() + static_cast<std::ptrdiff_t>(*offset));
  for (auto end = *offset + bytes.size(); end % 4 != 0; ++end) held[end] = Byte::of(0);
  return true;
}

void normalise(Ranges& ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::size_t kept = 0;
  for (const auto& range : ranges) {
    if (kept > 0 && (ranges[kept - 1].last == ~u128{0} || range.first <= ranges[kept - 1].last + 1))
      ranges[kept - 1].last = std::max(ranges[kept - 1].last, range.last);
    else
      ranges[kept++] = range;
  }
  ranges.resize(kept);
}

Ranges complement(const Ranges& ranges, u128 last) {
  Ranges result;
  u128 next = 0;
  for (const auto& range : ranges) {
    if (range.first > next) result.push_back({next, range.first - 1});
    if (range.last >= last) return result;
    next = range.last + 1;
  }
  result.push_back({next, last});
  return result;
}

bool contains(const Ranges& ranges, u128 value) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), value,
                                      [](u128 v, const Range& range) { return v < range.first; });
  return after != ranges.begin() && value <= (after - 1)->last;
}

u128 largest(std::size_t bytes) { return bytes >= 16 ? ~u128{0} : (u128{1} << (8U * bytes)) - 1; }

u128 number_of(const Component& component, std::string_view row) {
  u128 number = 0;
  for (std::size_t i = 0; i < component.count; ++i)
    number = (number << 8U) | static_cast<unsigned char>(row[component.at[i]]);
  return number;
}

std::optional<Ranges> preimage(const Component& component, const Ranges& ranges) {
  if (is_enumeration(component.field)) return try_all(component, ranges);
  if (const auto bits = leading_bits(component)) return spread(component, *bits, ranges);
  if (!domain(component.field).empty()) return try_all(component, ranges);
  return turn(component, ranges);
}

}  // namespace firewright::nftables::netlink
