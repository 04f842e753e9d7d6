// What a packet pays for the firewall, by the number of exceptions.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <sstream>

#include "tests/bench/group.h"
#include "tests/bench/packets.h"
#include "tests/bench/peers.h"
#include "tests/bench/policies.h"

namespace firewright::bench {
namespace {

// After every firewall: what it accepts ends here, so that no socket is in the figure.
constexpr const char* tail =
    "table inet tail {\n\tchain input {\n\t\ttype filter hook input priority 100; policy accept;\n"
    "\t\tcounter drop\n\t}\n}\n";

constexpr const char* tracking =
    "table inet firewright {\n\tchain input {\n\t\ttype filter hook input priority 0; policy "
    "accept;\n\t\tct state established,related accept\n\t}\n}\n";

enum Stream { few, spread_out, denied, established };
constexpr std::array streams = {few, spread_out, denied, established};

std::string name_of(Stream stream) {
  switch (stream) {
    case few: return "accepted, last ten";
    case spread_out: return "accepted, all";
    case denied: return "denied";
    case established: return "established";
  }
  return {};
}

Traffic traffic_of(Stream stream, int exceptions) {
  const Traffic all{.first_source = first_source,
                    .sources = static_cast<std::uint32_t>(std::max(1, exceptions)),
                    .first_port = first_port,
                    .port_step = port_step,
                    .port_count = port_count};
  auto traffic = all;
  switch (stream) {
    case few:
      traffic.sources = std::min<std::uint32_t>(all.sources, 10);
      traffic.first = all.sources - traffic.sources;
      break;
    case spread_out: break;
    case denied:
      traffic.first_source = 172U << 24U | 16U << 16U;
      traffic.sources = 60000;
      break;
    case established:
      traffic.sources = 10;
      traffic.port_step = 0;
      traffic.first_port = 999;
      traffic.udp = true;
      break;
  }
  return traffic;
}

struct Subject {
  std::string series;
  int exceptions = 0;
  std::function<std::string()> load;  // what went wrong, if anything
  bool firewall = true;               // it denies what it is to deny
  std::unique_ptr<PacketBed> bed{};
  std::string why{};  // no figures
  std::array<std::vector<double>, streams.size()> costs{};

  [[nodiscard]] double cost(Stream stream) const {
    return costs[stream].empty() ? 0 : spread(costs[stream]).least;
  }
};

// How many packets came through the firewall so far.
long through(const Bench& bench) {
  const auto path = (bench.folder / "tail.txt").string();
  if (!failure({.words = {"nft", "list", "table", "inet", "tail"}, .output = path}).empty())
    return -1;
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  const auto at = text.str().find("packets ");
  return at == std::string::npos ? -1 : std::stol(text.str().substr(at + 8));
}

// Holds what it does against what it is for: a figure of packets that went astray is none.
std::string check(const Bench& bench, const Subject& subject, bool firewall) {
  constexpr unsigned some = 640;
  if (!subject.bed->open_flows(traffic_of(established, 0))) return "no connection can be opened";
  for (const auto stream : streams) {
    const long before = through(bench);
    if (subject.bed->cost(traffic_of(stream, subject.exceptions), some) < 0)
      return "the kernel took no packets";
    const long came = through(bench) - before;
    const long wanted = firewall && stream == denied ? 0 : some;
    if (came != wanted)
      return fmt::format("{}: {} of {} packets came through", name_of(stream), came, some);
  }
  return {};
}

void prepare(const Bench& bench, Subject& subject, bool firewall) {
  subject.bed = PacketBed::make(subject.why);
  if (subject.bed == nullptr) return;
  subject.why = subject.load();
  if (!subject.why.empty()) return;
  const auto path = write(bench.folder / "tail.nft", tail);
  subject.why = failure({.words = {"nft", "-f", path}});
  if (!subject.why.empty()) return;
  subject.why = check(bench, subject, firewall);
}

std::vector<Subject> subjects_of(const Bench& bench) {
  std::vector<Subject> all;
  const auto file = [&bench](const std::string& name) { return (bench.folder / name).string(); };
  const auto nft = [file](const std::string& name, const std::string& text) {
    return failure({.words = {"nft", "-f", write(file(name), text)}});
  };
  all.push_back({"no firewall", 0, [] { return std::string(); }, false});
  // What more sources cost by themselves: connections are looked up in a table, too.
  for (const int n : {0, 10, 100000})
    all.push_back(
        {"connection tracking alone", n, [nft] { return nft("tracking.nft", tracking); }, false});
  for (const int n : {10, 100, 1000, 10000, 100000}) {
    if (bench.quick && n == 10000) continue;
    all.push_back({"firewright, nftables", n, [&bench, file, n] {
                     const auto state = file("packet-state-" + std::to_string(n));
                     return failure(
                         {.words = {bench.firewright, "apply", "--state-dir", state, "--run-dir",
                                    state, write(file("packet.toml"), policy_of(n))}});
                   }});
  }
  for (const int n : {10, 100, 1000, 10000}) {
    if (bench.quick && n == 100) continue;
    all.push_back({"firewright, iptables", n, [&bench, file, n] {
                     const auto policy = write(file("packet.toml"), policy_of(n));
                     if (auto why = failure({.words = {bench.firewright, "compile", "--target",
                                                       "iptables", "-o", file("packet"), policy}});
                         !why.empty())
                       return why;
                     return failure({.words = {"iptables-legacy-restore"},
                                     .input = file("packet/packet.v4.rules")});
                   }});
  }
  for (const int n : {10, 100, 1000, 10000}) {
    if (bench.quick && n == 10000) continue;
    all.push_back(
        {"one nft rule an exception", n, [nft, n] { return nft("packet.nft", nft_rules(n)); }});
    all.push_back({"one iptables rule an exception", n, [file, n] {
                     return failure({.words = {"iptables-legacy-restore"},
                                     .input = write(file("packet.rules"), iptables_rules(n))});
                   }});
  }
  for (const auto& peer : peers()) {
    constexpr int n = 1000;
    all.push_back({peer.name + ", its own rules", n, [&bench, peer] {
                     if (auto why = peer.missing(bench); !why.empty()) return why;
                     return run_peer(bench, peer, n).why;
                   }});
  }
  return all;
}

// As many packets as take a while, so that a slow firewall costs no more time than a fast one.
unsigned batch(const Bench& bench, const Subject& subject, Stream stream) {
  const double each = subject.bed->cost(traffic_of(stream, subject.exceptions), 640);
  const double nanoseconds = bench.quick ? 10e6 : 25e6;
  const double packets = std::clamp(nanoseconds / std::max(each, 1.0), 128.0, 100000.0);
  return static_cast<unsigned>(packets) / 64 * 64;
}

void measure(const Bench& bench, std::vector<Subject>& subjects) {
  std::map<std::pair<Subject*, Stream>, unsigned> batches;
  const int rounds = bench.quick ? 9 : 21;
  for (int round = 0; round < rounds; ++round)
    for (auto& subject : subjects) {
      if (!subject.why.empty()) continue;
      if (!subject.bed->enter()) {
        subject.why = "its network cannot be entered";
        continue;
      }
      for (const auto stream : streams) {
        auto& packets = batches[{&subject, stream}];
        if (stream == established) (void)subject.bed->open_flows(traffic_of(established, 0));
        if (packets == 0) packets = batch(bench, subject, stream);
        subject.costs[stream].push_back(
            subject.bed->cost(traffic_of(stream, subject.exceptions), packets));
      }
    }
}

// The ratio of the quietest rounds; the spread is that of the rounds.
Spread of_least(const Subject& more, const Subject& fewer, Stream stream) {
  auto result = ratio(more.costs[stream], fewer.costs[stream]);
  result.median = more.cost(stream) / fewer.cost(stream);
  result.least = std::min(result.least, result.median);
  result.most = std::max(result.most, result.median);
  return result;
}

void hold_against_ten(Report& report, const std::vector<Subject>& subjects,
                      const std::string& series, int exceptions, double limit) {
  const auto find = [&](int n) {
    return std::ranges::find_if(
        subjects, [&](const auto& s) { return s.series == series && s.exceptions == n; });
  };
  const auto more = find(exceptions);
  const auto ten = find(10);
  if (more == subjects.end() || ten == subjects.end()) return;
  for (const auto stream : streams) {
    const auto what =
        fmt::format("{}, {} exceptions to ten: {}", series, count(exceptions), name_of(stream));
    if (more->why.empty() && ten->why.empty())
      report.bar(what, of_least(*more, *ten, stream), limit);
    else
      report.no_figure(what, more->why.empty() ? ten->why : more->why, limit);
  }
}

void tell(Report& report, const std::vector<Subject>& subjects) {
  std::vector<std::vector<std::string>> whole = {{"ns a packet", "exceptions"}};
  for (const auto stream : streams) whole[0].push_back(name_of(stream));
  auto net = whole;
  net[0][0] = "ns of it for the firewall";
  const auto& bare = subjects[0];
  for (const auto& subject : subjects) {
    std::vector<std::string> row = {subject.series, count(subject.exceptions)};
    auto difference = row;
    for (const auto stream : streams) {
      if (!subject.why.empty()) continue;
      row.push_back(figure(subject.cost(stream)));
      difference.push_back(figure(std::round(subject.cost(stream) - bare.cost(stream))));
    }
    if (!subject.why.empty()) row.push_back("none: " + subject.why);
    whole.push_back(row);
    if (&subject != &bare && subject.why.empty()) net.push_back(difference);
  }
  report.table(whole);
  report.table(net);
}

void draw(Report& report, const std::vector<Subject>& subjects, Stream stream,
          const std::string& file) {
  Plot plot{.title = "What a packet costs: " + name_of(stream),
            .across = "exceptions",
            .up = "ns a packet",
            .series = {}};
  for (const auto& subject : subjects) {
    if (subject.exceptions == 0 || !subject.why.empty()) continue;
    if (plot.series.empty() || plot.series.back().name != subject.series) {
      const auto same = std::ranges::find(plot.series, subject.series, &Series::name);
      if (same != plot.series.end())
        std::rotate(same, same + 1, plot.series.end());
      else
        plot.series.push_back({subject.series, {}});
    }
    plot.series.back().points.emplace_back(subject.exceptions, subject.cost(stream));
  }
  std::ranges::sort(plot.series, {}, &Series::name);
  report.plot(file, plot);
}

}  // namespace

void bench_packet(const Bench& bench, Report& report) {
  report.group(
      "packet",
      "Nanoseconds of processor time that a packet takes from its arrival to its end, the\n"
      "least of the rounds; the packets are made up in the kernel. All ends in the same\n"
      "place: what is accepted is dropped by a last chain of every network. Ratios are those of\n"
      "the least, with the range of the rounds.");
  auto subjects = subjects_of(bench);
  for (auto& subject : subjects) prepare(bench, subject, subject.firewall);
  if (!subjects[0].why.empty()) {
    report.no_figure("packet cost", subjects[0].why, 1.1);
    return;
  }
  settle();
  measure(bench, subjects);
  tell(report, subjects);
  hold_against_ten(report, subjects, "connection tracking alone", 100000, 1.1);
  hold_against_ten(report, subjects, "firewright, nftables", 100000, 1.1);
  hold_against_ten(report, subjects, "firewright, iptables", 10000, 2);
  draw(report, subjects, denied, "packet-denied");
  draw(report, subjects, spread_out, "packet-accepted");
}

}  // namespace firewright::bench
