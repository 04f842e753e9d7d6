#include <algorithm>
#include <map>

#include "compiler/base/file_system.h"
#include "compiler/cli/certificate.h"
#include "compiler/cli/operand.h"
#include "compiler/cli/prove.h"

namespace firewright::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t largest_certificate = std::size_t{1} << 28U;

// One artifact, and what came out.
struct Verified {
  Operand operand;
  Target target = Target::nftables;
  semantics::Comparison comparison;
  std::vector<ir::Hook> left_alone;
};

// The files of iptables belong together, a family each, and those of the sets with their rules.
std::vector<std::string> joined(const std::vector<std::string>& artifacts) {
  std::vector<std::string> result;
  struct Group {
    std::size_t place;  // in `result`
    std::string stem;
    int tables = 0;
    bool sets = false;
  };
  std::optional<Group> group;
  for (const auto& path : artifacts) {
    if (recognise_name(path) != OperandKind::iptables || path.find(',') != std::string::npos) {
      result.push_back(path);
      continue;
    }
    const bool sets = path.ends_with(".ipset");
    const auto stem = stem_of_tables(path);
    const bool fits = group && (sets ? !group->sets && group->stem == stem : group->tables < 2);
    if (fits) {
      result[group->place] += "," + path;
    } else {
      group = Group{.place = result.size(), .stem = stem};
      result.push_back(path);
    }
    if (sets)
      group->sets = true;
    else
      ++group->tables;
  }
  return result;
}

// On a live host: the hooks that the policy leaves to others, whose rules there are not its
// concern.
std::vector<ir::Hook> left_alone(const Built& built, const Operand& operand) {
  std::vector<ir::Hook> hooks;
  if (operand.kind != OperandKind::live) return hooks;
  for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward})
    if (built.program.find(hook) == nullptr) hooks.push_back(hook);
  return hooks;
}

semantics::Comparison compare(const Built& built, const Operand& operand, Target target) {
  std::vector<semantics::Excluded> excluded;
  for (const auto hook : left_alone(built, operand))
    excluded.push_back({.hook = hook, .match = {}});
  for (auto& entry : backend::unfiltered(target))
    excluded.push_back({.hook = entry.hook, .match = std::move(entry.match)});
  return semantics::compare(built.program, operand.program, {.excluded = excluded, .budget = {}});
}

// The rule that decides the packet of a difference; null: the end of a chain does.
const ir::Rule* deciding(const ir::Program& program, const semantics::Difference& difference) {
  const auto holds = [&](const ir::Predicate& predicate) {
    return std::ranges::find(difference.holding, predicate) != difference.holding.end();
  };
  const auto decision = ir::evaluate(program, difference.packet, holds);
  return decision ? decision->rule : nullptr;
}

void report_difference(const Built& built, const Verified& one, Sink& sink) {
  const auto& difference = *one.comparison.difference;
  const auto theirs = semantics::align_predicates(built.program, one.operand.program);
  Span span;
  if (!one.operand.files.empty())
    span = {.file = one.operand.files.front().file, .begin = 0, .end = 0};
  if (const auto* rule = deciding(theirs, difference); rule != nullptr && rule->origin.span.known())
    span = rule->origin.span;
  auto& diagnostic = sink.report(Kind::artifact_differs, span);
  diagnostic.help =
      in_words(difference, "artifact") + "; `firewright diff` shows every such packet";
  if (const auto* rule = deciding(built.program, difference);
      rule != nullptr && rule->origin.span.known())
    diagnostic.labels.push_back(
        {.span = rule->origin.span, .text = "the policy decides that packet here"});
}

// What became of an artifact, as a diagnostic unless it is equal.
void report(const Built& built, const Verified& one, Sink& sink) {
  switch (one.comparison.answer) {
    case semantics::Answer::equal: return;
    case semantics::Answer::different: return report_difference(built, one, sink);
    case semantics::Answer::not_proved:
      sink.report(Kind::not_proved, {}, {"`" + one.operand.name + "`", one.comparison.why});
      return;
  }
}

// The certificate of what was verified, to be held against the one that claims it.
std::optional<Json> certify(const ReadPolicy& read, const std::vector<Verified>& all,
                            const std::map<Target, Built>& built, const Json& claimed,
                            const Sources& sources) {
  std::map<Target, backend::Artifact> artifacts;
  for (const auto& one : all)
    for (const auto& file : one.operand.files)
      artifacts[one.target].parts.push_back(
          {.name = file.part, .suffix = {}, .bytes = std::string(sources.file(file.file).text())});
  const Proved none;
  std::vector<Certified> certified;
  for (const auto& [target, artifact] : artifacts)
    certified.push_back({.target = target,
                         .built = &built.at(target),
                         .artifact = &artifact,
                         .proved = &none,
                         .order = claimed_order(claimed, target)});
  return certificate(read.policy, certified, sources);
}

// Reports what the certificate claims and is not so. `certify` makes it anew.
void replay(const std::string& path, Sources& sources, Sink& sink, const auto& certify) {
  const DiskFileSystem disk;
  auto content = disk.read(path, largest_certificate);
  if (!content.text) {
    sink.report(Kind::cannot_read, {}, {path, content.error});
    return;
  }
  const auto file = sources.add(path, *content.text);
  const Span span{.file = file, .begin = 0, .end = 0};
  const auto claimed = parse_certificate(sources.file(file).text());
  if (!claimed) {
    sink.report(Kind::bad_certificate, span, {"it is no JSON"});
    return;
  }
  const auto made = certify(*claimed);
  if (!made) {
    sink.report(Kind::not_proved, {}, {"the certificate", "it needs more than the budget"});
    return;
  }
  for (const auto& wrong : contradictions(*claimed, *made))
    sink.report(Kind::bad_certificate, span, {wrong});
}

// ", but for forward, which the policy leaves unmanaged"
std::string in_words(const std::vector<ir::Hook>& left_alone) {
  std::string names;
  for (const auto hook : left_alone)
    names += (names.empty() ? "" : " and ") + std::string(to_string(hook));
  return names.empty() ? names : ", but for " + names + ", which the policy leaves unmanaged";
}

}  // namespace

Exit verify(const VerifyOptions& options, Console& console) {
  Sources sources;
  Sink sink;
  const auto read = cli::read(options.path, options.policy, console, sources, sink);
  if (!read) return Exit::usage;
  std::map<Target, Built> built;
  std::vector<Verified> all;
  for (const auto& path : joined(options.artifacts)) {
    if (sink.has_errors()) break;
    auto operand = load(path, options.policy, console, sources, sink);
    if (!operand) return Exit::usage;
    const auto target = platform(operand->kind);
    if (!target) {
      complain(console, "`" + path + "` is a policy; what is verified are artifacts");
      return Exit::usage;
    }
    for (const auto family : operand->missing)
      sink.report(Kind::artifact_part_missing, {},
                  {"no file says anything of " + std::string(to_string(family))});
    Verified one{
        .operand = std::move(*operand), .target = *target, .comparison = {}, .left_alone = {}};
    if (!built.contains(*target))
      built.emplace(*target, build(*read, *target, options.approximate, sink));
    if (!sink.has_errors()) {
      one.comparison = compare(built.at(*target), one.operand, *target);
      one.left_alone = left_alone(built.at(*target), one.operand);
      report(built.at(*target), one, sink);
    }
    all.push_back(std::move(one));
  }
  bool certified = false;
  if (!options.certificate.empty() && !sink.has_errors()) {
    replay(options.certificate, sources, sink,
           [&](const Json& claimed) { return certify(*read, all, built, claimed, sources); });
    certified = !sink.has_errors();
  }
  if (options.policy.format == Format::json) {
    auto document = diagnostics_json(sink, sources);
    document["policy"] = options.path;
    document["artifacts"] = Json::array();
    for (const auto& one : all) {
      Json entry;
      entry["artifact"] = one.operand.name;
      entry["target"] = to_string(one.target);
      entry["equal"] = one.comparison.answer == semantics::Answer::equal;
      for (const auto hook : one.left_alone) entry["unmanaged"].push_back(to_string(hook));
      if (one.comparison.difference) entry["difference"] = to_json(*one.comparison.difference);
      document["artifacts"].push_back(std::move(entry));
    }
    if (!options.certificate.empty()) document["certificate_holds"] = certified;
    print_json(console, document);
  } else {
    show(console, sink, sources);
    for (const auto& one : all)
      if (one.comparison.answer == semantics::Answer::equal)
        console.out << one.operand.name << ": means what " << options.path
                    << " means, over every packet"
                    << (one.target == Target::netsh ? " that Windows filters" : "")
                    << in_words(one.left_alone) << "\n";
    if (certified) console.out << options.certificate << ": holds\n";
  }
  return sink.has_errors() ? failure(sink) : Exit::ok;
}

}  // namespace firewright::cli
