#include "backends/host/process_id.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>

#include "backends/host/descriptor.h"

namespace firewright::host {
namespace {

using Line = std::array<char, 1024>;  // the start is the 22nd of short numbers

// /proc/PID/stat, without asking for memory: this is also done between fork and exec.
std::string_view stat_line(pid_t pid, Line& line) {
  static constexpr std::string_view before = "/proc/";
  static constexpr std::string_view after = "/stat";
  std::array<char, 64> path{};
  char* end = std::ranges::copy(before, path.data()).out;
  end = std::to_chars(end, path.data() + path.size(), pid).ptr;
  std::ranges::copy(after, end);
  Descriptor fd;
  do fd = Descriptor(open(path.data(), O_RDONLY | O_CLOEXEC));
  while (!fd.valid() && errno == EINTR);
  if (!fd.valid()) return {};
  ssize_t size = -1;
  do size = read(fd.get(), line.data(), line.size());
  while (size < 0 && errno == EINTR);
  return {line.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

}  // namespace

std::optional<ProcessId> identify(pid_t pid) {
  Line text{};
  const auto line = stat_line(pid, text);
  // "PID (NAME) STATE ...": the name may hold anything, so the last ')' ends it.
  const auto name_end = line.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= line.size()) return std::nullopt;
  std::string_view rest = line.substr(name_end + 2);
  if (rest[0] == 'Z' || rest[0] == 'X') return std::nullopt;
  constexpr int fields_before = 19;  // from the state, which is field 3, to the start, field 22
  for (int i = 0; i < fields_before; ++i) {
    const auto space = rest.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(space + 1);
  }
  ProcessId process{.pid = pid, .start = 0};
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), process.start);
  if (parsed.ec != std::errc()) return std::nullopt;
  return process;
}

ProcessId own_process() {
  return identify(getpid()).value_or(ProcessId{.pid = getpid(), .start = 0});
}

bool is_running(const ProcessId& process) { return identify(process.pid) == process; }

}  // namespace firewright::host
