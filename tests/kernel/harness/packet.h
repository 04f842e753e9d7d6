// The bytes of test packets: IPv4 and IPv6 as they are on a wire, without a link layer.
//
// Each packet carries a number, so that it can be told apart in the kernel's sets afterwards: in
// IPv4 the identification field, in IPv6 the flow label, in TCP also the number that a reset would
// repeat.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "compiler/ir/evaluate.h"

namespace firewright::kernel {

// What a TCP packet is, as connection tracking sees it.
enum class TcpKind : std::uint8_t { syn, ack, syn_ack, reset, fin, null, christmas_tree };

struct TestPacket {
  ir::Packet packet;  // `state` is what was meant; the kernel says what it became
  TcpKind tcp = TcpKind::syn;
  bool bad_checksum = false;
  bool untracked = false;           // taken out of connection tracking before the policy sees it
  std::optional<ir::Packet> quote;  // of an ICMP error; without one it is about nothing known
};

[[nodiscard]] std::string to_text(const TestPacket& packet);

// `id` is 1..65535. `traffic_class` is the IPv4 TOS or IPv6 traffic class byte.
[[nodiscard]] std::string build(const TestPacket& packet, std::uint16_t id,
                                std::uint8_t traffic_class);

// Numbers that no IPv6 packet has as its last next header, because they are extension headers,
// which the kernel steps over.
[[nodiscard]] bool is_ipv6_extension(Protocol protocol);
// ICMP types that quote another packet.
[[nodiscard]] bool is_icmp_error(Family family, IcmpTypeCode icmp);
[[nodiscard]] bool is_icmp_of(Family family, Protocol protocol);

// The packet that answers: addresses, ports and interfaces swapped, an echo request's reply.
[[nodiscard]] ir::Packet reversed(const ir::Packet& packet);

}  // namespace firewright::kernel
