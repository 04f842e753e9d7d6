#include "backends/host/watchdog.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <system_error>

#include "backends/host/deadline.h"
#include "backends/host/descriptor.h"
#include "backends/host/detached.h"
#include "backends/host/error_text.h"
#include "backends/host/process.h"

namespace firewright::host {
namespace {

constexpr std::string_view unit_words = "systemd unit ";
constexpr std::string_view unit_begin = "firewright-rollback-";

bool is_plain(std::string_view text) {
  constexpr std::size_t longest = 64;
  return !text.empty() && text.size() <= longest && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

bool same_file(const std::string& one, const std::string& other) {
  struct stat a{};
  struct stat b{};
  return stat(one.c_str(), &a) == 0 && stat(other.c_str(), &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

// A unit that systemd starts sees systemd's network and files, not those of a caller that lives in
// namespaces of its own (`ip netns exec`): there it would undo the change of another firewall.
bool lives_with(const std::string& namespaces) {
  return same_file("/proc/self/ns/net", namespaces + "/net") &&
         same_file("/proc/self/ns/mnt", namespaces + "/mnt");
}

bool is_folder(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// systemd puts variables in where an argument has a '$'.
std::string without_variables(const std::string& argument) {
  std::string text;
  for (const char c : argument) text += c == '$' ? std::string("$$") : std::string(1, c);
  return text;
}

std::string failure(const Finished& ran, const std::string& program) {
  if (ran.exec_error != 0) return program + ": " + error_text(ran.exec_error);
  if (ran.io_error != 0) return program + ": " + error_text(ran.io_error);
  auto line = ran.err.substr(0, ran.err.find('\n'));
  return program + " failed" + (line.empty() ? "" : ": " + line);
}

std::optional<Watchdog> arm_unit(const std::vector<std::string>& command,
                                 std::chrono::milliseconds after, const std::string& token,
                                 std::string& error, const WatchdogOptions& options) {
  const auto unit = std::string(unit_begin) + token;
  std::vector<std::string> arguments = {
      options.systemd_run,
      "--quiet",
      "--collect",
      "--no-ask-password",
      "--unit=" + unit,
      "--description=undo a firewall change that nobody confirms",
      "--on-active=" + std::to_string(after.count()) + "ms",
      "--timer-property=AccuracySec=100ms",
      // A command that fails is repeated; slowly enough for systemd not to give it up.
      "--property=Restart=on-failure",
      "--property=RestartSec=3s",
      "--",
  };
  for (const auto& argument : command) arguments.push_back(without_variables(argument));
  const auto ran = run(arguments, {});
  if (ran.ok())
    return Watchdog{.kind = Watchdog::Kind::unit, .unit = unit, .process = {}, .note = {}};
  error = failure(ran, options.systemd_run);
  return std::nullopt;
}

std::optional<std::string> unusable(const std::vector<std::string>& command,
                                    const std::string& token) {
  if (command.empty() || !command.front().starts_with('/')) return "the program has no full path";
  if (!is_plain(token)) return "`" + token + "` is no token";
  // Rather now than when it is too late.
  if (access(command.front().c_str(), X_OK) != 0)
    return "cannot run `" + command.front() + "`: " + error_text(errno);
  return std::nullopt;
}

bool parse_number(std::string_view text, auto& into) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), into);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

}  // namespace

std::string to_string(const Watchdog& watchdog) {
  switch (watchdog.kind) {
    case Watchdog::Kind::unit: return std::string(unit_words) + watchdog.unit;
    case Watchdog::Kind::process:
      return "pid " + std::to_string(watchdog.process.pid) + " (start " +
             std::to_string(watchdog.process.start) + ")";
  }
  return {};
}

std::optional<Watchdog> watchdog_from(std::string_view text) {
  Watchdog watchdog;
  if (text.starts_with(unit_words)) {
    text.remove_prefix(unit_words.size());
    if (!text.starts_with(unit_begin) || !is_plain(text.substr(unit_begin.size())))
      return std::nullopt;
    watchdog.kind = Watchdog::Kind::unit;
    watchdog.unit = std::string(text);
    return watchdog;
  }
  constexpr std::string_view begin = "pid ";
  constexpr std::string_view middle = " (start ";
  const auto at = text.find(middle);
  if (!text.starts_with(begin) || at == std::string_view::npos || !text.ends_with(')'))
    return std::nullopt;
  const auto pid = text.substr(begin.size(), at - begin.size());
  const auto start = text.substr(at + middle.size(), text.size() - at - middle.size() - 1);
  if (!parse_number(pid, watchdog.process.pid) || !parse_number(start, watchdog.process.start) ||
      watchdog.process.pid <= 1)
    return std::nullopt;
  return watchdog;
}

std::optional<Watchdog> arm(const std::vector<std::string>& command,
                            std::chrono::milliseconds after, const std::string& token,
                            std::string& error, const WatchdogOptions& options) {
  if (auto why = unusable(command, token)) {
    error = std::move(*why);
    return std::nullopt;
  }
  const auto when = boottime_ms() + after.count();
  std::string note;
  if (!options.force_detached && is_folder(options.booted)) {
    if (!lives_with(options.namespaces))
      note = "systemd lives in other namespaces";
    else if (auto unit = arm_unit(command, after, token, note, options))
      return unit;
  }
  const auto process = start_detached(command, when, error);
  if (!process) return std::nullopt;
  return Watchdog{
      .kind = Watchdog::Kind::process, .unit = {}, .process = *process, .note = std::move(note)};
}

void disarm(const Watchdog& watchdog, const WatchdogOptions& options) {
  switch (watchdog.kind) {
    case Watchdog::Kind::unit:
      // The timer alone: the service may be who asks.
      (void)run(
          {options.systemctl, "--quiet", "--no-ask-password", "stop", watchdog.unit + ".timer"},
          {});
      return;
    case Watchdog::Kind::process: {
      // Of a number that is taken anew after this look, the descriptor knows nothing.
      const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, watchdog.process.pid, 0)));
      if (process.valid() && is_running(watchdog.process))
        (void)syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
      return;
    }
  }
}

bool alive(const Watchdog& watchdog, const WatchdogOptions& options) {
  switch (watchdog.kind) {
    case Watchdog::Kind::unit:
      return run({options.systemctl, "--quiet", "is-active", watchdog.unit + ".timer",
                  watchdog.unit + ".service"},
                 {})
          .ok();
    case Watchdog::Kind::process: return is_running(watchdog.process);
  }
  return false;
}

}  // namespace firewright::host
