// Digests of meanings that depend on the meaning alone.
//
// Ranks depend on what else a Space was made for; a digest is taken over the values behind them, so
// that the same function of packets has the same digest in every Space of one field order. Names
// and regions of names count where they make a difference.
#pragma once

#include "compiler/base/sha256.h"
#include "compiler/semantics/meaning.h"

namespace firewright::semantics {

// Of what packets of one family get: `node` is a meaning on some hook.
[[nodiscard]] Sha256 digest(Meanings& meanings, Node node, Family family);

}  // namespace firewright::semantics
