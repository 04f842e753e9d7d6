// Policy to IR: what the policy's words mean for packets.
//
// Rules have no order in a policy; here they get one that says the same (firewright-policy(5),
// "What a packet gets"): baseline, denies, rejects, allows, the default. Allows without a limit
// stand before those with one, so that no token is spent on a packet that is welcome anyway.
#pragma once

#include "compiler/base/target.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/ir/program.h"
#include "compiler/policy/policy.h"

namespace firewright::lower {

struct Options {
  Target target = Target::nftables;  // zones become interfaces, or on Windows profiles; only-on
  policy::Date today;                // for `expires`
};

[[nodiscard]] ir::Program lower(const policy::Policy& policy, const Options& options, Sink& sink);

}  // namespace firewright::lower
