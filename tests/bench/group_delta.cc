// One exception more, in a firewall of many that is at work.
#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <sstream>

#include "tests/bench/group.h"
#include "tests/bench/kernel_changes.h"
#include "tests/bench/packets.h"
#include "tests/bench/policies.h"

namespace firewright::bench {
namespace {

constexpr const char* counted =
    "[[inbound.allow]]\nname = \"counted\"\nprotocol = \"tcp\"\nport = 7\nfrom = \"10.0.0.0/30\"\n"
    "count = true\n\n";
constexpr unsigned packets = 128;

// Milliseconds inside the calls that send transactions; what asks goes out by another call. Less
// than 0: not to be had.
double sending(const std::string& trace) {
  std::ifstream file(trace);
  std::string line;
  double seconds = 0;
  bool any = false;
  while (std::getline(file, line)) {
    const auto took = line.rfind('<');
    if (line.find("NETLINK") == std::string::npos || took == std::string::npos) continue;
    if (line.back() != '>') continue;
    seconds += std::stod(line.substr(took + 1));
    any = true;
  }
  return any ? seconds * 1000 : -1;
}

std::vector<std::string> traced(const std::vector<std::string>& words, const std::string& trace) {
  if (!in_path("strace")) return words;
  std::vector<std::string> all = {"strace", "-f", "-qq", "--seccomp-bpf", "-yy", "-s",
                                  "0",      "-T", "-e",  "sendmsg",       "-o",  trace};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

long packets_counted(const Bench& bench) {
  const auto path = (bench.folder / "counters.txt").string();
  if (!failure({.words = {"nft", "list", "counters"}, .output = path}).empty()) return -1;
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  long sum = 0;
  const std::string word = "packets ";
  for (auto at = text.str().find(word); at != std::string::npos; at = text.str().find(word, at + 1))
    sum += std::stol(text.str().substr(at + word.size()));
  return sum;
}

struct Round {
  Cost full, change, reload;
  double full_sent = -1, change_sent = -1, reload_sent = -1;
  int announced = -1;
  long before = -1, after = -1;  // packets counted
};

// What went wrong, if anything.
std::string measure(const Bench& bench, const std::string& less, const std::string& more,
                    int number, Round& round) {
  std::string why;
  const auto state = (bench.folder / ("delta-" + std::to_string(number))).string();
  const auto trace = (bench.folder / "trace").string();
  const auto apply = [&](const std::string& policy) -> std::vector<std::string> {
    return {bench.firewright, "apply", "--state-dir", state, "--run-dir", state, policy};
  };
  const auto bed = PacketBed::make(why);
  if (bed == nullptr && !fresh_network()) return "no network namespace of its own";
  const auto full = run({.words = traced(apply(less), trace)});
  if (!full.ok) return full.why;
  round.full = full.cost;
  round.full_sent = sending(trace);
  const Traffic some{.first_source = first_source, .sources = 1, .first_port = 7};
  if (bed != nullptr && bed->cost(some, packets) >= 0) round.before = packets_counted(bench);

  KernelChanges changes;
  const auto change = run({.words = traced(apply(more), trace)});
  if (!change.ok) return change.why;
  round.change = change.cost;
  round.change_sent = sending(trace);
  round.announced = changes.count();
  round.after = packets_counted(bench);

  if (!fresh_network()) return "no network namespace of its own";
  const auto reload =
      run({.words = traced({bench.firewright, "restore", "--state-dir", state, "--run-dir", state},
                           trace)});
  if (!reload.ok) return "restore: " + reload.why;
  round.reload = reload.cost;
  round.reload_sent = sending(trace);
  return {};
}

void tell(Report& report, const std::vector<Round>& rounds) {
  const auto all = [&](auto value) {
    std::vector<double> values;
    for (const auto& round : rounds) values.push_back(value(round));
    return values;
  };
  const auto row = [&](const std::string& name, auto cost, auto sent) {
    const auto calls = spread(all(sent));
    return std::vector<std::string>{
        name, figure(spread(all([&](const Round& r) { return (r.*cost).milliseconds; }))),
        calls.least < 0 ? "-" : figure(calls)};
  };
  report.table(
      {{"", "ms, end to end", "ms, the sending calls"},
       row("first apply", &Round::full, [](const Round& r) { return r.full_sent; }),
       row("apply of one more", &Round::change, [](const Round& r) { return r.change_sent; }),
       row("full reload (restore)", &Round::reload, [](const Round& r) { return r.reload_sent; })});

  const auto announced = spread(all([](const Round& r) { return r.announced; }));
  if (announced.least >= 0)
    report.bar("changes that the kernel announced for one exception more", announced, 19);
  else
    report.no_figure("changes that the kernel announced", "cannot listen", 19);
  const std::string what = "one exception more to a full reload, in the kernel";
  const auto sent = all([](const Round& r) { return r.change_sent; });
  if (spread(sent).least >= 0)
    report.bar(what, ratio(sent, all([](const Round& r) { return r.reload_sent; })), 1.0 / 50);
  else
    report.no_figure(what, "strace is not installed", 1.0 / 50);
  const auto last = rounds.back();
  if (last.before < 0)
    report.note("counters: not measured, since no packets can be made up here");
  else
    report.note(fmt::format("counters: {} packets counted before, {} after, of {} sent: {}",
                            last.before, last.after, packets,
                            last.before == packets && last.after == packets ? "kept" : "NOT kept"));
}

}  // namespace

void bench_delta(const Bench& bench, Report& report) {
  const int exceptions = bench.quick ? 10000 : 100000;
  report.group("delta",
               fmt::format("One exception more in {}, applied to a live firewall; compiling and "
                           "proving are in\nthe first column, and not in the second.",
                           count(exceptions)));
  const auto less = write(bench.folder / "delta-less.toml", counted + policy_of(exceptions));
  const auto more = write(bench.folder / "delta-more.toml", counted + policy_of(exceptions + 1));
  std::vector<Round> rounds;
  for (int i = 0; i < (bench.quick ? 1 : 3); ++i) {
    rounds.emplace_back();
    if (auto why = measure(bench, less, more, i, rounds.back()); !why.empty()) {
      report.no_figure("one exception more in " + count(exceptions), why, 1.0 / 50);
      return;
    }
  }
  tell(report, rounds);
}

}  // namespace firewright::bench
