// Which rules decide the packets of a box.
#pragma once

#include <cstddef>
#include <vector>

#include "compiler/ir/program.h"
#include "compiler/semantics/boxes.h"

namespace firewright::analysis {

struct Deciding {
  std::vector<const ir::Rule*> rules;  // one an origin, in the order in which packets meet them
  bool more = false;                   // and others, which were not looked for
};

// The rules that decide packets of a set which lies in the box, at most `most`; a chain's policy is
// no rule.
[[nodiscard]] Deciding deciding(semantics::Diagrams& diagrams, const semantics::Space& space,
                                const ir::Program& program, ir::Hook hook,
                                const semantics::Box& box, semantics::Node set, std::size_t most);

}  // namespace firewright::analysis
