// ./dev bench: this program beside the platform's own tools, in turn in one run; what counts is
// the ratio. Groups of figures, a file each; a page of Markdown with plots at the end.
//
//   firewright_bench FIREWRIGHT [OPTION...] [GROUP...]
//   firewright_bench --set FILTERS accept|half-drop
//
// The second form measures one filter set in a process of its own, so that its memory is its own.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <string_view>

#include "tests/bench/classbench.h"
#include "tests/bench/group.h"

namespace firewright::bench {
namespace {

namespace fs = std::filesystem;

struct Group {
  std::string_view name;
  void (*measure)(const Bench&, Report&);
  std::string_view about;
};
void bench_classbench(const Bench& bench, Report& report);

constexpr std::array groups = {
    Group{"startup", bench_startup, "--version and the seed policy"},
    Group{"compile", bench_compile, "compile with proof, and end to end"},
    Group{"growth", bench_growth, "time and memory by the number of addresses"},
    Group{"load", bench_load, "a million elements into the kernel"},
    Group{"delta", bench_delta, "one exception more in many, live"},
    Group{"packet", bench_packet, "what a packet pays"},
    Group{"fleet", bench_fleet, "one policy tree for many hosts"},
    Group{"instructions", bench_instructions, "counted, held against what was recorded"},
    Group{"profile", bench_profile, "the kernel's share of a load"},
    Group{"classbench", bench_classbench, "filter sets; only with --classbench"},
};

// Seconds, nodes of the diagram, and megabytes, a process each.
void bench_classbench(const Bench& bench, Report& report) {
  if (bench.classbench.empty()) return;
  report.group("classbench", "Filter sets that nobody on the project wrote.");
  std::vector<fs::path> sets;
  for (const auto& entry : fs::directory_iterator(bench.classbench))
    if (entry.is_regular_file()) sets.push_back(entry.path());
  std::ranges::sort(sets);
  std::string text = fmt::format("{:<24} {:>6} {:<9} {:>8} {:>8} {:>8} {:>9} {:>9} {:>6} {:>7}\n",
                                 "filter set", "rules", "order", "build/s", "equal/s", "change/s",
                                 "nodes", "made", "boxes", "MB");
  const auto output = (bench.folder / "set.txt").string();
  for (const auto& set : sets)
    for (const auto* verdicts : {"accept", "half-drop"}) {
      const auto why =
          failure({.words = {"/proc/self/exe", "--set", set.string(), verdicts}, .output = output});
      std::ifstream line(output);
      std::string got;
      while (why.empty() && std::getline(line, got)) text += got + "\n";
      if (!why.empty()) text += fmt::format("{:<24} {}\n", set.filename().string(), why);
    }
  report.preformatted(text);
}

int wrong_usage(const std::string& why) {
  std::fprintf(stderr,
               "%s\nusage: firewright_bench FIREWRIGHT [--quick] [--record] [--output DIR] "
               "[--corpus DIR] [--peers DIR] [--classbench DIR] [GROUP...]\ngroups:\n",
               why.c_str());
  for (const auto& group : groups)
    std::fprintf(stderr, "  %-14s%s\n", std::string(group.name).c_str(),
                 std::string(group.about).c_str());
  return 2;
}

struct Asked {
  Bench bench;
  std::string output = "build/bench";
  std::vector<std::string> groups;
  std::string wrong;
};

Asked read_arguments(int argc, char** argv) {
  Asked asked;
  asked.bench.firewright = argv[1];
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&](std::string& into) {
      if (i + 1 < argc)
        into = argv[++i];
      else
        asked.wrong = word + " needs a folder";
    };
    if (word == "--quick")
      asked.bench.quick = true;
    else if (word == "--record")
      asked.bench.record = true;
    else if (word == "--output")
      value(asked.output);
    else if (word == "--corpus")
      value(asked.bench.corpus);
    else if (word == "--peers")
      value(asked.bench.peers);
    else if (word == "--classbench")
      value(asked.bench.classbench);
    else if (std::ranges::find(groups, word, &Group::name) != groups.end())
      asked.groups.push_back(word);
    else
      asked.wrong = "no option and no group: " + word;
  }
  return asked;
}

int measure(Asked asked) {
  auto& bench = asked.bench;
  auto name = (fs::temp_directory_path() / "firewright-bench.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    std::perror(name.c_str());
    return 1;
  }
  bench.folder = name;
  bench.sources = fs::path(FIREWRIGHT_SOURCE_DIR) / "tests/bench";
  fs::create_directories(asked.output);
  std::error_code error;
  fs::copy_file(bench.firewright, bench.folder / "firewright", error);
  if (error) {
    std::fprintf(stderr, "%s: %s\n", bench.firewright.c_str(), error.message().c_str());
    return 1;
  }
  bench.firewright = (bench.folder / "firewright").string();
  // Even `nft -c` asks the kernel; and nothing here may touch the firewall of the machine.
  if (!fresh_network()) {
    std::fprintf(stderr, "no network namespace can be made here\n");
    return 1;
  }

  Report report(asked.output);
  for (const auto& group : groups)
    if (asked.groups.empty() || std::ranges::count(asked.groups, group.name) > 0) {
      group.measure(bench, report);
      (void)fresh_network();
    }
  fs::remove_all(bench.folder, error);
  const auto why = report.write();
  if (!why.empty()) std::fprintf(stderr, "%s\n", why.c_str());
  return why.empty() ? 0 : 1;
}

}  // namespace
}  // namespace firewright::bench

int main(int argc, char** argv) {
  using firewright::bench::Verdicts;
  if (argc == 4 && std::string_view(argv[1]) == "--set")
    return firewright::bench::run_classbench(argv[2], std::string_view(argv[3]) == "accept"
                                                          ? Verdicts::all_accept
                                                          : Verdicts::half_drop);
  if (argc < 2) return firewright::bench::wrong_usage("which firewright?");
  auto asked = firewright::bench::read_arguments(argc, argv);
  if (!asked.wrong.empty()) return firewright::bench::wrong_usage(asked.wrong);
  return firewright::bench::measure(std::move(asked));
}
