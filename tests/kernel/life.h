// The command with a state of its own, in the namespace of whoever calls.
#pragma once

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/kernel/harness/namespace.h"

namespace firewright::kernel {

class Life {
 public:
  Life() {
    auto pattern = (std::filesystem::temp_directory_path() / "firewright-life-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw HarnessError("no temporary folder");
    folder_ = pattern;
  }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  ~Life() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::trunc) << text;
  }
  [[nodiscard]] std::string state() const { return path("state"); }
#ifdef FIREWRIGHT_BINARY
  [[nodiscard]] std::vector<std::string> words(std::vector<std::string> command) const {
    command.insert(command.begin(), FIREWRIGHT_BINARY);
    for (const auto& [option, name] : {std::pair{"--state-dir", "state"}, {"--run-dir", "run"}}) {
      command.emplace_back(option);
      command.push_back(path(name));
    }
    return command;
  }
  [[nodiscard]] CommandResult run(const std::vector<std::string>& command,
                                  std::string_view input = {}) const {
    return kernel::run(words(command), input);
  }
  [[nodiscard]] CommandResult apply(const std::string& policy,
                                    const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command{"apply", "-"};
    command.insert(command.end(), more.begin(), more.end());
    return run(command, policy);
  }
  // For what has to succeed.
  std::string must_apply(const std::string& policy,
                         const std::vector<std::string>& more = {}) const {
    const auto result = apply(policy, more);
    if (result.status != 0)
      throw HarnessError("apply: " + std::to_string(result.status) + "\n" + result.out +
                         result.err);
    return result.out;
  }
#endif

 private:
  std::string folder_;
};

inline std::string said(const CommandResult& result) {
  return "exit " + std::to_string(result.status) + "\n" + result.out + result.err;
}
// Nothing where it is so. Not two in one sum: which is asked first is nobody's to say.
inline std::string check(bool condition, const std::string& what) {
  return condition ? "" : what + "\n";
}

// What nftables holds, without handles and counts.
inline std::string ruleset() { return must_run({"nft", "--stateless", "list", "ruleset"}); }

// Looks again and again until it is so; false after half a minute.
template <class Condition>
bool wait_until(const Condition& condition) {
  for (int i = 0; i < 600; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

}  // namespace firewright::kernel
