#include "backends/host/outcome.h"

#include <cerrno>
#include <string_view>
#include <system_error>

namespace firewright::host {
namespace {

bool mentions(std::string_view text, std::string_view what) {
  return text.find(what) != std::string_view::npos;
}

// What the program said, on one line and not too long.
std::string one_line(std::string_view text) {
  constexpr std::size_t longest = 400;
  std::string line;
  for (char c : text) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    if (c == ' ' && (line.empty() || line.back() == ' ')) continue;
    line += c;
    if (line.size() == longest) return line + "...";
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace

Result judge(const std::string& program, const Finished& finished) {
  if (finished.ok()) return {};
  if (finished.exec_error == ENOENT)
    return {.reason = Reason::unsupported, .error = "`" + program + "` is not installed"};
  if (finished.exec_error != 0 || finished.io_error != 0) {
    const int error = finished.exec_error != 0 ? finished.exec_error : finished.io_error;
    const bool denied = error == EACCES || error == EPERM;
    return {.reason = denied ? Reason::permission : Reason::io,
            .error = "cannot run `" + program + "`: " + std::generic_category().message(error)};
  }
  std::string said = one_line(finished.err);
  if (said.empty()) said = "exit status " + std::to_string(finished.status);
  const std::string error = "`" + program + "` failed: " + said;
  if (mentions(said, "ermission denied") || mentions(said, "peration not permitted") ||
      mentions(said, "must be root"))
    return {.reason = Reason::permission, .error = error};
  if (mentions(said, "do you need to insmod") || mentions(said, "rotocol not supported") ||
      mentions(said, "not supported by the kernel"))
    return {.reason = Reason::unsupported, .error = error};
  return {.reason = Reason::refused, .error = error};
}

}  // namespace firewright::host
