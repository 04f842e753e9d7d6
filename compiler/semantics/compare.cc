#include "compiler/semantics/compare.h"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "compiler/semantics/witness.h"

namespace firewright::semantics {
namespace {

constexpr std::array hooks{ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward};

// One attempt in one space. `done` is false when the budget did not suffice.
struct Attempt {
  bool done = false;
  bool broken = false;
  std::optional<Difference> difference;
  std::size_t which = 0;
  std::size_t nodes = 0;
  std::optional<Digests> digests;
};

Node leaf_of(Meanings& meanings, Node node, std::span<const std::uint32_t> ranks) {
  const auto& diagrams = meanings.diagrams();
  while (!Diagrams::is_leaf(node)) node = diagrams.child(node, ranks[diagrams.level(node)]);
  return node;
}

// No value: the budget is used up.
std::optional<Difference> describe(Meanings& meanings, ir::Hook hook, Node first, Node second) {
  auto& diagrams = meanings.diagrams();
  const auto different = diagrams.combine(diagrams.new_operation(), first, second,
                                          [](Node a, Node b) -> std::optional<Node> {
                                            if (a == b) return Diagrams::leaf(0);
                                            if (Diagrams::is_leaf(a) && Diagrams::is_leaf(b))
                                              return Diagrams::leaf(1);
                                            return std::nullopt;
                                          });
  auto shown = witness(diagrams, meanings.space(), hook, different);
  if (!shown) return std::nullopt;
  auto ranks = shown->ranks;
  const auto ends = [&] {
    return std::pair{leaf_of(meanings, first, ranks), leaf_of(meanings, second, ranks)};
  };
  const auto [a, b] = ends();
  Difference result;
  result.packet = std::move(shown->packet);
  // Only the predicates that it takes: the others may hold or not.
  for (std::size_t i = field_count; i < ranks.size(); ++i) {
    if (ranks[i] == 0) continue;
    ranks[i] = 0;
    if (ends() == std::pair{a, b}) continue;
    ranks[i] = 1;
    result.holding.push_back(meanings.space().predicate(static_cast<std::uint32_t>(i)));
  }
  result.first = to_text(meanings.outcomes()[Diagrams::value(a)], meanings.outcomes());
  result.second = to_text(meanings.outcomes()[Diagrams::value(b)], meanings.outcomes());
  return result;
}

// Takes the excluded packets out of a meaning.
Node inside(Meanings& meanings, Node outside, Node meaning) {
  if (outside == Diagrams::leaf(0)) return meaning;
  auto& diagrams = meanings.diagrams();
  return diagrams.combine(diagrams.new_operation(), outside, meaning,
                          [](Node out, Node value) -> std::optional<Node> {
                            if (out == Diagrams::leaf(1)) return Diagrams::leaf(0);
                            if (out == Diagrams::leaf(0)) return value;
                            return std::nullopt;
                          });
}

Node outside_of(Meanings& meanings, ir::Hook hook, std::span<const Excluded> excluded) {
  auto& diagrams = meanings.diagrams();
  const auto either = diagrams.new_operation();
  Node all = Diagrams::leaf(0);
  for (const auto& entry : excluded) {
    if (entry.hook != hook) continue;
    const auto one = meanings.space().match(diagrams, entry.match);
    all = diagrams.combine(either, all, one, [](Node a, Node b) -> std::optional<Node> {
      if (a == Diagrams::leaf(1) || b == Diagrams::leaf(0)) return a;
      if (b == Diagrams::leaf(1) || a == Diagrams::leaf(0)) return b;
      return std::nullopt;
    });
  }
  return all;
}

using Programs = std::span<const ir::Program* const>;

Attempt attempt(const ir::Program& first, Programs others, const ir::Program& excluded,
                const CompareOptions& options, FieldOrder order, Budget budget) {
  std::vector<const ir::Program*> all{&first, &excluded};
  all.insert(all.end(), others.begin(), others.end());
  Meanings meanings(all, order, budget);
  auto& diagrams = meanings.diagrams();
  Attempt result;
  for (const auto hook : hooks) {
    auto a = meanings.meaning(first, hook);
    const auto outside = outside_of(meanings, hook, options.excluded);
    if (a) a = inside(meanings, outside, *a);
    for (std::size_t i = 0; i < others.size(); ++i) {
      auto b = meanings.meaning(*others[i], hook);
      if (b) b = inside(meanings, outside, *b);
      result.nodes = diagrams.size();
      if (diagrams.exhausted()) return result;
      if (!a || !b) {
        result.broken = true;
        return result;
      }
      if (*a == *b) continue;
      result.difference = describe(meanings, hook, *a, *b);
      result.which = i;
      result.done = !diagrams.exhausted();
      return result;
    }
  }
  result.done = true;
  if (options.digests) result.digests = digests(meanings, first, order);
  return result;
}

bool has_predicates(const ir::Program& program) {
  for (const auto& chain : program.chains)
    for (const auto& rule : chain.rules)
      if (!rule.match.predicates.empty()) return true;
  return false;
}

// The part of a program that one family's packets see on one hook.
ir::Program slice(const ir::Program& program, ir::Hook hook, Family family) {
  ir::Program part;
  for (const auto& chain : program.chains) {
    if (chain.hook && *chain.hook != hook) continue;
    auto copy = chain;
    copy.rules.clear();
    for (const auto& rule : chain.rules) {
      if (!rule.match.families.contains(family)) continue;
      copy.rules.push_back(rule);
      ir::restrict_families(copy.rules.back().match, {family});
    }
    part.chains.push_back(std::move(copy));
  }
  return part;
}

}  // namespace

std::string to_text(const Outcome& outcome, const Outcomes& outcomes) {
  std::vector<std::string> effects;
  for (const auto effect : outcome.effects) effects.push_back(outcomes.effect_text(effect));
  std::sort(effects.begin(), effects.end());  // numbers depend on who came first
  auto text = ir::to_string(outcome.verdict);
  for (const auto& effect : effects) text += ", " + effect;
  return text;
}

Comparison compare(const ir::Program& first, const ir::Program& second,
                   const CompareOptions& options) {
  const std::array others{&second};
  return compare(first, others, options);
}

Comparison compare(const ir::Program& first, Programs others, const CompareOptions& options) {
  std::deque<ir::Program> renamed;
  std::vector<const ir::Program*> aligned;
  for (const auto* other : others) {
    if (has_predicates(*other)) other = &renamed.emplace_back(align_predicates(first, *other));
    aligned.push_back(other);
  }
  // The excluded sets' boundaries belong to the space as well.
  ir::Program boundaries;
  boundaries.chains.emplace_back();
  for (const auto& entry : options.excluded) {
    boundaries.chains.back().rules.emplace_back();
    boundaries.chains.back().rules.back().match = entry.match;
  }
  Comparison result;
  auto attempt_options = options;
  bool broken = false;
  // Whether the comparison is over.
  const auto attempt_in = [&](const ir::Program& a, Programs b, FieldOrder order, Budget budget) {
    auto one = attempt(a, b, boundaries, attempt_options, order, budget);
    result.nodes = std::max(result.nodes, one.nodes);
    result.digests = std::move(one.digests);
    broken = broken || one.broken;
    if (one.difference) {
      result.answer = Answer::different;
      result.difference = std::move(one.difference);
      result.which = one.which;
    }
    return one.done;
  };
  const auto part = [&](std::size_t parts) {
    return Budget{.nodes = options.budget.nodes,
                  .time = options.budget.time / static_cast<int>(parts)};
  };
  // Half the time for the whole, half for slices of it.
  for (const auto& [order, budget] : attempts(part(2))) {
    if (attempt_in(first, aligned, order, budget)) {
      if (!result.difference) result.answer = Answer::equal;
      return result;
    }
    if (broken) {
      result.why = "its chains jump in a circle or to nowhere, or two bear one name";
      return result;
    }
  }
  attempt_options.digests = false;  // of a slice they would say nothing
  bool all_done = true;
  for (const auto hook : hooks)
    for (const auto family : {Family::ipv4, Family::ipv6}) {
      const auto a = slice(first, hook, family);
      std::deque<ir::Program> slices;
      std::vector<const ir::Program*> b;
      for (const auto* other : aligned)
        b.push_back(&slices.emplace_back(slice(*other, hook, family)));
      bool done = false;
      for (const auto& [order, budget] : attempts(part(2 * hooks.size() * FamilySet::count))) {
        done = attempt_in(a, b, order, budget);
        if (result.difference) return result;
        if (done) break;
      }
      all_done = all_done && done;
    }
  if (all_done)
    result.answer = Answer::equal;
  else
    result.why = "its packet sets need more than " + std::to_string(options.budget.nodes) +
                 " nodes or " + std::to_string(options.budget.time.count()) +
                 " ms, or hang on thousands of limits at once";
  return result;
}

}  // namespace firewright::semantics
