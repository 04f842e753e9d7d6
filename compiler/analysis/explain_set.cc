#include "compiler/analysis/explain_set.h"

#include <algorithm>
#include <array>

#include "compiler/semantics/boolean.h"
#include "compiler/semantics/meaning.h"

namespace firewright::analysis {
namespace {

using semantics::Booleans;
using semantics::Diagrams;
using semantics::Node;

constexpr std::size_t most_boxes = 50;  // of a part

int place_of(ir::VerdictKind kind) {
  return kind == ir::VerdictKind::accept ? 0 : kind == ir::VerdictKind::drop ? 1 : 2;
}

// States that were asked for need not be said again.
std::vector<semantics::Box> as_asked(std::vector<semantics::Box> boxes, const PacketSet& set) {
  for (auto& box : boxes)
    if (box.match.states == set.matches[0].states)
      box.match.states = {ir::ConntrackState::fresh, ir::ConntrackState::untracked};
  return boxes;
}

TreatedPart part_of(semantics::Meanings& meanings, const ir::Program& program, const PacketSet& set,
                    const Vocabulary& vocabulary, const ir::Verdict& verdict, Node packets) {
  auto& diagrams = meanings.diagrams();
  const auto& space = meanings.space();
  TreatedPart part;
  part.verdict = verdict;
  auto boxes = semantics::boxes(diagrams, space, packets, {.boxes = most_boxes});
  part.left_out =
      semantics::share(diagrams, space, boxes.rest) / semantics::share(diagrams, space, packets);
  for (auto& group : with_twins(std::move(boxes.boxes))) {
    TreatedBox one;
    one.words = say(vocabulary, set.hook, as_asked(group, set));
    if (auto found =
            semantics::witness(diagrams, space, set.hook, to_node(diagrams, space, group[0])))
      one.witness = std::move(*found);
    one.treatment = treatment(program, one.witness, group, packets, diagrams, space);
    one.boxes = std::move(group);
    part.boxes.push_back(std::move(one));
  }
  return part;
}

std::optional<SetExplanation> attempt(const ir::Program& program, const PacketSet& set,
                                      const Vocabulary& vocabulary, const semantics::Attempt& how) {
  ir::Program asked;  // so that the space knows the boundaries of the set
  asked.chains.push_back({.name = "asked", .hook = {}, .policy = {}, .rules = {}});
  for (const auto& match : set.matches) {
    ir::Rule rule;
    rule.match = match;
    asked.chains[0].rules.push_back(std::move(rule));
  }
  const std::array programs{&program, static_cast<const ir::Program*>(&asked)};
  semantics::Meanings meanings(programs, how.order, how.budget);
  auto& diagrams = meanings.diagrams();
  const Booleans booleans(diagrams);
  const auto meaning = meanings.meaning(program, set.hook);
  if (!meaning) return std::nullopt;
  auto packets = Booleans::none;
  for (const auto& match : set.matches)
    packets = booleans.either(packets, meanings.space().match(diagrams, match));

  std::vector<ir::Verdict> verdicts;
  const auto number = [&](std::uint32_t outcome) {
    const auto& verdict = meanings.outcomes()[outcome].verdict;
    const auto known = std::find(verdicts.begin(), verdicts.end(), verdict);
    const auto at = known - verdicts.begin();
    if (known == verdicts.end()) verdicts.push_back(verdict);
    return Diagrams::leaf(static_cast<std::uint32_t>(at) + 1);
  };
  const auto treated = diagrams.combine(diagrams.new_operation(), packets, *meaning,
                                        [&](Node in, Node y) -> std::optional<Node> {
                                          if (in == Booleans::none) return Booleans::none;
                                          if (!Diagrams::is_leaf(in) || !Diagrams::is_leaf(y))
                                            return std::nullopt;
                                          return number(Diagrams::value(y));
                                        });
  SetExplanation explanation;
  explanation.proved = true;
  for (std::uint32_t i = 0; i < verdicts.size(); ++i) {
    const auto part = diagrams.map(diagrams.new_operation(), treated, [&](std::uint32_t leaf) {
      return leaf == i + 1 ? Booleans::all : Booleans::none;
    });
    if (part == Booleans::none) continue;
    explanation.parts.push_back(part_of(meanings, program, set, vocabulary, verdicts[i], part));
  }
  std::stable_sort(explanation.parts.begin(), explanation.parts.end(),
                   [](const TreatedPart& a, const TreatedPart& b) {
                     return std::pair(place_of(a.verdict.kind), to_string(a.verdict)) <
                            std::pair(place_of(b.verdict.kind), to_string(b.verdict));
                   });
  if (diagrams.exhausted()) return std::nullopt;
  return explanation;
}

}  // namespace

SetExplanation explain(const ir::Program& program, const PacketSet& set,
                       const Vocabulary& vocabulary, semantics::Budget budget) {
  for (const auto& how : semantics::attempts(budget))
    if (auto explanation = attempt(program, set, vocabulary, how)) return std::move(*explanation);
  return {};
}

}  // namespace firewright::analysis
