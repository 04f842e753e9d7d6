#include "tests/kernel/harness/packet.h"

#include <array>
#include <utility>

namespace firewright::kernel {
namespace {

// Bytes in network order.
class Bytes {
 public:
  Bytes& u8(unsigned value) {
    text_.push_back(static_cast<char>(value & 0xffU));
    return *this;
  }
  Bytes& u16(unsigned value) { return u8(value >> 8U).u8(value); }
  Bytes& u32(std::uint32_t value) { return u16(value >> 16U).u16(value & 0xffffU); }
  Bytes& u128(u128 value) {
    for (unsigned shift = 128; shift > 0; shift -= 32)
      u32(static_cast<std::uint32_t>(value >> (shift - 32)));
    return *this;
  }
  Bytes& zeros(std::size_t count) {
    text_.append(count, '\0');
    return *this;
  }
  Bytes& text(std::string_view bytes) {
    text_ += bytes;
    return *this;
  }
  void put16(std::size_t at, unsigned value) {
    text_.at(at) = static_cast<char>((value >> 8U) & 0xffU);
    text_.at(at + 1) = static_cast<char>(value & 0xffU);
  }
  void put32_little_endian(std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i)
      text_.at(at + i) = static_cast<char>((value >> (8 * i)) & 0xffU);
  }
  [[nodiscard]] const std::string& str() const { return text_; }
  [[nodiscard]] std::size_t size() const { return text_.size(); }

 private:
  std::string text_;
};

// RFC 1071.
std::uint16_t internet_checksum(std::string_view bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const auto high = static_cast<std::uint8_t>(bytes[i]);
    const auto low = i + 1 < bytes.size() ? static_cast<std::uint8_t>(bytes[i + 1]) : 0U;
    sum += (static_cast<unsigned>(high) << 8U) | low;
  }
  while (sum >> 16U) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum & 0xffffU);
}

// CRC-32C, RFC 9260 appendix A.
std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

std::string pseudo_header(const ir::Packet& packet, std::size_t length) {
  Bytes bytes;
  if (packet.family() == Family::ipv4) {
    bytes.u32(std::get<Ipv4>(packet.source).value).u32(std::get<Ipv4>(packet.destination).value);
    bytes.u8(0).u8(packet.protocol.value).u16(static_cast<unsigned>(length));
  } else {
    bytes.u128(std::get<Ipv6>(packet.source).value).u128(std::get<Ipv6>(packet.destination).value);
    bytes.u32(static_cast<std::uint32_t>(length)).zeros(3).u8(packet.protocol.value);
  }
  return bytes.str();
}

// Fills in the checksum at `at`, over the pseudo header too unless told otherwise.
void seal(Bytes& bytes, std::size_t at, const TestPacket& packet, bool with_pseudo_header = true) {
  const std::string before = with_pseudo_header ? pseudo_header(packet.packet, bytes.size()) : "";
  unsigned sum = internet_checksum(before + bytes.str());
  if (sum == 0) sum = 0xffff;  // in UDP zero says "none"; elsewhere both mean the same
  bytes.put16(at, packet.bad_checksum ? sum ^ 0x5a5aU : sum);
}

constexpr unsigned tcp_fin = 0x01, tcp_syn = 0x02, tcp_rst = 0x04, tcp_psh = 0x08, tcp_ack = 0x10,
                   tcp_urg = 0x20;

unsigned tcp_flags(TcpKind kind) {
  switch (kind) {
    case TcpKind::syn: return tcp_syn;
    case TcpKind::ack: return tcp_ack;
    case TcpKind::syn_ack: return tcp_syn | tcp_ack;
    case TcpKind::reset: return tcp_rst;
    case TcpKind::fin: return tcp_fin;
    case TcpKind::null: return 0;
    case TcpKind::christmas_tree: return tcp_fin | tcp_psh | tcp_urg;
  }
  return 0;
}

// A reset that answers a packet with ACK has its acknowledgement number as sequence number; one
// that answers a packet without ACK acknowledges its sequence number plus SYN and FIN. Either is
// the id.
std::string tcp_segment(const TestPacket& packet, std::uint16_t id) {
  const unsigned flags = tcp_flags(packet.tcp);
  const unsigned consumed = ((flags & tcp_syn) != 0 ? 1U : 0U) + ((flags & tcp_fin) != 0 ? 1U : 0U);
  Bytes bytes;
  bytes.u16(packet.packet.source_port.value).u16(packet.packet.destination_port.value);
  bytes.u32(id - consumed).u32((flags & tcp_ack) != 0 ? id : 0U);
  bytes.u8(5U << 4U).u8(flags).u16(8192).u16(0).u16(0);
  seal(bytes, 16, packet);
  return bytes.str();
}

std::string udp_datagram(const TestPacket& packet) {
  constexpr std::string_view payload = "test";
  Bytes bytes;
  bytes.u16(packet.packet.source_port.value).u16(packet.packet.destination_port.value);
  bytes.u16(static_cast<unsigned>(8 + payload.size())).u16(0).text(payload);
  seal(bytes, 6, packet);
  return bytes.str();
}

std::string sctp_init(const TestPacket& packet) {
  Bytes bytes;
  bytes.u16(packet.packet.source_port.value).u16(packet.packet.destination_port.value);
  bytes.u32(0).u32(0);                               // verification tag, checksum
  bytes.u8(1).u8(0).u16(20).u32(0x1234).u32(65536);  // INIT
  bytes.u16(1).u16(1).u32(1);
  bytes.put32_little_endian(8, crc32c(bytes.str()) ^ (packet.bad_checksum ? 1U : 0U));
  return bytes.str();
}

std::string dccp_request(const TestPacket& packet) {
  Bytes bytes;
  bytes.u16(packet.packet.source_port.value).u16(packet.packet.destination_port.value);
  bytes.u8(5).u8(0).u16(0);                // data offset, CCVal and CsCov, checksum
  bytes.u8(1).u8(0).u16(0).u32(1).u32(0);  // request, long sequence number; service
  seal(bytes, 6, packet);
  return bytes.str();
}

// What an ICMP error is about when it is about nothing that anybody knows: a datagram that the
// receiver could have sent.
ir::Packet stray_quote(const ir::Packet& error) {
  ir::Packet quoted;
  quoted.source = error.destination;
  quoted.destination = error.source;
  quoted.protocol = protocol::udp;
  quoted.source_port = Port{40123};
  quoted.destination_port = Port{40321};
  return quoted;
}

std::string icmp_message(const TestPacket& packet, std::uint16_t id) {
  const Family family = packet.packet.family();
  const IcmpTypeCode icmp = packet.packet.icmp;
  Bytes bytes;
  bytes.u8(icmp.type()).u8(icmp.code()).u16(0);
  if (is_icmp_error(family, icmp)) {
    const bool too_big = family == Family::ipv6 && icmp.type() == 2;
    const bool fragmentation = family == Family::ipv4 && icmp.value == 3 * 256 + 4;
    bytes.u32(too_big || fragmentation ? 1400 : 0);
    TestPacket quoted;
    quoted.packet = packet.quote ? *packet.quote : stray_quote(packet.packet);
    bytes.text(build(quoted, id, 0));
  } else {
    bytes.u16(0x4657).u16(1);  // identifier and sequence number, the same in each echo
    bytes.zeros(24);           // enough for all of neighbour discovery and listener reports
  }
  seal(bytes, 2, packet, family == Family::ipv6);
  return bytes.str();
}

std::string payload_of(const TestPacket& packet, std::uint16_t id) {
  const Protocol p = packet.packet.protocol;
  if (p == protocol::tcp) return tcp_segment(packet, id);
  if (p == protocol::udp || p == protocol::udplite) return udp_datagram(packet);
  if (p == protocol::sctp) return sctp_init(packet);
  if (p == protocol::dccp) return dccp_request(packet);
  if (is_icmp_of(packet.packet.family(), p)) return icmp_message(packet, id);
  // What has no ports or types of its own gets some where TCP's and ICMP's would be, so that a
  // ruleset shows itself that looks there without asking for the protocol.
  Bytes bytes;
  if (p == protocol::gre) {
    bytes.u16(0).u16(0x0800).zeros(20);
  } else if (p == protocol::ah) {
    bytes.u8(59).u8(4).u16(0).u32(0x1000).u32(1).zeros(12);
  } else if (p == protocol::esp) {
    bytes.u16(packet.packet.source_port.value).u16(packet.packet.destination_port.value);
    bytes.u32(1).zeros(24);
  } else if (p == protocol::igmp) {
    bytes.u8(0x16).u8(0).u16(0).u32(0xe0000001);
    bytes.put16(2, internet_checksum(bytes.str()));
  } else if (p == protocol::icmp || p == protocol::icmpv6) {
    bytes.u8(packet.packet.icmp.type()).u8(packet.packet.icmp.code()).zeros(28);
  } else {
    bytes.u16(packet.packet.source_port.value).u16(packet.packet.destination_port.value).zeros(24);
  }
  return bytes.str();
}

// Multicast listener messages always come with a router alert (RFC 2710 section 3).
bool wants_router_alert(const ir::Packet& packet) {
  const unsigned type = packet.icmp.type();
  return packet.protocol == protocol::icmpv6 && ((type >= 130 && type <= 132) || type == 143);
}

std::string build_ipv4(const TestPacket& packet, std::uint16_t id, std::uint8_t traffic_class) {
  const std::string payload = payload_of(packet, id);
  Bytes header;
  header.u8(0x45).u8(traffic_class).u16(static_cast<unsigned>(20 + payload.size())).u16(id);
  header.u16(0).u8(64).u8(packet.packet.protocol.value).u16(0);
  header.u32(std::get<Ipv4>(packet.packet.source).value);
  header.u32(std::get<Ipv4>(packet.packet.destination).value);
  header.put16(10, internet_checksum(header.str()));
  return header.str() + payload;
}

std::string build_ipv6(const TestPacket& packet, std::uint16_t id, std::uint8_t traffic_class) {
  Bytes rest;
  const bool router_alert = wants_router_alert(packet.packet);
  if (router_alert) rest.u8(packet.packet.protocol.value).u8(0).u8(5).u8(2).u16(0).u8(1).u8(0);
  rest.text(payload_of(packet, id));
  const bool discovery = packet.packet.protocol == protocol::icmpv6 &&
                         packet.packet.icmp.type() >= 133 && packet.packet.icmp.type() <= 137;
  Bytes header;
  header.u32((6U << 28U) | (static_cast<std::uint32_t>(traffic_class) << 20U) | id);
  header.u16(static_cast<unsigned>(rest.size()));
  header.u8(router_alert ? 0 : packet.packet.protocol.value);
  header.u8(discovery ? 255 : router_alert ? 1 : 64);
  header.u128(std::get<Ipv6>(packet.packet.source).value);
  header.u128(std::get<Ipv6>(packet.packet.destination).value);
  return header.str() + rest.str();
}

std::string_view to_string(TcpKind kind) {
  switch (kind) {
    case TcpKind::syn: return "syn";
    case TcpKind::ack: return "ack";
    case TcpKind::syn_ack: return "syn+ack";
    case TcpKind::reset: return "reset";
    case TcpKind::fin: return "fin";
    case TcpKind::null: return "no flags";
    case TcpKind::christmas_tree: return "fin+psh+urg";
  }
  return "";
}

}  // namespace

std::string to_text(const TestPacket& packet) {
  std::string text = ir::to_text(packet.packet);
  if (packet.packet.protocol == protocol::tcp)
    text += " (" + std::string(to_string(packet.tcp)) + ")";
  if ((packet.packet.protocol == protocol::icmp || packet.packet.protocol == protocol::icmpv6) &&
      !is_icmp_of(packet.packet.family(), packet.packet.protocol))
    text += " (as if of type " + std::to_string(packet.packet.icmp.type()) + "/" +
            std::to_string(packet.packet.icmp.code()) + ")";
  if (packet.bad_checksum) text += " (bad checksum)";
  if (packet.untracked) text += " (notrack)";
  if (packet.quote) text += " (about: " + ir::to_text(*packet.quote) + ")";
  return text;
}

std::string build(const TestPacket& packet, std::uint16_t id, std::uint8_t traffic_class) {
  return packet.packet.family() == Family::ipv4 ? build_ipv4(packet, id, traffic_class)
                                                : build_ipv6(packet, id, traffic_class);
}

bool is_ipv6_extension(Protocol protocol) {
  switch (protocol.value) {
    case 0:   // hop-by-hop options
    case 43:  // routing
    case 44:  // fragment
    case 51:  // authentication header
    case 59:  // no next header
    case 60:  // destination options
      return true;
    default: return false;
  }
}

bool is_icmp_of(Family family, Protocol protocol) {
  return protocol == (family == Family::ipv4 ? protocol::icmp : protocol::icmpv6);
}

bool is_icmp_error(Family family, IcmpTypeCode icmp) {
  const unsigned type = icmp.type();
  if (family == Family::ipv6) return type >= 1 && type <= 4;
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

ir::Packet reversed(const ir::Packet& packet) {
  ir::Packet answer = packet;
  std::swap(answer.source, answer.destination);
  std::swap(answer.source_port, answer.destination_port);
  std::swap(answer.in, answer.out);
  if (packet.hook == ir::Hook::inbound) answer.hook = ir::Hook::outbound;
  if (packet.hook == ir::Hook::outbound) answer.hook = ir::Hook::inbound;
  if (answer.hook == ir::Hook::outbound) {
    answer.user = OwnerId{0};
    answer.group = OwnerId{0};
  } else {
    answer.user.reset();
    answer.group.reset();
  }
  if (is_icmp_of(packet.family(), packet.protocol)) {
    if (packet.family() == Family::ipv4 && packet.icmp.type() == 8) answer.icmp = IcmpTypeCode{0};
    if (packet.family() == Family::ipv6 && packet.icmp.type() == 128)
      answer.icmp = IcmpTypeCode{129 * 256};
  }
  return answer;
}

}  // namespace firewright::kernel
