// The watchdog that is a process of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backends/host/process_id.h"

namespace firewright::host {

// Starts a process that belongs to nobody: another session and process group, a child of the
// system's first process (or of whoever takes orphans), in "/", with no descriptor of ours and no
// standard streams. At `boottime_ms` (CLOCK_BOOTTIME), or when it gets SIGTERM, it runs the
// command, and again after a while as long as that fails. When this returns, it waits already.
[[nodiscard]] std::optional<ProcessId> start_detached(const std::vector<std::string>& command,
                                                      std::int64_t boottime_ms, std::string& error);

}  // namespace firewright::host
