#include "tests/bench/peers.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

#include "tests/bench/policies.h"

namespace firewright::bench {
namespace {

namespace fs = std::filesystem;

std::string cannot(const std::string& what) { return what + ": " + std::strerror(errno); }

// What is unpacked lies over what is installed.
std::string lay_over(const std::string& peers) {
  // /lib of a package belongs to /usr/lib.
  for (const auto& [from, place] : {std::pair<std::string, std::string>{"/usr", "/usr"},
                                    {"/lib", "/usr/lib"},
                                    {"/etc", "/etc"}}) {
    const auto upper = fs::absolute(peers).string() + from;
    if (!fs::is_directory(upper)) continue;
    const auto options = "lowerdir=" + upper + ":" + place;
    if (::mount("overlay", place.c_str(), "overlay", 0, options.c_str()) != 0)
      return cannot("cannot lay " + upper + " over " + place);
  }
  return {};
}

// A copy of a folder, or an empty one, in place of the folder.
std::string cover(const fs::path& folder, const fs::path& copy) {
  std::error_code error;
  fs::create_directories(copy, error);
  fs::copy(folder, copy, fs::copy_options::recursive | fs::copy_options::copy_symlinks, error);
  if (error) return "cannot copy " + folder.string() + ": " + error.message();
  if (::mount(copy.c_str(), folder.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return cannot("cannot cover " + folder.string());
  return {};
}

std::string private_mounts(const Bench& bench) {
  if (::unshare(CLONE_NEWNS) != 0) return cannot("no mounts of its own");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return cannot("no mounts of its own");
  // Before /run is covered: the scratch folder and the packages may lie anywhere.
  if (!bench.peers.empty())
    if (auto why = lay_over(bench.peers); !why.empty()) return why;
  if (::mount("run", "/run", "tmpfs", 0, "mode=755") != 0) return cannot("cannot cover /run");
  return {};
}

Finished failed(const std::string& why) { return {.ok = false, .cost = {}, .why = why}; }

Finished ferm(const fs::path& folder, int exceptions) {
  std::string text =
      "domain ip table filter {\nchain INPUT {\npolicy DROP;\ninterface lo ACCEPT;\n"
      "mod conntrack ctstate (ESTABLISHED RELATED) ACCEPT;\n";
  for (int i = 0; i < exceptions; ++i) {
    const auto e = exception(i);
    text += "saddr " + e.source + " proto tcp dport " + e.port + " ACCEPT;\n";
  }
  return run({.words = {"ferm", write(folder / "ferm.conf", text + "}\n}\n")}});
}

// Rules in the file in which it keeps what was said with `ufw allow`; that many by hand would
// take it minutes.
Finished ufw(const fs::path& folder, int exceptions) {
  if (auto why = cover("/etc/ufw", folder / "etc-ufw"); !why.empty()) return failed(why);
  std::error_code ignored;
  const auto options = fs::copy_options::skip_existing;
  for (const std::string from : {"/usr/share/ufw", "/usr/share/ufw/iptables"})
    for (const std::string name : {"ufw.conf", "before.rules", "before6.rules", "after.rules",
                                   "after6.rules", "before.init", "after.init", "user6.rules"})
      fs::copy_file(fs::path(from) / name, fs::path("/etc/ufw") / name, options, ignored);
  std::stringstream empty;
  for (const auto* path : {"/usr/share/ufw/iptables/user.rules", "/usr/share/ufw/user.rules"})
    if (fs::exists(path)) {
      empty << std::ifstream(path).rdbuf();
      break;
    }
  auto text = empty.str();
  const std::string mark = "### RULES ###\n";
  const auto at = text.find(mark);
  if (at == std::string::npos) return failed("its file of rules is not as expected");
  std::string rules = "\n";
  for (int i = 0; i < exceptions; ++i) {
    const auto e = exception(i);
    rules += "### tuple ### allow tcp " + e.port + " 0.0.0.0/0 any " + e.source + " in\n";
    rules += "-A ufw-user-input -p tcp --dport " + e.port + " -s " + e.source + " -j ACCEPT\n\n";
  }
  write("/etc/ufw/user.rules", text.insert(at + mark.size(), rules + "### END RULES ###\n"));
  return run({.words = {"ufw", "--force", "enable"}});
}

pid_t start(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (const int file : {STDOUT_FILENO, STDERR_FILENO})
    ::posix_spawn_file_actions_addopen(&actions, file, "/dev/null", O_WRONLY, 0);
  pid_t process = 0;
  const int error =
      ::posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? process : 0;
}

// What it has cost until then.
Finished end(pid_t process, int signal) {
  Finished finished;
  if (process <= 0) return finished;
  ::kill(process, signal);
  int status = 0;
  rusage usage{};
  if (::wait4(process, &status, 0, &usage) == process) finished.cost = cost_of(usage);
  return finished;
}

bool comes_up(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    const timespec moment{.tv_sec = 0, .tv_nsec = 50'000'000};
    ::nanosleep(&moment, nullptr);
  }
  return false;
}

bool loaded_by_firewalld(const fs::path& folder, const std::string& source) {
  const auto list = folder / "chain.txt";
  if (!failure({.words = {"nft", "list", "chain", "inet", "firewalld", "filter_IN_public_allow"},
                .output = list.string()})
           .empty())
    return false;
  std::stringstream text;
  text << std::ifstream(list).rdbuf();
  return text.str().find("saddr " + source + " ") != std::string::npos;
}

// Needs a system bus, which is started for it. Timed from its start until the last rule is in the
// kernel, which is looked at every 50 ms.
Finished firewalld(const fs::path& folder, int exceptions) {
  if (!in_path("dbus-daemon")) return failed("no dbus-daemon");
  if (auto why = cover("/etc/firewalld", folder / "etc-firewalld"); !why.empty())
    return failed(why);
  std::string text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<zone>\n<short>Public</short>\n";
  for (int i = 0; i < exceptions; ++i) {
    const auto e = exception(i);
    text += "<rule family=\"ipv4\"><source address=\"" + e.source + "\"/><port port=\"" + e.port +
            "\" protocol=\"tcp\"/><accept/></rule>\n";
  }
  fs::create_directories("/etc/firewalld/zones");
  write("/etc/firewalld/zones/public.xml", text + "</zone>\n");
  fs::create_directories("/run/dbus");
  const pid_t bus = start({"dbus-daemon", "--system", "--nofork", "--nopidfile"});
  if (!comes_up([] { return fs::exists("/run/dbus/system_bus_socket"); })) {
    end(bus, SIGTERM);
    return failed("no system bus");
  }
  const auto begin = std::chrono::steady_clock::now();
  const pid_t daemon = start({"firewalld", "--nofork", "--nopid"});
  const auto last = exception(exceptions - 1).source;
  const bool loaded = daemon > 0 && comes_up([&] { return loaded_by_firewalld(folder, last); });
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
  // Asked to end, it would take its firewall along; what is measured next is that firewall.
  Finished finished = end(daemon, SIGKILL);
  finished.cost.milliseconds = taken.count();
  finished.ok = loaded;
  if (!loaded) finished.why = "it does not come up";
  end(bus, SIGTERM);
  return finished;
}

Finished run_here(const Bench& bench, const Peer& peer, int exceptions) {
  if (auto why = private_mounts(bench); !why.empty()) return failed("cannot run here: " + why);
  auto folder = (bench.folder / "peer.XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return failed(cannot(folder));
  if (peer.name == "ferm") return ferm(folder, exceptions);
  if (peer.name == "ufw") return ufw(folder, exceptions);
  return firewalld(folder, exceptions);
}

}  // namespace

std::string Peer::missing(const Bench& bench) const {
  if (in_path(name)) return {};
  if (bench.peers.empty()) return "not installed";
  for (const auto* folder : {"/usr/sbin/", "/usr/bin/"})
    if (fs::exists(bench.peers + folder + name)) return {};
  return "neither installed nor in " + bench.peers;
}

std::vector<Peer> peers() { return {{"ferm"}, {"ufw"}, {"firewalld"}}; }

Finished run_peer(const Bench& bench, const Peer& peer, int exceptions) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failed(cannot("pipe"));
  const pid_t child = ::fork();
  if (child < 0) return failed(cannot("fork"));
  if (child == 0) {
    ::close(ends[0]);
    const auto finished = run_here(bench, peer, exceptions);
    // The figures, then the reason to the end of the pipe.
    bool sent = ::write(ends[1], &finished.cost, sizeof finished.cost) == sizeof finished.cost;
    sent = sent && ::write(ends[1], finished.why.data(), finished.why.size()) ==
                       static_cast<ssize_t>(finished.why.size());
    ::_exit(sent && finished.ok ? 0 : 1);
  }
  ::close(ends[1]);
  Finished finished;
  const bool came = ::read(ends[0], &finished.cost, sizeof finished.cost) == sizeof finished.cost;
  std::string why(1024, '\0');
  const auto size = came ? ::read(ends[0], why.data(), why.size()) : 0;
  finished.why = why.substr(0, size > 0 ? static_cast<std::size_t>(size) : 0);
  ::close(ends[0]);
  int status = 0;
  finished.ok = ::waitpid(child, &status, 0) == child && status == 0 && came;
  if (!finished.ok && finished.why.empty()) finished.why = "failed";
  return finished;
}

}  // namespace firewright::bench
