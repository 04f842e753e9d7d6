// A difference for people: on a terminal, and as Markdown for a pull request's comment.
#pragma once

#include <string>

#include "compiler/analysis/diff.h"
#include "compiler/base/source.h"

namespace firewright::analysis {

struct DiffNames {
  std::string before, after;  // "old.toml", "live"
};

// "2 newly accepted, 1 newly denied"; "no packet is treated differently".
[[nodiscard]] std::string summary(const Difference& difference);
// The sentence of the widest box that is newly accepted; empty: none is.
[[nodiscard]] std::string widest_opening(const Difference& difference);
// A share as a person would say it: "3%", "less than 0.01%".
[[nodiscard]] std::string percent(double share);

// Both are of a difference that was proved. Untrusted text in them is made safe.
[[nodiscard]] std::string to_text(const Difference& difference, const DiffNames& names,
                                  const Sources& sources);
[[nodiscard]] std::string to_markdown(const Difference& difference, const DiffNames& names,
                                      const Sources& sources);

}  // namespace firewright::analysis
