// A difference as the commands of a host's life tell it: in packets, in bounded time.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "compiler/analysis/diff.h"
#include "compiler/analysis/diff_text.h"
#include "compiler/base/source.h"
#include "compiler/ir/program.h"

namespace firewright::cli {

// From what stands to what is to stand. Limits bear no comparable names in what is read back, so
// equal ones are taken for the same. The time is bounded; then the difference is "not proved".
// `all`: as for JSON, more than people are shown.
[[nodiscard]] analysis::Difference changes(const ir::Program& before, const ir::Program& after,
                                           const analysis::Vocabulary& vocabulary, bool all);

// The JSON of `diff`, without diagnostics.
[[nodiscard]] nlohmann::ordered_json to_json(const analysis::Difference& difference,
                                             const analysis::DiffNames& names,
                                             const Sources& sources);

}  // namespace firewright::cli
