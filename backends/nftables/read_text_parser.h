// The commands and blocks of an nft script: tokens to a tree.
//
// Understands `table` blocks with what is in them; `add` and `create` of tables, chains, rules,
// sets, maps, elements and objects; `insert rule`; `delete` and `destroy` of what is named;
// `flush`. Refuses what refers to the ruleset that is loaded (handles, positions, `replace`,
// `list`), and `include`.
#pragma once

#include <optional>

#include "backends/nftables/read_text_tokens.h"
#include "backends/nftables/read_text_tree.h"

namespace firewright::nftables::script {

// No value: an error was reported.
[[nodiscard]] std::optional<Tree> parse(const Script& script, Sink& sink);

}  // namespace firewright::nftables::script
