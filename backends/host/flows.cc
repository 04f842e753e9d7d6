#include "backends/host/flows.h"

#include <linux/netfilter/nf_conntrack_tcp.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "backends/host/conntrack.h"
#include "backends/host/routes.h"

namespace firewright::host {
namespace {

// Both ends of a connection, seen from this host: protocol, own address and port, the peer's.
using Ends = std::tuple<std::uint8_t, Address, Port, Address, Port>;
using Connected = std::multimap<Ends, const Socket*>;

Ends ends(const Socket& s) {
  return {s.protocol.value, s.local, s.local_port, s.peer, s.peer_port};
}
Ends ends(const Endpoints& e) {
  return {e.protocol.value, e.local, e.local_port, e.peer, e.peer_port};
}
// As the socket of the side that sends the tuple has it.
Ends sender(const Tuple& t) {
  return {t.protocol.value, t.source, t.source_port, t.destination, t.destination_port};
}
Ends as_inbound(const Flow& f) {
  return {f.protocol.value, f.destination, f.destination_port, f.source, f.source_port};
}
Ends as_outbound(const Flow& f) {
  return {f.protocol.value, f.source, f.source_port, f.destination, f.destination_port};
}

bool is_established(const Entry& entry) {
  if (entry.original.protocol != protocol::tcp) return entry.both_directions;
  return entry.tcp_state == TCP_CONNTRACK_ESTABLISHED ||
         entry.tcp_state == TCP_CONNTRACK_FIN_WAIT || entry.tcp_state == TCP_CONNTRACK_CLOSE_WAIT;
}

class Listening {
 public:
  explicit Listening(const std::vector<Socket>& sockets) {
    for (const auto& socket : sockets)
      if (socket.listening) by_port_.insert({{socket.protocol, socket.local_port}, &socket});
  }

  // Whether a socket listens that could have accepted this one.
  [[nodiscard]] bool could_accept(const Socket& socket) const {
    const auto [first, last] = by_port_.equal_range({socket.protocol, socket.local_port});
    return std::any_of(first, last, [&](const auto& entry) {
      const Socket& listener = *entry.second;
      if (!is_unspecified(listener.local)) return listener.local == socket.local;
      return listener.local.index() == socket.local.index() ||
             (std::holds_alternative<Ipv6>(listener.local) && !listener.only_ipv6);
    });
  }

 private:
  std::multimap<std::pair<Protocol, Port>, const Socket*> by_port_;
};

// From which the kernel chooses ports for those who connect.
Interval<Port> chosen_ports() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  unsigned first = 0;
  unsigned last = 0;
  if (file >> first >> last && first <= last && last <= 65535)
    return {Port{static_cast<std::uint16_t>(first)}, Port{static_cast<std::uint16_t>(last)}};
  return {Port{32768}, Port{60999}};
}

class Collector {
 public:
  Collector(const std::vector<Socket>& sockets, Routes routes)
      : listening_(sockets), chosen_(chosen_ports()), routes_(std::move(routes)) {
    for (const auto& socket : sockets)
      if (!socket.listening) connected_.insert({ends(socket), &socket});
  }

  void add(const Entry& entry) {
    Flow flow;
    flow.tracked = true;
    flow.protocol = entry.original.protocol;
    flow.source = entry.original.source;
    flow.source_port = entry.original.source_port;
    // DNAT is done before the filter and SNAT behind it, so: who will answer.
    flow.destination = entry.reply.source;
    flow.destination_port = entry.reply.source_port;
    flow.icmp = entry.original.icmp;
    flow.entry = entry.identity;
    const bool from_here = take_sockets(flow, sender(entry.original));
    const bool to_here = !from_here && take_sockets(flow, sender(entry.reply));
    const bool open = is_established(entry) ||
                      (entry.original.protocol == protocol::tcp && (from_here || to_here));
    if (!open) return;
    const bool from_local = from_here || routes_.is_local(flow.source);
    const bool to_local =
        to_here || routes_.is_local(flow.destination) || routes_.is_group(flow.destination);
    if (routes_.is_local(flow.source) && routes_.is_local(flow.destination)) return;
    flow.hook = from_local ? ir::Hook::outbound : to_local ? ir::Hook::inbound : ir::Hook::forward;
    keep(std::move(flow));
  }

  void add_untracked() {
    for (const auto& [name, socket] : connected_) {
      if (tracked_.contains(socket)) continue;
      if (routes_.is_local(socket->local) && routes_.is_local(socket->peer)) continue;
      Flow flow;
      flow.protocol = socket->protocol;
      flow.sockets.push_back(*socket);
      const bool accepted = was_accepted(*socket);
      flow.hook = accepted ? ir::Hook::inbound : ir::Hook::outbound;
      flow.source = accepted ? socket->peer : socket->local;
      flow.source_port = accepted ? socket->peer_port : socket->local_port;
      flow.destination = accepted ? socket->local : socket->peer;
      flow.destination_port = accepted ? socket->local_port : socket->peer_port;
      keep(std::move(flow));
    }
  }

  [[nodiscard]] std::vector<Flow> take() {
    std::sort(flows_.begin(), flows_.end());
    flows_.erase(std::unique(flows_.begin(), flows_.end()), flows_.end());
    return std::move(flows_);
  }

  // A session over a UDP socket that serves any peer, and that tracking knows nothing of.
  void add_served(const Endpoints& served) {
    if (is_unspecified(served.peer) || is_unspecified(served.local)) return;
    if (routes_.is_local(served.peer)) return;
    Flow flow;
    flow.protocol = served.protocol;
    flow.hook = ir::Hook::inbound;
    flow.source = served.peer;
    flow.destination = served.local;
    flow.destination_port = served.local_port;
    flow.management = true;
    keep(std::move(flow));
  }

 private:
  bool take_sockets(Flow& flow, const Ends& here) {
    const auto [first, last] = connected_.equal_range(here);
    for (auto it = first; it != last; ++it) {
      flow.sockets.push_back(*it->second);
      tracked_.insert(it->second);
    }
    return first != last;
  }

  [[nodiscard]] bool was_accepted(const Socket& socket) const {
    if (listening_.could_accept(socket)) return true;
    // Who listened may have gone. Nobody is given a port outside of the range that did not ask.
    const auto chosen = [&](Port p) { return chosen_.first <= p && p <= chosen_.last; };
    return !chosen(socket.local_port) && socket.peer_port > Port{1023} &&
           (socket.local_port < Port{1024} || chosen(socket.peer_port));
  }

  void keep(Flow flow) {
    const auto bound =
        flow.sockets.empty() ? std::string() : interface_name(flow.sockets.front().interface);
    switch (flow.hook) {
      case ir::Hook::inbound:
        flow.in = bound.empty() ? routes_.towards(flow.source, flow.destination) : bound;
        break;
      case ir::Hook::outbound:
        flow.out = bound.empty() ? routes_.towards(flow.destination, flow.source) : bound;
        break;
      case ir::Hook::forward:
        std::tie(flow.in, flow.out) = routes_.through(flow.source, flow.destination);
        break;
    }
    flows_.push_back(std::move(flow));
  }

  Listening listening_;
  Interval<Port> chosen_;
  Connected connected_;
  std::set<const Socket*> tracked_;
  Routes routes_;
  std::vector<Flow> flows_;
};

// Whether the flow runs over this connection of the session.
bool runs_over(const Flow& flow, const Endpoints& connection) {
  const auto name = ends(connection);
  if (std::any_of(flow.sockets.begin(), flow.sockets.end(),
                  [&](const Socket& socket) { return ends(socket) == name; }))
    return true;
  if (flow.hook == ir::Hook::forward) return false;
  if (connection.peer_port == Port{})
    return flow.hook == ir::Hook::inbound && flow.protocol == connection.protocol &&
           flow.destination_port == connection.local_port &&
           (is_unspecified(connection.local) || connection.local == flow.destination);
  return (flow.hook == ir::Hook::inbound ? as_inbound(flow) : as_outbound(flow)) == name;
}

}  // namespace

ir::Packet first_packet(const Flow& flow) {
  ir::Packet packet;
  packet.hook = flow.hook;
  packet.in = flow.in;
  packet.out = flow.out;
  packet.state = ir::ConntrackState::fresh;
  packet.source = flow.source;
  packet.destination = flow.destination;
  packet.protocol = flow.protocol;
  packet.source_port = flow.source_port;
  packet.destination_port = flow.destination_port;
  packet.icmp = flow.icmp;
  return packet;
}

std::optional<std::vector<Flow>> live_flows(std::string& error) {
  return live_flows(current_session(), error);
}

std::optional<std::vector<Flow>> live_flows(const Session& session, std::string& error) {
  // Sockets last: what opens meanwhile then is in their list at least, and it is they that keep a
  // connection going.
  const auto tracked = tracked_connections(error);
  if (!tracked) return std::nullopt;
  const auto open = sockets(error);
  if (!open) return std::nullopt;
  auto routes = Routes::read(error);
  if (!routes) return std::nullopt;
  Collector collector(*open, std::move(*routes));
  for (const auto& entry : *tracked) collector.add(entry);
  collector.add_untracked();
  auto flows = collector.take();
  for (const auto& connection : session.connections) {
    bool found = false;
    for (auto& flow : flows) {
      const bool runs = runs_over(flow, connection);
      flow.management = flow.management || runs;
      found = found || runs;
    }
    if (!found && connection.peer_port == Port{}) collector.add_served(connection);
  }
  for (auto& flow : collector.take()) flows.push_back(std::move(flow));
  std::sort(flows.begin(), flows.end());
  return flows;
}

std::vector<Flow> assumed_flows(const Session& session) {
  std::vector<Flow> flows;
  for (const auto& connection : session.connections) {
    if (is_unspecified(connection.peer) || is_unspecified(connection.local)) continue;
    Flow flow;
    flow.hook = ir::Hook::inbound;
    flow.protocol = connection.protocol;
    flow.source = connection.peer;
    flow.source_port = connection.peer_port;
    flow.destination = connection.local;
    flow.destination_port = connection.local_port;
    flow.management = true;
    flow.owner = connection.how;
    flows.push_back(std::move(flow));
  }
  return flows;
}

Result end_flow(const Flow& flow) {
  Result unsupported;
  // Sockets first: the reset still passes as part of the connection.
  for (const auto& socket : flow.sockets) {
    auto ended = destroy(socket);
    if (ended.reason == Reason::unsupported)
      unsupported = std::move(ended);
    else if (!ended.ok())
      return ended;
  }
  if (!flow.entry.empty())
    if (auto deleted = delete_entry(flow.family(), flow.entry); !deleted.ok()) return deleted;
  return unsupported;
}

}  // namespace firewright::host
