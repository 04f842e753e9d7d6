// Where a host keeps what it remembers of its firewall.
#pragma once

#include <chrono>
#include <string>

namespace firewright::cli {

struct HostOptions {
  std::string state_dir = "/var/lib/firewright";
  std::string run_dir = "/run/firewright";
  std::chrono::milliseconds lock_wait{10'000};
  // Read every element back, also of large sets that nobody can have changed.
  bool verify_full = false;
  bool is_watchdog = false;  // this is the command that the watchdog runs
};

}  // namespace firewright::cli
