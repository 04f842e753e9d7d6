// A million elements into the kernel: what `apply` has prepared, and nft from text.
#include <fmt/format.h>

#include "tests/bench/group.h"
#include "tests/bench/policies.h"

namespace firewright::bench {
namespace {

namespace fs = std::filesystem;

Finished into_fresh_network(const Command& command) {
  Finished none;
  if (!fresh_network()) {
    none.why = "no network namespace of its own";
    return none;
  }
  settle();
  return run(command);
}

Command apply(const Bench& bench, const fs::path& state, const std::string& policy) {
  return {.words = {bench.firewright, "apply", "--state-dir", state.string(), "--run-dir",
                    state.string(), policy}};
}

// All of one policy: `rules` is the same as one set that a person would write.
void load(const Bench& bench, Report& report, const Written& written, const fs::path& folder,
          const std::string& name, bool barred) {
  const auto state = folder / "state";
  const auto first = into_fresh_network(apply(bench, state, written.policy));
  const auto text = (folder / "lowered.nft").string();
  const auto compiled = failure({.words = {bench.firewright, "compile", "--target", "nftables",
                                           "--part", "text", written.policy},
                                 .output = text});
  int turn = 0;
  const std::vector<Contender> contenders = {
      {"nft -f, the equal text",
       [&] {
         if (compiled.empty()) return into_fresh_network({.words = {"nft", "-f", text}});
         return Finished{.ok = false, .cost = {}, .why = compiled};
       }},
      {"firewright restore, prepared",
       [&] {
         if (!first.ok) return Finished{.ok = false, .cost = {}, .why = "apply: " + first.why};
         return into_fresh_network({.words = {bench.firewright, "restore", "--state-dir",
                                              state.string(), "--run-dir", state.string()}});
       }},
      {"firewright apply, end to end",
       [&] {
         if (!first.ok) return first;
         return into_fresh_network(
             apply(bench, folder / ("state-" + std::to_string(++turn)), written.policy));
       }},
      {"nft -f, one set by hand",
       [&] { return into_fresh_network({.words = {"nft", "-f", written.rules}}); }},
  };
  const auto results = in_turn(contenders, 3);
  (void)fresh_network();
  report.note(name + ":\n");
  report.table(compared(contenders, results, 0));
  if (!barred) return;

  const auto hold = [&](std::size_t which, const std::string& what, auto figures, double limit) {
    const auto& why = results[which].why.empty() ? results[0].why : results[which].why;
    if (why.empty())
      report.bar(what, ratio((results[which].*figures)(), (results[0].*figures)()), limit);
    else
      report.no_figure(what, why, limit);
  };
  hold(1, name + ": prepared, time to nft -f", &Result::milliseconds, 1.0 / 8);
  hold(1, name + ": prepared, memory to nft -f", &Result::megabytes, 1.0 / 20);
  hold(2, name + ": apply end to end, time to nft -f", &Result::milliseconds, 1.0 / 2);
}

}  // namespace

void bench_load(const Bench& bench, Report& report) {
  const int elements = bench.quick ? 50000 : 1000000;
  report.group("load",
               "From a file to the kernel, each time into an empty network namespace. The equal\n"
               "text is what `compile` writes for the same policy.");
  const auto pairs = bench.folder / "pairs";
  load(bench, report, write_addresses_and_ports(pairs, elements), pairs,
       count(elements) + " addresses in 16 lists, a port each", true);
  const auto wide = bench.folder / "blocks";
  load(bench, report, write_blocks(wide, elements, bench.corpus), wide,
       count(elements) + " networks in one list", false);
  std::error_code ignored;
  fs::remove_all(pairs, ignored);
  fs::remove_all(wide, ignored);
}

}  // namespace firewright::bench
