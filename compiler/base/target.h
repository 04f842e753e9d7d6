// The firewalls that a policy can be compiled to.
#pragma once

#include <cstdint>
#include <string_view>

#include "compiler/base/enum_set.h"

namespace firewright {

enum class Target : std::uint8_t { iptables, nftables, netsh, last = netsh };
using TargetSet = EnumSet<Target>;

[[nodiscard]] constexpr std::string_view to_string(Target target) {
  switch (target) {
    case Target::iptables: return "iptables";
    case Target::nftables: return "nftables";
    case Target::netsh: return "netsh";
  }
  return "";
}

}  // namespace firewright
