#include "compiler/analysis/decides.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "compiler/analysis/example_packet.h"
#include "compiler/semantics/boolean.h"
#include "compiler/semantics/space.h"

namespace firewright::analysis {
namespace {

using semantics::Budget;
using semantics::Diagrams;
using semantics::FieldOrder;
using semantics::Node;
using semantics::Space;

using Group = std::uint32_t;  // an exception, or one part of baseline and default
constexpr Group nobody = 0xffffffff;
constexpr Group several = 0xfffffffe;

// 0: undecided; else the verdict, reject with its kind.
using VerdictCode = std::uint32_t;
constexpr VerdictCode undecided = 0;

VerdictCode code(const ir::Verdict& verdict) {
  switch (verdict.kind) {
    case ir::VerdictKind::accept: return 1;
    case ir::VerdictKind::drop: return 2;
    case ir::VerdictKind::reject: return 3 + static_cast<VerdictCode>(verdict.reject);
    case ir::VerdictKind::next:
    case ir::VerdictKind::jump:
    case ir::VerdictKind::go_to:
    case ir::VerdictKind::return_: return undecided;
  }
  return undecided;
}

bool is_flat(const ir::Chain& chain) {
  return std::all_of(chain.rules.begin(), chain.rules.end(), [](const ir::Rule& rule) {
    return rule.verdict.kind == ir::VerdictKind::next || code(rule.verdict) != undecided;
  });
}

// Effects by number, sorted; who fires each: a group, or several of them.
struct Fired {
  std::uint32_t effect = 0;
  Group by = nobody;
  bool operator==(const Fired&) const = default;
};
using Effects = std::vector<Fired>;

Effects together(const Effects& a, const Effects& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  Effects all;
  auto i = a.begin();
  auto j = b.begin();
  while (i != a.end() || j != b.end()) {
    if (j == b.end() || (i != a.end() && i->effect < j->effect)) {
      all.push_back(*i++);
    } else if (i == a.end() || j->effect < i->effect) {
      all.push_back(*j++);
    } else {
      all.push_back({i->effect, i->by == j->by ? i->by : several});
      ++i;
      ++j;
    }
  }
  return all;
}

Effects without(Effects effects, Group group) {
  std::erase_if(effects, [&](const Fired& fired) { return fired.by == group; });
  return effects;
}

bool same_effects(const Effects& a, const Effects& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Fired& x, const Fired& y) { return x.effect == y.effect; });
}

// What a run of rules does to a packet: who decides it and with what effects, and both again with
// that one taken out.
struct State {
  Group first = nobody;
  VerdictCode verdict = undecided;
  VerdictCode otherwise = undecided;
  Effects effects;
  Effects otherwise_effects;  // empty while nobody decides
  bool operator==(const State&) const = default;
};

struct HashState {
  std::size_t operator()(const State& state) const {
    std::uint64_t h = state.first;
    const auto add = [&](std::uint64_t value) {
      h = (h ^ value) * 0x9ddfea08eb382d69ULL;
      h ^= h >> 31U;
    };
    add(state.verdict);
    add(state.otherwise);
    for (const auto* effects : {&state.effects, &state.otherwise_effects}) {
      add(effects->size());
      for (const auto& fired : *effects) add(std::uint64_t{fired.effect} << 32U | fired.by);
    }
    return static_cast<std::size_t>(h);
  }
};

State then(const State& a, const State& b) {
  State state = a;
  if (a.first == nobody) {
    state.first = b.first;
    state.verdict = b.verdict;
    state.otherwise = b.otherwise;
    state.effects = together(a.effects, b.effects);
    if (b.first != nobody)
      state.otherwise_effects = together(without(a.effects, b.first), b.otherwise_effects);
    return state;
  }
  if (a.otherwise != undecided) return state;
  const bool same = b.first == a.first;
  state.otherwise = same ? b.otherwise : b.verdict;
  state.otherwise_effects =
      together(a.otherwise_effects, same ? b.otherwise_effects : without(b.effects, a.first));
  return state;
}

// The leaves of a decider diagram, numbered.
class States {
 public:
  States() { (void)number({}); }
  std::uint32_t number(const State& state) {
    const auto [entry, added] =
        by_state_.try_emplace(state, static_cast<std::uint32_t>(states_.size()));
    if (added) states_.push_back(&entry->first);  // stays where it is
    return entry->second;
  }
  const State& operator[](std::uint32_t number) const { return *states_[number]; }
  [[nodiscard]] std::size_t size() const { return states_.size(); }

  std::uint32_t effect(const std::string& text) {
    return effects_.try_emplace(text, static_cast<std::uint32_t>(effects_.size())).first->second;
  }

 private:
  std::unordered_map<State, std::uint32_t, HashState> by_state_;
  std::vector<const State*> states_;
  std::map<std::string, std::uint32_t> effects_;
};

using OriginKey = std::tuple<ir::OriginKind, Span, std::string>;
OriginKey key_of(const ir::Origin& origin) { return {origin.kind, origin.span, origin.label}; }

// The rules of one chain as a decider diagram.
class Deciders {
 public:
  Deciders(const Space& space, Budget budget)
      : diagrams_(budget), space_(space), then_(diagrams_.new_operation()) {}

  [[nodiscard]] Diagrams& diagrams() { return diagrams_; }
  [[nodiscard]] const Space& space() const { return space_; }
  [[nodiscard]] const States& states() const { return states_; }

  // What the rule does to a packet that it matches.
  [[nodiscard]] State state_of(const ir::Rule& rule, Group group) {
    State state;
    state.verdict = code(rule.verdict);
    if (rule.effects.log) fire(state, "log " + *rule.effects.log, group);
    if (rule.effects.count) fire(state, "count " + *rule.effects.count, group);
    if (state.verdict != undecided) state.first = group;
    return state;
  }
  void add(const ir::Rule& rule, Group group) {
    const auto state = state_of(rule, group);
    if (state == State{}) return;
    push(space_.match(diagrams_, rule.match, Diagrams::leaf(states_.number(state))));
  }
  // Balanced, neighbours first.
  [[nodiscard]] Node fold() {
    while (rules_.size() > 1) {
      std::size_t kept = 0;
      for (std::size_t i = 0; i < rules_.size(); i += 2)
        rules_[kept++] = i + 1 < rules_.size() ? both(rules_[i], rules_[i + 1]) : rules_[i];
      rules_.resize(kept);
    }
    return rules_.empty() ? Diagrams::leaf(0) : rules_.front();
  }

 private:
  void push(Node node) { rules_.push_back(node); }

  void fire(State& state, const std::string& effect, Group group) {
    state.effects = together(state.effects, {{states_.effect(effect), group}});
  }

  Node both(Node first, Node second) {
    return diagrams_.combine(then_, first, second, [&](Node a, Node b) -> std::optional<Node> {
      const auto nothing = Diagrams::leaf(0);
      if (a == nothing) return b;
      if (b == nothing) return a;
      if (!Diagrams::is_leaf(a)) return std::nullopt;
      const auto& before = states_[Diagrams::value(a)];
      if (before.first != nobody && before.otherwise != undecided) return a;
      if (!Diagrams::is_leaf(b)) return std::nullopt;
      return then_leaf(Diagrams::value(a), Diagrams::value(b));
    });
  }

  // The same few pairs come again and again.
  Node then_leaf(std::uint32_t a, std::uint32_t b) {
    auto& known = pairs_[(a * 31U + b) % pairs_.size()];
    if (known.a != a || known.b != b)
      known = {.a = a, .b = b, .state = states_.number(then(states_[a], states_[b]))};
    return Diagrams::leaf(known.state);
  }

  struct Pair {
    std::uint32_t a = 0xffffffff, b = 0xffffffff, state = 0;
  };

  Diagrams diagrams_;
  const Space& space_;
  States states_;
  std::uint32_t then_;
  std::vector<Node> rules_;
  std::vector<Pair> pairs_ = std::vector<Pair>(1U << 12U);
};

// Walks a diagram and shows each leaf once, with a way to it.
template <class Leaf>
void for_each_leaf(const Diagrams& diagrams, Node root, const ExamplePackets& packets,
                   const Leaf& leaf) {
  std::vector<bool> seen(diagrams.size());
  std::vector<bool> seen_leaves;
  std::vector<Side> way;
  const auto first_time = [](std::vector<bool>& bits, std::size_t at) {
    if (bits.size() <= at) bits.resize(at * 2 + 1);
    const bool fresh = !bits[at];
    bits[at] = true;
    return fresh;
  };
  // As deep as there are levels. The edge that the plainest packet takes comes first.
  const auto visit = [&](const auto& self, Node node) -> void {
    if (Diagrams::is_leaf(node)) {
      if (first_time(seen_leaves, Diagrams::value(node))) leaf(Diagrams::value(node), way);
      return;
    }
    if (!first_time(seen, static_cast<std::size_t>(node))) return;
    const auto level = diagrams.level(node);
    const auto edges = diagrams.edges(node);
    const auto plain = static_cast<std::size_t>(
        std::lower_bound(
            edges.begin(), edges.end(), packets.plain_rank(level),
            [](const semantics::Edge& edge, std::uint32_t rank) { return edge.last < rank; }) -
        edges.begin());
    const auto take = [&](std::size_t i) {
      const auto child = edges[i].child;
      const auto& known = Diagrams::is_leaf(child) ? seen_leaves : seen;
      const std::size_t at =
          Diagrams::is_leaf(child) ? Diagrams::value(child) : static_cast<std::size_t>(child);
      if (at < known.size() && known[at]) return;
      way.push_back({level, i == 0 ? 0 : edges[i - 1].last + 1, edges[i].last});
      self(self, child);
      way.pop_back();
    };
    take(plain);
    for (std::size_t i = 0; i < edges.size(); ++i)
      if (i != plain) take(i);
  };
  visit(visit, root);
}

class Uses {
 public:
  explicit Uses(const ir::Chain& chain) : chain_(chain) {}

  std::optional<std::vector<ExceptionUse>> run(const Space& space, Budget budget) {
    Deciders deciders(space, budget);
    // What befalls every packet at the end needs no diagram.
    State end;
    for (const auto& rule : chain_.rules) {
      const auto group = group_of(rule);
      if (&rule == &chain_.rules.back() && rule.match == ir::Match{})
        end = deciders.state_of(rule, group);
      else
        deciders.add(rule, group);
      if (deciders.diagrams().exhausted()) return std::nullopt;
    }
    end = then(end, {.first = next_group_++,
                     .verdict = code({.kind = chain_.policy, .reject = {}, .chain = {}}),
                     .otherwise = undecided,
                     .effects = {},
                     .otherwise_effects = {}});
    const auto root = deciders.fold();
    if (deciders.diagrams().exhausted()) return std::nullopt;
    const ExamplePackets packets(deciders.space(), *chain_.hook);
    for_each_leaf(deciders.diagrams(), root, packets,
                  [&](std::uint32_t number, const std::vector<Side>& way) {
                    look_at(then(deciders.states()[number], end), way, packets);
                  });
    return std::move(uses_);
  }

 private:
  Group group_of(const ir::Rule& rule) {
    const auto [entry, added] = groups_.try_emplace(key_of(rule.origin), next_group_);
    if (added) {
      ++next_group_;
      use_of_.push_back(uses_.size());
      if (rule.origin.kind == ir::OriginKind::exception) {
        ExceptionUse use;
        use.hook = *chain_.hook;
        use.origin = rule.origin;
        uses_.push_back(std::move(use));
      } else {
        use_of_.back() = none;
      }
    }
    if (use_of_[entry->second] != none) uses_[use_of_[entry->second]].rules.push_back(&rule);
    return entry->second;
  }

  ExceptionUse* use_of(Group group) {
    if (group >= use_of_.size() || use_of_[group] == none) return nullptr;
    return &uses_[use_of_[group]];
  }

  void look_at(const State& state, const std::vector<Side>& way, const ExamplePackets& packets) {
    const auto example = [&](ExceptionUse& use) {
      if (!use.alone) use.alone = packets.in_box(way);
    };
    for (const auto& fired : state.effects)
      if (auto* use = use_of(fired.by)) {
        use->decides = true;
        if (fired.by != state.first) example(*use);
      }
    auto* use = use_of(state.first);
    if (use == nullptr) return;
    use->decides = true;
    const auto accept = code(ir::Verdict::accept());
    if (state.verdict != accept && state.otherwise == accept) use->beats_an_accept = true;
    if (state.verdict != state.otherwise || !same_effects(state.effects, state.otherwise_effects))
      example(*use);
  }

  static constexpr std::size_t none = ~std::size_t{0};
  const ir::Chain& chain_;
  std::map<OriginKey, Group> groups_;
  Group next_group_ = 0;
  std::vector<std::size_t> use_of_;  // by group: index of uses_
  std::vector<ExceptionUse> uses_;
};

// One program's, made when they are asked for.
class Spaces {
 public:
  explicit Spaces(const ir::Program& program) : program_(program) {}
  const Space& in(FieldOrder order) {
    const auto found = spaces_.find(order);
    if (found != spaces_.end()) return found->second;
    return spaces_.try_emplace(order, std::array<const ir::Program*, 1>{&program_}, order)
        .first->second;
  }

 private:
  const ir::Program& program_;
  std::map<FieldOrder, Space> spaces_;
};

// Mostly a long list of addresses meets many ports, and costs its length once only where addresses
// come first. Where it is the other way round that shows early.
std::optional<std::vector<ExceptionUse>> uses_of_chain(Spaces& spaces, const ir::Chain& chain,
                                                       Budget budget) {
  const Budget quick{.nodes = budget.nodes / 64, .time = budget.time / 8};
  const Budget whole{.nodes = budget.nodes / 2, .time = budget.time * 3 / 8};
  const std::pair<FieldOrder, Budget> attempts[] = {{FieldOrder::addresses_first, quick},
                                                    {FieldOrder::ports_first, quick},
                                                    {FieldOrder::ports_first, whole},
                                                    {FieldOrder::addresses_first, whole}};
  for (const auto& [order, part] : attempts)
    if (auto uses = Uses(chain).run(spaces.in(order), part)) return uses;
  return std::nullopt;
}

const ir::Chain* only_chain(const ir::Program& program, ir::Hook hook) {
  const ir::Chain* found = nullptr;
  for (const auto& chain : program.chains) {
    if (chain.hook != hook) continue;
    if (found != nullptr) return nullptr;
    found = &chain;
  }
  return found;
}

bool meet(const ir::InterfaceSet& a, const ir::InterfaceSet& b) {
  if (a.complemented() && b.complemented()) return true;  // of endlessly many names some are left
  if (a.complemented()) return meet(b, a);
  return std::any_of(a.patterns().begin(), a.patterns().end(), [&](const auto& p) {
    const auto covered_by = [&](const ir::InterfacePattern& q) {
      return (q.wildcard || !p.wildcard) && q.matches(p.name);
    };
    const auto& others = b.patterns();
    if (b.complemented()) return std::none_of(others.begin(), others.end(), covered_by);
    return std::any_of(others.begin(), others.end(), [&](const ir::InterfacePattern& q) {
      return covered_by(q) || ((p.wildcard || !q.wildcard) && p.matches(q.name));
    });
  });
}

}  // namespace

ir::PredicateValue Example::holds() const {
  return [this](const ir::Predicate& predicate) {
    return std::find(holding.begin(), holding.end(), predicate) != holding.end();
  };
}

std::optional<std::vector<ExceptionUse>> exception_uses(const ir::Program& program, Budget budget) {
  std::vector<ExceptionUse> all;
  Spaces spaces(program);
  for (const auto& chain : program.chains) {
    if (!is_flat(chain) || !chain.hook || only_chain(program, *chain.hook) == nullptr)
      return std::nullopt;
    auto uses = uses_of_chain(spaces, chain, budget);
    if (!uses) return std::nullopt;
    all.insert(all.end(), std::make_move_iterator(uses->begin()),
               std::make_move_iterator(uses->end()));
  }
  return all;
}

std::optional<std::vector<const ir::Rule*>> deciders_without(const ir::Program& program,
                                                             const ExceptionUse& use,
                                                             Budget budget) {
  const auto* chain = only_chain(program, use.hook);
  if (chain == nullptr) return std::nullopt;
  const auto is_of = [](const ir::Rule& rule, const ExceptionUse& other) {
    return std::find(other.rules.begin(), other.rules.end(), &rule) != other.rules.end();
  };
  // Only the rules that some of its packets meet; there are few of them.
  ir::Program met;
  met.chains.push_back(
      {.name = chain->name, .hook = chain->hook, .policy = chain->policy, .rules = {}});
  std::vector<const ir::Rule*> originals;
  for (const auto& rule : chain->rules) {
    if (code(rule.verdict) == undecided || is_of(rule, use)) continue;
    if (std::none_of(use.rules.begin(), use.rules.end(),
                     [&](const ir::Rule* own) { return meet(own->match, rule.match); }))
      continue;
    met.chains.front().rules.push_back(rule);
    originals.push_back(&rule);
  }
  auto domain = met;
  for (const auto* rule : use.rules) domain.chains.front().rules.push_back(*rule);
  const Space space(std::array<const ir::Program*, 1>{&domain}, FieldOrder::ports_first);
  Deciders deciders(space, budget);
  for (std::size_t i = 0; i < originals.size(); ++i)
    deciders.add(met.chains.front().rules[i], static_cast<Group>(i));
  const auto all = deciders.fold();
  auto& diagrams = deciders.diagrams();
  const semantics::Booleans booleans(diagrams);
  auto own = semantics::Booleans::none;
  for (const auto* rule : use.rules)
    own = booleans.either(own, deciders.space().match(diagrams, rule->match));
  const auto within = diagrams.combine(diagrams.new_operation(), own, all,
                                       [&](Node set, Node value) -> std::optional<Node> {
                                         if (set == semantics::Booleans::none) return set;
                                         if (set == semantics::Booleans::all) return value;
                                         return std::nullopt;
                                       });
  if (diagrams.exhausted()) return std::nullopt;
  std::vector<bool> decides(originals.size());
  const ExamplePackets packets(deciders.space(), use.hook);
  for_each_leaf(diagrams, within, packets, [&](std::uint32_t number, const std::vector<Side>&) {
    const auto first = deciders.states()[number].first;
    if (first != nobody) decides[first] = true;
  });
  std::vector<const ir::Rule*> found;
  for (std::size_t i = 0; i < originals.size(); ++i) {
    const auto same = [&](const ir::Rule* other) {
      return key_of(other->origin) == key_of(originals[i]->origin);
    };
    if (decides[i] && std::none_of(found.begin(), found.end(), same)) found.push_back(originals[i]);
  }
  return found;
}

bool meet(const ir::Match& a, const ir::Match& b) {
  if (!a.destination_ports.intersects(b.destination_ports)) return false;
  if (!a.protocols.intersects(b.protocols) || !a.icmp.intersects(b.icmp)) return false;
  if (!a.source_ports.intersects(b.source_ports)) return false;
  if ((a.states & b.states).empty() || (a.profiles & b.profiles).empty()) return false;
  if (!a.users.intersects(b.users) || !a.groups.intersects(b.groups)) return false;
  const auto name = [](const std::string& x, const std::string& y) {
    return x.empty() || y.empty() || x == y;
  };
  if (!name(a.program, b.program) || !name(a.windows_service, b.windows_service)) return false;
  if (!meet(a.in, b.in) || !meet(a.out, b.out)) return false;
  const auto families = a.families & b.families;
  const bool v4 = families.contains(Family::ipv4) && a.source.v4.intersects(b.source.v4) &&
                  a.destination.v4.intersects(b.destination.v4);
  const bool v6 = families.contains(Family::ipv6) && a.source.v6.intersects(b.source.v6) &&
                  a.destination.v6.intersects(b.destination.v6);
  return v4 || v6;
}

}  // namespace firewright::analysis
