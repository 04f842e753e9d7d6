// Two programs made easy to compare: the same limits and counters under the same names, and rules
// whose order says nothing in the same order. Neither changes what a program means.
#pragma once

#include <utility>

#include "compiler/ir/program.h"

namespace firewright::analysis {

// `program` with its limits and counters called what `reference` calls them: those that the same
// packets go through, then those of the same name, then those of the same service. One to one.
[[nodiscard]] ir::Program with_names_of(const ir::Program& reference, ir::Program program);

// Both with equal rules at equal places, as far as that can be had by exchanging neighbours whose
// order does not matter and putting in rules that do nothing: meanings are folded in pairs, so that
// what is equal is computed once.
[[nodiscard]] std::pair<ir::Program, ir::Program> side_by_side(const ir::Program& a,
                                                               const ir::Program& b);

}  // namespace firewright::analysis
