// What it takes to say anything at all.
#include "tests/bench/group.h"
#include "tests/bench/policies.h"

namespace firewright::bench {

void bench_startup(const Bench& bench, Report& report) {
  report.group("startup", "One short process after another.");
  const auto seed = write(bench.folder / "seed.toml", seed_policy());
  const auto rules = (bench.folder / "seed.nft").string();
  const std::vector<std::string> compile = {bench.firewright, "compile", "--target", "nftables",
                                            seed};
  (void)run({.words = compile, .output = rules});
  const std::vector<Contender> contenders = {
      {"nft --version", [] { return run({.words = {"nft", "--version"}}); }},
      {"firewright --version", [&] { return run({.words = {bench.firewright, "--version"}}); }},
      {"nft -c -f, the seed policy's text",
       [&] { return run({.words = {"nft", "-c", "-f", rules}}); }},
      {"firewright compile, the seed policy", [&] { return run({.words = compile}); }},
  };
  const auto results = in_turn(contenders, bench.quick ? 21 : 101);
  report.table(compared(contenders, results, 0));
  const auto hold = [&](const std::string& what, std::size_t ours, std::size_t peer) {
    const auto& why = results[ours].why.empty() ? results[peer].why : results[ours].why;
    if (why.empty())
      report.bar(what, ratio(results[ours].milliseconds(), results[peer].milliseconds()), 3);
    else
      report.no_figure(what, why, 3);
  };
  hold("--version to nft --version", 1, 0);
  hold("seed policy, compile and prove, to nft -c", 3, 2);
}

}  // namespace firewright::bench
