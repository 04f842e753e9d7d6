#include <algorithm>

#include "compiler/cli/checked.h"
#include "compiler/cli/options.h"

namespace firewright::cli {
namespace {

std::string say(const TargetReport& report) {
  const std::string name(to_string(report.target));
  if (report.capable) return name + " yes";
  return name + " no (" + counted(report.cannot, "thing") + " it cannot say)";
}

Exit exit_of(const Sink& sink, bool strict) {
  std::size_t not_proved = 0;
  for (const auto& diagnostic : sink.diagnostics())
    if (diagnostic.kind == Kind::not_proved) ++not_proved;
  if (sink.errors() > not_proved) return Exit::no;
  if (not_proved > 0) return Exit::not_proved;
  return strict && sink.warnings() > 0 ? Exit::no : Exit::ok;
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

void add_json(const std::string& path, const Checked& checked, Exit exit, Sink& sink,
              const Sources& sources, nlohmann::ordered_json& document) {
  auto entry = diagnostics_json(sink, sources);
  entry["policy"] = path;
  entry["ok"] = exit == Exit::ok;
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
    const auto checked =
        check_policy({.targets = options.targets, .approximate = options.approximate}, *read, sink);
    const auto of_policy = exit_of(sink, options.strict);
    exit = worse(exit, of_policy);
    if (options.policy.format == Format::json) {
      add_json(path, checked, of_policy, sink, sources, document);
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
