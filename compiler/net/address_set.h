// Sets of addresses of both families, prefixes, and the text forms of address items.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/net/interval_set.h"
#include "compiler/net/types.h"

namespace firewright {

using Ipv4Set = IntervalSet<Ipv4>;
using Ipv6Set = IntervalSet<Ipv6>;
using PortSet = IntervalSet<Port>;
using ProtocolSet = IntervalSet<Protocol>;
using IcmpSet = IntervalSet<IcmpTypeCode>;
using OwnerSet = IntervalSet<OwnerId>;

// An address and the number of its leading bits that count: 0..32 for Ipv4, 0..128 for Ipv6. The
// bits behind are zero.
template <class A>
struct Prefix {
  A address;
  unsigned length = 0;
  bool operator==(const Prefix&) const = default;
};

[[nodiscard]] std::string to_string(
    Prefix<Ipv4> prefix);  // "192.0.2.0/24"; a /32 without its length
[[nodiscard]] std::string to_string(Prefix<Ipv6> prefix);
[[nodiscard]] Interval<Ipv4> to_interval(Prefix<Ipv4> prefix);
[[nodiscard]] Interval<Ipv6> to_interval(Prefix<Ipv6> prefix);
// The fewest prefixes that cover exactly the interval, in ascending order.
[[nodiscard]] std::vector<Prefix<Ipv4>> to_prefixes(Interval<Ipv4> interval);
[[nodiscard]] std::vector<Prefix<Ipv6>> to_prefixes(Interval<Ipv6> interval);
// The one prefix that is exactly the interval, if there is one.
[[nodiscard]] std::optional<Prefix<Ipv4>> as_prefix(Interval<Ipv4> interval);
[[nodiscard]] std::optional<Prefix<Ipv6>> as_prefix(Interval<Ipv6> interval);
// As a prefix or address where it is one, else "low-high".
[[nodiscard]] std::string to_string(Interval<Ipv4> interval);
[[nodiscard]] std::string to_string(Interval<Ipv6> interval);
[[nodiscard]] std::string to_string(Interval<Port> interval);  // "22" or "5000-5010"

// Addresses of both families, which are separate spaces.
struct AddressSet {
  Ipv4Set v4;
  Ipv6Set v6;

  [[nodiscard]] static AddressSet all() { return {.v4 = Ipv4Set::all(), .v6 = Ipv6Set::all()}; }
  [[nodiscard]] bool empty() const { return v4.empty() && v6.empty(); }
  [[nodiscard]] bool is_all() const { return v4.is_all() && v6.is_all(); }
  [[nodiscard]] FamilySet families() const;
  bool operator==(const AddressSet&) const = default;
  auto operator<=>(const AddressSet&) const = default;
};

[[nodiscard]] AddressSet operator|(const AddressSet& a, const AddressSet& b);
[[nodiscard]] AddressSet operator&(const AddressSet& a, const AddressSet& b);
[[nodiscard]] AddressSet operator-(const AddressSet& a, const AddressSet& b);

// What is wrong with an address item, for a diagnostic to say.
enum class AddressProblem {
  not_an_address,     // not of any form; perhaps a group name or a host name
  bad_octet,          // 256.0.0.1, 10.0.0.01
  prefix_too_long,    // 10.0.0.0/33
  bad_prefix_length,  // 10.0.0.0/, 10.0.0.0/x, 10.0.0.0/255.255.255.0
  host_bits,          // 10.0.0.1/8
  ipv4_mapped,        // ::ffff:192.0.2.1
  zone_index,         // fe80::1%eth0
  mixed_families,     // 10.0.0.1-::1
  reversed_range,     // 10.0.0.9-10.0.0.1
};

struct ParsedAddress {
  std::variant<Interval<Ipv4>, Interval<Ipv6>, AddressProblem> value;
  std::string suggestion;  // for host_bits, ipv4_mapped, reversed_range: what was probably meant
};

// An address, a CIDR prefix or "low-high"; blanks around '-' are allowed.
[[nodiscard]] ParsedAddress parse_address_item(std::string_view text);

enum class PortProblem { not_a_port, zero, too_large, reversed_range, empty };
struct ParsedPorts {
  std::variant<Interval<Port>, PortProblem> value;
};
// "22" or "low-high"; 1..65535.
[[nodiscard]] ParsedPorts parse_port_item(std::string_view text);

// ICMP type names (IANA registries "ICMP Parameters" and "ICMPv6 Parameters", and the names that
// iptables and nft print). A name may exist in one family or both.
struct IcmpName {
  std::string_view name;
  std::optional<Interval<IcmpTypeCode>> v4;
  std::optional<Interval<IcmpTypeCode>> v6;
};
[[nodiscard]] const std::vector<IcmpName>& icmp_names();
[[nodiscard]] const IcmpName* find_icmp_name(std::string_view name);

}  // namespace firewright
