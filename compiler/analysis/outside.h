// What counts as outside: interfaces that lead there, and addresses that anybody may have.
#pragma once

#include <vector>

#include "compiler/ir/program.h"
#include "compiler/policy/policy.h"

namespace firewright::analysis {

// Public unicast: 1.0.0.0 to 223.255.255.255, and 2000::/3.
inline constexpr Interval<Ipv4> public4{Ipv4{0x01000000}, Ipv4{0xDFFFFFFF}};
inline constexpr Interval<Ipv6> public6{Ipv6{u128{0x2} << 124U}, Ipv6{(u128{0x4} << 124U) - 1}};

// How many of the public addresses.
[[nodiscard]] u128 public_size(Family family);
[[nodiscard]] u128 public_part(Family family, u128 first, u128 last);
[[nodiscard]] u128 public_size(const AddressSet& set, Family family);
// Half of them or more: nobody means so many in particular.
[[nodiscard]] bool is_any_source(Family family, u128 sources);

// The interfaces of zones that are called wan, internet, ...
[[nodiscard]] std::vector<ir::InterfacePattern> outside_interfaces(const policy::Policy& policy);

}  // namespace firewright::analysis
