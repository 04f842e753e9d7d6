// What a program does to the packets of a box, and by which rules.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compiler/base/source.h"
#include "compiler/ir/evaluate.h"
#include "compiler/semantics/boxes.h"
#include "compiler/semantics/witness.h"

namespace firewright::analysis {

struct Decider {
  ir::Verdict verdict;
  ir::Origin origin;
};

struct Treatment {
  ir::Verdict verdict;               // what the witness gets
  std::vector<Decider> deciders;     // the witness's first; none: no rule, but the end of a chain
  bool more = false;                 // others decide other packets of the box
  std::vector<std::string> effects;  // what the witness fires: "log `x`", "count `y`"
  bool managed = true;               // false: there is no chain on the hook
};

// Of a packet of the boxes.
[[nodiscard]] Treatment treatment(const ir::Program& program, const semantics::Witness& witness);
// With those that decide the other packets of the boxes which are in the set.
[[nodiscard]] Treatment treatment(const ir::Program& program, const semantics::Witness& witness,
                                  std::span<const semantics::Box> boxes, semantics::Node set,
                                  semantics::Diagrams& diagrams, const semantics::Space& space);

// "accept, by `rdp` (web.toml:14)"
[[nodiscard]] std::string say(const Treatment& treatment, ir::Hook hook, const Sources& sources);
// "web.toml:14"; of a file that is no text, the byte: "web.nlbatch+1204". Empty: no place.
[[nodiscard]] std::string place(Span span, const Sources& sources);

}  // namespace firewright::analysis
