// One exception's keys as IR matches: the product of its narrowings, a Match for each part of its
// layer-4 union.
#pragma once

#include <optional>
#include <vector>

#include "compiler/base/target.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/ir/program.h"
#include "compiler/policy/policy.h"

namespace firewright::lower {

// Disjoint matches that together are the exception's packet set. Empty when an error was reported:
// a narrowing that leaves nothing is one. Limits and effects are not looked at.
[[nodiscard]] std::vector<ir::Match> to_matches(const policy::Policy& policy,
                                                const policy::Exception& exception, Target target,
                                                Sink& sink);

// Whether some packet matches both, whatever their predicates say.
[[nodiscard]] bool overlap(const ir::Match& a, const ir::Match& b);

// Whether every packet that matches `narrow` surely matches `wide`. May say no where it is so.
[[nodiscard]] bool covers(const ir::Match& wide, const ir::Match& narrow);

}  // namespace firewright::lower
