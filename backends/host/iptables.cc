#include <utility>
#include <vector>

#include "backends/host/host.h"
#include "backends/host/ipset.h"
#include "backends/host/outcome.h"

namespace firewright::host {
namespace {

// Seconds to wait for another program that holds the xtables lock.
constexpr const char* wait_for_lock = "--wait=30";
constexpr std::string_view empty_filter =
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";

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
  if (text.find(heading) != 0 && text.find("\n*filter\n") == std::string::npos)
    text += empty_filter;
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

  auto sets = load_sets(options.sets, options.dry_run, options.ipset);
  if (!sets.result.ok()) return std::move(sets.result);
  const auto without_sets = [&](Result result) {
    destroy_sets(sets.made, options.ipset);
    return result;
  };
  Result loaded =
      prefixed("IPv4", restore(options.restore_v4, adapted(v4, saved_v4.text), arguments));
  // Each table is taken whole or not at all, so one that failed is still as it was.
  if (!loaded.ok()) return without_sets(std::move(loaded));
  loaded = prefixed("IPv6", restore(options.restore_v6, adapted(v6, saved_v6.text), arguments));
  if (options.dry_run) return without_sets(std::move(loaded));
  if (!loaded.ok())
    return without_sets(put_back(std::move(loaded), "IPv4", options.restore_v4, saved_v4.text));
  if (!options.sets.empty() || !own_sets_in(saved_v4.text + saved_v6.text).empty())
    destroy_other_sets(options.sets, options.ipset);
  return loaded;
}

}  // namespace firewright::host
