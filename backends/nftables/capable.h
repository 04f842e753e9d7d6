// What nftables can say exactly, and what it cannot.
#pragma once

#include "backends/backend.h"

namespace firewright::nftables {

[[nodiscard]] ir::Program capable(const ir::Program& program, const backend::Options& options,
                                  Sink& sink);

}  // namespace firewright::nftables
