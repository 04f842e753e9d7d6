// Changes of whole files, for the kinds of damage in mutate.cc. Each gives every way to do it.
#pragma once

#include <cstddef>
#include <vector>

#include "tests/backends/iptables/mutate.h"

namespace firewright::iptables::test::damage {

using Files = std::vector<FileLines>;

[[nodiscard]] std::vector<std::size_t> rules_in(const FileLines& lines);
[[nodiscard]] Files dropped(const FileLines& lines);
// The rule moved, or copied, to the first or last place of its chain.
[[nodiscard]] Files at_the_end(const FileLines& lines, bool top, bool copy);
[[nodiscard]] Files swapped(const FileLines& lines);
[[nodiscard]] Files other_policy(const FileLines& lines);
[[nodiscard]] Files other_chain(const FileLines& lines);
[[nodiscard]] Files other_jump(const FileLines& lines);
[[nodiscard]] Files emptied(const FileLines& lines);
[[nodiscard]] Files chain_emptied(const FileLines& lines);
// Two buckets become one.
[[nodiscard]] Files shared_bucket(const FileLines& lines);
// One bucket becomes two: the rule that holds a limit is copied in place of the jumps to it.
[[nodiscard]] Files apart_bucket(const FileLines& lines);

}  // namespace firewright::iptables::test::damage
