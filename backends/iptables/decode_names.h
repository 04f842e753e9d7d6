// Names that iptables takes for numbers, in the spelling of iptables-save and in the other ones
// that iptables-restore takes.
//
// Names that depend on the host's files (/etc/protocols, /etc/services) are known where every
// distribution says the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "compiler/ir/program.h"

namespace firewright::iptables::decoder {

// Decimal, without sign and leading zeros, which iptables would read as octal.
[[nodiscard]] std::optional<std::uint32_t> number(std::string_view text, std::uint32_t max);
[[nodiscard]] bool same_name(std::string_view a, std::string_view b);  // ASCII case aside

[[nodiscard]] std::optional<Protocol> protocol_of(std::string_view text);  // "all" is 0
[[nodiscard]] std::optional<Port> port_of(std::string_view text);
// "echo-request", "8", "3/1"; of IPv4 "any" and 255 are all.
[[nodiscard]] std::optional<IcmpSet> icmp_of(std::string_view text, Family family);
[[nodiscard]] std::optional<ir::RejectKind> reject_of(std::string_view text, Family family);
[[nodiscard]] std::optional<std::uint8_t> log_level_of(std::string_view text);

}  // namespace firewright::iptables::decoder
