// Runs a command at a later time, whatever becomes of the process that asked for it, its session
// and its parents. It is how a change that nobody confirms is undone.
//
// Knows nothing of firewalls and holds no lock. The command itself looks, under the lock, whether
// there is still something to undo; so that a watchdog that fires too late, or twice, does no harm.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/host/process_id.h"

namespace firewright::host {

struct Watchdog {
  enum class Kind { unit, process };
  Kind kind = Kind::process;
  std::string unit;   // without ".timer"
  ProcessId process;  // a pid of this pid namespace
  std::string note;   // for people: why it is no systemd timer where systemd runs; not stored
};

// "systemd unit firewright-rollback-T", "pid 812 (start 4711)".
[[nodiscard]] std::string to_string(const Watchdog& watchdog);
[[nodiscard]] std::optional<Watchdog> watchdog_from(std::string_view text);

struct WatchdogOptions {
  bool force_detached = false;
  std::string systemd_run = "systemd-run";
  std::string systemctl = "systemctl";
  std::string booted = "/run/systemd/system";  // a folder that is there when systemd runs
  std::string namespaces = "/proc/1/ns";       // systemd's
};

// `command` is an absolute program and its arguments; it is run without a shell, without standard
// streams, in "/". A command that fails is repeated. When this returns a watchdog, it stands.
//
// Where systemd runs, and this process lives in the same network and mount namespace as it, a
// transient timer: a process would be taken with its session's cgroup where a logout ends all
// processes (KillUserProcesses), or with the service it was started in. It counts no suspended
// time, so it may fire late; never early.
//
// Otherwise, and where systemd-run fails, a process in a session of its own. It counts suspended
// time. SIGTERM makes it run the command at once: whoever ends it must not lose the rollback.
[[nodiscard]] std::optional<Watchdog> arm(const std::vector<std::string>& command,
                                          std::chrono::milliseconds after, const std::string& token,
                                          std::string& error, const WatchdogOptions& options = {});

// Never touches a process that merely got the same pid. A command that already runs goes on.
void disarm(const Watchdog& watchdog, const WatchdogOptions& options = {});
[[nodiscard]] bool alive(const Watchdog& watchdog, const WatchdogOptions& options = {});

}  // namespace firewright::host
