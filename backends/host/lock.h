// One firewright at a time: an flock(2) on RUN/lock.
//
// The kernel frees it when its holder ends, however that happens; a lock that nobody holds never
// stands in the way. A program that the holder runs does not inherit it. The file says who holds
// it, for messages alone.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "backends/host/descriptor.h"

namespace firewright::host {

class Lock {
 public:
  explicit Lock(Descriptor file) : file_(std::move(file)) {}
  Lock(Lock&&) noexcept = default;
  Lock& operator=(Lock&&) noexcept = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() = default;

 private:
  Descriptor file_;
};

// `command` is what the holder is at, as the message to another is to say it ("apply web.toml").
// Makes the folder if need be. Without a lock, error says why: "another firewright is at work (pid
// 812: apply web.toml); waited 10 s".
[[nodiscard]] std::optional<Lock> take_lock(const std::string& run_dir, std::string_view command,
                                            std::chrono::milliseconds wait, std::string& error);

}  // namespace firewright::host
