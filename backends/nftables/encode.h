// IR to nftables.
#pragma once

#include "backends/backend.h"

namespace firewright::nftables {

[[nodiscard]] backend::Artifact encode(const ir::Program& program, const backend::Options& options);

}  // namespace firewright::nftables
