// One question to the kernel over netlink, and the whole of its answer.
//
// Knows how answers are framed, cut off and repeated; knows nothing of what they say. A list that
// changed while it was read, or that did not fit the receive buffer, is asked for again.
#pragma once

#include <linux/netlink.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "backends/host/descriptor.h"

namespace firewright::host {

struct Question {
  std::uint16_t type = 0;
  std::string_view payload;  // what follows the netlink header
  bool list = false;         // NLM_F_DUMP; else one thing, or something to be done
};

struct Listener {
  std::function<void()> restart;  // what was heard is void; it begins anew
  std::function<void(const nlmsghdr&)> take;
};

// As recv(2), for tests to disturb.
using Receive = std::function<ssize_t(int fd, void* buffer, std::size_t size, int flags)>;

class Line {
 public:
  // NETLINK_NETFILTER, NETLINK_ROUTE, NETLINK_SOCK_DIAG; of the calling thread's network namespace.
  explicit Line(int protocol, Receive receive = {});

  // 0, or an errno: of the socket, or the kernel's answer. EAGAIN: the list changes faster than it
  // can be read.
  [[nodiscard]] int ask(const Question& question, const Listener& listener);

 private:
  enum class Heard { all, again, more };
  [[nodiscard]] int open();
  [[nodiscard]] int send(const Question& question);
  [[nodiscard]] Heard hear(const Listener& listener, int& error);
  [[nodiscard]] Heard take(std::size_t size, const Listener& listener, int& error);

  int protocol_;
  Receive receive_;
  Descriptor socket_;
  std::uint32_t sequence_ = 0;
  bool interrupted_ = false;
  std::string buffer_;
};

// The attributes behind the fixed part of a message; none if it is shorter than that.
[[nodiscard]] std::string_view attributes_of(const nlmsghdr& message, std::size_t fixed);

// "cannot list connections: Operation not permitted (CAP_NET_ADMIN is needed)"
[[nodiscard]] std::string netlink_failure(std::string_view what, int error);

}  // namespace firewright::host
