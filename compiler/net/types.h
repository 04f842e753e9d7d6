// The values that packet fields hold, each a type of its own.
//
// All are in host byte order: Ipv4{0xC0000201} is 192.0.2.1. Each has one member `value`, an
// unsigned integer, so that IntervalSet can work on any of them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "compiler/base/enum_set.h"
#include "compiler/base/integers.h"

namespace firewright {

struct Ipv4 {
  std::uint32_t value = 0;
  constexpr auto operator<=>(const Ipv4&) const = default;
};

struct Ipv6 {
  u128 value = 0;
  constexpr auto operator<=>(const Ipv6&) const = default;
};

// TCP, UDP, SCTP, DCCP or UDP-Lite port.
struct Port {
  std::uint16_t value = 0;
  constexpr auto operator<=>(const Port&) const = default;
};

// IANA protocol number: the IPv4 protocol field, the last IPv6 next header.
struct Protocol {
  std::uint8_t value = 0;
  constexpr auto operator<=>(const Protocol&) const = default;
};

// ICMP or ICMPv6 type and code in one number, type * 256 + code, so that "type 3, any code" is an
// interval.
struct IcmpTypeCode {
  std::uint16_t value = 0;
  constexpr auto operator<=>(const IcmpTypeCode&) const = default;
  [[nodiscard]] constexpr std::uint8_t type() const {
    return static_cast<std::uint8_t>(value >> 8U);
  }
  [[nodiscard]] constexpr std::uint8_t code() const {
    return static_cast<std::uint8_t>(value & 0xffU);
  }
};

// Numeric user or group id of a socket's owner.
struct OwnerId {
  std::uint32_t value = 0;
  constexpr auto operator<=>(const OwnerId&) const = default;
};

enum class Family : std::uint8_t { ipv4, ipv6, last = ipv6 };
using FamilySet = EnumSet<Family>;

// IANA protocol numbers that the rest of the code has to name.
namespace protocol {
inline constexpr Protocol icmp{1}, igmp{2}, ipip{4}, tcp{6}, udp{17}, dccp{33}, ipv6{41}, gre{47},
    esp{50}, ah{51}, icmpv6{58}, ospf{89}, pim{103}, vrrp{112}, sctp{132}, udplite{136};
}  // namespace protocol

[[nodiscard]] constexpr bool has_ports(Protocol p) {
  return p == protocol::tcp || p == protocol::udp || p == protocol::sctp || p == protocol::dccp ||
         p == protocol::udplite;
}

// "tcp", "icmp", "icmpv6", ...; the number for a protocol without a name here.
[[nodiscard]] std::string to_string(Protocol p);
// A name of the table or a number 0..255. "icmp" is 1 and "icmpv6" is 58.
[[nodiscard]] std::optional<Protocol> parse_protocol(std::string_view text);

[[nodiscard]] std::string to_string(Ipv4 address);        // dotted quad
[[nodiscard]] std::string to_string(Ipv6 address);        // RFC 5952
[[nodiscard]] std::string_view to_string(Family family);  // "ipv4", "ipv6"

// RFC 6943 strict form: four decimal parts without leading zeros.
[[nodiscard]] std::optional<Ipv4> parse_ipv4(std::string_view text);
// RFC 4291 section 2.2, all three forms, no zone index.
[[nodiscard]] std::optional<Ipv6> parse_ipv6(std::string_view text);

// ::ffff:0:0/96, RFC 4291 section 2.5.5.2: an IPv4 address in IPv6 clothing.
[[nodiscard]] bool is_ipv4_mapped(Ipv6 address);

}  // namespace firewright
