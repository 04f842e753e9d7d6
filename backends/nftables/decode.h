// Reads nftables rulesets back, ours or anybody's: netlink messages (a batch, or the dump of a live
// kernel) and nft text.
//
// Written apart from the encoder: no table and no helper is shared with it, see backends/backend.h.
#pragma once

#include <optional>
#include <span>

#include "backends/backend.h"

namespace firewright::nftables {

// One file: the part "batch" or "text". No value: an error was reported.
[[nodiscard]] std::optional<ir::Program> decode(const Sources& sources,
                                                std::span<const backend::ArtifactFile> files,
                                                Sink& sink);

}  // namespace firewright::nftables
