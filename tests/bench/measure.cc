#include "tests/bench/measure.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

namespace firewright::bench {
namespace {

double in_milliseconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1000 + static_cast<double>(time.tv_usec) / 1000;
}

// The last line that says something: programs end with the reason.
std::string last_line(int file) {
  std::string text(4096, '\0');
  const auto size = ::lseek(file, 0, SEEK_END);
  const auto from = std::max<off_t>(0, size - static_cast<off_t>(text.size()));
  const auto got = ::pread(file, text.data(), text.size(), from);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  std::istringstream lines(text);
  std::string line;
  std::string last;
  while (std::getline(lines, line))
    if (line.find_first_not_of(" ^\t") != std::string::npos) last = line.substr(0, 200);
  return last;
}

// False: it was still running after that time, and was ended.
bool wait_for(pid_t child, double seconds) {
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  if (handle < 0) return true;
  pollfd ended{.fd = handle, .events = POLLIN, .revents = 0};
  const int ready = ::poll(&ended, 1, static_cast<int>(seconds * 1000));
  ::close(handle);
  if (ready != 0) return true;
  ::kill(child, SIGKILL);
  return false;
}

std::string reason(int status, bool in_time, double seconds, int errors) {
  if (!in_time) return "took longer than " + std::to_string(static_cast<int>(seconds)) + " s";
  std::string why = WIFEXITED(status) ? "exit status " + std::to_string(WEXITSTATUS(status))
                                      : "signal " + std::to_string(WTERMSIG(status));
  if (const auto said = last_line(errors); !said.empty()) why += ": " + said;
  return why;
}

double busy_seconds() {
  std::ifstream file("/proc/stat");
  std::string word;
  double user = 0;
  double nice = 0;
  double system = 0;
  file >> word >> user >> nice >> system;
  return system / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// A process begins with the peak of the one that started it, so that peak has to be small: what was
// used before, to write policies, is given back and forgotten.
void forget_own_peak() {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << 5;
}

}  // namespace

Cost cost_of(const rusage& usage) {
  return {.milliseconds = 0,
          .user = in_milliseconds(usage.ru_utime),
          .system = in_milliseconds(usage.ru_stime),
          .megabytes = static_cast<double>(usage.ru_maxrss) / 1024};
}

Finished run(const Command& command) {
  std::vector<char*> arguments;
  for (const auto& word : command.words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int errors = ::memfd_create("errors", MFD_CLOEXEC);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, command.input.c_str(), O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, command.output.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ::posix_spawn_file_actions_adddup2(&actions, errors, 2);

  forget_own_peak();
  Finished finished;
  const auto begin = std::chrono::steady_clock::now();
  pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    ::close(errors);
    finished.why = command.words[0] + ": " + std::strerror(error);
    return finished;
  }
  const bool in_time = wait_for(child, command.seconds);
  int status = 0;
  rusage usage{};
  const bool waited = ::wait4(child, &status, 0, &usage) == child;
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
  finished.ok = waited && in_time && status == 0;
  finished.cost = cost_of(usage);
  finished.cost.milliseconds = taken.count();
  if (!finished.ok) finished.why = reason(status, in_time, command.seconds, errors);
  ::close(errors);
  return finished;
}

std::string failure(const Command& command) {
  const auto finished = run(command);
  if (finished.ok) return {};
  return command.words[0] + ": " + finished.why;
}

bool in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  std::string folder;
  while (std::getline(folders, folder, ':'))
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  return false;
}

Spread spread(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  return {.median = values[values.size() / 2], .least = values.front(), .most = values.back()};
}

Spread ratio(const std::vector<double>& ours, const std::vector<double>& peer) {
  std::vector<double> of_rounds;
  for (std::size_t i = 0; i < std::min(ours.size(), peer.size()); ++i)
    of_rounds.push_back(ours[i] / peer[i]);
  return spread(std::move(of_rounds));
}

std::vector<double> Result::milliseconds() const {
  std::vector<double> all;
  for (const auto& round : rounds) all.push_back(round.milliseconds);
  return all;
}

std::vector<double> Result::megabytes() const {
  std::vector<double> all;
  for (const auto& round : rounds) all.push_back(round.megabytes);
  return all;
}

Cost Result::median() const {
  std::array<std::vector<double>, 2> times;
  for (const auto& round : rounds) {
    times[0].push_back(round.user);
    times[1].push_back(round.system);
  }
  return {.milliseconds = spread(milliseconds()).median,
          .user = spread(times[0]).median,
          .system = spread(times[1]).median,
          .megabytes = spread(megabytes()).median};
}

std::vector<Result> in_turn(const std::vector<Contender>& contenders, int rounds) {
  std::vector<Result> results(contenders.size());
  constexpr std::chrono::seconds enough(60);
  const auto begin = std::chrono::steady_clock::now();
  for (int round = 0; round < rounds; ++round) {
    if (round > 0 && std::chrono::steady_clock::now() - begin > enough) break;
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      if (!results[i].why.empty()) continue;
      const auto finished = contenders[i].once();
      if (finished.ok)
        results[i].rounds.push_back(finished.cost);
      else
        results[i].why = finished.why.empty() ? "failed" : finished.why;
    }
  }
  return results;
}

bool fresh_network() {
  if (::unshare(CLONE_NEWNET) == 0) return true;
  return ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

void settle() {
  // Four clock ticks of the kernel in 100 ms still are the noise of a machine that others use.
  constexpr int windows = 20;
  constexpr double quiet = 0.04;
  for (int i = 0; i < windows; ++i) {
    const double before = busy_seconds();
    const timespec window{.tv_sec = 0, .tv_nsec = 100'000'000};
    ::nanosleep(&window, nullptr);
    if (busy_seconds() - before <= quiet) return;
  }
}

}  // namespace firewright::bench
