#include "backends/host/filter_tables.h"

#include <cstring>

#include "backends/host/error_text.h"
#include "backends/host/ipset.h"
#include "backends/host/process.h"

namespace firewright::host {
namespace {

// Without comments, which hold the time, and with the counters of an untouched table at zero.
std::string filter_of(std::string_view saved) {
  std::string text;
  bool in_filter = false;
  bool has_rules = false;
  while (!saved.empty()) {
    const auto line = saved.substr(0, saved.find('\n'));
    saved.remove_prefix(std::min(saved.size(), line.size() + 1));
    if (line.starts_with('*')) in_filter = line == "*filter";
    if (!in_filter || line.starts_with('#')) continue;
    text.append(line).append("\n");
    const bool plain = line.starts_with('*') || line == "COMMIT" ||
                       line.starts_with(":INPUT ACCEPT") || line.starts_with(":FORWARD ACCEPT") ||
                       line.starts_with(":OUTPUT ACCEPT");
    if (!plain) has_rules = true;
  }
  return has_rules ? text : std::string(empty_filter);
}

std::optional<std::string> save(const std::string& program, std::string& error) {
  const auto finished = run({program, "--counters"}, {});
  if (finished.ok()) return filter_of(finished.out);
  error = "`" + program + "` failed";
  if (finished.exec_error != 0) error += std::string(": ") + error_text(finished.exec_error);
  if (const auto line = finished.err.substr(0, finished.err.find('\n')); !line.empty())
    error += ": " + line;
  return std::nullopt;
}

}  // namespace

std::optional<Saved> save_filter(std::string& error, const LivePrograms& programs) {
  auto v4 = save(programs.save_v4, error);
  if (!v4) return std::nullopt;
  auto v6 = save(programs.save_v6, error);
  if (!v6) return std::nullopt;
  const auto rules = *v4 + *v6;
  auto sets = save_sets(sets_in(rules), error, programs.ipset);
  // Of others' sets it is enough that they are there.
  if (!sets && !own_sets_in(rules).empty()) return std::nullopt;
  return Saved{.v4 = std::move(*v4), .v6 = std::move(*v6), .sets = std::move(sets).value_or("")};
}

}  // namespace firewright::host
