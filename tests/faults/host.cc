#include "tests/faults/host.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "backends/host/atomic_file.h"

namespace firewright::faults {
namespace {

namespace fs = std::filesystem;
using kernel::must_run;

constexpr std::string_view border = "--\n";  // between the two families

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Without comments, which hold the time.
std::string filter_rules(const std::string& program) {
  std::istringstream lines(must_run({program, "-t", "filter"}));
  std::string rules;
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with('#')) rules += line + "\n";
  return rules;
}

struct Child {
  pid_t process = 0;
  std::string name;
};

// "PID (NAME) STATE PARENT ..."
std::optional<Child> child_in(const std::string& stat) {
  const auto begin = stat.find('(');
  const auto end = stat.rfind(')');
  if (begin == std::string::npos || end == std::string::npos) return std::nullopt;
  std::istringstream rest(stat.substr(end + 1));
  char state = 0;
  pid_t parent = 0;
  if (!(rest >> state >> parent) || parent != ::getpid() || state == 'Z') return std::nullopt;
  return Child{.process = static_cast<pid_t>(std::stol(stat)),
               .name = stat.substr(begin + 1, end - begin - 1)};
}

std::vector<Child> children() {
  std::vector<Child> result;
  DIR* processes = ::opendir("/proc");
  if (processes == nullptr) throw kernel::HarnessError("cannot read /proc");
  while (const dirent* entry = ::readdir(processes))
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
      if (auto child = child_in(content(std::string("/proc/") + entry->d_name + "/stat")))
        result.push_back(std::move(*child));
  ::closedir(processes);
  return result;
}

bool is_watchdog(const Child& child) { return child.name == "fw-watchdog"; }

// What ended meanwhile, whoever started it.
void bury() {
  while (::waitpid(-1, nullptr, __WALL | WNOHANG) > 0) {
  }
}

template <class Done>
bool wait_until(const Done& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace

std::string describe(const Standing& standing) {
  return "confirmed " + standing.confirmed.value_or("nothing") + ", pending " +
         standing.pending.value_or("nothing") + ", rules:\n" + standing.rules;
}

Host::Host(Kernel kernel) : kernel_(kernel) {
  auto pattern = (fs::temp_directory_path() / "firewright-faults-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw kernel::HarnessError("no folder " + pattern);
  folder_ = pattern;
  fs::create_directories(path("live"));
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) != 0)
    throw kernel::HarnessError("cannot become the parent of what is left behind");
}

Host::~Host() {
  end_watchdogs();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void Host::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name), std::ios::trunc) << text;
}

std::vector<std::string> Host::words(std::vector<std::string> command) const {
  command.insert(command.begin(), FIREWRIGHT_BINARY);
  command.insert(command.end(), {"--state-dir", state_dir(), "--run-dir", run_dir()});
  return command;
}

kernel::CommandResult Host::run(const std::vector<std::string>& command) const {
  return kernel::run(words(command));
}

void Host::must(const std::vector<std::string>& command) const { must_run(words(command)); }

std::string Host::rules() const {
  switch (kernel_) {
    case Kernel::nftables: return must_run({"nft", "--stateless", "list", "ruleset"});
    case Kernel::iptables:
      return filter_rules("iptables-save") + std::string(border) + filter_rules("ip6tables-save");
  }
  return {};
}

host::State Host::state() const {
  const auto read = host::read_state(state_dir());
  if (read.found == host::Found::nothing) return {};
  if (read.found != host::Found::sound)
    throw kernel::HarnessError("the state is not sound: " + read.error);
  return *read.state;
}

Standing Host::standing() const {
  const auto now = state();
  return {.rules = rules(),
          .confirmed = now.confirmed,
          .pending = now.pending ? std::optional(now.pending->generation) : std::nullopt};
}

std::vector<std::string> Host::half_written() const {
  std::vector<std::string> result;
  for (const auto& entry : fs::recursive_directory_iterator(path("live")))
    if (entry.path().filename().string().starts_with(host::aside_prefix))
      result.push_back(entry.path());
  return result;
}

void Host::save(const std::string& name) const {
  fs::remove_all(path(name));
  fs::copy(path("live"), path(name), fs::copy_options::recursive);
  write(name + ".rules", rules());
}

void Host::put_back(const std::string& name) const {
  fs::remove_all(path("live"));
  fs::copy(path(name), path("live"), fs::copy_options::recursive);
  const auto rules = content(path(name + ".rules"));
  switch (kernel_) {
    case Kernel::nftables: must_run({"nft", "-f", "-"}, "flush ruleset\n" + rules); return;
    case Kernel::iptables: {
      const auto middle = rules.find(border);
      must_run({"iptables-restore"}, rules.substr(0, middle));
      must_run({"ip6tables-restore"}, rules.substr(middle + border.size()));
      return;
    }
  }
}

void Host::empty_kernel() const {
  switch (kernel_) {
    case Kernel::nftables: must_run({"nft", "flush", "ruleset"}); return;
    case Kernel::iptables:
      for (const std::string program : {"iptables-restore", "ip6tables-restore"})
        must_run({program}, "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n");
      return;
  }
}

void Host::wait_for_strays() {
  const bool done = wait_until([] {
    bury();
    for (const auto& child : children())
      if (!is_watchdog(child)) return false;
    return true;
  });
  if (done) return;
  std::string names;
  for (const auto& child : children()) names += " " + child.name;
  throw kernel::HarnessError("processes that do not end:" + names);
}

std::vector<pid_t> Host::watchdogs() {
  bury();
  std::vector<pid_t> result;
  for (const auto& child : children())
    if (is_watchdog(child)) result.push_back(child.process);
  return result;
}

std::string Host::fire(const std::vector<pid_t>& watchdogs) {
  for (const auto process : watchdogs) {
    ::kill(process, SIGTERM);
    int status = -1;
    pid_t ended = 0;
    const bool done = wait_until([&] {
      ended = ::waitpid(process, &status, WNOHANG);
      return ended != 0;
    });
    if (!done) return "a watchdog that was told to undo the change has not ended";
    // Whoever undid or confirmed the change has ended it, which takes it a moment.
    if (ended == process && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) continue;
    if (ended != process || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
      return "a watchdog failed, status " + std::to_string(status);
  }
  return {};
}

void Host::end_watchdogs() {
  for (const auto process : watchdogs()) {
    ::kill(process, SIGKILL);
    while (::waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

}  // namespace firewright::faults
