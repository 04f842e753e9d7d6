#include "compiler/net/types.h"

#include <array>
#include <charconv>
#include <cstddef>

namespace firewright {
namespace {

struct NamedProtocol {
  Protocol protocol;
  std::string_view name;
};

// IANA "Assigned Internet Protocol Numbers", the ones that firewalls meet.
constexpr NamedProtocol protocol_names[] = {
    {protocol::icmp, "icmp"},       {protocol::igmp, "igmp"}, {protocol::ipip, "ipip"},
    {protocol::tcp, "tcp"},         {Protocol{8}, "egp"},     {protocol::udp, "udp"},
    {protocol::dccp, "dccp"},       {protocol::ipv6, "ipv6"}, {Protocol{46}, "rsvp"},
    {protocol::gre, "gre"},         {protocol::esp, "esp"},   {protocol::ah, "ah"},
    {protocol::icmpv6, "icmpv6"},   {Protocol{88}, "eigrp"},  {protocol::ospf, "ospf"},
    {Protocol{98}, "encap"},        {protocol::pim, "pim"},   {Protocol{108}, "ipcomp"},
    {protocol::vrrp, "vrrp"},       {Protocol{115}, "l2tp"},  {protocol::sctp, "sctp"},
    {protocol::udplite, "udplite"},
};

template <class T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_digits(std::string_view text) {
  for (char c : text)
    if (c < '0' || c > '9') return false;
  return !text.empty();
}

void append_hex(std::string& out, unsigned value) {
  char digits[8];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value, 16);
  out.append(digits, end);
}

// The 16-bit groups of "a:b:c" (no "::"), with an IPv4 tail allowed at the end; false: not that.
bool parse_groups(std::string_view text, std::array<std::uint16_t, 8>& groups, std::size_t& count) {
  count = 0;
  if (text.empty()) return true;
  for (;;) {
    const auto colon = text.find(':');
    const auto group = text.substr(0, colon);
    if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
      const auto tail = parse_ipv4(group);
      if (!tail || count > 6) return false;
      groups[count++] = static_cast<std::uint16_t>(tail->value >> 16U);
      groups[count++] = static_cast<std::uint16_t>(tail->value & 0xffffU);
      return true;
    }
    if (count == 8 || group.empty() || group.size() > 4) return false;
    const auto value = parse_number<std::uint16_t>(group, 16);
    if (!value) return false;
    groups[count++] = *value;
    if (colon == std::string_view::npos) return true;
    text.remove_prefix(colon + 1);
  }
}

}  // namespace

std::string to_string(Protocol p) {
  for (const auto& entry : protocol_names)
    if (entry.protocol == p) return std::string(entry.name);
  return std::to_string(p.value);
}

std::optional<Protocol> parse_protocol(std::string_view text) {
  for (const auto& entry : protocol_names)
    if (entry.name == text) return entry.protocol;
  if (!is_digits(text) || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto number = parse_number<std::uint8_t>(text);
  return number ? std::optional(Protocol{*number}) : std::nullopt;
}

std::string to_string(Ipv4 address) {
  std::array<char, 16> text{};
  char* at = text.data();
  for (unsigned shift = 32; shift > 0; shift -= 8) {
    if (shift < 32) *at++ = '.';
    at = std::to_chars(at, text.data() + text.size(), (address.value >> (shift - 8)) & 0xffU).ptr;
  }
  return {text.data(), at};
}

std::string to_string(Ipv6 address) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i)
    groups[i] = static_cast<unsigned>(address.value >> (112 - 16 * i)) & 0xffffU;
  if (is_ipv4_mapped(address))  // RFC 5952 section 5
    return "::ffff:" + to_string(Ipv4{static_cast<std::uint32_t>(address.value)});
  // The longest run of zero groups, of two or more, the first of equals, becomes "::".
  std::size_t best = 8;
  std::size_t best_length = 1;
  for (std::size_t i = 0; i < 8;) {
    std::size_t j = i;
    while (j < 8 && groups[j] == 0) ++j;
    if (j - i > best_length) {
      best = i;
      best_length = j - i;
    }
    i = j + 1;
  }
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == best) {
      out += "::";
      i += best_length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    append_hex(out, groups[i]);
  }
  return out;
}

std::string_view to_string(Family family) {
  switch (family) {
    case Family::ipv4: return "ipv4";
    case Family::ipv6: return "ipv6";
  }
  return "";
}

std::optional<Ipv4> parse_ipv4(std::string_view text) {
  // In one go: lists have millions of these.
  const auto* at = text.data();
  const auto* const end = at + text.size();
  const auto is_digit = [&] { return at != end && *at >= '0' && *at <= '9'; };
  std::uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (at == end || *at++ != '.')) return std::nullopt;
    if (!is_digit()) return std::nullopt;
    std::uint32_t octet = 0;
    const bool more = *at != '0';  // no leading zeros
    do octet = octet * 10 + static_cast<std::uint32_t>(*at++ - '0');
    while (more && octet <= 255 && is_digit());
    if (octet > 255) return std::nullopt;
    value = value << 8U | octet;
  }
  if (at != end) return std::nullopt;
  return Ipv4{value};
}

std::optional<Ipv6> parse_ipv6(std::string_view text) {
  std::array<std::uint16_t, 8> head{};
  std::array<std::uint16_t, 8> tail{};
  std::size_t head_count = 0;
  std::size_t tail_count = 0;
  const auto gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!parse_groups(text, head, head_count) || head_count != 8) return std::nullopt;
  } else {
    const auto before = text.substr(0, gap);
    if (before.find('.') != std::string_view::npos) return std::nullopt;
    if (!parse_groups(before, head, head_count) ||
        !parse_groups(text.substr(gap + 2), tail, tail_count) || head_count + tail_count > 7)
      return std::nullopt;
  }
  u128 value = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    std::uint16_t group = 0;
    if (i < head_count) group = head[i];
    if (i + tail_count >= 8) group = tail[i + tail_count - 8];
    value = value << 16U | group;
  }
  return Ipv6{value};
}

bool is_ipv4_mapped(Ipv6 address) { return address.value >> 32U == 0xffff; }

}  // namespace firewright
