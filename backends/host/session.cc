#include "backends/host/session.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>

#include "backends/host/proc.h"

namespace firewright::host {
namespace {

constexpr int most_ancestors = 200;

// An address as sshd writes it: perhaps with a zone, perhaps IPv4 mapped into IPv6.
std::optional<Address> parse_address(std::string_view text) {
  text = text.substr(0, text.find('%'));
  if (const auto v4 = parse_ipv4(text)) return *v4;
  const auto v6 = parse_ipv6(text);
  if (!v6) return std::nullopt;
  if (is_ipv4_mapped(*v6)) return Ipv4{static_cast<std::uint32_t>(v6->value)};
  return *v6;
}

std::optional<Port> parse_port(std::string_view text) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) return std::nullopt;
  return Port{value};
}

// "203.0.113.9 40000 192.0.2.10 22"
std::optional<Endpoints> parse_ssh_connection(const std::string& text) {
  std::istringstream words(text);
  std::string peer, peer_port, local, local_port, more;
  if (!(words >> peer >> peer_port >> local >> local_port) || words >> more) return std::nullopt;
  const auto from = parse_address(peer);
  const auto to = parse_address(local);
  const auto from_port = parse_port(peer_port);
  const auto to_port = parse_port(local_port);
  if (!from || !to || !from_port || !to_port || from->index() != to->index()) return std::nullopt;
  return Endpoints{.protocol = protocol::tcp,
                   .local = *to,
                   .peer = *from,
                   .local_port = *to_port,
                   .peer_port = *from_port,
                   .how = {}};
}

auto key(const Endpoints& e) {
  return std::make_tuple(e.protocol, e.local, e.peer, e.local_port, e.peer_port);
}

class Search {
 public:
  Search(pid_t of, const std::string& proc, const std::vector<Socket>* sockets)
      : of_(of),
        proc_(proc),
        sockets_known_(sockets != nullptr),
        own_namespace_(network_namespace(proc, of)) {
    if (sockets == nullptr) return;
    for (const auto& socket : *sockets) {
      if (socket.inode != 0) by_inode_.insert({socket.inode, &socket});
      if (!socket.listening) open_.insert(key(endpoints(socket, {})));
    }
  }

  Session run() {
    walk(of_);
    if (in_multiplexer_) walk_clients();
    add_said();
    add_served();
    Session session;
    std::sort(found_.begin(), found_.end());
    for (auto& connection : found_)
      if (session.connections.empty() || key(session.connections.back()) != key(connection))
        session.connections.push_back(std::move(connection));
    session.unknown = std::move(unknown_);
    return session;
  }

 private:
  static Endpoints endpoints(const Socket& socket, std::string how) {
    return {.protocol = socket.protocol,
            .local = socket.local,
            .peer = socket.peer,
            .local_port = socket.local_port,
            .peer_port = socket.peer_port,
            .how = std::move(how)};
  }

  void complain(const std::string& what) {
    if (!unknown_.empty()) unknown_ += "; ";
    unknown_ += what;
  }

  void walk(pid_t id) {
    for (int steps = 0; id > 0 && steps < most_ancestors && seen_.insert(id).second; ++steps) {
      const auto process = read_process(proc_, id);
      if (!process) return complain("cannot look at process " + std::to_string(id));
      take_sockets(*process);
      take_environment(*process);
      id = process->parent;
    }
  }

  void take_sockets(const Process& process) {
    if (!sockets_known_) return;
    const auto inodes = socket_inodes(proc_, process.id);
    if (!inodes) {
      // The first process holds no session, as a rule, and who is not root cannot look at it.
      if (process.id != 1) complain("cannot read the open files of " + to_string(process));
      return;
    }
    for (const auto inode : *inodes) {
      const auto [first, last] = by_inode_.equal_range(inode);
      for (auto it = first; it != last; ++it) take_socket(*it->second, process);
    }
  }

  void take_socket(const Socket& socket, const Process& process) {
    auto connection = endpoints(socket, "held by " + to_string(process));
    // One that accepts is not the session, nor one that talks to nobody in particular, but mosh's.
    if (!socket.listening)
      found_.push_back(std::move(connection));
    else if (socket.protocol == protocol::udp && process.name.starts_with("mosh-server"))
      served_.push_back(std::move(connection));
  }

  void take_environment(const Process& process) {
    const auto entries = environment(proc_, process.id);
    if (!entries) {
      if (process.id != 1) complain("cannot read the environment of " + to_string(process));
      return;
    }
    const auto its_namespace = network_namespace(proc_, process.id);
    const bool elsewhere =
        !its_namespace.empty() && !own_namespace_.empty() && its_namespace != own_namespace_;
    for (const auto& entry : *entries) {
      constexpr std::string_view variable = "SSH_CONNECTION=";
      if (entry.starts_with("TMUX=") || entry.starts_with("STY=")) in_multiplexer_ = true;
      if (!entry.starts_with(variable)) continue;
      const auto value = entry.substr(variable.size());
      if (elsewhere)
        elsewhere_.insert(value);
      else
        said_.try_emplace(value, to_string(process));
    }
  }

  // The ancestors of those who look at a tmux or screen; whose of several this is cannot be told.
  void walk_clients() {
    for (const auto id : process_ids(proc_)) {
      const auto process = read_process(proc_, id);
      if (process && (process->name.starts_with("tmux") || process->name.starts_with("screen")))
        walk(id);
    }
  }

  void add_said() {
    for (const auto& [value, process] : said_) {
      auto connection = parse_ssh_connection(value);
      // A process of another network namespace has it too: the connection is there.
      if (!connection || elsewhere_.contains(value)) continue;
      clients_.insert({connection->peer, connection->local});
      if (sockets_known_ && !open_.contains(key(*connection))) continue;
      connection->how = "SSH_CONNECTION of " + process;
      found_.push_back(std::move(*connection));
    }
  }

  // A socket of mosh serves whoever has the key. That is, at first, who came by ssh.
  void add_served() {
    for (const auto& served : served_) {
      const auto before = found_.size();
      for (const auto& [peer, local] : clients_) {
        auto connection = served;
        connection.peer = peer;
        if (is_unspecified(served.local)) connection.local = local;
        if (connection.peer.index() == connection.local.index())
          found_.push_back(std::move(connection));
      }
      if (found_.size() == before) found_.push_back(served);
    }
  }

  pid_t of_;
  const std::string& proc_;
  bool sockets_known_;
  std::string own_namespace_;
  std::multimap<std::uint32_t, const Socket*> by_inode_;
  std::set<std::tuple<Protocol, Address, Address, Port, Port>> open_;
  std::set<pid_t> seen_;
  std::map<std::string, std::string> said_;  // what the variable says, the process that has it
  std::set<std::string> elsewhere_;
  std::set<std::pair<Address, Address>> clients_;  // of ssh, and the own address they came to
  std::vector<Endpoints> found_;
  std::vector<Endpoints> served_;
  bool in_multiplexer_ = false;
  std::string unknown_;
};

}  // namespace

Session find_session(pid_t of, const std::string& proc, const std::vector<Socket>* sockets) {
  return Search(of, proc, sockets).run();
}

Session current_session(pid_t of, const std::string& proc) {
  std::string error;
  const auto open = sockets(error);
  auto session = find_session(of, proc, open ? &*open : nullptr);
  if (open) return session;
  if (!session.unknown.empty()) session.unknown += "; ";
  session.unknown += error;
  return session;
}

}  // namespace firewright::host
