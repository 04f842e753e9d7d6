#include "compiler/cli/rollback_timer.h"

#include <filesystem>

namespace firewright::cli {

std::optional<host::Watchdog> arm_rollback(const HostOptions& options, const std::string& token,
                                           std::chrono::milliseconds after, std::string& error) {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto state = std::filesystem::absolute(options.state_dir, failed);
  const auto run = std::filesystem::absolute(options.run_dir, failed);
  if (failed) {
    error = "cannot find this program: " + failed.message();
    return std::nullopt;
  }
  return host::arm({self.string(), "rollback", "--token", token, "--state-dir", state.string(),
                    "--run-dir", run.string()},
                   after, token, error);
}

}  // namespace firewright::cli
