// Why one packet gets what it gets.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/evaluate.h"

namespace firewright::analysis {

// An exception that would have decided otherwise, and what kept it from matching.
struct NearMiss {
  const ir::Rule* rule = nullptr;
  std::vector<std::string> reasons;  // one for each field that does not match: "the source is ..."
  unsigned distance = 0;             // another service is farther away than another source
};

struct Explanation {
  ir::Decision decision;                  // with every limit still open
  bool managed = true;                    // false: the direction is left to others
  bool limited = false;                   // the decision hangs on a limit
  ir::Verdict over_limit;                 // what the packet gets when every limit is used up
  std::vector<const ir::Rule*> deciding;  // every exception of the deciding kind that matches, or
                                          // the one rule of baseline or default
  std::vector<NearMiss> near;  // of a verdict by default: the closest first, at most five
};

// `program` must be a lowered one: flat chains.
[[nodiscard]] Explanation explain(const ir::Program& program, const ir::Packet& packet);

}  // namespace firewright::analysis
