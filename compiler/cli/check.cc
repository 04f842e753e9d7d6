#include "compiler/cli/build.h"
#include "compiler/cli/options.h"

namespace firewright::cli {
namespace {

struct TargetReport {
  Target target = Target::nftables;
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

// Adds what one policy's check found to `document`, or prints it. Gives whether the policy is good.
bool check_one(const std::string& path, const CheckOptions& options, const ReadPolicy& read,
               Sources& sources, Sink& sink, Console& console, nlohmann::ordered_json& document) {
  std::vector<TargetReport> reports;
  std::size_t exceptions = 0;
  if (!sink.has_errors()) {
    const bool named = !options.targets.empty();
    const auto targets =
        named ? options.targets : std::vector{Target::nftables, Target::iptables, Target::netsh};
    for (const auto target : targets) {
      TargetReport report;
      report.target = target;
      const auto built = build(read, target, options.approximate, report.sink);
      exceptions = std::max(exceptions, count_exceptions(built.program));
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
  }
  sink.sort();
  const bool good = !sink.has_errors();
  if (options.policy.format == Format::json) {
    auto entry = diagnostics_json(sink, sources);
    entry["policy"] = path;
    entry["ok"] = good;
    entry["exceptions"] = exceptions;
    entry["assertions"] = read.policy.assertions.size();
    entry["targets"] = nlohmann::ordered_json::object();
    for (const auto& report : reports)
      entry["targets"][std::string(to_string(report.target))] = report.capable;
    document["policies"].push_back(std::move(entry));
    return good;
  }
  show(console, sink, sources);
  console.out << path << ": " << (good ? "ok" : counted(sink.errors(), "error"));
  if (good) console.out << ", " << counted(exceptions, "exception");
  if (sink.warnings() > 0) console.out << ", " << counted(sink.warnings(), "warning");
  for (std::size_t i = 0; i < reports.size(); ++i)
    console.out << (i == 0 ? "; " : ", ") << say(reports[i]);
  console.out << "\n";
  return good;
}

}  // namespace

Exit check(const CheckOptions& options, Console& console) {
  nlohmann::ordered_json document;
  document["policies"] = nlohmann::ordered_json::array();
  bool good = true;
  for (const auto& path : options.policies) {
    Sources sources;
    Sink sink;
    const auto read = cli::read(path, options.policy, console, sources, sink);
    if (!read) return Exit::usage;
    if (!check_one(path, options, *read, sources, sink, console, document)) good = false;
  }
  document["ok"] = good;
  if (options.policy.format == Format::json) print_json(console, document);
  return good ? Exit::ok : Exit::no;
}

}  // namespace firewright::cli
