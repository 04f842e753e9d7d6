#include "tests/backends/iptables/reading.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "backends/iptables/capable.h"
#include "backends/iptables/decode.h"
#include "compiler/lower/lower.h"
#include "compiler/policy/read.h"

namespace firewright::iptables::test {
namespace {

std::string shown(const Diagnostic& diagnostic, const Sources& sources) {
  auto text = std::string(id(diagnostic.kind));
  if (diagnostic.span.known()) {
    const auto& file = sources.file(diagnostic.span.file);
    const auto begin = file.position(diagnostic.span.begin);
    const auto end = file.position(diagnostic.span.end);
    text += ' ' + std::to_string(begin.line) + ':' + std::to_string(begin.column) + '-' +
            std::to_string(end.column);
  }
  return text + ' ' + diagnostic.message();
}

// What a packet gets, effects as a set.
std::string outcome(const ir::Program& program, const ir::Packet& packet,
                    const ir::PredicateValue& holds) {
  const auto decision = ir::evaluate(program, packet, holds);
  if (!decision) return "nothing";
  std::set<std::string> effects;
  for (const auto* rule : decision->effects) {
    if (rule->effects.log) effects.insert("log " + *rule->effects.log);
    if (rule->effects.count) effects.insert("count " + *rule->effects.count);
  }
  auto text = to_string(decision->verdict);
  for (const auto& effect : effects) text += ", " + effect;
  return text;
}

class FixedOwners final : public policy::OwnerDatabase {
 public:
  [[nodiscard]] std::optional<OwnerId> user(const std::string& name) const override {
    return name == "root" ? OwnerId{0} : OwnerId{1000};
  }
  [[nodiscard]] std::optional<OwnerId> group(const std::string& name) const override {
    return user(name);
  }
};

std::optional<Example> compiled(const std::filesystem::path& path) {
  const DiskFileSystem files;
  const FixedOwners owners;
  Sources sources;
  Sink sink;
  const auto policy = policy::read_policy(
      path.string(), std::nullopt,
      {.files = &files, .owners = &owners, .set_vars = {}, .vars_files = {}}, sources, sink);
  if (sink.has_errors()) return std::nullopt;
  Example example;
  example.name = path.stem().string();
  example.program = lower::lower(
      policy, {.target = Target::iptables, .today = {.year = 2026, .month = 1, .day = 1}}, sink);
  if (sink.has_errors()) return std::nullopt;
  example.options.iptables_coexist = policy.target.iptables_mode == policy::IptablesMode::coexist;
  example.options.iptables_ipset = policy.target.iptables_sets == policy::IptablesSets::ipset;
  example.options.policy_name = policy.name;
  for (const bool approximate : {false, true}) {
    example.options.approximate = approximate;
    Sink own;
    auto sayable = capable(example.program, example.options, own);
    if (own.has_errors()) continue;
    example.program = std::move(sayable);
    return example;
  }
  return std::nullopt;
}

}  // namespace

Read read_files(const std::string& v4, const std::string& v6,
                const std::optional<std::string>& sets) {
  Sources sources;
  Sink sink;
  std::vector<backend::ArtifactFile> files;
  if (!v4.empty()) files.push_back({.file = sources.add("v4", v4), .part = "v4"});
  if (!v6.empty()) files.push_back({.file = sources.add("v6", v6), .part = "v6"});
  if (sets) files.push_back({.file = sources.add("sets", *sets), .part = "sets"});
  Read read;
  read.program = decode(sources, files, sink);
  for (const auto& diagnostic : sink.diagnostics())
    (severity(diagnostic.kind) == Severity::error ? read.errors : read.others)
        .push_back(shown(diagnostic, sources));
  return read;
}

Read read_artifact(const backend::Artifact& artifact) {
  const auto* sets = artifact.find("sets");
  return read_files(artifact.find("v4")->bytes, artifact.find("v6")->bytes,
                    sets == nullptr ? std::nullopt : std::optional(sets->bytes));
}

Read read_rules(Family family, const std::string& rules) {
  const auto text = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n" +
                    rules + "COMMIT\n";
  return family == Family::ipv4 ? read_files(text, "") : read_files("", text);
}

std::string contradiction(const ir::Program& a, const ir::Program& b,
                          const semantics::Comparison& comparison, std::size_t count) {
  const auto aligned = semantics::align_predicates(a, b);
  if (comparison.answer == semantics::Answer::different) {
    const auto& witness = *comparison.difference;
    const ir::PredicateValue holds = [&](const ir::Predicate& predicate) {
      return std::ranges::find(witness.holding, predicate) != witness.holding.end();
    };
    const auto first = outcome(a, witness.packet, holds);
    const auto second = outcome(aligned, witness.packet, holds);
    if (first != second) return {};
    return "no difference on " + ir::to_text(witness.packet) + ": " + first;
  }
  if (comparison.answer == semantics::Answer::not_proved) return "not proved: " + comparison.why;
  Random random(static_cast<unsigned>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const auto packet = random_packet(random, i % 2 == 0 ? a : b);
    const auto salt = below(random, 1000);
    const ir::PredicateValue holds = [&](const ir::Predicate& predicate) {
      unsigned sum = salt;
      for (const char c : predicate.instance) sum = sum * 31 + static_cast<unsigned char>(c);
      return sum % 3 != 0;
    };
    const auto first = outcome(a, packet, holds);
    const auto second = outcome(aligned, packet, holds);
    if (first != second) return ir::to_text(packet) + ": " + first + ", the other " + second;
  }
  return {};
}

std::string to_text(const semantics::Comparison& comparison) {
  if (!comparison.difference) return comparison.why;
  const auto& difference = *comparison.difference;
  auto text =
      ir::to_text(difference.packet) + ": " + difference.first + ", the other " + difference.second;
  for (const auto& predicate : difference.holding) text += ", `" + predicate.instance + "` holds";
  return text;
}

const std::vector<Example>& examples() {
  static const auto list = [] {
    namespace fs = std::filesystem;
    std::vector<fs::path> paths;
    for (const auto* folder : {"policies", "policies/fleet/hosts"})
      for (const auto& entry : fs::directory_iterator(fs::path(FIREWRIGHT_SOURCE_DIR) / folder))
        if (entry.path().extension() == ".toml" && entry.path().stem() != "services")
          paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<Example> found;
    for (const auto& path : paths)
      if (auto example = compiled(path)) found.push_back(std::move(*example));
    return found;
  }();
  return list;
}

}  // namespace firewright::iptables::test
