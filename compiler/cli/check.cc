#include <algorithm>

#include "compiler/analysis/assertions.h"
#include "compiler/analysis/lint.h"
#include "compiler/cli/build.h"
#include "compiler/cli/options.h"

namespace firewright::cli {
namespace {

// Of each proof. Policies that people write take a small part of it.
constexpr semantics::Budget budget{.nodes = 20'000'000, .time = std::chrono::seconds(30)};

struct TargetReport {
  Target target = Target::nftables;
  ir::Program program;
  bool capable = false;
  std::size_t cannot = 0;  // things that it cannot say
  Sink sink;
};

// Errors that hang on the target and no other kind.
bool only_cannot_say(const Sink& sink) {
  for (const auto& diagnostic : sink.diagnostics())
    if (severity(diagnostic.kind) == Severity::error && diagnostic.kind != Kind::cannot_say)
      return false;
  return true;
}

std::string say(const TargetReport& report) {
  const std::string name(to_string(report.target));
  if (report.capable) return name + " yes";
  return name + " no (" + counted(report.cannot, "thing") + " it cannot say)";
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

std::vector<TargetReport> ask_targets(const CheckOptions& options, const ReadPolicy& read,
                                      Sink& sink) {
  const bool named = !options.targets.empty();
  const auto targets =
      named ? options.targets : std::vector{Target::nftables, Target::iptables, Target::netsh};
  std::vector<TargetReport> reports;
  for (const auto target : targets) {
    TargetReport report;
    report.target = target;
    report.program = build(read, target, options.approximate, report.sink).program;
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

struct Checked {
  Exit exit = Exit::ok;
  std::size_t exceptions = 0;
  std::vector<TargetReport> reports;
  std::vector<analysis::AssertionResult> assertions;
};

Exit exit_of(const Sink& sink, bool strict) {
  std::size_t not_proved = 0;
  for (const auto& diagnostic : sink.diagnostics())
    if (diagnostic.kind == Kind::not_proved) ++not_proved;
  if (sink.errors() > not_proved) return Exit::no;
  if (not_proved > 0) return Exit::not_proved;
  return strict && sink.warnings() > 0 ? Exit::no : Exit::ok;
}

Checked check_policy(const CheckOptions& options, const ReadPolicy& read, Sink& sink) {
  Checked checked;
  if (!sink.has_errors()) {
    checked.reports = ask_targets(options, read, sink);
    for (const auto& report : checked.reports)
      checked.exceptions = std::max(checked.exceptions, count_exceptions(report.program));
  }
  if (!sink.has_errors()) {
    const auto lowerings = distinct(checked.reports);
    checked.assertions = analysis::prove_assertions(read.policy, lowerings, budget, sink);
    analysis::lint(read.policy, lowerings, {.today = read.today, .budget = budget}, sink);
  }
  sink.sort();
  checked.exit = exit_of(sink, options.strict);
  return checked;
}

using Verdict = analysis::AssertionResult::Verdict;

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::proved: return "proved";
    case Verdict::vacuous: return "vacuous";
    case Verdict::failed: return "failed";
    case Verdict::unprovable: return "unprovable";
    case Verdict::not_proved: return "not-proved";
  }
  return "";
}

nlohmann::ordered_json to_json(const analysis::AssertionResult& result) {
  nlohmann::ordered_json json;
  json["name"] = analysis::label(*result.assertion);
  json["claim"] = result.assertion->claim == policy::Assertion::Claim::never ? "never" : "always";
  json["proved"] = result.verdict == Verdict::proved || result.verdict == Verdict::vacuous;
  json["status"] = to_string(result.verdict);
  if (!result.counterexample) return json;
  json["counterexample"] = to_text(result.counterexample->packet);
  json["limits_left"] = nlohmann::ordered_json::array();
  for (const auto& predicate : result.counterexample->holding)
    json["limits_left"].push_back(predicate.instance);
  return json;
}

void add_json(const std::string& path, const Checked& checked, Sink& sink, const Sources& sources,
              nlohmann::ordered_json& document) {
  auto entry = diagnostics_json(sink, sources);
  entry["policy"] = path;
  entry["ok"] = checked.exit == Exit::ok;
  entry["exceptions"] = checked.exceptions;
  entry["assertions"] = nlohmann::ordered_json::array();
  for (const auto& result : checked.assertions) entry["assertions"].push_back(to_json(result));
  entry["targets"] = nlohmann::ordered_json::object();
  for (const auto& report : checked.reports)
    entry["targets"][std::string(to_string(report.target))] = report.capable;
  document["policies"].push_back(std::move(entry));
}

void print_line(const std::string& path, const Checked& checked, const Sink& sink,
                Console& console) {
  const auto proved = static_cast<std::size_t>(
      std::count_if(checked.assertions.begin(), checked.assertions.end(),
                    [](const auto& result) { return result.verdict == Verdict::proved; }));
  std::size_t notes = 0;
  for (const auto& diagnostic : sink.diagnostics())
    if (severity(diagnostic.kind) == Severity::note) ++notes;
  auto& out = console.out;
  out << path << ": " << (sink.has_errors() ? counted(sink.errors(), "error") : "ok");
  if (!sink.has_errors()) out << ", " << counted(checked.exceptions, "exception");
  if (proved > 0) out << ", " << counted(proved, "assertion") << " proved";
  if (sink.warnings() > 0) out << ", " << counted(sink.warnings(), "warning");
  if (notes > 0) out << ", " << counted(notes, "note");
  for (std::size_t i = 0; i < checked.reports.size(); ++i)
    out << (i == 0 ? "; " : ", ") << say(checked.reports[i]);
  out << "\n";
}

// The gravest of two: what is wrong before what is not known.
Exit worse(Exit a, Exit b) {
  if (a == Exit::ok) return b;
  return b == Exit::ok || a == Exit::no ? a : b;
}

}  // namespace

Exit check(const CheckOptions& options, Console& console) {
  nlohmann::ordered_json document;
  document["policies"] = nlohmann::ordered_json::array();
  auto exit = Exit::ok;
  for (const auto& path : options.policies) {
    Sources sources;
    Sink sink;
    const auto read = cli::read(path, options.policy, console, sources, sink);
    if (!read) return Exit::usage;
    const auto checked = check_policy(options, *read, sink);
    exit = worse(exit, checked.exit);
    if (options.policy.format == Format::json) {
      add_json(path, checked, sink, sources, document);
    } else {
      show(console, sink, sources);
      print_line(path, checked, sink, console);
    }
  }
  document["ok"] = exit == Exit::ok;
  if (options.policy.format == Format::json) print_json(console, document);
  return exit;
}

}  // namespace firewright::cli
