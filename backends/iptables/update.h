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

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"

namespace firewright::iptables {

// Whether the files have to be loaded with --noflush: in coexist mode, and where a hook is not
// managed, since a restore that flushes would flush the others' chain too.
[[nodiscard]] bool needs_noflush(const ir::Program& program, const backend::Options& options);

// What to feed to `iptables-restore --noflush` where `saved`, the output of `iptables-save` of
// the same family and variant, with or without counters, tells what is loaded: jumps that stand
// there already are not inserted again, more than one of them become one, and own chains that
// `file` does not declare go, but for those that rules of a built-in chain lead to.
[[nodiscard]] std::string update(std::string_view file, std::string_view saved);

// What of `saved` is ours, as a file to give to `update` later: own chains, their rules and the
// plain jumps to them. Nothing of ours: a file that takes all of ours away.
[[nodiscard]] std::string own_part(std::string_view saved);

// The same where `built_in` chains ("INPUT") are ours and the others are not, with the own chains
// that packets get to from them; a chain that is not in `saved` becomes empty and accepts, but for
// the `jumps`.
[[nodiscard]] std::string built_in_part(std::string_view saved,
                                        std::span<const std::string> built_in,
                                        std::string_view jumps = {});

// The plain jumps from these chains to our own ones, as lines that insert them.
[[nodiscard]] std::string own_jumps(std::string_view saved, std::span<const std::string> from);

// The built-in chains that a program manages, in the order of a file.
[[nodiscard]] std::vector<std::string> managed_chains(const ir::Program& program);

}  // namespace firewright::iptables
