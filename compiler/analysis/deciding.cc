#include "compiler/analysis/deciding.h"

#include <algorithm>
#include <tuple>

#include "compiler/semantics/boolean.h"

namespace firewright::analysis {
namespace {

using semantics::Booleans;
using semantics::Node;

constexpr int deepest_jump = 64;
constexpr std::size_t most_rules = 4000;  // that overlap the box and are looked into

template <class T>
bool meet(const IntervalSet<T>& a, const IntervalSet<T>& b) {
  auto i = a.intervals().begin();
  auto j = b.intervals().begin();
  while (i != a.intervals().end() && j != b.intervals().end()) {
    if (i->last < j->first)
      ++i;
    else if (j->last < i->first)
      ++j;
    else
      return true;
  }
  return false;
}

// A quick no for the many rules that have nothing to do with the box.
bool may_meet(const ir::Match& a, const ir::Match& b) {
  return !(a.states & b.states).empty() && meet(a.protocols, b.protocols) &&
         meet(a.destination_ports, b.destination_ports) &&
         ((meet(a.source.v4, b.source.v4) && meet(a.destination.v4, b.destination.v4)) ||
          (meet(a.source.v6, b.source.v6) && meet(a.destination.v6, b.destination.v6)));
}

class Walk {
 public:
  Walk(semantics::Diagrams& diagrams, const semantics::Space& space, const ir::Program& program,
       const semantics::Box& box, std::size_t most)
      : diagrams_(diagrams),
        booleans_(diagrams),
        space_(space),
        program_(program),
        box_(box),
        most_(most) {}

  Deciding run(ir::Hook hook, Node packets) {
    const ir::Chain* last = nullptr;
    for (const auto& base : program_.chains)
      if (base.hook == hook) last = &base;
    for (const auto& base : program_.chains) {
      if (base.hook != hook) continue;
      is_last_ = &base == last;
      accepted_ = Booleans::none;
      const auto fell = chain(base, packets, 0);
      packets =
          base.policy == ir::VerdictKind::drop ? accepted_ : booleans_.either(accepted_, fell);
    }
    // Where the last chain has nothing to say, those that let the packets come so far have said it.
    if (result_.rules.empty()) result_.rules = earlier_;
    return std::move(result_);
  }

 private:
  // Gives the packets that came through undecided.
  Node chain(const ir::Chain& chain, Node packets, int depth) {
    auto returned = Booleans::none;
    if (depth > deepest_jump) return packets;
    for (const auto& rule : chain.rules) {
      if (packets == Booleans::none || result_.more || diagrams_.exhausted()) break;
      if (!may_meet(rule.match, box_.match)) continue;
      const auto matched = booleans_.both(packets, space_.match(diagrams_, rule.match));
      if (matched == Booleans::none) continue;
      if (++looked_at_ > most_rules) result_.more = true;
      switch (rule.verdict.kind) {
        case ir::VerdictKind::accept:
          accepted_ = booleans_.either(accepted_, matched);
          found(is_last_ ? result_.rules : earlier_, rule);
          break;
        case ir::VerdictKind::drop:
        case ir::VerdictKind::reject: found(result_.rules, rule); break;
        case ir::VerdictKind::next: continue;
        case ir::VerdictKind::return_: returned = booleans_.either(returned, matched); break;
        case ir::VerdictKind::jump:
        case ir::VerdictKind::go_to: {
          const auto* target = program_.find(rule.verdict.chain);
          if (target == nullptr) break;
          const auto back = this->chain(*target, matched, depth + 1);
          if (rule.verdict.kind == ir::VerdictKind::go_to) {
            returned = booleans_.either(returned, back);
          } else {
            packets = booleans_.either(booleans_.without(packets, matched), back);
            continue;
          }
          break;
        }
      }
      packets = booleans_.without(packets, matched);
    }
    return booleans_.either(packets, returned);
  }

  void found(std::vector<const ir::Rule*>& list, const ir::Rule& rule) {
    const bool known = std::any_of(list.begin(), list.end(), [&](const ir::Rule* other) {
      return other->origin.span == rule.origin.span && other->origin == rule.origin;
    });
    if (known) return;
    if (list.size() == most_)
      result_.more = true;
    else
      list.push_back(&rule);
  }

  semantics::Diagrams& diagrams_;
  Booleans booleans_;
  const semantics::Space& space_;
  const ir::Program& program_;
  const semantics::Box& box_;
  std::size_t most_;
  Deciding result_;
  std::vector<const ir::Rule*> earlier_;  // that accept in chains before the last one
  Node accepted_ = Booleans::none;
  bool is_last_ = true;
  std::size_t looked_at_ = 0;
};

}  // namespace

Deciding deciding(semantics::Diagrams& diagrams, const semantics::Space& space,
                  const ir::Program& program, ir::Hook hook, const semantics::Box& box, Node set,
                  std::size_t most) {
  return Walk(diagrams, space, program, box, most).run(hook, set);
}

}  // namespace firewright::analysis
