// The tables of a script as one program.
//
// Base chains of type filter on input, output and forward, in tables of ip, ip6 and inet, are the
// program's base chains, and the chains that they reach its other ones; what nothing reaches does
// nothing and is left out, and so is a table with the flag dormant. The kernel asks the chains of a
// hook in ascending priority; of two with the same, the one that was made later comes first
// (net/netfilter/core.c, nf_hook_entries_grow).
//
// Not compared, with a warning unless they have no rules and accept: chains of other types, on
// other hooks, of bridges and devices, and on output before connection tracking, where `ct state`
// does not mean what it says.
//
// A table of one family gets base chains that accept the other; its drop policy is a last rule, and
// `return` and `goto` in such a chain say themselves what the policy says.
//
// Refused: jumps to what is not there, to a base chain, in a circle, or deeper than the kernel
// goes.
#pragma once

#include <optional>

#include "backends/nftables/read_text_tree.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/ir/program.h"

namespace firewright::nftables::script {

// No value: an error was reported.
[[nodiscard]] std::optional<ir::Program> make_program(const Script& script, const Tree& tree,
                                                      Sink& sink);

}  // namespace firewright::nftables::script
