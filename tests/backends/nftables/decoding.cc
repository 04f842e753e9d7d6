#include "tests/backends/nftables/decoding.h"

#include "backends/nftables/decode.h"
#include "tests/backends/nftables/text_reading.h"

namespace firewright::test {
namespace {

std::string broken_rule(const ir::Program& program, const Sources& sources) {
  for (const auto& chain : program.chains)
    for (const auto& rule : chain.rules) {
      const auto& span = rule.origin.span;
      if (!span.known() || span.begin >= span.end ||
          span.end > sources.file(span.file).text().size())
        return "no place: " + rule.origin.label;
      if (!valid(rule.match)) return "invalid: " + ir::to_text(rule.match);
    }
  return {};
}

}  // namespace

Decoded decode(const std::string& part, const std::string& bytes) {
  Sources sources;
  Sink sink;
  const auto file = sources.add("artifact", bytes);
  const backend::ArtifactFile artifact[] = {{.file = file, .part = part}};
  Decoded result;
  result.program = nftables::decode(sources, artifact, sink);
  for (const auto& diagnostic : sink.diagnostics()) {
    const bool error = severity(diagnostic.kind) == Severity::error;
    auto& text = error ? result.errors : result.notes;
    text += std::string(id(diagnostic.kind)) + ": " + diagnostic.message() + "\n";
    const auto& span = diagnostic.span;
    if (!bytes.empty() && (span.file != file || span.end > bytes.size() || span.begin > span.end))
      result.broken = "no place: " + diagnostic.message();
  }
  if (result.program && result.broken.empty())
    result.broken = broken_rule(*result.program, sources);
  if (result.program && !result.errors.empty()) result.broken = "a program beside an error";
  if (!result.program && result.errors.empty()) result.broken = "neither a program nor an error";
  return result;
}

std::string difference(const ir::Program& expected, const ir::Program& decoded) {
  const auto comparison = semantics::compare(expected, decoded);
  return comparison.answer == semantics::Answer::equal ? std::string() : shown(comparison);
}

}  // namespace firewright::test
