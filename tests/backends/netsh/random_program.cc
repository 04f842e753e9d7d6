#include "tests/backends/netsh/random_program.h"

#include "backends/netsh/capable.h"
#include "tests/backends/netsh/programs.h"

namespace firewright::netsh::test {
namespace {

const std::vector<std::string>& items() {
  static const std::vector<std::string> list{
      "192.0.2.0/24",  "192.0.2.128/25",  "198.51.100.7", "203.0.113.4-203.0.113.9",
      "2001:db8::/32", "2001:db8:1::/48", "2001:db8::7",  "fe80::/10"};
  return list;
}
const std::vector<std::string>& hosts() {
  static const std::vector<std::string> list{
      "192.0.2.0",    "192.0.2.127", "192.0.2.128", "192.0.2.255", "192.0.3.0",   "198.51.100.7",
      "203.0.113.3",  "203.0.113.4", "203.0.113.9", "0.0.0.0",     "2001:db8::7", "2001:db8::8",
      "2001:db8:1::", "2001:db7::1", "fe80::1",     "::",          "10.0.0.1"};
  return list;
}

AddressSet random_addresses(Random& random) {
  if (random.one_in(2)) return AddressSet::all();
  AddressSet set = address(random.pick(items()));
  while (random.one_in(2)) set = set | address(random.pick(items()));
  if (random.one_in(10))
    set = set | addresses({random.one_in(2) ? "127.0.0.0/8" : "126.0.0.0-128.255.255.255", "::1"});
  if (random.one_in(6)) set = AddressSet::all() - set;
  return set;
}

ir::Match random_match(Random& random) {
  ir::Match match;
  switch (random.below(8)) {
    case 0: break;
    case 1:
    case 2:
      match = tcp(std::vector<Interval<Port>>{{Port{22}, Port{22}}, {Port{80}, Port{90}}});
      break;
    case 3: match = tcp(22); break;
    case 4: match = udp(53); break;
    case 5:
      match = icmp(random.one_in(2) ? Family::ipv4 : Family::ipv6,
                   random.one_in(2) ? IcmpSet::all() : IcmpSet{types(3, 3), types(8, 8)});
      break;
    case 6:
      match.protocols = ProtocolSet{{protocol::tcp, protocol::tcp}, {protocol::esp, protocol::esp}};
      break;
    case 7:
      match = udp(53);
      match.protocols = ProtocolSet{{protocol::tcp, protocol::tcp}, {protocol::udp, protocol::udp}};
      match.source_ports = PortSet{{Port{1024}, Port{65535}}};
      break;
  }
  match = to(from(match, random_addresses(random)), random_addresses(random));
  if (random.one_in(6))
    ir::restrict_families(match, {random.one_in(2) ? Family::ipv4 : Family::ipv6});
  if (random.one_in(6)) match.profiles = {ir::Profile::domain, ir::Profile::private_};
  if (random.one_in(8)) match.program = "C:\\app\\server.exe";
  if (random.one_in(12)) match.windows_service = "W32Time";
  return match;
}

ir::Chain random_chain(Random& random, ir::Hook hook) {
  const bool accepts = random.one_in(3);
  std::vector<ir::Rule> denies, allows;
  for (std::size_t n = random.below(3); n > 0; --n) {
    auto match = random_match(random);
    if (!match.families.empty()) denies.push_back(exception(match, ir::Verdict::drop(), "deny"));
  }
  for (std::size_t n = random.below(4); n > 0; --n) {
    auto match = random_match(random);
    if (!match.families.empty()) allows.push_back(exception(match, ir::Verdict::accept(), "allow"));
  }
  denies.insert(denies.end(), allows.begin(), allows.end());
  return chain(hook, denies, accepts);
}

}  // namespace

ir::Program random_program(Random& random) {
  return {.chains = {random_chain(random, ir::Hook::inbound),
                     random_chain(random, ir::Hook::outbound)}};
}

ir::Program sayable_program(Random& random) {
  while (true) {
    Sink sink;
    auto said = capable(random_program(random), approximating(), sink);
    if (!sink.has_errors()) return said;
  }
}

std::vector<ir::Packet> random_packets(Random& random, std::size_t count) {
  std::vector<ir::Packet> packets;
  while (packets.size() < count) {
    ir::Packet packet;
    packet.hook = random.one_in(2) ? ir::Hook::inbound : ir::Hook::outbound;
    (packet.hook == ir::Hook::inbound ? packet.in : packet.out) = "eth0";
    packet.profile = random.pick(
        std::vector<ir::Profile>{ir::Profile::domain, ir::Profile::private_, ir::Profile::public_});
    const auto a = address(random.pick(hosts()));
    const auto b = address(random.pick(hosts()));
    if (a.v4.empty() != b.v4.empty()) continue;
    if (a.v6.empty()) {
      packet.source = a.v4.intervals()[0].first;
      packet.destination = b.v4.intervals()[0].first;
    } else {
      packet.source = a.v6.intervals()[0].first;
      packet.destination = b.v6.intervals()[0].first;
    }
    const Protocol icmp_here = a.v6.empty() ? protocol::icmp : protocol::icmpv6;
    packet.protocol = random.pick(std::vector<Protocol>{protocol::tcp, protocol::tcp, protocol::udp,
                                                        protocol::esp, icmp_here, Protocol{99}});
    if (has_ports(packet.protocol)) {
      packet.source_port = random.one_in(4) ? Port{1023} : Port{40000};
      packet.destination_port = random.pick(
          std::vector<Port>{Port{21}, Port{22}, Port{53}, Port{80}, Port{90}, Port{91}});
    }
    if (packet.protocol == icmp_here)
      packet.icmp = IcmpTypeCode{static_cast<std::uint16_t>(
          random.pick(std::vector<unsigned>{1, 3, 8, 11, 128, 135, 137}) << 8U)};
    if (random.one_in(3)) packet.program = "C:\\app\\server.exe";
    if (random.one_in(4)) packet.windows_service = "W32Time";
    packets.push_back(packet);
  }
  return packets;
}

}  // namespace firewright::netsh::test
