#include "compiler/analysis/treatment.h"

#include <algorithm>

#include "compiler/analysis/deciding.h"
#include "compiler/analysis/words.h"
#include "compiler/semantics/boolean.h"

namespace firewright::analysis {
namespace {

constexpr std::size_t most_deciders = 4;

std::vector<std::string> say_effects(const ir::Decision& decision) {
  std::vector<std::string> effects;
  for (const auto* rule : decision.effects) {
    if (rule->effects.log) effects.push_back("log " + quoted(*rule->effects.log));
    if (rule->effects.count) effects.push_back("count " + quoted(*rule->effects.count));
  }
  return effects;
}

std::string say(const Decider& decider, const ir::Verdict& verdict, ir::Hook hook,
                const Sources& sources) {
  using ir::OriginKind;
  std::string text;
  switch (decider.origin.kind) {
    case OriginKind::exception:
    case OriginKind::decoded: text = quoted(decider.origin.label); break;
    case OriginKind::default_verdict:
      text = "the default of " + std::string(to_string(hook));
      break;
    case OriginKind::loopback:
    case OriginKind::established:
    case OriginKind::icmp_errors:
    case OriginKind::neighbour_discovery:
    case OriginKind::drop_invalid:
    case OriginKind::default_log:
      text = "the baseline (" + std::string(to_string(decider.origin.kind)) + ")";
      break;
  }
  if (const auto at = place(decider.origin.span, sources); !at.empty()) text += " (" + at + ")";
  if (decider.verdict != verdict) text += ": " + to_string(decider.verdict);
  return text;
}

}  // namespace

Treatment treatment(const ir::Program& program, const semantics::Witness& witness) {
  Treatment result;
  result.managed = program.find(witness.packet.hook) != nullptr;
  if (const auto decision = ir::evaluate(program, witness.packet, witness.holds())) {
    result.verdict = decision->verdict;
    result.effects = say_effects(*decision);
    if (decision->rule != nullptr)
      result.deciders.push_back(
          {.verdict = decision->rule->verdict, .origin = decision->rule->origin});
  }
  return result;
}

Treatment treatment(const ir::Program& program, const semantics::Witness& witness,
                    std::span<const semantics::Box> boxes, semantics::Node set,
                    semantics::Diagrams& diagrams, const semantics::Space& space) {
  auto result = treatment(program, witness);
  const semantics::Booleans booleans(diagrams);
  for (const auto& box : boxes) {
    const auto packets = booleans.both(set, to_node(diagrams, space, box));
    const auto found =
        deciding(diagrams, space, program, witness.packet.hook, box, packets, most_deciders);
    result.more = result.more || found.more;
    for (const auto* rule : found.rules) {
      const bool known =
          std::any_of(result.deciders.begin(), result.deciders.end(), [&](const Decider& d) {
            return d.origin == rule->origin && d.origin.span == rule->origin.span;
          });
      if (!known) result.deciders.push_back({.verdict = rule->verdict, .origin = rule->origin});
    }
  }
  return result;
}

std::string place(Span span, const Sources& sources) {
  if (!span.known()) return {};
  const auto& file = sources.file(span.file);
  if (file.text().find('\0') != std::string_view::npos)
    return file.name() + "+" + std::to_string(span.begin);
  return file.name() + ":" + std::to_string(sources.position(span).line);
}

std::string say(const Treatment& treatment, ir::Hook hook, const Sources& sources) {
  auto text = to_string(treatment.verdict);
  if (!treatment.managed) return text + ", left to others";
  std::string by;
  for (const auto& one : treatment.deciders)
    by += (by.empty() ? "by " : ", ") + say(one, treatment.verdict, hook, sources);
  if (by.empty()) by = "at the end of the chain";
  text += ", " + by;
  if (treatment.more) text += " and others";
  for (const auto& effect : treatment.effects) text += "; " + effect;
  return text;
}

}  // namespace firewright::analysis
