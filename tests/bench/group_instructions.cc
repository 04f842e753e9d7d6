// Instructions, counted: a regression is seen without a clock, on any machine and however busy.
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/bench/group.h"
#include "tests/bench/policies.h"

namespace firewright::bench {
namespace {

constexpr double tolerance = 1.02;

// 0: `why` says it.
double instructions(const Bench& bench, const std::string& policy, std::string& why) {
  const auto output = (bench.folder / "callgrind.out").string();
  why = failure(
      {.words = {"valgrind", "--tool=callgrind", "--callgrind-out-file=" + output, bench.firewright,
                 "compile", "--target", "nftables", "--part", "text", policy},
       .seconds = 300});
  if (!why.empty()) return 0;
  std::ifstream file(output);
  std::string line;
  const std::string words = "totals: ";
  while (std::getline(file, line))
    if (line.starts_with(words)) return std::stod(line.substr(words.size()));
  why = "callgrind counted nothing";
  return 0;
}

}  // namespace

void bench_instructions(const Bench& bench, Report& report) {
  report.group("instructions",
               "Of compile with proof, counted by callgrind; held against what was recorded.");
  if (!in_path("valgrind")) {
    report.note("valgrind is not installed: nothing was counted");
    return;
  }
  const auto path = bench.sources / "instructions.json";
  std::ifstream file(path);
  const auto recorded = nlohmann::json::parse(file, nullptr, false);
  nlohmann::json counted;
  for (const auto& [name, policy] :
       {std::pair{"seed policy", seed_policy()}, {"10,000 exceptions", policy_of(10000)}}) {
    std::string why;
    const double number = instructions(bench, write(bench.folder / "counted.toml", policy), why);
    const auto what = fmt::format("instructions of {} to those recorded", name);
    if (number <= 0) {
      report.no_figure(what, why, tolerance);
      continue;
    }
    counted[name] = static_cast<long>(number);
    report.note(fmt::format("{}: {} instructions", name, count(static_cast<long>(number))));
    if (bench.record) continue;
    if (!recorded.is_object() || !recorded.contains(name)) {
      report.no_figure(what, "none is recorded (--record)", tolerance);
      continue;
    }
    const double times = number / recorded[name].get<double>();
    report.bar(what, {.median = times, .least = times, .most = times}, tolerance);
  }
  if (bench.record && counted.size() == 2) {
    write(path, counted.dump(2) + "\n");
    report.note("recorded");
  }
}

}  // namespace firewright::bench
