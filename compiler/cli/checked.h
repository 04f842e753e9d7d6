// What `check` finds out about a policy: what its targets say to it, its assertions, lint.
#pragma once

#include <cstddef>
#include <vector>

#include "compiler/analysis/assertions.h"
#include "compiler/base/target.h"
#include "compiler/cli/build.h"
#include "compiler/ir/program.h"

namespace firewright::cli {

struct TargetReport {
  Target target = Target::nftables;
  ir::Program program;
  bool capable = false;
  std::size_t cannot = 0;  // things that it cannot say
  Sink sink;
};

struct Checked {
  bool compiles = false;  // it is sound, and one of the targets, or all that were named, can say it
  std::size_t exceptions = 0;
  std::vector<TargetReport> reports;
  std::vector<analysis::AssertionResult> assertions;  // of the policy that was read
};

struct CheckWhat {
  std::vector<Target> targets;  // none: say which of them can
  bool approximate = false;
  Sink* ignored = nullptr;  // set: findings that the policy's `ignore` takes back
  bool assertions = true;   // prove them
  bool lint = true;
};

// Reports into `sink`, which already holds what is wrong with the text, and sorts it.
[[nodiscard]] Checked check_policy(const CheckWhat& what, const ReadPolicy& read, Sink& sink);

}  // namespace firewright::cli
