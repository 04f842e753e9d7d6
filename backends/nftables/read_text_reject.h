// `reject`, and what nft adds for it: an answer of one family makes sure of the family, a TCP reset
// of TCP.
#pragma once

#include <optional>

#include "backends/nftables/read_text_matches.h"

namespace firewright::nftables::script {

// At `reject`. No value: an error was reported.
[[nodiscard]] std::optional<ir::RejectKind> read_reject(Cursor& cursor, Matches& matches,
                                                        TableFamily family);

}  // namespace firewright::nftables::script
