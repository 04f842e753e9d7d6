#include "backends/host/others.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "backends/host/proc.h"

namespace firewright::host {
namespace {

struct Known {
  std::string_view process;  // as the kernel names it
  std::string_view name;
  Standing standing;
};

// Long-running programs that keep rules in the kernel.
constexpr Known known_processes[] = {
    {"firewalld", "firewalld", Standing::rival},
    {"lfd - sleeping", "csf", Standing::rival},
    {"opensnitchd", "opensnitch", Standing::rival},
    {"dockerd", "docker", Standing::neighbour},
    {"libvirtd", "libvirt", Standing::neighbour},
    {"virtnetworkd", "libvirt", Standing::neighbour},
    {"lxd", "lxd", Standing::neighbour},
    {"incusd", "incus", Standing::neighbour},
    {"fail2ban-server", "fail2ban", Standing::neighbour},
    {"crowdsec-firewa", "crowdsec-firewall-bouncer", Standing::neighbour},
    {"sshguard", "sshguard", Standing::neighbour},
    {"kube-proxy", "kube-proxy", Standing::neighbour},
    {"kube-router", "kube-router", Standing::neighbour},
    {"flanneld", "flannel", Standing::neighbour},
    {"calico-felix", "calico", Standing::neighbour},
    {"calico-node", "calico", Standing::neighbour},
    {"cilium-agent", "cilium", Standing::neighbour},
    {"k3s-server", "k3s", Standing::neighbour},
    {"k3s-agent", "k3s", Standing::neighbour},
    {"tailscaled", "tailscale", Standing::neighbour},
    {"miniupnpd", "miniupnpd", Standing::neighbour},
};

// Services that load rules at boot and are gone then.
constexpr Known known_units[] = {
    {"firewalld", "firewalld", Standing::rival},
    {"ufw", "ufw", Standing::rival},
    {"nftables", "nftables", Standing::rival},
    {"netfilter-persistent", "netfilter-persistent", Standing::rival},
    {"iptables", "iptables", Standing::rival},
    {"ip6tables", "ip6tables", Standing::rival},
    {"shorewall", "shorewall", Standing::rival},
    {"shorewall6", "shorewall6", Standing::rival},
    {"ferm", "ferm", Standing::rival},
    {"firehol", "firehol", Standing::rival},
    {"csf", "csf", Standing::rival},
    {"foomuuri", "foomuuri", Standing::rival},
};

// Where systemd and OpenRC say what is started at boot; NAME stands for the service.
constexpr std::string_view enabling_paths[] = {
    "etc/systemd/system/multi-user.target.wants/NAME.service",
    "etc/systemd/system/sysinit.target.wants/NAME.service",
    "etc/systemd/system/basic.target.wants/NAME.service",
    "etc/systemd/system/network-pre.target.wants/NAME.service",
    "etc/runlevels/boot/NAME",
    "etc/runlevels/default/NAME",
};

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; lines.size() < 100000 && std::getline(file, line);) lines.push_back(line);
  return lines;
}

// A unit's link is there even if what it points to is seen from another root.
bool has_entry(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0 ||
         ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

// KEY=value of a shell-like file; the last one counts, without its quotes.
std::string setting(const std::string& path, std::string_view key) {
  std::string value;
  for (const auto& line : lines_of(path)) {
    std::string_view rest = line;
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(" \t")));
    if (!rest.starts_with(key)) continue;
    rest.remove_prefix(key.size());
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(" \t")));
    if (!rest.starts_with('=')) continue;
    rest.remove_prefix(1);
    value.clear();
    for (const char c : rest.substr(0, rest.find('#')))
      if (c != '"' && c != '\'' && c != ' ' && c != '\t' && c != '\r') value += c;
  }
  std::transform(value.begin(), value.end(), value.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return value;
}

class Search {
 public:
  explicit Search(const std::string& root) : root_(root.ends_with('/') ? root : root + "/") {}

  std::vector<Manager> run() {
    find_processes();
    find_settings();
    find_units();
    std::stable_sort(found_.begin(), found_.end(), [](const Manager& a, const Manager& b) {
      return a.standing != b.standing ? a.standing < b.standing : a.name < b.name;
    });
    return std::move(found_);
  }

 private:
  // The first thing that is known of a manager says most.
  void add(std::string_view name, std::string how, Standing standing) {
    if (std::none_of(found_.begin(), found_.end(),
                     [&](const Manager& manager) { return manager.name == name; }))
      found_.push_back({.name = std::string(name), .how = std::move(how), .standing = standing});
  }

  void find_processes() {
    const auto proc = root_ + "proc";
    const auto here = own_namespace(proc);
    for (const auto id : process_ids(proc)) {
      const auto process = read_process(proc, id);
      if (!process) continue;
      const auto* known = std::find_if(std::begin(known_processes), std::end(known_processes),
                                       [&](const Known& k) { return k.process == process->name; });
      if (known == std::end(known_processes)) continue;
      const auto its = network_namespace(proc, id);
      if (!here.empty() && !its.empty() && its != here) continue;
      add(known->name, "running (pid " + std::to_string(id) + ")", known->standing);
    }
  }

  // A thread may be elsewhere than its process.
  static std::string own_namespace(const std::string& proc) {
    char target[64] = {};
    for (const auto* file : {"/thread-self/ns/net", "/self/ns/net"}) {
      const auto size = ::readlink((proc + file).c_str(), target, sizeof target);
      if (size > 0) return {target, static_cast<std::size_t>(size)};
    }
    return {};
  }

  void find_settings() {
    if (setting(root_ + "etc/ufw/ufw.conf", "ENABLED") == "yes")
      add("ufw", "enabled in /etc/ufw/ufw.conf", Standing::rival);
    if (setting(root_ + "etc/shorewall/shorewall.conf", "STARTUP_ENABLED") == "yes")
      add("shorewall", "enabled in /etc/shorewall/shorewall.conf", Standing::rival);
    if (setting(root_ + "etc/ferm/ferm.conf", "ENABLED") == "yes" ||
        setting(root_ + "etc/default/ferm", "ENABLED") == "yes")
      add("ferm", "enabled in /etc/default/ferm", Standing::rival);
    if (has_entry(root_ + "etc/csf/csf.conf") && !has_entry(root_ + "etc/csf/csf.disable"))
      add("csf", "configured in /etc/csf/csf.conf", Standing::rival);
  }

  void find_units() {
    for (const auto& known : known_units)
      for (const auto pattern : enabling_paths) {
        std::string path(pattern);
        path.replace(path.find("NAME"), 4, known.process);
        if (!has_entry(root_ + path)) continue;
        // ufw's service is enabled on hosts where ufw is not; its own setting decides.
        if (known.name == "ufw" && setting(root_ + "etc/ufw/ufw.conf", "ENABLED") == "no") continue;
        std::string how = "started at boot (/" + path + ")";
        if (known.name == "nftables") how += nftables_file();
        add(known.name, std::move(how), known.standing);
      }
  }

  [[nodiscard]] std::string nftables_file() const {
    for (const auto* name :
         {"etc/nftables.conf", "etc/sysconfig/nftables.conf", "etc/nftables.nft"})
      for (const auto& line : lines_of(root_ + name)) {
        std::istringstream words(line);
        std::string first, second;
        if (words >> first >> second && first == "flush" && second.starts_with("ruleset"))
          return std::string("; /") + name + " flushes the whole ruleset";
      }
    return {};
  }

  std::string root_;
  std::vector<Manager> found_;
};

}  // namespace

std::vector<Manager> other_managers(const std::string& root) { return Search(root).run(); }

}  // namespace firewright::host
