// A set of packets as few boxes that a person can read.
//
// A box is a product of sets, one for each field, as a rule's match is. Boxes are maximal: no field
// of one can be wider without leaving the set, so they may overlap, unless narrowing one where
// others overlap it takes fewer words. Together they are exactly the set, unless that takes more
// boxes than asked for; then it is known how much of it they leave out. Finding the fewest is hard
// (set cover); these are few: the widest path of the diagram first, every field widened,
// subtracted, and again, then those dropped that others cover.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "compiler/ir/evaluate.h"
#include "compiler/semantics/diagram.h"
#include "compiler/semantics/space.h"

namespace firewright::semantics {

using RankRanges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;  // sorted, inclusive

// Which owners are in a box, as far as a match cannot say it.
struct OwnersBeyond {
  bool somebody = false;  // a packet without an owner is not in the box
  OwnerSet except;        // nor is one of these, while one without an owner is
  bool operator==(const OwnersBeyond&) const = default;
};

struct Box {
  ir::Match match;  // with the predicates that must hold
  // What satisfies `match` and is not in the box. Empty but where programs mention names inside a
  // wildcard, or take an owner or a program out of all others.
  std::vector<ir::InterfacePattern> in_except, out_except;
  OwnersBeyond users, groups;
  std::vector<std::string> programs_except, services_except;
  std::vector<ir::Predicate> without;  // the predicates that must not hold

  double share = 0;               // of all packets: see share()
  std::vector<RankRanges> ranks;  // one entry a level; of the families in `match`
};
[[nodiscard]] bool contains(const Box& box, const ir::Packet& packet,
                            const ir::PredicateValue& holds);
// The box as a diagram of the space it was made in.
[[nodiscard]] Node to_node(Diagrams& diagrams, const Space& space, const Box& box);

struct BoxLimits {
  std::size_t boxes = 200;
  std::size_t visits = 20'000'000;  // of nodes, over all
};

struct Boxes {
  std::vector<Box> boxes;  // the widest first
  Node rest{};             // what is in the set and in none of the boxes
};

// `set` and `free` have the leaves 0 and 1. Boxes may also hold packets of `free`, which do not
// matter, where that makes them wider. When the diagrams' budget runs out the answer is
// meaningless, as all that they say from then on.
[[nodiscard]] Boxes boxes(Diagrams& diagrams, const Space& space, Node set,
                          const BoxLimits& limits = {}, Node free = Diagrams::leaf(0));

// How much of all packets is in the set, if both families were equally common, and each value of a
// field in its family as well. Only good for comparing sets of one space.
[[nodiscard]] double share(const Diagrams& diagrams, const Space& space, Node set);

}  // namespace firewright::semantics
