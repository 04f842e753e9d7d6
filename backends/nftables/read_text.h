// Reads nft's language: what `nft -f` loads and `nft list ruleset` prints, ours or anybody's.
//
// A file is taken as if it were loaded into an empty ruleset: `flush` and `delete` only undo what
// the file itself has said before. Chains of type filter on the hooks input, output and forward
// become the program's base chains, in the order in which the kernel asks them. Base chains
// elsewhere (nat, prerouting, bridges, ...) are a warning unless they are empty: they are not
// compared.
//
// What the reader assumes and what it refuses is said where it is decided: read_text_selectors.h
// for matches, read_text_statements.h for statements, read_text_program.h for chains.
//
// Shares no table and no helper with the encoder, see backends/backend.h.
#pragma once

#include <optional>

#include "compiler/base/source.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/ir/program.h"

namespace firewright::nftables {

// No value: an error was reported.
[[nodiscard]] std::optional<ir::Program> decode_text(const Sources& sources, FileId file,
                                                     Sink& sink);

}  // namespace firewright::nftables
