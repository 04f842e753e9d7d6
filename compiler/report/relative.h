// Boxes, as they are said of the packets of a set that everybody has in mind.
#pragma once

#include <vector>

#include "compiler/semantics/boxes.h"

namespace firewright::report {

// Makes boxes sayable: fields that let all of the set through are said to let everything through,
// and of the others only what the set has. Neither changes which packets of the set are in the box.
class Relative {
 public:
  Relative(semantics::Diagrams& diagrams, const semantics::Space& space, semantics::Node set);
  [[nodiscard]] semantics::Box of(const semantics::Box& box) const;
  // Of the set.
  [[nodiscard]] FamilySet families() const { return families_; }

 private:
  const semantics::Space& space_;
  FamilySet families_;
  std::vector<semantics::RankRanges> present_;  // a level's ranks that the set has; none: not asked
};

}  // namespace firewright::report
