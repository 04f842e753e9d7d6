// Two firewalls that a command compares: named one by one, or one policy in two commits.
#pragma once

#include <optional>
#include <string>

#include "compiler/analysis/diff_text.h"
#include "compiler/cli/operand.h"

namespace firewright::cli {

struct Pair {
  Operand before, after;
  analysis::DiffNames names;  // as the user named them
  std::string trouble;        // what kept them from being read, of no diagnostic
};

// With `git`, BASE..HEAD or BASE, `after` names a policy in both; else `before` and `after` are
// operands. No value: `--at` is no date.
[[nodiscard]] std::optional<Pair> load_pair(const std::string& before, const std::string& after,
                                            const std::string& git, const PolicyOptions& options,
                                            Console& console, Sources& sources, Sink& sink);

// `wanted`, or the first target that can say every policy exactly; Linux before Windows. An
// artifact is of its own.
[[nodiscard]] Target target_of(const Pair& pair, std::optional<Target> wanted);

}  // namespace firewright::cli
