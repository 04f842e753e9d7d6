#include "backends/host/sockets.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "backends/host/ask.h"
#include "backends/host/attributes.h"

namespace firewright::host {
namespace {

constexpr unsigned bit(unsigned state) { return 1U << state; }

// UDP uses TCP's numbers: "established" is connected, "close" is bound only.
constexpr unsigned tcp_states = bit(TCP_LISTEN) | bit(TCP_ESTABLISHED) | bit(TCP_FIN_WAIT1) |
                                bit(TCP_FIN_WAIT2) | bit(TCP_CLOSE_WAIT);
constexpr unsigned udp_states = bit(TCP_ESTABLISHED) | bit(TCP_CLOSE);

std::string request(std::uint8_t family, Protocol protocol, unsigned states,
                    const inet_diag_sockid& id) {
  inet_diag_req_v2 request{};
  request.sdiag_family = family;
  request.sdiag_protocol = protocol.value;
  request.idiag_states = states;
  request.id = id;
  return {reinterpret_cast<const char*>(&request), sizeof request};
}

std::optional<Address> address_in(const __be32 (&words)[4], unsigned family) {
  return address_of({reinterpret_cast<const char*>(words), family == AF_INET ? 4U : 16U});
}

std::optional<Socket> read_socket(const nlmsghdr& message, Protocol protocol) {
  inet_diag_msg found{};
  if (message.nlmsg_type != SOCK_DIAG_BY_FAMILY || message.nlmsg_len < NLMSG_LENGTH(sizeof found))
    return std::nullopt;
  std::memcpy(&found, NLMSG_DATA(&message), sizeof found);
  const unsigned state = found.idiag_state;
  const auto local = address_in(found.id.idiag_src, found.idiag_family);
  const auto peer = address_in(found.id.idiag_dst, found.idiag_family);
  if (!local || !peer || state >= 32) return std::nullopt;
  // Closed by its process, and about to be closed by the kernel.
  if ((bit(state) & (bit(TCP_FIN_WAIT1) | bit(TCP_FIN_WAIT2))) != 0 && found.idiag_inode == 0)
    return std::nullopt;
  Socket socket;
  socket.protocol = protocol;
  socket.local = *local;
  socket.peer = *peer;
  socket.local_port = Port{ntohs(found.id.idiag_sport)};
  socket.peer_port = Port{ntohs(found.id.idiag_dport)};
  socket.listening = state == TCP_LISTEN || state == TCP_CLOSE;
  const auto only_ipv6 = find_attribute(attributes_of(message, sizeof found), INET_DIAG_SKV6ONLY);
  socket.only_ipv6 = only_ipv6 && *only_ipv6 == std::string_view("\1", 1);
  socket.interface = found.id.idiag_if;
  socket.inode = found.idiag_inode;
  socket.identity = request(found.idiag_family, protocol, bit(state), found.id);
  return socket;
}

}  // namespace

std::optional<Address> address_of(std::string_view bytes) {
  u128 value = 0;
  for (const char c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  if (bytes.size() == 4) return Ipv4{static_cast<std::uint32_t>(value)};
  if (bytes.size() != 16) return std::nullopt;
  if (is_ipv4_mapped(Ipv6{value})) return Ipv4{static_cast<std::uint32_t>(value)};
  return Ipv6{value};
}

std::string to_string(const Address& address) {
  return std::visit([](auto a) { return firewright::to_string(a); }, address);
}

bool is_unspecified(const Address& address) {
  return std::visit([](auto a) { return a.value == 0; }, address);
}

std::optional<std::vector<Socket>> sockets(std::string& error) {
  Line line(NETLINK_SOCK_DIAG);
  std::vector<Socket> found;
  for (const auto protocol : {protocol::tcp, protocol::udp}) {
    const bool tcp = protocol == protocol::tcp;
    for (const auto family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
      const auto before = found.size();
      const auto question = request(family, protocol, tcp ? tcp_states : udp_states, {});
      const int failed = line.ask({.type = SOCK_DIAG_BY_FAMILY, .payload = question, .list = true},
                                  {.restart = [&] { found.resize(before); },
                                   .take =
                                       [&](const nlmsghdr& message) {
                                         if (auto socket = read_socket(message, protocol))
                                           found.push_back(std::move(*socket));
                                       }});
      // A kernel without IPv6, or that cannot list those of UDP.
      if (failed == ENOENT && !(tcp && family == AF_INET)) continue;
      if (failed != 0) {
        error = netlink_failure("cannot list the sockets of this host", failed);
        return std::nullopt;
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result destroy(const Socket& socket) {
  if (socket.identity.empty())
    return {.reason = Reason::unsupported,
            .error = "the kernel does not say enough of the socket to end it"};
  Line line(NETLINK_SOCK_DIAG);
  const int failed = line.ask({.type = SOCK_DESTROY, .payload = socket.identity}, {});
  switch (failed) {
    case 0:
    case ENOENT: return {};
    case EOPNOTSUPP:
      return {.reason = Reason::unsupported,
              .error =
                  "the kernel cannot end sockets (it has no SOCK_DESTROY, "
                  "CONFIG_INET_DIAG_DESTROY)"};
    case EPERM:
    case EACCES:
      return {.reason = Reason::permission,
              .error = netlink_failure("cannot end a socket", failed)};
    default: return {.reason = Reason::io, .error = netlink_failure("cannot end a socket", failed)};
  }
}

}  // namespace firewright::host
