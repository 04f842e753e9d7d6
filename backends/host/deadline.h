// A moment that a change of the clock, a suspend or a restart cannot move.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace firewright::host {

struct Deadline {
  std::string boot_id;           // of the running system; after a restart the deadline has passed
  std::int64_t boottime_ms = 0;  // CLOCK_BOOTTIME, which counts suspended time as well
  std::string wall;              // for people alone: RFC 3339, UTC
  bool operator==(const Deadline&) const = default;
};

// The kernel's name for this run of the system.
[[nodiscard]] std::optional<std::string> read_boot_id(std::string& error);
[[nodiscard]] std::int64_t boottime_ms();
[[nodiscard]] std::string utc_now();  // RFC 3339, seconds
// Since 1970, of what utc_now() wrote.
[[nodiscard]] std::optional<std::int64_t> seconds_of(const std::string& rfc3339);

[[nodiscard]] std::optional<Deadline> deadline_after(std::chrono::milliseconds span,
                                                     std::string& error);
// Zero once it has passed, and also where it cannot be told: what nobody confirmed must not stay.
[[nodiscard]] std::chrono::milliseconds left(const Deadline& deadline);
[[nodiscard]] inline bool passed(const Deadline& deadline) { return left(deadline).count() == 0; }

}  // namespace firewright::host
