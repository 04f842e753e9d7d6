#include "tests/backends/netsh/reading.h"

#include <algorithm>
#include <random>

#include "backends/netsh/decode.h"
#include "tests/backends/netsh/programs.h"

namespace firewright::netsh::test {
namespace {

const std::vector<backend::Unfiltered>& not_filtered() {
  static const auto list = unfiltered();
  return list;
}

std::string verdict(const ir::Program& program, const ir::Packet& packet,
                    const std::vector<ir::Predicate>& holding) {
  const auto decision = ir::evaluate(program, packet, [&](const ir::Predicate& predicate) {
    return std::find(holding.begin(), holding.end(), predicate) != holding.end();
  });
  return decision ? ir::to_string(decision->verdict) : "nothing";
}

}  // namespace

Read read_files(const Files& files) {
  Sources sources;
  Sink sink;
  std::vector<backend::ArtifactFile> list;
  for (const auto& [part, bytes] : files)
    list.push_back({.file = sources.add(part, bytes), .part = part});
  Read read{.program = decode(sources, list, sink), .errors = {}, .others = {}, .kinds = {}};
  for (const auto& diagnostic : sink.diagnostics()) {
    read.kinds.push_back(diagnostic.kind);
    std::string text(id(diagnostic.kind));
    if (diagnostic.span.known()) {
      const auto at = sources.position(diagnostic.span);
      text += " " + std::to_string(at.line) + ":" + std::to_string(at.column);
    }
    text += " " + diagnostic.message();
    (severity(diagnostic.kind) == Severity::error ? read.errors : read.others)
        .push_back(std::move(text));
  }
  return read;
}

Read read_script(const std::string& text) { return read_files({{"script", text}}); }

Files files_of(const backend::Artifact& artifact) {
  Files files;
  for (const auto& part : artifact.parts) files.emplace_back(part.name, part.bytes);
  return files;
}

bool is_unfiltered(const ir::Packet& packet) {
  return std::any_of(not_filtered().begin(), not_filtered().end(), [&](const auto& entry) {
    return entry.hook == packet.hook && ir::matches(entry.match, packet);
  });
}

semantics::Comparison compare_filtered(const ir::Program& a, const ir::Program& b,
                                       std::optional<std::size_t> but) {
  std::vector<semantics::Excluded> excluded;
  for (std::size_t i = 0; i < not_filtered().size(); ++i)
    if (i != but)
      excluded.push_back({.hook = not_filtered()[i].hook, .match = not_filtered()[i].match});
  return semantics::compare(a, b, {.excluded = excluded, .budget = {}});
}

std::string contradiction(const ir::Program& a, const ir::Program& b,
                          const semantics::Comparison& comparison, std::size_t count) {
  if (comparison.answer == semantics::Answer::not_proved) return comparison.why;
  if (comparison.answer == semantics::Answer::different) {
    const auto& difference = *comparison.difference;
    const auto first = verdict(a, difference.packet, difference.holding);
    // Predicates that hold are called what the comparison calls them.
    const auto second =
        verdict(semantics::align_predicates(a, b), difference.packet, difference.holding);
    const bool confirmed = first == difference.first && second == difference.second &&
                           first != second && !is_unfiltered(difference.packet);
    return confirmed ? "" : ir::to_text(difference.packet) + ": " + first + " and " + second;
  }
  // The cuts of both programs, and of what is not filtered.
  ir::Program cuts;
  cuts.chains.push_back({.name = "cuts", .hook = {}, .policy = {}, .rules = {}});
  for (const auto& entry : not_filtered())
    cuts.chains[0].rules.push_back(rule(ir::OriginKind::decoded, entry.match, ir::Verdict::drop()));
  const std::vector<const ir::Program*> programs{&a, &b, &cuts};
  const semantics::Space space(programs, semantics::FieldOrder::ports_first);
  std::mt19937 engine(1);
  std::vector<std::uint32_t> ranks(semantics::field_count + space.predicate_count());
  for (std::size_t seen = 0, tries = 0; seen < count && tries < 50 * count; ++tries) {
    for (std::uint32_t level = 0; level < semantics::field_count; ++level)
      ranks[level] = static_cast<std::uint32_t>(engine() % (space.last_rank(level) + 1));
    const auto packet =
        space.packet(engine() % 2 == 0 ? ir::Hook::inbound : ir::Hook::outbound, ranks);
    if (is_unfiltered(packet)) continue;
    ++seen;
    if (verdict(a, packet, {}) != verdict(b, packet, {}))
      return ir::to_text(packet) + ": " + verdict(a, packet, {}) + " and " + verdict(b, packet, {});
  }
  return {};
}

}  // namespace firewright::netsh::test
