// Which exceptions of a program do something: for each a packet that gets something else without
// it, or the finding that there is none.
//
// Works on lowered programs: one flat chain for each hook. All exceptions are looked at at once, by
// one diagram whose leaves say who decides a packet and what it would get without that one. An
// exception is all the rules of one origin: label and place.
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir/evaluate.h"
#include "compiler/ir/program.h"
#include "compiler/semantics/diagram.h"

namespace firewright::analysis {

// A packet, and which predicates hold for it; the others do not.
struct Example {
  ir::Packet packet;
  std::vector<ir::Predicate> holding;

  // For ir::evaluate; refers to this example.
  [[nodiscard]] ir::PredicateValue holds() const;
};

struct ExceptionUse {
  ir::Hook hook = ir::Hook::inbound;
  ir::Origin origin;
  std::vector<const ir::Rule*> rules;  // of the program that was asked about, in its order
  // The first of all to decide some packet, or fires an effect for one that nobody else fires.
  // Where exceptions of one kind overlap, the one that is written first counts as the first.
  bool decides = false;
  bool beats_an_accept = false;  // denies a packet that would be accepted without it
  // A packet whose verdict or effects are others without this exception. None: it is dead, it could
  // be taken out and nothing would change.
  std::optional<Example> alone;
};

// In the order of the chains, each exception once, where its first rule stands. No value: the
// budget is used up, or a chain is not flat.
[[nodiscard]] std::optional<std::vector<ExceptionUse>> exception_uses(
    const ir::Program& program, semantics::Budget budget = {});

// Who decides the packets of `use` when it is not there: the deciding rules, one for each origin,
// in the chain's order. No value: the budget is used up.
[[nodiscard]] std::optional<std::vector<const ir::Rule*>> deciders_without(
    const ir::Program& program, const ExceptionUse& use, semantics::Budget budget = {});

// Whether some packet matches both, whatever their predicates say. Exact.
[[nodiscard]] bool meet(const ir::Match& a, const ir::Match& b);

}  // namespace firewright::analysis
