// A number for a match, by which equal ones are found among many without comparing all pairs.
#pragma once

#include <cstddef>

#include "compiler/ir/program.h"

namespace firewright::ir {

// Equal matches have equal hashes. It differs from machine to machine: nothing that is written may
// depend on it.
[[nodiscard]] std::size_t hash(const Match& match);

}  // namespace firewright::ir
