#include "compiler/semantics/meaning.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "compiler/semantics/unite.h"

namespace firewright::semantics {
namespace {

// How the packet left, then the effects.
std::vector<std::uint32_t> key_of(const Outcome& outcome) {
  const auto number = [](auto value) { return static_cast<std::uint32_t>(value); };
  std::vector<std::uint32_t> key{number(outcome.decided), number(outcome.returned), 0, 0};
  if (outcome.decided) key[2] = number(outcome.verdict.kind);
  if (outcome.decided && outcome.verdict.kind == ir::VerdictKind::reject)
    key[3] = number(outcome.verdict.reject);
  key.insert(key.end(), outcome.effects.begin(), outcome.effects.end());
  return key;
}

std::vector<std::uint32_t> joined(const std::vector<std::uint32_t>& a,
                                  const std::vector<std::uint32_t>& b) {
  std::vector<std::uint32_t> all;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
  return all;
}

}  // namespace

std::vector<Attempt> attempts(const Budget& budget) {
  constexpr std::size_t first_part = 16;
  const Budget quick{.nodes = budget.nodes / first_part, .time = budget.time / 8};
  const Budget whole{.nodes = budget.nodes, .time = budget.time * 3 / 8};
  return {{FieldOrder::ports_first, quick},
          {FieldOrder::addresses_first, quick},
          {FieldOrder::ports_first, whole},
          {FieldOrder::addresses_first, whole}};
}

Outcomes::Outcomes() { (void)number({}); }

std::uint32_t Outcomes::number(Outcome outcome) {
  const auto next = static_cast<std::uint32_t>(outcomes_.size());
  const auto [entry, added] = by_key_.emplace(key_of(outcome), next);
  if (added) outcomes_.push_back(std::move(outcome));
  return entry->second;
}

std::uint32_t Outcomes::effect(const std::string& text) {
  const auto next = static_cast<std::uint32_t>(effects_.size());
  const auto [entry, added] = by_effect_.emplace(text, next);
  if (added) effects_.push_back(text);
  return entry->second;
}

Meanings::Meanings(std::span<const ir::Program* const> programs, FieldOrder order, Budget budget)
    : diagrams_(budget),
      space_(programs, order),
      then_(diagrams_.new_operation()),
      after_accept_(diagrams_.new_operation()) {}

// One program's chains, each made once.
struct Meanings::Walk {
  std::map<std::string_view, const ir::Chain*> chains;
  std::map<std::string, Node> done;
  std::map<std::pair<std::string, ir::VerdictKind>, Node> called;  // by a jump or a goto
  std::set<std::string> open;
  bool broken = false;
};

std::optional<Node> Meanings::meaning(const ir::Program& program, ir::Hook hook) {
  const std::pair key{&program, hook};
  if (const auto known = made_.find(key); known != made_.end()) return known->second;
  const Outcome accepted{
      .decided = true, .returned = false, .verdict = ir::Verdict::accept(), .effects = {}};
  Walk walk{.chains = {}, .done = {}, .called = {}, .open = {}, .broken = false};
  for (const auto& chain : program.chains)
    if (!walk.chains.emplace(chain.name, &chain).second) walk.broken = true;
  auto all = Diagrams::leaf(outcomes_.number(accepted));
  bool first = true;
  for (const auto& base : program.chains) {
    if (base.hook != hook) continue;
    auto end = accepted;
    if (base.policy == ir::VerdictKind::drop) end.verdict = ir::Verdict::drop();
    const auto one = settle(at_hook(chain(walk, base), hook), end, end, diagrams_.new_operation());
    all = first ? one : after_accept(all, one);
    first = false;
  }
  if (walk.broken || diagrams_.exhausted()) return std::nullopt;
  made_.emplace(key, all);
  return all;
}

Node Meanings::at_hook(Node chain, ir::Hook hook) {
  if (hook == ir::Hook::forward) return chain;
  const auto level = space_.level(hook == ir::Hook::inbound ? Field::out : Field::in);
  const auto no_name = space_.last_rank(level);
  return diagrams_.combine(diagrams_.new_operation(), chain, chain,
                           [&](Node a, Node) -> std::optional<Node> {
                             if (diagrams_.level(a) > level) return a;
                             if (diagrams_.level(a) < level) return std::nullopt;
                             return diagrams_.child(a, no_name);
                           });
}

Node Meanings::after_accept(Node first, Node second) {
  return diagrams_.combine(after_accept_, first, second,
                           [&](Node a, Node b) -> std::optional<Node> {
                             if (!Diagrams::is_leaf(a)) return std::nullopt;
                             const auto& before = outcomes_[Diagrams::value(a)];
                             if (before.verdict.kind != ir::VerdictKind::accept) return a;
                             if (before.effects.empty()) return b;
                             if (!Diagrams::is_leaf(b)) return std::nullopt;
                             auto after = outcomes_[Diagrams::value(b)];
                             after.effects = joined(before.effects, after.effects);
                             return Diagrams::leaf(outcomes_.number(std::move(after)));
                           });
}

Node Meanings::settle(Node chain, Outcome undecided, Outcome returned, std::uint32_t operation) {
  return diagrams_.map(operation, chain, [&](std::uint32_t number) {
    const auto& outcome = outcomes_[number];
    if (outcome.decided) return Diagrams::leaf(number);
    auto settled = outcome.returned ? returned : undecided;
    settled.effects = joined(outcome.effects, settled.effects);
    return Diagrams::leaf(outcomes_.number(std::move(settled)));
  });
}

Node Meanings::then(Node first, Node second) {
  return diagrams_.combine(then_, first, second, [&](Node a, Node b) -> std::optional<Node> {
    if (a == Diagrams::leaf(Outcomes::undecided)) return b;
    if (b == Diagrams::leaf(Outcomes::undecided)) return a;
    if (!Diagrams::is_leaf(a)) return std::nullopt;
    const auto& before = outcomes_[Diagrams::value(a)];
    if (before.decided || before.returned) return a;
    if (!Diagrams::is_leaf(b)) return std::nullopt;
    auto after = outcomes_[Diagrams::value(b)];
    after.effects = joined(before.effects, after.effects);
    return Diagrams::leaf(outcomes_.number(std::move(after)));
  });
}

Node Meanings::fold(std::span<Node> rules) {
  if (rules.empty()) return Diagrams::leaf(Outcomes::undecided);
  // Neighbours first: balanced, and the results of small folds stay small.
  std::vector<Node> level(rules.begin(), rules.end());
  while (level.size() > 1) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < level.size(); i += 2)
      level[kept++] = i + 1 < level.size() ? then(level[i], level[i + 1]) : level[i];
    level.resize(kept);
  }
  return level.front();
}

Node Meanings::chain(Walk& walk, const ir::Chain& chain) {
  if (const auto done = walk.done.find(chain.name); done != walk.done.end()) return done->second;
  if (!walk.open.insert(chain.name).second) {
    walk.broken = true;
    return Diagrams::leaf(Outcomes::undecided);
  }
  std::vector<Node> nodes;
  std::vector<const ir::Match*> run;  // of rules that do the same
  std::optional<Node> outcome;
  const auto end_run = [&] {
    if (run.size() == 1) nodes.push_back(space_.match(diagrams_, *run.front(), *outcome));
    if (run.size() > 1) nodes.push_back(unite(diagrams_, space_, run, *outcome));
    run.clear();
  };
  for (const auto& entry : chain.rules) {
    const auto taken = this->taken(walk, entry);
    if (!Diagrams::is_leaf(taken) || taken != outcome) end_run();
    outcome = taken;
    if (!Diagrams::is_leaf(taken))
      nodes.push_back(where(entry.match, taken));
    else if (taken != Diagrams::leaf(Outcomes::undecided))
      run.push_back(&entry.match);
    if (diagrams_.exhausted() || walk.broken) break;
  }
  end_run();
  const auto node = fold(nodes);
  walk.open.erase(chain.name);
  walk.done.emplace(chain.name, node);
  return node;
}

Node Meanings::taken(Walk& walk, const ir::Rule& rule) {
  Outcome outcome;
  if (rule.effects.log) outcome.effects.push_back(outcomes_.effect("log " + *rule.effects.log));
  if (rule.effects.count)
    outcome.effects.push_back(outcomes_.effect("count " + *rule.effects.count));
  std::sort(outcome.effects.begin(), outcome.effects.end());
  Node then_node = Diagrams::leaf(Outcomes::undecided);
  switch (rule.verdict.kind) {
    case ir::VerdictKind::accept:
    case ir::VerdictKind::drop:
    case ir::VerdictKind::reject:
      outcome.decided = true;
      outcome.verdict = rule.verdict;
      break;
    case ir::VerdictKind::next: break;
    case ir::VerdictKind::return_: outcome.returned = true; break;
    case ir::VerdictKind::jump:
    case ir::VerdictKind::go_to: {
      then_node = called(walk, rule.verdict);
      break;
    }
  }
  const auto effect = Diagrams::leaf(outcomes_.number(outcome));
  return then(effect, then_node);
}

Node Meanings::where(const ir::Match& match, Node taken) {
  return diagrams_.combine(diagrams_.new_operation(), space_.match(diagrams_, match), taken,
                           [&](Node m, Node value) -> std::optional<Node> {
                             if (m == Diagrams::leaf(0)) return Diagrams::leaf(Outcomes::undecided);
                             if (m == Diagrams::leaf(1)) return value;
                             return std::nullopt;
                           });
}

// What a chain does to a packet that a jump or a goto sends there: back from a jump the packet goes
// on below it, back from a goto it leaves this chain too.
Node Meanings::called(Walk& walk, const ir::Verdict& verdict) {
  const std::pair key{verdict.chain, verdict.kind};
  if (const auto known = walk.called.find(key); known != walk.called.end()) return known->second;
  const auto target = walk.chains.find(verdict.chain);
  if (target == walk.chains.end()) {
    walk.broken = true;
    return Diagrams::leaf(Outcomes::undecided);
  }
  Outcome back;
  back.returned = verdict.kind == ir::VerdictKind::go_to;
  const auto node = settle(chain(walk, *target->second), back, back, diagrams_.new_operation());
  walk.called.emplace(key, node);
  return node;
}

}  // namespace firewright::semantics
