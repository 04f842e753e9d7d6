// A few hosts, joined by cables: network namespaces and veth pairs, all in one process.
//
// Only for use inside in_namespace(): a Network changes the namespace of the calling thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "compiler/net/types.h"
#include "tests/kernel/harness/file_descriptor.h"

namespace firewright::kernel {

class Network {
 public:
  // A host with nothing but lo, and IPv6 addresses that are usable at once.
  void add_host(const std::string& name);
  // A cable from interface `a_end` of host `a` to `b_end` of `b`, both up.
  void join(const std::string& a, const std::string& a_end, const std::string& b,
            const std::string& b_end);
  // What follows happens on this host. Sockets stay on the host that they were made on.
  void enter(const std::string& name) const;

 private:
  std::map<std::string, FileDescriptor> hosts_;
};

using Deadline = std::chrono::steady_clock::time_point;

// TCP with a bounded patience. An address is text of either family.
[[nodiscard]] FileDescriptor listen_on(Family family, std::uint16_t port);
// A connection that is being opened; it need not come about.
[[nodiscard]] FileDescriptor start_connect(const std::string& address, std::uint16_t port);
[[nodiscard]] bool is_connected(const FileDescriptor& socket);  // at this moment
[[nodiscard]] bool wait_connected(const FileDescriptor& socket, Deadline deadline);
[[nodiscard]] std::optional<FileDescriptor> wait_accepted(const FileDescriptor& listener,
                                                          Deadline deadline);
// Sends so many bytes through and says how many came out before the deadline.
[[nodiscard]] std::size_t transfer(const FileDescriptor& from, const FileDescriptor& to,
                                   std::size_t bytes, Deadline deadline);
// What the sender's kernel has learnt of the path: its largest packet.
[[nodiscard]] int path_mtu(const FileDescriptor& socket, Family family);

}  // namespace firewright::kernel
