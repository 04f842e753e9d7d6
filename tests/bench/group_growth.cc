// How time and memory grow with the policy.
#include <fmt/format.h>

#include <algorithm>

#include "tests/bench/group.h"
#include "tests/bench/policies.h"

namespace firewright::bench {
namespace {

namespace fs = std::filesystem;

// What ten times as many cost, beyond ten times: 1 is linear, less is start-up.
Spread beyond_linear(const std::vector<double>& more, const std::vector<double>& fewer,
                     double times) {
  auto scaled = fewer;
  for (auto& value : scaled) value *= times;
  return ratio(more, scaled);
}

struct Size {
  int count = 0;
  Result result;
};

std::vector<Size> grow(const Bench& bench, const std::string& target, const std::vector<int>& sizes,
                       std::string (*policy)(const fs::path&, int)) {
  const auto folder = bench.folder / "growth";
  std::vector<Contender> contenders;
  for (const int size : sizes) {
    const auto path = policy(folder, size);
    contenders.push_back({std::to_string(size), [&bench, target, folder, path] {
                            return run({.words = {bench.firewright, "compile", "--target", target,
                                                  "-o", (folder / "out").string(), path}});
                          }});
  }
  auto results = in_turn(contenders, bench.quick ? 1 : 3);
  std::vector<Size> all;
  for (std::size_t i = 0; i < sizes.size(); ++i) all.push_back({sizes[i], std::move(results[i])});
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return all;
}

void tell(Report& report, const std::string& unit, const std::vector<Size>& sizes) {
  std::vector<std::vector<std::string>> rows = {
      {unit, "ms", "MB", "microseconds each", "bytes each"}};
  for (const auto& [size, result] : sizes) {
    if (!result.why.empty()) {
      rows.push_back({count(size), "none: " + result.why});
      continue;
    }
    const auto cost = result.median();
    rows.push_back({count(size), figure(cost.milliseconds), figure(cost.megabytes),
                    figure(cost.milliseconds * 1000 / size),
                    figure(cost.megabytes * 1024 * 1024 / size)});
  }
  report.table(rows);
}

void hold(Report& report, const std::string& what, const std::vector<Size>& sizes,
          std::size_t from) {
  constexpr double limit = 1.3;
  for (std::size_t i = from; i < sizes.size(); ++i) {
    const auto& fewer = sizes[i - 1];
    const auto& more = sizes[i];
    const auto& why = more.result.why.empty() ? fewer.result.why : more.result.why;
    const auto step = fmt::format("{}, {} to {}", what, count(fewer.count), count(more.count));
    if (!why.empty()) {
      report.no_figure(step, why, limit);
      continue;
    }
    const double times = static_cast<double>(more.count) / fewer.count;
    report.bar(step + ": time, beyond linear",
               beyond_linear(more.result.milliseconds(), fewer.result.milliseconds(), times),
               limit);
    report.bar(step + ": memory, beyond linear",
               beyond_linear(more.result.megabytes(), fewer.result.megabytes(), times), limit);
  }
}

Series series(const std::string& name, const std::vector<Size>& sizes, bool memory) {
  Series line{.name = name, .points = {}};
  for (const auto& [size, result] : sizes) {
    if (!result.why.empty()) continue;
    const auto cost = result.median();
    line.points.emplace_back(size, memory ? cost.megabytes : cost.milliseconds);
  }
  return line;
}

std::string exceptions(const fs::path& folder, int size) {
  fs::create_directories(folder);
  return write(folder / ("exceptions-" + std::to_string(size) + ".toml"), policy_of(size));
}

}  // namespace

void bench_growth(const Bench& bench, Report& report) {
  report.group("growth",
               "Compile with proof. First one exception for a list of random addresses, then\n"
               "exceptions of an address and a port each.");
  std::vector<int> sizes = {1000, 10000, 100000, 1000000};
  if (bench.quick) sizes.pop_back();
  Plot time{.title = "Compile with proof",
            .across = "addresses, or exceptions",
            .up = "ms",
            .series = {}};
  auto memory = time;
  memory.title = "Compile with proof, memory";
  memory.up = "MB";

  for (const auto* target : {"nftables", "iptables"}) {
    const auto grown = grow(bench, target, sizes, write_addresses);
    tell(report, fmt::format("{}, addresses", target), grown);
    if (target == std::string("nftables")) hold(report, "addresses", grown, 1);
    time.series.push_back(series(fmt::format("{}, addresses", target), grown, false));
    memory.series.push_back(series(fmt::format("{}, addresses", target), grown, true));
  }
  sizes = {1000, 10000, 100000};
  if (bench.quick) sizes.pop_back();
  for (const auto* target : {"nftables", "iptables", "netsh"}) {
    const auto grown = grow(bench, target, sizes, exceptions);
    tell(report, fmt::format("{}, exceptions", target), grown);
    time.series.push_back(series(fmt::format("{}, exceptions", target), grown, false));
    memory.series.push_back(series(fmt::format("{}, exceptions", target), grown, true));
  }
  report.plot("growth-time", time);
  report.plot("growth-memory", memory);
}

}  // namespace firewright::bench
