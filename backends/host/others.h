// Who else filters or translates on this host. Facts only; what they mean for a policy is judged
// elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/host/live.h"
#include "compiler/ir/program.h"

namespace firewright::host {

enum class Standing : std::uint8_t {
  rival,      // means to own the host's firewall: firewalld, ufw, ...
  neighbour,  // has tables of its own beside it: docker, libvirt, fail2ban, ...
};

struct Manager {
  std::string name;  // "firewalld"
  std::string how;   // "running (pid 412)", "enabled in /etc/ufw/ufw.conf"
  Standing standing = Standing::rival;
  bool operator==(const Manager&) const = default;
};

// Rivals first, then by name. Processes of other network namespaces are others' firewalls.
[[nodiscard]] std::vector<Manager> other_managers(const std::string& root = "/");

// A rule, reached from prerouting, that gives packets another destination before the filter sees
// them: they are filtered with the new destination, in `forward` if that is another host.
struct Redirect {
  std::string table;               // "ip nat", "inet published"
  std::string chain;               // the one with the rule
  ir::Match match;                 // of the packets before it, all the jumps to the chain included
  bool to_this_host_only = false;  // and whose destination is an address of this host
  bool exact = true;               // false: the rule has conditions that `match` does not say
  // The new destination. No address: this host, at another port (REDIRECT); no ports: unchanged.
  std::vector<std::variant<Interval<Ipv4>, Interval<Ipv6>>> addresses;
  std::vector<Interval<Port>> ports;
  std::string text;  // "tcp dport 8080 dnat to 172.17.0.2:80"
};

// Of native nftables rules and of the saved texts of iptables, in their order.
[[nodiscard]] std::vector<Redirect> redirects(const Live& live);

}  // namespace firewright::host
