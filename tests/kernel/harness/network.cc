#include "tests/kernel/harness/network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "tests/kernel/harness/namespace.h"

namespace firewright::kernel {
namespace {

std::string failed(const std::string& what) { return what + ": " + std::strerror(errno); }

struct Endpoint {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Endpoint endpoint(Family family, const char* address, std::uint16_t port) {
  Endpoint result;
  if (family == Family::ipv4) {
    auto* in = reinterpret_cast<sockaddr_in*>(&result.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    ::inet_pton(AF_INET, address, &in->sin_addr);
    result.size = sizeof *in;
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&result.storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    ::inet_pton(AF_INET6, address, &in->sin6_addr);
    result.size = sizeof *in;
  }
  return result;
}

FileDescriptor tcp_socket(Family family) {
  FileDescriptor socket(::socket(family == Family::ipv4 ? AF_INET : AF_INET6,
                                 SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.open()) throw HarnessError(failed("TCP socket"));
  return socket;
}

// Whether the event came in time.
bool wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting{.fd = fd, .events = events, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(left.count())) > 0) return true;
  }
}

}  // namespace

void Network::add_host(const std::string& name) {
  if (::unshare(CLONE_NEWNET) != 0) throw HarnessError(failed("unshare"));
  hosts_[name] = FileDescriptor(::open("/proc/self/ns/net", O_RDONLY));
  if (!hosts_[name].open()) throw HarnessError(failed("/proc/self/ns/net"));
  for (const char* which : {"default/accept_dad", "default/accept_ra"})
    write_file(std::string("/proc/sys/net/ipv6/conf/") + which, "0");
  must_run({"ip", "link", "set", "lo", "up"});
}

void Network::join(const std::string& a, const std::string& a_end, const std::string& b,
                   const std::string& b_end) {
  enter(b);
  must_run({"ip", "link", "add", b_end, "type", "veth", "peer", "name", "cable"});
  const std::string other_side =
      "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(hosts_.at(a).get());
  must_run({"ip", "link", "set", "cable", "netns", other_side});
  must_run({"ip", "link", "set", b_end, "up"});
  enter(a);
  must_run({"ip", "link", "set", "cable", "name", a_end});
  must_run({"ip", "link", "set", a_end, "up"});
}

void Network::enter(const std::string& name) const {
  if (::setns(hosts_.at(name).get(), CLONE_NEWNET) != 0) throw HarnessError(failed("setns"));
}

FileDescriptor listen_on(Family family, std::uint16_t port) {
  FileDescriptor socket = tcp_socket(family);
  const int one = 1;
  // An earlier connection of the port may still be going away.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (family == Family::ipv6)
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  const Endpoint any = endpoint(family, family == Family::ipv4 ? "0.0.0.0" : "::", port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any.storage), any.size) != 0 ||
      ::listen(socket.get(), 8) != 0)
    throw HarnessError(failed("listen"));
  return socket;
}

FileDescriptor start_connect(const std::string& address, std::uint16_t port) {
  const Family family = address.find(':') == std::string::npos ? Family::ipv4 : Family::ipv6;
  FileDescriptor socket = tcp_socket(family);
  const Endpoint to = endpoint(family, address.c_str(), port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0 &&
      errno != EINPROGRESS)
    throw HarnessError(failed("connect to " + address));
  return socket;
}

bool is_connected(const FileDescriptor& socket) {
  pollfd now{.fd = socket.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&now, 1, 0) <= 0) return false;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

bool wait_connected(const FileDescriptor& socket, Deadline deadline) {
  return wait_for(socket.get(), POLLOUT, deadline) && is_connected(socket);
}

std::optional<FileDescriptor> wait_accepted(const FileDescriptor& listener, Deadline deadline) {
  if (!wait_for(listener.get(), POLLIN, deadline)) return std::nullopt;
  FileDescriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket.open()) return std::nullopt;
  return socket;
}

std::size_t transfer(const FileDescriptor& from, const FileDescriptor& to, std::size_t bytes,
                     Deadline deadline) {
  std::vector<char> block(65536, 'x');
  std::size_t sent = 0;
  std::size_t received = 0;
  while (received < bytes) {
    while (sent < bytes) {
      const ssize_t more =
          ::send(from.get(), block.data(), std::min(block.size(), bytes - sent), MSG_NOSIGNAL);
      if (more <= 0) break;
      sent += static_cast<std::size_t>(more);
    }
    if (!wait_for(to.get(), POLLIN, deadline)) break;
    const ssize_t got = ::recv(to.get(), block.data(), block.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) break;
    if (got > 0) received += static_cast<std::size_t>(got);
  }
  return received;
}

int path_mtu(const FileDescriptor& socket, Family family) {
  int mtu = 0;
  socklen_t size = sizeof mtu;
  const int result = family == Family::ipv4
                         ? ::getsockopt(socket.get(), IPPROTO_IP, IP_MTU, &mtu, &size)
                         : ::getsockopt(socket.get(), IPPROTO_IPV6, IPV6_MTU, &mtu, &size);
  if (result != 0) throw HarnessError(failed("path MTU"));
  return mtu;
}

}  // namespace firewright::kernel
