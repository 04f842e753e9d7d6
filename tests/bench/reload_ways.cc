#include "tests/bench/reload_ways.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "tests/bench/reload_managers.h"
#include "tests/kernel/harness/namespace.h"
#include "tests/kernel/harness/traffic.h"
#include "tests/kernel/harness/two_policies.h"

namespace firewright::bench {
namespace {

namespace fs = std::filesystem;
using kernel::allowed_port;
using kernel::echo_port;
using kernel::in_path;

constexpr int exceptions = 50;

// What a program said about its failure; nothing when it did not fail.
std::string failure(const std::vector<std::string>& command, const std::string& input = {}) {
  const auto result = kernel::run(command, input);
  if (result.status == 0) return {};
  return command[0] + ": exit status " + std::to_string(result.status) + ": " +
         (result.err.empty() ? result.out : result.err);
}

void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

// The command, by nftables or by one of the two iptables.
class Firewright : public Way {
 public:
  Firewright(std::string binary, std::string backend, std::string kind)
      : binary_(std::move(binary)), backend_(std::move(backend)), kind_(std::move(kind)) {}

  [[nodiscard]] std::string name() const override {
    return "firewright apply" + (backend_ == "nftables" ? "" : ", iptables (" + kind_ + ")");
  }
  [[nodiscard]] bool ours() const override { return true; }

  [[nodiscard]] std::string prepare(const std::string& folder) override {
    const fs::path here = folder;
    if (backend_ == "iptables")
      if (auto why = pick_programs(here / "bin"); !why.empty()) return why;
    write(here / "0.toml", kernel::policy_of_sources());
    write(here / "1.toml", kernel::policy_of_sets());
    const auto help = kernel::must_run({binary_, "apply", "--help"});
    for (const std::string option : {"--state-dir", "--run-dir"})
      if (help.find(option) != std::string::npos)
        more_.insert(more_.end(), {option, (here / option.substr(2)).string()});
    // The traffic comes from this very process, and one policy opens none of it anew.
    if (help.find("--allow-lockout") != std::string::npos) more_.emplace_back("--allow-lockout");
    folder_ = folder;
    return reload(0);
  }

  [[nodiscard]] std::string reload(unsigned which) override {
    std::vector<std::string> command{binary_, "apply", "--backend", backend_,
                                     folder_ + "/" + std::to_string(which) + ".toml"};
    command.insert(command.end(), more_.begin(), more_.end());
    return failure(command);
  }

 private:
  // `iptables-restore` is what the machine's administrator chose; here it is one, then the other.
  [[nodiscard]] std::string pick_programs(const fs::path& folder) const {
    fs::create_directories(folder);
    for (const std::string family : {"iptables", "ip6tables"})
      for (const std::string what : {"-restore", "-save"}) {
        const auto program = kernel::must_run(
            {"sh", "-c", "command -v " + family + "-" + kind_ + what + " || true"});
        if (program.empty()) return "not installed";
        fs::create_symlink(program.substr(0, program.find('\n')), folder / (family + what));
      }
    const char* path = std::getenv("PATH");
    ::setenv("PATH", (folder.string() + ":" + (path == nullptr ? "" : path)).c_str(), 1);
    return {};
  }

  std::string binary_, backend_, kind_, folder_;
  std::vector<std::string> more_;
};

// As in many a guide: the table is deleted and written anew, and the policy of the chain denies.
class NftRecreate : public Way {
 public:
  [[nodiscard]] std::string name() const override { return "nft -f, delete and re-create"; }

  [[nodiscard]] std::string prepare(const std::string& folder) override {
    if (!in_path("nft")) return "not installed";
    for (unsigned which = 0; which < 2; ++which) {
      files_.at(which) = folder + "/" + std::to_string(which) + ".nft";
      write(files_.at(which), rules(which));
    }
    return reload(0);
  }
  [[nodiscard]] std::string reload(unsigned which) override {
    return failure({"nft", "-f", files_.at(which)});
  }

 private:
  [[nodiscard]] static std::string rules(unsigned which) {
    std::string text =
        "table inet wall\ndelete table inet wall\ntable inet wall {\nchain input {\n"
        "type filter hook input priority filter; policy drop;\niifname \"lo\" accept\n"
        "ct state established,related accept\nmeta l4proto { icmp, ipv6-icmp } accept\n";
    for (int i = 0; i < exceptions; ++i)
      text += which == 0 ? "ip saddr 10.1." + std::to_string(i) + ".0/24 tcp dport " +
                               std::to_string(10000 + 7 * i) + " accept\n"
                         : "udp dport " + std::to_string(20000 + 16 * i) + "-" +
                               std::to_string(20000 + 16 * i + 9) + " accept\n";
    if (which == 0) text += "tcp dport " + std::to_string(echo_port) + " accept\n";
    return text + "udp dport " + std::to_string(allowed_port) + " accept\n}\n}\n";
  }

  std::array<std::string, 2> files_;
};

// A file a family, as iptables-save writes them.
class IptablesRestore : public Way {
 public:
  explicit IptablesRestore(std::string kind) : kind_(std::move(kind)) {}

  [[nodiscard]] std::string name() const override { return "iptables-restore (" + kind_ + ")"; }

  [[nodiscard]] std::string prepare(const std::string&) override {
    for (const auto* family : {"iptables", "ip6tables"})
      if (!in_path(program(family))) return "not installed";
    return reload(0);
  }
  [[nodiscard]] std::string reload(unsigned which) override {
    if (auto error = failure({program("iptables")}, rules(which, "icmp", "10.1.", ".0/24"));
        !error.empty())
      return error;
    return failure({program("ip6tables")}, rules(which, "ipv6-icmp", "2001:db8:", "::/48"));
  }

 private:
  [[nodiscard]] std::string program(const std::string& family) const {
    return family + "-" + kind_ + "-restore";
  }
  [[nodiscard]] static std::string rules(unsigned which, const std::string& icmp,
                                         const std::string& before, const std::string& after) {
    std::string text =
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
        "-A INPUT -i lo -j ACCEPT\n"
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p " +
        icmp + " -j ACCEPT\n";
    for (int i = 0; i < exceptions; ++i)
      text += which == 0 ? "-A INPUT -s " + before + std::to_string(i) + after +
                               " -p tcp --dport " + std::to_string(10000 + 7 * i) + " -j ACCEPT\n"
                         : "-A INPUT -p udp --dport " + std::to_string(20000 + 16 * i) + ":" +
                               std::to_string(20000 + 16 * i + 9) + " -j ACCEPT\n";
    if (which == 0) text += "-A INPUT -p tcp --dport " + std::to_string(echo_port) + " -j ACCEPT\n";
    return text + "-A INPUT -p udp --dport " + std::to_string(allowed_port) +
           " -j ACCEPT\nCOMMIT\n";
  }

  std::string kind_;
};

}  // namespace

std::vector<std::unique_ptr<Way>> ways(const std::string& firewright) {
  std::vector<std::unique_ptr<Way>> all;
  all.push_back(std::make_unique<Firewright>(firewright, "nftables", ""));
  for (const auto* kind : {"legacy", "nft"})
    all.push_back(std::make_unique<Firewright>(firewright, "iptables", kind));
  all.push_back(std::make_unique<NftRecreate>());
  for (const auto* kind : {"nft", "legacy"}) all.push_back(std::make_unique<IptablesRestore>(kind));
  for (auto& manager : managers()) all.push_back(std::move(manager));
  return all;
}

}  // namespace firewright::bench
