// ClassBench filter sets as programs: source, destination, source ports, destination ports,
// protocol and mask; the first filter that matches decides. TCP flags are left out.
#pragma once

#include <optional>
#include <string>

#include "compiler/ir/program.h"

namespace firewright::bench {

enum class Verdicts { all_accept, half_drop };

// No value: the file cannot be read, or is no filter set.
[[nodiscard]] std::optional<ir::Program> read_classbench(const std::string& path,
                                                         Verdicts verdicts);

// Builds the set, an equal one in another order and one in which one filter is changed; compares
// it with both, and prints a line of figures. The exit code.
int run_classbench(const std::string& path, Verdicts verdicts);

}  // namespace firewright::bench
