// A process, told from a later one with the same number.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace firewright::host {

struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start = 0;  // clock ticks after boot, from /proc/PID/stat
  bool operator==(const ProcessId&) const = default;
};

// Nothing where there is no such process, or only its remains (a zombie). May be asked between fork
// and exec.
[[nodiscard]] std::optional<ProcessId> identify(pid_t pid);
[[nodiscard]] ProcessId own_process();
[[nodiscard]] bool is_running(const ProcessId& process);

}  // namespace firewright::host
