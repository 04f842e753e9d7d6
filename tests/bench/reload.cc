// The reload window: how many packets a firewall loses, and how many it lets in that it should not,
// while it is replaced over and over under traffic.
//
//   firewright_reload FIREWRIGHT [--reloads N] [--peer-seconds N] [--only WORD]
//
// Each way works in a process with network and mounts of its own. The exit status is 1 when one of
// ours has a fault, or could not be measured.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/reload_ways.h"
#include "tests/kernel/harness/namespace.h"
#include "tests/kernel/harness/network.h"
#include "tests/kernel/harness/traffic.h"

namespace {

namespace fs = std::filesystem;
namespace kernel = firewright::kernel;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string firewright;
  unsigned reloads = 1000;
  unsigned peer_seconds = 30;  // others stop there, however many reloads that were
  std::string only;            // ways whose name holds this
};

struct Measured {
  unsigned reloads = 0;
  double median_ms = 0;
  kernel::TrafficCount count;
  std::string ended;  // why before its time
};

double milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Traffic over a firewall that nobody touches: whatever is lost here is the machine's doing.
kernel::TrafficCount calibrate(const kernel::Network& network) {
  kernel::Traffic traffic(network);
  traffic.let_pass(10000);
  return traffic.finish();
}

bool quiet(const kernel::TrafficCount& count) {
  return count.lost() == 0 && count.let_in() == 0 && count.machine_dropped == 0;
}

Measured measure(const kernel::Network& network, firewright::bench::Way& way,
                 const Options& options) {
  Measured measured;
  std::vector<double> times;
  kernel::Traffic traffic(network);
  traffic.let_pass(1000);
  const auto stop = Clock::now() + std::chrono::seconds(options.peer_seconds);
  while (times.size() < options.reloads && (way.ours() || Clock::now() < stop)) {
    const auto begin = Clock::now();
    measured.ended = way.reload(times.size() % 2 == 0 ? 1 : 0);
    if (!measured.ended.empty()) break;
    times.push_back(milliseconds(Clock::now() - begin));
  }
  traffic.let_pass(1000);
  measured.count = traffic.finish();
  measured.reloads = static_cast<unsigned>(times.size());
  std::ranges::sort(times);
  if (!times.empty()) measured.median_ms = times[times.size() / 2];
  return measured;
}

std::string line_of(const Measured& measured) {
  const auto& count = measured.count;
  std::uint64_t bytes = 0;
  std::uint64_t resent = 0;
  double pause = 0;
  std::string note = measured.ended;
  for (const auto& tcp : count.tcp) {
    bytes += tcp.bytes;
    resent += tcp.resent;
    pause = std::max(pause, tcp.longest_pause_ms);
    if (!tcp.broken.empty()) note += (note.empty() ? "TCP: " : "; TCP: ") + tcp.broken;
  }
  if (count.machine_dropped != 0)
    note += (note.empty() ? "" : "; ") + std::to_string(count.machine_dropped) +
            " dropped by the machine's own queues";
  char text[256];
  std::snprintf(text, sizeof text, "%7u %8.1f %9llu %7.0f %9llu %9llu %7.1f %7llu %8.0f  ",
                measured.reloads, measured.median_ms, static_cast<unsigned long long>(count.sent()),
                count.slowest_rate(), static_cast<unsigned long long>(count.lost()),
                static_cast<unsigned long long>(count.let_in()), static_cast<double>(bytes) / 1e6,
                static_cast<unsigned long long>(resent), pause);
  return text + note.substr(0, note.find('\n'));
}

bool faultless(const Measured& measured, const Options& options) {
  const auto& count = measured.count;
  return measured.ended.empty() && measured.reloads == options.reloads && count.lost() == 0 &&
         count.let_in() == 0 && count.slowest_rate() >= 5000 &&
         std::ranges::all_of(count.tcp, [](const auto& tcp) { return tcp.broken.empty(); });
}

// The mounts of this process are its own from here on.
std::string own_mounts() {
  if (::unshare(CLONE_NEWNS) == 0 &&
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0)
    return {};
  return std::string("no mounts of its own: ") + std::strerror(errno);
}

// '+' or '-', whether all is well, then the line.
std::string line_under_traffic(const kernel::Network& network, firewright::bench::Way& way,
                               const Options& options) {
  auto before = calibrate(network);
  std::string note;
  if (!quiet(before)) {
    note = "calibration lost " + std::to_string(before.lost()) + ", let in " +
           std::to_string(before.let_in());
    before = calibrate(network);
    note += quiet(before) ? ", and nothing when repeated" : ", and again; the line says little";
  }
  const auto measured = measure(network, way, options);
  auto line = line_of(measured);
  if (!note.empty()) line += (line.ends_with("  ") ? "" : "; ") + note;
  return (faultless(measured, options) ? "+" : "-") + line;
}

// What the measuring process hands back.
std::string run_way(firewright::bench::Way& way, const Options& options,
                    const std::string& folder) {
  if (const auto why = own_mounts(); !why.empty()) return "-" + why;
  kernel::Network network;
  kernel::join_host_and_client(network);
  fs::create_directories(folder);
  std::string line;
  if (const auto why = way.prepare(folder); !why.empty())
    line = "-" + why;
  else
    line = line_under_traffic(network, way, options);
  way.finish();
  return line;
}

std::optional<Options> read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (!word.starts_with("--")) {
      if (!options.firewright.empty()) return std::nullopt;
      options.firewright = fs::absolute(word).string();
      continue;
    }
    if (i + 1 == argc) return std::nullopt;
    const std::string value = argv[++i];
    const auto number = static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 10));
    if (word == "--only")
      options.only = value;
    else if (word == "--reloads" && number > 0)
      options.reloads = number;
    else if (word == "--peer-seconds" && number > 0)
      options.peer_seconds = number;
    else
      return std::nullopt;
  }
  if (options.firewright.empty()) return std::nullopt;
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_options(argc, argv);
  if (!options) {
    std::fprintf(stderr,
                 "usage: firewright_reload FIREWRIGHT [--reloads N] [--peer-seconds N] "
                 "[--only WORD]\n");
    return 2;
  }
  // A session's own connection is none of the bench's business.
  for (const auto* name : {"SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"}) ::unsetenv(name);
  std::string folder = (fs::temp_directory_path() / "firewright-reload.XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    std::perror(folder.c_str());
    return 1;
  }
  std::printf(
      "%u reloads between two policies; UDP to an allowed and to a denied port, by IPv4 and "
      "by IPv6\n(/s: packets a second of the slowest of these four streams), and TCP that "
      "was there before\n\n",
      options->reloads);
  std::printf("%-34s %7s %8s %9s %7s %9s %9s %7s %7s %8s\n", "", "reloads", "ms each", "packets",
              "/s", "allowed", "denied", "TCP/MB", "TCP", "TCP ms");
  std::printf("%-34s %7s %8s %9s %7s %9s %9s %7s %7s %8s\n", "", "", "(median)", "sent", "", "lost",
              "let in", "", "resent", "longest");
  std::fflush(stdout);
  int status = 0;
  unsigned number = 0;
  for (const auto& way : firewright::bench::ways(options->firewright)) {
    const auto here = folder + "/" + std::to_string(number++);
    if (way->name().find(options->only) == std::string::npos) continue;
    const auto outcome = kernel::in_namespace([&] { return run_way(*way, *options, here); }, 3600);
    const bool good = outcome.done() && outcome.text.starts_with('+');
    std::string text = outcome.done() ? outcome.text.substr(1) : outcome.text;
    if (way->ours() && !good && text != "not installed") status = 1;
    std::printf("%-34s %s\n", way->name().c_str(), text.substr(0, text.find('\n')).c_str());
    std::fflush(stdout);
  }
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return status;
}
