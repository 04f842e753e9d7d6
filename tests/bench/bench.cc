// Whole processes beside the platform's own tool, in turn in one run; what counts is the ratio.
//
//   firewright_bench FIREWRIGHT [CLASSBENCH-FOLDER]
//   firewright_bench --set FILTERS accept|half-drop
//
// The second form measures one filter set in a process of its own, so that its memory is its own.
// nft runs in a network namespace of its own, since even `nft -c` asks the kernel.
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/classbench.h"

namespace {

namespace fs = std::filesystem;
using Command = std::vector<std::string>;

struct Cost {
  double milliseconds = 0;
  double megabytes = 0;
};

// Runs a command with its output going to `output`. No value: it could not run, or failed.
std::optional<Cost> run(const Command& command, const std::string& output = "/dev/null") {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);

  const auto begin = std::chrono::steady_clock::now();
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return std::nullopt;
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child || status != 0) return std::nullopt;
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
  return Cost{.milliseconds = taken.count(),
              .megabytes = static_cast<double>(usage.ru_maxrss) / 1024};
}

Cost median(std::vector<Cost> costs) {
  std::ranges::sort(costs, {}, &Cost::milliseconds);
  return costs[costs.size() / 2];
}

// One line of the table: ours and the peer, in turn, so that both meet the same machine.
void compare(const std::string& what, const Command& ours, const Command& peer, int rounds) {
  std::vector<Cost> of_ours;
  std::vector<Cost> of_peer;
  for (int i = 0; i < rounds; ++i) {
    const auto a = run(ours);
    const auto b = run(peer);
    if (!a || !b) {
      std::printf("%-34s %s did not run\n", what.c_str(), (a ? peer : ours)[0].c_str());
      return;
    }
    of_ours.push_back(*a);
    of_peer.push_back(*b);
  }
  const auto a = median(of_ours);
  const auto b = median(of_peer);
  std::printf("%-34s %9.1f %9.1f %8.2f %8.1f %8.1f\n", what.c_str(), a.milliseconds, b.milliseconds,
              a.milliseconds / b.milliseconds, a.megabytes, b.megabytes);
}

std::string seed_policy() {
  return "[inbound]\nallow = [\"ssh\", \"http\", \"https\", \"ping\"]\n";
}

struct Exception {
  std::string name, port, source;
};

// The nth of many exceptions, each with a source of its own; the addresses are private ones.
Exception exception(int n) {
  return {"rule " + std::to_string(n), std::to_string(1024 + n * 7 % 60000),
          "10." + std::to_string(n / 65536) + "." + std::to_string(n / 256 % 256) + "." +
              std::to_string(n % 256)};
}

// A table each, with name and reason. Those numbered `from` to `from + 2` are left out.
std::string policy_of(int count, int from = -3) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    if (i >= from && i < from + 3) continue;
    const auto e = exception(i);
    text += "[[inbound.allow]]\nname = \"" + e.name + "\"\nreason = \"one of many\"\n";
    text += "protocol = \"tcp\"\nport = " + e.port + "\nfrom = \"" + e.source + "\"\n\n";
  }
  return text;
}

// The same as a person would write it for nft: one rule an exception.
std::string rules_of(int count) {
  std::string text =
      "table inet firewright {\n\tchain input {\n\t\ttype filter hook input priority filter; "
      "policy drop;\n\t\tiifname \"lo\" accept\n\t\tct state established,related accept\n";
  for (int i = 0; i < count; ++i) {
    const auto e = exception(i);
    text += "\t\tip saddr " + e.source + " tcp dport " + e.port + " accept comment \"" + e.name +
            "\"\n";
  }
  return text + "\t\tdrop\n\t}\n}\n";
}

std::string write(const fs::path& path, const std::string& text) {
  std::ofstream(path) << text;
  return path.string();
}

// Compiling with its proof, beside nft's own check of the equal rules.
void compare_compile(const std::string& firewright, const fs::path& folder, const std::string& name,
                     const std::string& policy, const std::string& rules, int rounds) {
  const auto path = write(folder / (name + ".toml"), policy);
  const auto ruleset = write(folder / (name + ".nft"), rules);
  compare("compile and prove " + name,
          {firewright, "compile", "--target", "nftables", "--part", "text", path},
          {"nft", "-c", "-f", ruleset}, rounds);
}

// What a thousand exceptions cost as there are more of them: flat bars are linear growth.
void plot_growth(const std::string& firewright, const fs::path& folder) {
  std::printf("\ncompile and prove, milliseconds a thousand exceptions\n");
  for (const auto* target : {"nftables", "iptables", "netsh"})
    for (const int count : {1000, 3000, 10000, 30000, 100000}) {
      const auto path =
          write(folder / ("growth-" + std::to_string(count) + ".toml"), policy_of(count));
      std::vector<Cost> costs;
      for (int i = 0; i < (count > 10000 ? 3 : 5); ++i)
        if (const auto cost =
                run({firewright, "compile", "--target", target, "-o", folder.string(), path}))
          costs.push_back(*cost);
      if (costs.empty()) {
        std::printf("%-9s %7d  does not compile\n", target, count);
        continue;
      }
      const auto cost = median(costs);
      const double each = cost.milliseconds / count * 1000;
      std::printf("%-9s %7d %9.1f ms %7.0f MB %6.1f ", target, count, cost.milliseconds,
                  cost.megabytes, each);
      for (int i = 0; i < static_cast<int>(each); ++i) std::printf("=");
      std::printf("\n");
    }
}

// Two policies that differ in three exceptions.
void time_diff(const std::string& firewright, const fs::path& folder) {
  const auto before = write(folder / "before.toml", policy_of(10000));
  const auto after = write(folder / "after.toml", policy_of(10000, 5000));
  std::vector<Cost> costs;
  for (int i = 0; i < 5; ++i)
    if (const auto cost = run({firewright, "diff", "--fail-on", "none", before, after}))
      costs.push_back(*cost);
  if (costs.empty()) {
    std::printf("\ndiff of two policies of 10,000 exceptions did not run\n");
    return;
  }
  const auto cost = median(costs);
  std::printf(
      "\ndiff of two policies of 10,000 exceptions that differ in three: %.0f ms, %.0f MB\n",
      cost.milliseconds, cost.megabytes);
}

// Seconds, nodes of the diagram, and megabytes, a process each.
void measure_sets(const std::string& self, const fs::path& folder) {
  std::vector<fs::path> sets;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) sets.push_back(entry.path());
  std::ranges::sort(sets);
  std::printf("\n%-24s %6s %-9s %8s %8s %8s %9s %9s %6s %7s\n", "filter set", "rules", "order",
              "build/s", "equal/s", "change/s", "nodes", "made", "boxes", "MB");
  std::fflush(stdout);
  for (const auto& set : sets)
    for (const auto* verdicts : {"accept", "half-drop"}) {
      const auto name = (fs::temp_directory_path() / "firewright-set").string();
      if (run({self, "--set", set.string(), verdicts}, name)) {
        std::ifstream line(name);
        std::string text;
        while (std::getline(line, text)) std::printf("%s\n", text.c_str());
      } else {
        std::printf("%-24s did not run\n", set.filename().c_str());
      }
      fs::remove(name);
    }
}

// A network namespace of our own; as a plain user, in a user namespace of our own.
bool enter_namespace() {
  if (unshare(CLONE_NEWNET) == 0) return true;
  return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  using firewright::bench::Verdicts;
  if (argc == 4 && std::string_view(argv[1]) == "--set")
    return firewright::bench::run_classbench(argv[2], std::string_view(argv[3]) == "accept"
                                                          ? Verdicts::all_accept
                                                          : Verdicts::half_drop);
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: firewright_bench FIREWRIGHT [CLASSBENCH-FOLDER]\n");
    return 2;
  }
  const std::string firewright = argv[1];
  if (!enter_namespace())
    std::fprintf(stderr, "no network namespace can be made here; nft may not run\n");

  std::string name = (fs::temp_directory_path() / "firewright-bench.XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    std::perror(name.c_str());
    return 1;
  }
  const fs::path folder = name;
  std::printf("%-34s %9s %9s %8s %8s %8s\n", "", "ours/ms", "nft/ms", "ratio", "ours/MB", "nft/MB");
  compare("--version", {firewright, "--version"}, {"nft", "--version"}, 21);
  const auto seed = write(folder / "seed.toml", seed_policy());
  const auto seed_rules = (folder / "seed.nft").string();
  (void)run({firewright, "compile", "--target", "nftables", seed}, seed_rules);
  compare("compile and prove seed policy", {firewright, "compile", "--target", "nftables", seed},
          {"nft", "-c", "-f", seed_rules}, 21);
  compare_compile(firewright, folder, "1,000", policy_of(1000), rules_of(1000), 11);
  compare_compile(firewright, folder, "10,000", policy_of(10000), rules_of(10000), 7);
  time_diff(firewright, folder);
  plot_growth(firewright, folder);
  if (argc == 3) measure_sets(argv[0], argv[2]);
  fs::remove_all(folder);
  return 0;
}
