// The network sockets of this host: who talks to whom, as sock_diag tells it.
//
// TCP and UDP of both families, of the network namespace of the calling thread. A socket of IPv6
// that speaks IPv4 is told as IPv4.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "backends/host/host.h"
#include "compiler/net/types.h"

namespace firewright::host {

using Address = std::variant<Ipv4, Ipv6>;

// Network byte order, 4 or 16 bytes; IPv6 that maps IPv4 becomes IPv4.
[[nodiscard]] std::optional<Address> address_of(std::string_view bytes);
[[nodiscard]] std::string to_string(const Address& address);
// 0.0.0.0 or ::
[[nodiscard]] bool is_unspecified(const Address& address);

struct Socket {
  Protocol protocol;
  Address local, peer;  // unspecified: bound to any, or connected to nobody
  Port local_port, peer_port;
  bool listening = false;       // TCP that accepts, UDP that is bound and not connected
  bool only_ipv6 = false;       // one that listens on :: and does not take IPv4
  std::uint32_t interface = 0;  // index of the one it is bound to, or that its address is valid on
  std::uint32_t inode = 0;      // 0: no process holds it (any more)
  std::string identity;         // what names exactly this socket to the kernel; may be empty
  auto operator<=>(const Socket&) const = default;
};

// Listening ones, TCP that is established or closed on one side only, and all of UDP. No value:
// `error` says why.
[[nodiscard]] std::optional<std::vector<Socket>> sockets(std::string& error);

// SOCK_DESTROY: the process that holds it gets ECONNABORTED, the TCP peer a reset. Exactly this
// socket; ok too when it has gone. Reason `unsupported`: the kernel has no SOCK_DESTROY.
Result destroy(const Socket& socket);

}  // namespace firewright::host
