// Digests of meanings that depend on the meaning alone.
//
// Ranks depend on what else a Space was made for; a digest is taken over the values behind them, so
// that the same function of packets has the same digest in every Space of one field order. Names
// and regions of names count where they make a difference.
#pragma once

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "compiler/base/sha256.h"
#include "compiler/semantics/meaning.h"

namespace firewright::semantics {

// Of what packets of one family get: `node` is a meaning on some hook.
[[nodiscard]] Sha256 digest(Meanings& meanings, Node node, Family family);

// Of what a program means on each hook on which it has chains, by family; in one field order.
struct Digests {
  FieldOrder order = FieldOrder::ports_first;
  std::vector<std::pair<ir::Hook, std::array<Sha256, FamilySet::count>>> hooks;
};

// The program must be one that `meanings`, in this order, was made for. No value: the meaning does
// not fit into the budget.
[[nodiscard]] std::optional<Digests> digests(Meanings& meanings, const ir::Program& program,
                                             FieldOrder order);

}  // namespace firewright::semantics
