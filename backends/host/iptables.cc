#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "backends/host/host.h"
#include "backends/host/process.h"

namespace firewright::host {
namespace {

// Seconds to wait for another program that holds the xtables lock.
constexpr const char* wait_for_lock = "--wait=30";
constexpr std::string_view empty_filter =
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";

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

Result restore(const std::string& program, std::string_view text,
               std::vector<std::string> arguments) {
  std::vector<std::string> command{program, wait_for_lock};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return judge(program, run(command, text));
}

struct Saved {
  Result result;
  std::string text;
};

// What a family holds now, with counters, in a form that restoring brings back. A table that was
// not there has nothing to save, and is emptied instead.
Saved save(const std::string& program) {
  Finished finished = run({program, "--counters"}, {});
  Result result = judge(program, finished);
  if (!result.ok()) return {.result = std::move(result), .text = {}};
  std::string text = std::move(finished.out);
  const std::string_view heading = "*filter\n";
  if (text.find(heading) != 0 && !mentions(text, "\n*filter\n")) text += empty_filter;
  return {.result = {}, .text = std::move(text)};
}

// After a failure of `failed`: puts a family back and says how that went.
Result put_back(Result failed, const std::string& family, const std::string& program,
                const std::string& saved) {
  const Result back = restore(program, saved, {"--counters"});
  failed.error += back.ok() ? "; " + family + " was put back as it was"
                            : "; and " + family + " could not be put back: " + back.error;
  failed.changed = !back.ok();
  return failed;
}

Result prefixed(const std::string& family, Result result) {
  if (!result.ok()) result.error = family + ": " + result.error;
  return result;
}

}  // namespace

Result load_iptables(std::string_view v4, std::string_view v6, const IptablesOptions& options) {
  std::vector<std::string> arguments;
  if (options.noflush) arguments.emplace_back("--noflush");
  if (options.dry_run) arguments.emplace_back("--test");

  Saved saved_v4 = save(options.save_v4);
  if (!saved_v4.result.ok()) return prefixed("IPv4", std::move(saved_v4.result));
  Saved saved_v6 = save(options.save_v6);
  if (!saved_v6.result.ok()) return prefixed("IPv6", std::move(saved_v6.result));
  const auto adapted = [&](std::string_view file, const std::string& saved) {
    return options.adapt ? options.adapt(file, saved) : std::string(file);
  };

  Result loaded =
      prefixed("IPv4", restore(options.restore_v4, adapted(v4, saved_v4.text), arguments));
  // Each table is taken whole or not at all, so one that failed is still as it was.
  if (!loaded.ok()) return loaded;
  loaded = prefixed("IPv6", restore(options.restore_v6, adapted(v6, saved_v6.text), arguments));
  if (loaded.ok() || options.dry_run) return loaded;
  return put_back(std::move(loaded), "IPv4", options.restore_v4, saved_v4.text);
}

}  // namespace firewright::host
