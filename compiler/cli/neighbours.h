// What else on this host decides about packets, held against the policy.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/cli/standing.h"
#include "compiler/ir/program.h"

namespace firewright::cli {

// Sentences for people, each of one thing: another manager that means to own the firewall, other
// base chains that deny what the policy accepts, redirects that lead packets past a deny. `program`
// is what stands at `place`.
[[nodiscard]] std::vector<std::string> neighbours(const ir::Program& program, const Place& place);

}  // namespace firewright::cli
