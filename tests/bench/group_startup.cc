// What it takes to say anything at all.
#include "tests/bench/group.h"
#include "tests/bench/policies.h"

namespace firewright::bench {
namespace {

// The second to the first.
void beside(Report& report, const std::string& what, const std::vector<Contender>& contenders,
            int rounds) {
  constexpr double limit = 3;
  const auto results = in_turn(contenders, rounds);
  report.table(compared(contenders, results, 0));
  const auto& why = results[1].why.empty() ? results[0].why : results[1].why;
  if (why.empty())
    report.bar(what, ratio(results[1].milliseconds(), results[0].milliseconds()), limit);
  else
    report.no_figure(what, why, limit);
}

}  // namespace

void bench_startup(const Bench& bench, Report& report) {
  report.group("startup", "One short process after another.");
  const auto seed = write(bench.folder / "seed.toml", seed_policy());
  const auto rules = (bench.folder / "seed.nft").string();
  const std::vector<std::string> compile = {bench.firewright, "compile", "--target", "nftables",
                                            seed};
  (void)run({.words = compile, .output = rules});
  const int rounds = bench.quick ? 21 : 101;
  beside(
      report, "--version to nft --version",
      {{"nft --version", [] { return run({.words = {"nft", "--version"}}); }},
       {"firewright --version", [&] { return run({.words = {bench.firewright, "--version"}}); }}},
      rounds);
  beside(report, "seed policy, compile and prove, to nft -c",
         {{"nft -c -f, the seed policy's text",
           [&] { return run({.words = {"nft", "-c", "-f", rules}}); }},
          {"firewright compile, the seed policy", [&] { return run({.words = compile}); }}},
         rounds);
}

}  // namespace firewright::bench
