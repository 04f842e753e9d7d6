// Reads iptables-save and iptables-restore text back, ours or anybody's.
//
// Written apart from the encoder: no table and no helper is shared with it, see backends/backend.h.
#pragma once

#include <optional>
#include <span>

#include "backends/backend.h"

namespace firewright::iptables {

// `files` are the parts "v4", "v6" or both; a family without a file is not filtered. No value: an
// error was reported.
[[nodiscard]] std::optional<ir::Program> decode(const Sources& sources,
                                                std::span<const backend::ArtifactFile> files,
                                                Sink& sink);

}  // namespace firewright::iptables
