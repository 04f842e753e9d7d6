// From a policy to a proved firewall, and on to the kernel.
#include "tests/bench/group.h"
#include "tests/bench/peers.h"
#include "tests/bench/policies.h"

namespace firewright::bench {
namespace {

void hold(Report& report, const std::string& what, const Result& ours, const Result& peer,
          double limit) {
  const auto& why = ours.why.empty() ? peer.why : ours.why;
  if (why.empty())
    report.bar(what, ratio(ours.milliseconds(), peer.milliseconds()), limit);
  else
    report.no_figure(what, why, limit);
}

void compile_alone(const Bench& bench, Report& report, int exceptions) {
  const auto policy = write(bench.folder / "compile.toml", policy_of(exceptions));
  const auto rules = write(bench.folder / "rules.nft", nft_rules(exceptions));
  const auto lowered = (bench.folder / "lowered.nft").string();
  const std::vector<std::string> compile = {bench.firewright, "compile", "--target", "nftables",
                                            "--part",         "text",    policy};
  (void)run({.words = compile, .output = lowered});
  const std::vector<Contender> contenders = {
      {"nft -c -f, one rule an exception",
       [&] { return run({.words = {"nft", "-c", "-f", rules}}); }},
      {"firewright compile, proved", [&] { return run({.words = compile}); }},
      {"nft -c -f, the lowered text", [&] { return run({.words = {"nft", "-c", "-f", lowered}}); }},
  };
  const auto results = in_turn(contenders, bench.quick ? 5 : 11);
  report.note(count(exceptions) + " exceptions:\n");
  report.table(compared(contenders, results, 0));
  hold(report, count(exceptions) + " exceptions, compile and prove, to nft -c of a rule each",
       results[1], results[0], 0.5);
}

void end_to_end(const Bench& bench, Report& report, int exceptions) {
  std::vector<Contender> contenders;
  const auto policy = write(bench.folder / "apply.toml", policy_of(exceptions));
  int turn = 0;
  contenders.push_back({"firewright apply", [&] {
                          if (!fresh_network()) return Finished{};
                          const auto state =
                              (bench.folder / ("apply-" + std::to_string(++turn))).string();
                          return run({.words = {bench.firewright, "apply", "--state-dir", state,
                                                "--run-dir", state, policy}});
                        }});
  for (const auto& peer : peers())
    contenders.push_back({peer.name, [&bench, peer, exceptions] {
                            if (auto why = peer.missing(bench); !why.empty())
                              return Finished{.ok = false, .cost = {}, .why = why};
                            if (!fresh_network()) return Finished{};
                            return run_peer(bench, peer, exceptions);
                          }});
  const auto results = in_turn(contenders, 3);
  report.note(count(exceptions) +
              " exceptions end to end, from the configuration to the kernel:\n");
  report.table(compared(contenders, results, 0));
}

// Two policies that differ in three exceptions.
void compare_two(const Bench& bench, Report& report, int exceptions) {
  const auto before = write(bench.folder / "before.toml", policy_of(exceptions));
  const auto after = write(bench.folder / "after.toml", policy_of(exceptions, exceptions / 2));
  const std::vector<Contender> contenders = {
      {"diff", [&] {
         return run({.words = {bench.firewright, "diff", "--fail-on", "none", before, after}});
       }}};
  const auto results = in_turn(contenders, 5);
  const auto what =
      "diff of two policies of " + count(exceptions) + " exceptions that differ in three, seconds";
  if (!results[0].why.empty()) {
    report.no_figure(what, results[0].why, 1);
    return;
  }
  auto seconds = results[0].milliseconds();
  for (auto& value : seconds) value /= 1000;
  report.bar(what, spread(seconds), 1);
}

}  // namespace

void bench_compile(const Bench& bench, Report& report) {
  report.group("compile",
               "Compiling includes the proof that every part means what the policy says.");
  if (!bench.quick) compile_alone(bench, report, 1000);
  compile_alone(bench, report, 10000);
  compare_two(bench, report, 10000);
  end_to_end(bench, report, 1000);
}

}  // namespace firewright::bench
