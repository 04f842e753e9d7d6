// Where the time of a load goes: the kernel's share, and its most expensive functions.
#include <fmt/format.h>

#include <fstream>

#include "tests/bench/group.h"
#include "tests/bench/policies.h"

namespace firewright::bench {
namespace {

std::vector<std::string> hottest(const Bench& bench, const std::vector<std::string>& words) {
  const auto data = (bench.folder / "perf.data").string();
  const auto text = (bench.folder / "perf.txt").string();
  std::vector<std::string> record = {"perf", "record", "-q", "-e", "cpu-clock", "-o", data, "--"};
  record.insert(record.end(), words.begin(), words.end());
  if (!fresh_network() || !failure({.words = record}).empty()) return {};
  if (!failure({.words = {"perf", "report", "--stdio", "-q", "--no-children", "-F",
                          "overhead,dso,symbol", "-i", data},
                .output = text})
           .empty())
    return {};
  std::vector<std::string> lines;
  std::ifstream file(text);
  std::string line;
  while (lines.size() < 10 && std::getline(file, line)) {
    if (line.find('%') == std::string::npos) continue;
    line.erase(0, line.find_first_not_of(' '));
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

void bench_profile(const Bench& bench, Report& report) {
  const int elements = bench.quick ? 50000 : 1000000;
  report.group("profile", fmt::format("Where the time of a load of {} addresses in 16 lists goes.",
                                      count(elements)));
  const auto folder = bench.folder / "profile";
  const auto written = write_addresses_and_ports(folder, elements);
  const auto state = (folder / "state").string();
  const std::vector<std::string> apply = {bench.firewright, "apply", "--state-dir", state,
                                          "--run-dir",      state,   written.policy};
  const std::vector<std::string> restore = {bench.firewright, "restore", "--state-dir", state,
                                            "--run-dir",      state};
  const std::vector<std::string> nft = {"nft", "-f", written.rules};
  std::vector<std::vector<std::string>> rows = {{"", "ms", "user", "kernel", "kernel's share"}};
  for (const auto& [name, words] : {std::pair{"firewright apply", apply},
                                    {"firewright restore", restore},
                                    {"nft -f, one set by hand", nft}}) {
    if (!fresh_network()) return;
    const auto finished = run({.words = words});
    if (!finished.ok) {
      rows.push_back({name, "none: " + finished.why});
      continue;
    }
    const auto& cost = finished.cost;
    rows.push_back({name, figure(cost.milliseconds), figure(cost.user), figure(cost.system),
                    fmt::format("{:.0f}%", 100 * cost.system / (cost.system + cost.user))});
  }
  report.table(rows);
  for (const auto& [name, words] : {std::pair{"restore", restore}, {"nft -f", nft}}) {
    const auto lines = hottest(bench, words);
    if (lines.empty()) {
      report.note(std::string(name) + ": perf does not work here");
      continue;
    }
    report.note(std::string(name) + ", by perf:\n");
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    report.preformatted(text);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

}  // namespace firewright::bench
