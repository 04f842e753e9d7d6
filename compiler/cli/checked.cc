#include "compiler/cli/checked.h"

#include <algorithm>

#include "compiler/analysis/lint.h"

namespace firewright::cli {
namespace {

// Of each proof. Policies that people write take a small part of it.
constexpr semantics::Budget budget{.nodes = 20'000'000, .time = std::chrono::seconds(30)};

// Errors that hang on the target and no other kind.
bool only_cannot_say(const Sink& sink) {
  for (const auto& diagnostic : sink.diagnostics())
    if (severity(diagnostic.kind) == Severity::error && diagnostic.kind != Kind::cannot_say)
      return false;
  return true;
}

// What a policy means on each target that can say it, once where several are told the same.
std::vector<analysis::Lowering> distinct(const std::vector<TargetReport>& reports) {
  std::vector<analysis::Lowering> lowerings;
  for (const auto& report : reports) {
    if (!report.capable) continue;
    const bool known =
        std::any_of(lowerings.begin(), lowerings.end(), [&](const analysis::Lowering& other) {
          const bool alike = (other.target == Target::netsh) == (report.target == Target::netsh);
          return alike && *other.program == report.program;  // zones are read alike
        });
    if (!known) lowerings.push_back({.target = report.target, .program = &report.program});
  }
  return lowerings;
}

std::vector<TargetReport> ask_targets(const CheckWhat& what, const ReadPolicy& read, Sink& sink) {
  const bool named = !what.targets.empty();
  const auto targets =
      named ? what.targets : std::vector{Target::nftables, Target::iptables, Target::netsh};
  std::vector<TargetReport> reports;
  for (const auto target : targets) {
    TargetReport report;
    report.target = target;
    report.program = build(read, target, what.approximate, report.sink).program;
    report.capable = !report.sink.has_errors();
    report.cannot = report.sink.errors();
    if (named || !only_cannot_say(report.sink)) sink.append(report.sink);
    reports.push_back(std::move(report));
  }
  // A policy that no target can say: what keeps the nearest of them from it.
  const TargetReport* nearest = nullptr;
  for (const auto& report : reports)
    if (nearest == nullptr || report.cannot < nearest->cannot) nearest = &report;
  if (nearest != nullptr && !nearest->capable) sink.append(nearest->sink);
  if (nearest != nullptr && nearest->capable && !named)
    for (const auto& diagnostic : nearest->sink.diagnostics())  // warnings, such as `expired`
      sink.report(diagnostic.kind, diagnostic.span, diagnostic.args).help = diagnostic.help;
  return reports;
}

}  // namespace

Checked check_policy(const CheckWhat& what, const ReadPolicy& read, Sink& sink) {
  Checked checked;
  if (!sink.has_errors()) {
    checked.reports = ask_targets(what, read, sink);
    for (const auto& report : checked.reports)
      checked.exceptions = std::max(checked.exceptions, count_exceptions(report.program));
  }
  checked.compiles = !sink.has_errors();
  if (checked.compiles) {
    const auto lowerings = distinct(checked.reports);
    if (what.assertions)
      checked.assertions = analysis::prove_assertions(read.policy, lowerings, budget, sink);
    if (what.lint)
      analysis::lint(read.policy, lowerings,
                     {.today = read.today, .budget = budget, .ignored = what.ignored}, sink);
  }
  sink.sort();
  return checked;
}

}  // namespace firewright::cli
