// What a policy can ask for and Windows Firewall cannot be told: one entry each, with the words for
// it.
#pragma once

#include <cstdint>
#include <string_view>

namespace firewright::netsh {

enum class Gap : std::uint8_t {
  forwarding,
  log,
  default_log,
  count,
  rate_limit,
  connection_limit,
  opaque_match,
  interface,
  owner,
  state,
  reject,
  jump,
  ports,
  port_zero,
  icmp_family,
  one_family,
  unspecified_address,
  program,
  windows_service,
  behind_baseline,
  restricted_loopback,
  filtered_replies,
  unmanaged,
};

struct GapWording {
  std::string_view what;     // observed: what cannot be said
  std::string_view way_out;  // what the author may do about it
};
[[nodiscard]] GapWording wording(Gap gap);

}  // namespace firewright::netsh
