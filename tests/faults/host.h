// A host in the namespace of whoever calls: its firewall, its state and its processes, all of which
// can be looked at and put back as they were.
//
// The calling process becomes the parent of whatever a killed command leaves behind, so nothing of
// it is overlooked and nothing of it outlives this.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/host/state.h"
#include "tests/kernel/harness/namespace.h"

namespace firewright::faults {

// What the kernel holds and what is remembered of it.
struct Standing {
  std::string rules;                     // both families, without counts
  std::optional<std::string> confirmed;  // generations
  std::optional<std::string> pending;
  bool operator==(const Standing&) const = default;
};
[[nodiscard]] std::string describe(const Standing& standing);

class Host {
 public:
  enum class Kernel { nftables, iptables };  // who says what it holds
  explicit Host(Kernel kernel);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  Host(Host&&) = delete;
  Host& operator=(Host&&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::string run_dir() const { return path("live/run"); }
  [[nodiscard]] std::string state_dir() const { return path("live/state"); }
  void write(const std::string& name, const std::string& text) const;

  // A command line of firewright that works on this host.
  [[nodiscard]] std::vector<std::string> words(std::vector<std::string> command) const;
  [[nodiscard]] kernel::CommandResult run(const std::vector<std::string>& command) const;
  void must(const std::vector<std::string>& command) const;

  [[nodiscard]] std::string rules() const;
  [[nodiscard]] host::State state() const;
  [[nodiscard]] Standing standing() const;
  // Files that a command was writing when it ended, below the folders of the host.
  [[nodiscard]] std::vector<std::string> half_written() const;

  // Rules and state, under a name; and all of that again.
  void save(const std::string& name) const;
  void put_back(const std::string& name) const;
  void empty_kernel() const;

  // The command's children, when it was killed itself, may still be at work.
  static void wait_for_strays();
  // Of the processes that are left, those that wait to undo a change.
  [[nodiscard]] static std::vector<pid_t> watchdogs();
  // Makes each of them do now what it waits for; gives what went wrong.
  [[nodiscard]] static std::string fire(const std::vector<pid_t>& watchdogs);
  static void end_watchdogs();

 private:
  Kernel kernel_;
  std::string folder_;
};

}  // namespace firewright::faults
