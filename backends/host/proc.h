// What /proc says of processes. `proc` is where it is mounted.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace firewright::host {

struct Process {
  pid_t id = 0;
  pid_t parent = 0;  // 0: none, or of another pid namespace
  std::string name;  // at most 15 characters
};

// "sshd (pid 812)"
[[nodiscard]] std::string to_string(const Process& process);

[[nodiscard]] std::optional<Process> read_process(const std::string& proc, pid_t id);
// Sorted; none where /proc cannot be read.
[[nodiscard]] std::vector<pid_t> process_ids(const std::string& proc);
// The inodes of the sockets that it holds; no value: that cannot be told.
[[nodiscard]] std::optional<std::set<std::uint32_t>> socket_inodes(const std::string& proc,
                                                                   pid_t id);
// "NAME=value", as it was started with; no value: that cannot be told.
[[nodiscard]] std::optional<std::vector<std::string>> environment(const std::string& proc,
                                                                  pid_t id);
// Names its network namespace; empty: that cannot be told.
[[nodiscard]] std::string network_namespace(const std::string& proc, pid_t id);

}  // namespace firewright::host
