// The administrator's session: the connections through which the calling process is being used.
//
// Those are sockets that its ancestors hold (sshd's child, telnetd, mosh-server, an agent), and
// what SSH_CONNECTION says in its environment or theirs, if that is open now. In tmux and screen
// the ancestors of the attached clients count too. Facts only, from /proc and sock_diag.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "backends/host/sockets.h"

namespace firewright::host {

struct Endpoints {
  Protocol protocol;
  Address local, peer;
  Port local_port,
      peer_port;    // peer_port 0: from whatever port (a UDP socket that serves any peer)
  std::string how;  // for people: "held by sshd (pid 812)"
  auto operator<=>(const Endpoints&) const = default;
};

struct Session {
  std::vector<Endpoints> connections;  // sorted, without duplicates
  std::string unknown;                 // for people: what could not be looked at; else empty
};

// Of a process, in the network namespace of the calling thread.
[[nodiscard]] Session current_session(pid_t of = getpid(), const std::string& proc = "/proc");

// The same with given sockets; none: they cannot be listed, what the environment says is believed.
[[nodiscard]] Session find_session(pid_t of, const std::string& proc,
                                   const std::vector<Socket>* sockets);

}  // namespace firewright::host
