#include "tests/kernel/harness/bed.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "tests/kernel/harness/namespace.h"
#include "tests/kernel/harness/probe.h"

namespace firewright::kernel {
namespace {

constexpr std::string_view loopback = "lo";
constexpr OwnerId no_owner_id{0xffffffff};  // -1: what the kernel takes as "leave it"

// A packet's source may be any address, also one that is ours; nothing is answered at a bounded
// rate, so that every reject is seen; nothing speaks by itself.
void set_switches() {
  for (const char* name :
       {"ipv4/conf/all/accept_local", "ipv4/conf/all/route_localnet", "ipv4/ip_forward",
        "ipv6/conf/all/forwarding", "netfilter/nf_conntrack_tcp_be_liberal"})
    write_file(std::string("/proc/sys/net/") + name, "1");
  for (const char* name :
       {"ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter", "ipv4/conf/all/send_redirects",
        "ipv4/conf/default/send_redirects", "ipv4/icmp_ratelimit", "ipv4/icmp_ratemask",
        "ipv6/icmp/ratelimit", "ipv6/conf/default/accept_ra", "ipv6/conf/default/accept_dad",
        "ipv6/conf/default/router_solicitations", "ipv6/conf/all/disable_ipv6",
        "ipv6/conf/default/disable_ipv6"})
    write_file(std::string("/proc/sys/net/") + name, "0");
  write_file("/proc/sys/net/ipv6/icmp/ratemask", "\n");              // none
  write_file("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1");  // no link-local address
}

void set_option(int socket, int level, int option, int value, const char* name) {
  if (::setsockopt(socket, level, option, &value, sizeof value) != 0)
    throw HarnessError(std::string("setsockopt ") + name + ": " + std::strerror(errno));
}

// Whether the thread has these file-system ids now. The calls do not say; asking for -1 changes
// nothing and tells the present one. In a user namespace most ids are nobody's.
bool become(OwnerId user, OwnerId group) {
  ::setfsgid(group.value);
  ::setfsuid(user.value);
  return static_cast<std::uint32_t>(::setfsgid(no_owner_id.value)) == group.value &&
         static_cast<std::uint32_t>(::setfsuid(no_owner_id.value)) == user.value;
}

bool has_owner_id(OwnerId id) { return id != no_owner_id; }

}  // namespace

std::optional<std::string> why_no_bed() {
  for (const char* program : {"nft", "ip", "iptables-legacy-restore", "iptables-nft-restore"})
    if (!in_path(program)) return std::string(program) + " is not installed";
  const Outcome outcome = in_namespace([]() -> std::string {
    const FileDescriptor tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    return tun.open() ? "" : std::string("/dev/net/tun: ") + std::strerror(errno);
  });
  if (outcome.done() && outcome.text.empty()) return std::nullopt;
  return outcome.text;
}

bool can_send_as_anybody() {
  return in_namespace([] {
           return std::string(become(OwnerId{100}, OwnerId{100}) ? "yes" : "no");
         }).text == "yes";
}

TestBed::TestBed(const std::vector<std::string>& interfaces) {
  if (interfaces.size() > max_interfaces) throw HarnessError("too many interfaces");
  set_switches();
  for (const auto& name : interfaces) {
    Interface& interface = interfaces_[name];
    interface.number = static_cast<unsigned>(interfaces_.size());
    if (name != loopback) make_interface(name);
  }
  route();
  must_run({"nft", "-f", "-"}, opening_ruleset(static_cast<unsigned>(interfaces_.size())));
}

void TestBed::make_interface(const std::string& name) {
  FileDescriptor tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!tun.open()) throw HarnessError(std::string("/dev/net/tun: ") + std::strerror(errno));
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name)
    throw HarnessError("not an interface name: " + name);
  std::memcpy(request.ifr_name, name.c_str(), name.size());
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(tun.get(), TUNSETIFF, &request) != 0)
    throw HarnessError("cannot make the interface " + name + ": " + std::strerror(errno));
  interfaces_[name].tun = std::move(tun);
}

void TestBed::route() {
  std::string v4 = "link set lo up\n";
  std::string rules;
  std::string v6 = "addr add 2001:db8:ffff::1/128 dev lo nodad\n";
  for (const auto& [name, interface] : interfaces_) {
    if (name == loopback) continue;
    const std::string mark = std::to_string(mark_of(interface.number));
    const std::string table = std::to_string(100 + interface.number);
    v4 += "link set " + name + " up\n";
    rules += "rule add pref 10 fwmark " + mark + " lookup " + table + "\n";
    v4 += "route add default dev " + name + " table " + table + "\n";
    v6 += "route add default dev " + name + " table " + table + "\n";
  }
  // The table of local addresses comes first by default, before the marks. It, and no other table,
  // is where the kernel looks whether it may speak for an address.
  rules += "rule add pref 500 lookup local\nrule del pref 0\n";
  v4 += "route add local 0.0.0.0/0 dev lo table local\n";
  v6 += "route add local ::/0 dev lo table local\n";
  must_run({"ip", "-4", "-batch", "-"}, v4 + rules);
  must_run({"ip", "-6", "-batch", "-"}, v6 + rules);
}

void TestBed::open_flow(const TestPacket& first) {
  const auto pass = [this](ir::Packet packet, TcpKind tcp) {
    packet.hook = packet.out.empty()  ? ir::Hook::inbound
                  : packet.in.empty() ? ir::Hook::outbound
                                      : ir::Hook::forward;
    static_cast<void>(send({.packet = packet,
                            .tcp = tcp,
                            .bad_checksum = false,
                            .untracked = false,
                            .quote = std::nullopt},
                           1));
  };
  pass(first.packet, TcpKind::syn);
  pass(reversed(first.packet), TcpKind::syn_ack);
  if (first.packet.protocol == protocol::tcp) pass(first.packet, TcpKind::ack);
}

void TestBed::start_measuring(Accepted accepted) {
  must_run({"nft", "-f", "-"}, measuring_ruleset(accepted == Accepted::delivered));
}

std::vector<Observation> TestBed::measure(std::span<const TestPacket> packets) {
  std::vector<Observation> observations;
  send(packets, observations);
  read(observations);
  return observations;
}

void TestBed::send(std::span<const TestPacket> packets, std::vector<Observation>& observations) {
  if (observations.size() + packets.size() > max_packets)
    throw HarnessError("more packets than numbers for them");
  for (const auto& packet : packets) {
    const auto id = static_cast<std::uint16_t>(observations.size() + 1);
    observations.push_back({.sent = send(packet, id)});
  }
}

void TestBed::read(std::vector<Observation>& observations) { read_notes(observations); }

void TestBed::forget() { must_run({"nft", "-f", "-"}, forgetting()); }

bool TestBed::send(const TestPacket& packet, std::uint16_t id) {
  if (packet.packet.hook == ir::Hook::outbound) return send_outbound(packet, id);
  unsigned leave_by = 0;
  if (packet.packet.hook == ir::Hook::forward) {
    const auto out = interfaces_.find(packet.packet.out);
    if (out == interfaces_.end() || !out->second.tun.open()) return false;
    leave_by = out->second.number;
  }
  const auto in = interfaces_.find(packet.packet.in);
  if (in == interfaces_.end()) return false;
  const std::string bytes =
      build(packet, id, static_cast<std::uint8_t>(traffic_class_of(leave_by, packet.untracked)));
  if (!in->second.tun.open()) return send_to_loopback(bytes, packet.packet.family());
  return ::write(in->second.tun.get(), bytes.data(), bytes.size()) ==
         static_cast<ssize_t>(bytes.size());
}

bool TestBed::send_to_loopback(const std::string& bytes, Family family) {
  if (!loopback_socket_.open())
    loopback_socket_ = FileDescriptor(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(family == Family::ipv4 ? ETH_P_IP : ETH_P_IPV6);
  to.sll_ifindex = static_cast<int>(::if_nametoindex("lo"));
  to.sll_halen = ETH_ALEN;
  return ::sendto(loopback_socket_.get(), bytes.data(), bytes.size(), 0,
                  reinterpret_cast<const sockaddr*>(&to), sizeof to) >= 0;
}

int TestBed::raw_socket(Family family, OwnerId user, OwnerId group) {
  FileDescriptor& socket = raw_sockets_[{family, user, group}];
  if (socket.open()) return socket.get();
  // A socket belongs to the file-system ids of the thread that makes it. Changing only these keeps
  // the right to make raw sockets.
  const bool owned = become(user, group);
  if (owned) {
    socket = FileDescriptor(::socket(family == Family::ipv4 ? AF_INET : AF_INET6,
                                     SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  }
  static_cast<void>(become(OwnerId{::geteuid()}, OwnerId{::getegid()}));
  if (!owned) return -1;
  if (!socket.open()) throw HarnessError(std::string("raw socket: ") + std::strerror(errno));
  if (family == Family::ipv4) {
    set_option(socket.get(), IPPROTO_IP, IP_HDRINCL, 1, "IP_HDRINCL");
    set_option(socket.get(), SOL_SOCKET, SO_BROADCAST, 1, "SO_BROADCAST");
  }
  return socket.get();
}

bool TestBed::send_outbound(const TestPacket& packet, std::uint16_t id) {
  const auto out = interfaces_.find(packet.packet.out);
  const OwnerId user = packet.packet.user.value_or(no_owner_id);
  const OwnerId group = packet.packet.group.value_or(no_owner_id);
  if (out == interfaces_.end() || !has_owner_id(user) || !has_owner_id(group)) return false;
  const int socket = raw_socket(packet.packet.family(), user, group);
  if (socket < 0) return false;
  set_option(socket, SOL_SOCKET, SO_MARK, static_cast<int>(mark_of(out->second.number)), "SO_MARK");
  const std::string bytes =
      build(packet, id, static_cast<std::uint8_t>(traffic_class_of(0, packet.untracked)));

  sockaddr_storage to{};
  socklen_t size = 0;
  if (packet.packet.family() == Family::ipv4) {
    auto* address = reinterpret_cast<sockaddr_in*>(&to);
    address->sin_family = AF_INET;
    std::memcpy(&address->sin_addr, bytes.data() + 16, 4);
    size = sizeof *address;
  } else {
    auto* address = reinterpret_cast<sockaddr_in6*>(&to);
    address->sin6_family = AF_INET6;
    std::memcpy(&address->sin6_addr, bytes.data() + 24, 16);
    size = sizeof *address;
  }
  const ssize_t sent =
      ::sendto(socket, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to), size);
  return sent >= 0 || errno == EPERM;  // EPERM: sent, and dropped by a rule
}

}  // namespace firewright::kernel
