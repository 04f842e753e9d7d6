// Work in network namespaces of its own, and the commands it runs there.
//
// The test's own process never changes namespace: a forked child does, and hands back a string.
// Where the kernel refuses a namespace the caller is told why, so that a test can say that it was
// skipped.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace firewright::kernel {

// Something that the harness itself needs did not work; nothing about a policy.
class HarnessError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Outcome {
  enum class Kind { done, refused, failed };
  Kind kind = Kind::failed;
  std::string text;  // done: what the body gave back; else the reason

  [[nodiscard]] bool done() const { return kind == Kind::done; }
  [[nodiscard]] bool refused() const { return kind == Kind::refused; }
};

// Runs `body` in a child with a network namespace of its own (for a plain user also a user
// namespace, in which it is root). What the body throws becomes a failure. A child that takes
// longer than `seconds` is ended and counts as failed.
[[nodiscard]] Outcome in_namespace(const std::function<std::string()>& body, unsigned seconds = 60);

struct CommandResult {
  int status = -1;  // exit status; 127 when it could not be started; 128 + signal
  std::string out;
  std::string err;
};
// Runs a program found in PATH, with `input` as its standard input.
[[nodiscard]] CommandResult run(const std::vector<std::string>& command,
                                std::string_view input = {});
// The same for what has to succeed: gives the standard output or throws HarnessError.
std::string must_run(const std::vector<std::string>& command, std::string_view input = {});
[[nodiscard]] bool in_path(std::string_view program);

void write_file(const std::string& path, std::string_view text);  // for /proc; throws HarnessError

}  // namespace firewright::kernel
