// One policy tree for many hosts, and a run for each host.
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "tests/bench/group.h"
#include "tests/bench/policies.h"

namespace firewright::bench {
namespace {

std::string monitor(int host) {
  return text_of(first_source + (200U << 16U) + static_cast<std::uint32_t>(host));
}

bool has_hosts(const Bench& bench) {
  const auto path = (bench.folder / "help.txt").string();
  (void)run({.words = {bench.firewright, "compile", "--help"}, .output = path});
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str().find("--hosts") != std::string::npos;
}

}  // namespace

void bench_fleet(const Bench& bench, Report& report) {
  const int hosts = bench.quick ? 100 : 1000;
  constexpr int exceptions = 200;
  constexpr int alone = 50;  // so many separate runs, times hosts / alone
  const auto what =
      fmt::format("{} hosts of {} exceptions, to separate runs", count(hosts), exceptions);
  report.group("fleet",
               fmt::format("`compile --hosts` for {} hosts. Of separate runs {} are timed, "
                           "and scaled to as many.",
                           count(hosts), alone));
  if (!has_hosts(bench)) {
    report.no_figure(what, "`compile` has no option --hosts", 0.1);
    return;
  }
  const auto policy =
      write(bench.folder / "fleet.toml", policy_of(exceptions - 1) +
                                             "[[inbound.allow]]\nname = \"monitor\"\nprotocol = "
                                             "\"tcp\"\nport = 9100\nfrom = \"${monitor}\"\n");
  std::string list;
  for (int i = 0; i < hosts; ++i)
    list += fmt::format("[hosts.host-{}]\nvars = {{ monitor = \"{}\" }}\n", i, monitor(i));
  const auto file = write(bench.folder / "hosts.toml", list);
  const auto output = bench.folder / "fleet";
  const std::vector<std::string> together = {
      bench.firewright, "compile", "--target", "nftables", "--hosts", file, "-o",
      output.string(),  policy};
  const std::vector<Contender> contenders = {
      {"separate runs, scaled",
       [&] {
         Finished sum{.ok = true, .cost = {}, .why = {}};
         for (int i = 0; i < alone && sum.ok; ++i) {
           const auto one =
               run({.words = {bench.firewright, "compile", "--target", "nftables", "--set",
                              "monitor=" + monitor(i), "-o",
                              (bench.folder / "alone" / std::to_string(i)).string(), policy}});
           sum.ok = one.ok;
           sum.why = one.why;
           const double times = static_cast<double>(hosts) / alone;
           sum.cost.milliseconds += one.cost.milliseconds * times;
           sum.cost.user += one.cost.user * times;
           sum.cost.system += one.cost.system * times;
           sum.cost.megabytes = one.cost.megabytes;
         }
         return sum;
       }},
      {"compile --hosts, all anew",
       [&] {
         std::error_code ignored;
         std::filesystem::remove_all(output, ignored);
         return run({.words = together});
       }},
      {"compile --hosts, nothing changed", [&] { return run({.words = together}); }},
  };
  std::filesystem::create_directories(bench.folder / "alone");
  const auto results = in_turn(contenders, 5);
  report.table(compared(contenders, results, 0));
  const auto& why = results[1].why.empty() ? results[0].why : results[1].why;
  if (why.empty())
    report.bar(what, ratio(results[1].milliseconds(), results[0].milliseconds()), 0.1);
  else
    report.no_figure(what, why, 0.1);
}

}  // namespace firewright::bench
