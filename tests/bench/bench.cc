// Whole processes beside the platform's own tool, in turn in one run; what counts is the ratio.
//
//   firewright_bench FIREWRIGHT
//
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
#include <vector>

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

// `count` exceptions with a source, a port and a name each; the addresses are private ones.
std::string policy_of(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += "[[inbound.allow]]\nname = \"rule " + std::to_string(i) + "\"\n";
    text += "reason = \"one of many\"\nprotocol = \"tcp\"\n";
    text += "port = " + std::to_string(1024 + i * 7 % 60000) + "\n";
    text += "from = \"10." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) + "." +
            std::to_string(i % 256) + "\"\n\n";
  }
  return text;
}

bool compare_compile(const std::string& firewright, const fs::path& folder, const std::string& name,
                     const std::string& policy, int rounds) {
  const auto path = (folder / (name + ".toml")).string();
  const auto ruleset = (folder / (name + ".nft")).string();
  std::ofstream(path) << policy;
  const Command compile = {firewright, "compile", "--target", "nftables", "--part", "text", path};
  if (!run(compile, ruleset)) {
    std::fprintf(stderr, "%s cannot compile %s\n", firewright.c_str(), path.c_str());
    return false;
  }
  compare("compile " + name, compile, {"nft", "-c", "-f", ruleset}, rounds);
  return true;
}

// A network namespace of our own; as a plain user, in a user namespace of our own.
bool enter_namespace() {
  if (unshare(CLONE_NEWNET) == 0) return true;
  return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: firewright_bench FIREWRIGHT\n");
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
  bool good = compare_compile(firewright, folder, "seed policy", seed_policy(), 21);
  good = compare_compile(firewright, folder, "1,000 exceptions", policy_of(1000), 11) && good;
  good = compare_compile(firewright, folder, "10,000 exceptions", policy_of(10000), 5) && good;
  fs::remove_all(folder);
  return good ? 0 : 1;
}
