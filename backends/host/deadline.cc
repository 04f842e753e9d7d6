#include "backends/host/deadline.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "backends/host/descriptor.h"
#include "backends/host/error_text.h"

namespace firewright::host {
namespace {

std::string rfc3339(std::time_t moment) {
  std::tm parts{};
  std::array<char, 32> text{};
  if (gmtime_r(&moment, &parts) == nullptr) return {};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

std::optional<std::string> read_boot_id(std::string& error) {
  static constexpr char path[] = "/proc/sys/kernel/random/boot_id";
  std::array<char, 64> text{};
  ssize_t size = -1;
  Descriptor fd;
  do fd = Descriptor(open(path, O_RDONLY | O_CLOEXEC));
  while (!fd.valid() && errno == EINTR);
  if (fd.valid()) {
    do size = read(fd.get(), text.data(), text.size());
    while (size < 0 && errno == EINTR);
  }
  if (size < 0) {
    error = std::string("cannot read `") + path + "`: " + error_text(errno);
    return std::nullopt;
  }
  std::string id(text.data(), static_cast<std::size_t>(size));
  while (!id.empty() && id.back() == '\n') id.pop_back();
  if (!id.empty()) return id;
  error = std::string("`") + path + "` is empty";
  return std::nullopt;
}

std::int64_t boottime_ms() {
  std::timespec now{};
  (void)clock_gettime(CLOCK_BOOTTIME, &now);  // this clock is always there
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::string utc_now() { return rfc3339(std::time(nullptr)); }

std::optional<std::int64_t> seconds_of(const std::string& rfc3339) {
  std::tm parts{};
  const char* end = strptime(rfc3339.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return timegm(&parts);
}

std::optional<Deadline> deadline_after(std::chrono::milliseconds span, std::string& error) {
  auto boot = read_boot_id(error);
  if (!boot) return std::nullopt;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span).count();
  return Deadline{.boot_id = std::move(*boot),
                  .boottime_ms = boottime_ms() + span.count(),
                  .wall = rfc3339(std::time(nullptr) + static_cast<std::time_t>(seconds))};
}

std::chrono::milliseconds left(const Deadline& deadline) {
  std::string error;
  if (read_boot_id(error) != deadline.boot_id) return {};
  return std::chrono::milliseconds(std::max<std::int64_t>(0, deadline.boottime_ms - boottime_ms()));
}

}  // namespace firewright::host
