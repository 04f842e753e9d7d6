// The packets that one of many matches holds for, made at once.
//
// Rule by rule and then joined, n matches cost n log n nodes, most of which nobody needs again.
// Here matches are taken apart field by field: those that agree in a field go down together, and
// where the groups of a field do not meet, which is so nearly always, its node is made in one go.
#pragma once

#include <span>

#include "compiler/ir/program.h"
#include "compiler/semantics/diagram.h"
#include "compiler/semantics/space.h"

namespace firewright::semantics {

// The leaf `yes` where one of the matches holds, leaf 0 elsewhere.
[[nodiscard]] Node unite(Diagrams& diagrams, const Space& space,
                         std::span<const ir::Match* const> matches, Node yes);

}  // namespace firewright::semantics
