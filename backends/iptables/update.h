// Loading beside other people's rules.
//
// A file for `iptables-restore --noflush` declares its own chains, which empties them, and, in
// coexist mode, inserts one jump from each built-in chain. No restore file can say "insert if
// absent": each of its commands either changes the number of equal rules by one or fails, and one
// failure aborts the run. So the first load takes the file as it is, and each later one takes it
// from `update`, which knows what stands there. Both are one atomic restore run.
//
// It owns only chains that begin with "firewright-", and jumps to them; nothing else is touched.
#pragma once

#include <string>
#include <string_view>

#include "backends/backend.h"

namespace firewright::iptables {

// Whether the files have to be loaded with --noflush: in coexist mode, and where a hook is not
// managed, since a restore that flushes would flush the others' chain too.
[[nodiscard]] bool needs_noflush(const ir::Program& program, const backend::Options& options);

// What to feed to `iptables-restore --noflush` where `saved`, the output of `iptables-save` of
// the same family and variant, with or without counters, tells what is loaded: jumps that stand
// there already are not inserted again, more than one of them become one, and own chains that
// `file` does not declare go.
[[nodiscard]] std::string update(std::string_view file, std::string_view saved);

}  // namespace firewright::iptables
