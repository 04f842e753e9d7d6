#include <initializer_list>

#include "compiler/net/address_set.h"

namespace firewright {
namespace {

using Codes = std::optional<Interval<IcmpTypeCode>>;

constexpr IcmpTypeCode joined(unsigned type, unsigned code) {
  return IcmpTypeCode{static_cast<std::uint16_t>(type << 8U | code)};
}
Codes type(unsigned type) { return Interval<IcmpTypeCode>{joined(type, 0), joined(type, 255)}; }
Codes code(unsigned type, unsigned code) {
  return Interval<IcmpTypeCode>{joined(type, code), joined(type, code)};
}

}  // namespace

// Numbers: IANA "ICMP Parameters" and "ICMPv6 Parameters" (RFC 792, 4443, 4861, 2710, 3810).
const std::vector<IcmpName>& icmp_names() {
  static const std::vector<IcmpName> names = {
      {"echo-request", type(8), type(128)},
      {"echo-reply", type(0), type(129)},
      {"destination-unreachable", type(3), type(1)},
      {"network-unreachable", code(3, 0), std::nullopt},
      {"no-route", std::nullopt, code(1, 0)},
      {"host-unreachable", code(3, 1), std::nullopt},
      {"address-unreachable", std::nullopt, code(1, 3)},
      {"protocol-unreachable", code(3, 2), std::nullopt},
      {"port-unreachable", code(3, 3), code(1, 4)},
      {"fragmentation-needed", code(3, 4), std::nullopt},
      {"communication-prohibited", code(3, 13), code(1, 1)},
      {"packet-too-big", std::nullopt, type(2)},
      {"source-quench", type(4), std::nullopt},
      {"redirect", type(5), type(137)},
      {"time-exceeded", type(11), type(3)},
      {"ttl-zero-during-transit", code(11, 0), code(3, 0)},
      {"ttl-zero-during-reassembly", code(11, 1), code(3, 1)},
      {"parameter-problem", type(12), type(4)},
      {"timestamp-request", type(13), std::nullopt},
      {"timestamp-reply", type(14), std::nullopt},
      {"address-mask-request", type(17), std::nullopt},
      {"address-mask-reply", type(18), std::nullopt},
      {"router-advertisement", type(9), type(134)},
      {"router-solicitation", type(10), type(133)},
      {"neighbour-solicitation", std::nullopt, type(135)},
      {"neighbor-solicitation", std::nullopt, type(135)},
      {"neighbour-advertisement", std::nullopt, type(136)},
      {"neighbor-advertisement", std::nullopt, type(136)},
      {"mld-listener-query", std::nullopt, type(130)},
      {"mld-listener-report", std::nullopt, type(131)},
      {"mld-listener-done", std::nullopt, type(132)},
      {"mld2-listener-report", std::nullopt, type(143)},
  };
  return names;
}

const IcmpName* find_icmp_name(std::string_view name) {
  for (const auto& entry : icmp_names())
    if (entry.name == name) return &entry;
  return nullptr;
}

}  // namespace firewright
