// One plain packet out of a set of packets.
//
// Which one is chosen by an ordered list of preferences: a new connection, TCP, a well-known port,
// ordinary unicast addresses of the documentation ranges, a source that such a packet may have. The
// choice is the same on every machine. A packet that nobody would send is chosen only where the set
// holds no other.
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir/evaluate.h"
#include "compiler/semantics/diagram.h"
#include "compiler/semantics/space.h"

namespace firewright::semantics {

struct Witness {
  ir::Packet packet;
  std::vector<ir::Predicate> holding;  // the predicates that hold; the others do not
  std::vector<std::uint32_t> ranks;    // one a level

  // For ir::evaluate; refers to this witness.
  [[nodiscard]] ir::PredicateValue holds() const;
};

// A packet on `hook` of the set: a diagram with leaves 0 and 1. No value: the set is empty, or the
// budget is used up.
[[nodiscard]] std::optional<Witness> witness(Diagrams& diagrams, const Space& space, ir::Hook hook,
                                             Node set);

}  // namespace firewright::semantics
