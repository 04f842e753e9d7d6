// The command that undoes an unconfirmed change when its time has come.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "backends/host/watchdog.h"
#include "compiler/cli/host_options.h"

namespace firewright::cli {

// Runs `firewright rollback --token TOKEN` after `after`, whatever becomes of this process.
[[nodiscard]] std::optional<host::Watchdog> arm_rollback(const HostOptions& options,
                                                         const std::string& token,
                                                         std::chrono::milliseconds after,
                                                         std::string& error);

}  // namespace firewright::cli
