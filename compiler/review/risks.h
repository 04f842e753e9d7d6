// What a reviewer should not overlook in a change, and what is said of a policy for the first time.
//
// Owns what counts as a risk: an administrative service open to the world, also where the policy
// itself ignores the finding; a deny that is gone or denies less; an assertion that is new, gone,
// changed or fails; a direction left to others; a target that cannot say the policy any more.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "compiler/review/review.h"

namespace firewright::review {

[[nodiscard]] std::optional<Place> place_of(Span span, const Sources& sources);
[[nodiscard]] Note note_of(const Diagnostic& diagnostic, const Sources& sources, Category category);

// What was found in packets on one target.
struct TargetDifference {
  Target target = Target::nftables;
  analysis::Difference difference;
};

// `before`: nullptr where there is nothing to compare with; then all is new.
[[nodiscard]] std::vector<Note> find_notes(const Side* before, const Side& after,
                                           std::span<const TargetDifference> differences);

}  // namespace firewright::review
