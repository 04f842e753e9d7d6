#include "tests/bench/reload_managers.h"

#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/kernel/harness/namespace.h"
#include "tests/kernel/harness/traffic.h"

extern char** environ;

namespace firewright::bench {
namespace {

namespace fs = std::filesystem;
using kernel::allowed_port;
using kernel::echo_port;
using kernel::in_path;

std::string failure(const std::vector<std::string>& command) {
  const auto result = kernel::run(command);
  if (result.status == 0) return {};
  return command[0] + ": exit status " + std::to_string(result.status) + ": " +
         (result.err.empty() ? result.out : result.err);
}

// A copy of a folder in place of the folder, or an empty one where there was none to copy.
std::string cover(const fs::path& folder, const fs::path& copy) {
  std::error_code error;
  fs::create_directories(copy, error);
  if (!fs::is_directory(folder)) return folder.string() + " does not exist";
  fs::copy(folder, copy, fs::copy_options::recursive | fs::copy_options::copy_symlinks, error);
  if (error) return "cannot copy " + folder.string() + ": " + error.message();
  if (::mount(copy.c_str(), folder.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return "cannot cover " + folder.string() + ": " + std::strerror(errno);
  return {};
}

std::string empty_run() {
  if (::mount("run", "/run", "tmpfs", 0, "mode=755") == 0) return {};
  return std::string("cannot cover /run: ") + std::strerror(errno);
}

std::string port(std::uint16_t number, const char* protocol) {
  return std::to_string(number) + "/" + protocol;
}

// One configuration, read again and again: `ufw reload` knows no second one.
class Ufw : public Way {
 public:
  [[nodiscard]] std::string name() const override { return "ufw reload"; }

  [[nodiscard]] std::string prepare(const std::string& folder) override {
    if (!in_path("ufw")) return "not installed";
    for (const std::string place : {"/etc/ufw", "/lib/ufw"})
      if (fs::is_directory(place))
        if (auto why = cover(place, folder + place); !why.empty()) return "cannot run here: " + why;
    if (auto why = empty_run(); !why.empty()) return "cannot run here: " + why;
    if (auto why = failure({"ufw", "--force", "reset"}); !why.empty()) return why;
    for (const auto& allowed : {port(allowed_port, "udp"), port(echo_port, "tcp")})
      if (auto why = failure({"ufw", "allow", allowed}); !why.empty()) return why;
    return failure({"ufw", "--force", "enable"});
  }
  [[nodiscard]] std::string reload(unsigned) override { return failure({"ufw", "reload"}); }
};

// Needs a system bus, which is started for it.
class Firewalld : public Way {
 public:
  [[nodiscard]] std::string name() const override { return "firewall-cmd --reload"; }

  [[nodiscard]] std::string prepare(const std::string& folder) override {
    for (const auto* program : {"firewalld", "firewall-cmd", "firewall-offline-cmd"})
      if (!in_path(program)) return "not installed";
    if (!in_path("dbus-daemon")) return "cannot run here: no dbus-daemon";
    if (auto why = cover("/etc/firewalld", folder + "/etc/firewalld"); !why.empty())
      return "cannot run here: " + why;
    if (auto why = empty_run(); !why.empty()) return "cannot run here: " + why;
    for (const auto& allowed : {port(allowed_port, "udp"), port(echo_port, "tcp")})
      if (auto why = failure({"firewall-offline-cmd", "--add-port=" + allowed}); !why.empty())
        return "cannot run here: " + why;
    fs::create_directories("/run/dbus");
    bus_ = start({"dbus-daemon", "--system", "--nofork", "--nopidfile"});
    if (!comes_up([] { return fs::exists("/run/dbus/system_bus_socket"); }))
      return "cannot run here: no system bus";
    daemon_ = start({"firewalld", "--nofork", "--nopid"});
    if (!comes_up([] { return kernel::run({"firewall-cmd", "--state"}).status == 0; }))
      return "cannot run here: it does not come up";
    return {};
  }
  [[nodiscard]] std::string reload(unsigned) override {
    return failure({"firewall-cmd", "--reload"});
  }
  // What the bus has started for them ends with it.
  void finish() override {
    for (const pid_t process : {daemon_, bus_}) {
      if (process <= 0) continue;
      ::kill(process, SIGTERM);
      ::waitpid(process, nullptr, 0);
    }
  }

 private:
  static pid_t start(std::vector<std::string> command) {
    std::vector<char*> arguments;
    for (auto& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO})
      ::posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", 1 /* O_WRONLY */, 0);
    pid_t process = 0;
    const int error =
        ::posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? process : 0;
  }

  template <class Condition>
  static bool comes_up(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      if (condition()) return true;
      const timespec moment{.tv_sec = 0, .tv_nsec = 50'000'000};
      ::nanosleep(&moment, nullptr);
    }
    return false;
  }

  pid_t bus_ = 0;
  pid_t daemon_ = 0;
};

class Ferm : public Way {
 public:
  [[nodiscard]] std::string name() const override { return "ferm"; }

  [[nodiscard]] std::string prepare(const std::string& folder) override {
    if (!in_path("ferm")) return "not installed";
    folder_ = folder;
    for (unsigned which = 0; which < 2; ++which) std::ofstream(file(which)) << configuration(which);
    return reload(0);
  }
  [[nodiscard]] std::string reload(unsigned which) override {
    return failure({"ferm", file(which)});
  }

 private:
  [[nodiscard]] std::string file(unsigned which) const {
    return folder_ + "/" + std::to_string(which) + ".ferm";
  }
  [[nodiscard]] static std::string configuration(unsigned which) {
    std::string text =
        "domain (ip ip6) table filter {\nchain INPUT {\npolicy DROP;\ninterface lo ACCEPT;\n"
        "mod conntrack ctstate (ESTABLISHED RELATED) ACCEPT;\n";
    for (int i = 0; i < 50; ++i)
      text += std::string("proto ") + (which == 0 ? "tcp" : "udp") + " dport " +
              std::to_string(10000 + 7 * i) + " ACCEPT;\n";
    if (which == 0) text += "proto tcp dport " + std::to_string(echo_port) + " ACCEPT;\n";
    return text + "proto udp dport " + std::to_string(allowed_port) +
           " ACCEPT;\n}\nchain FORWARD policy DROP;\n}\n";
  }

  std::string folder_;
};

}  // namespace

std::vector<std::unique_ptr<Way>> managers() {
  std::vector<std::unique_ptr<Way>> all;
  all.push_back(std::make_unique<Ufw>());
  all.push_back(std::make_unique<Firewalld>());
  all.push_back(std::make_unique<Ferm>());
  return all;
}

}  // namespace firewright::bench
