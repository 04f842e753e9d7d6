// What netsh can say exactly, and what it cannot.
#pragma once

#include "backends/backend.h"

namespace firewright::netsh {

[[nodiscard]] ir::Program capable(const ir::Program& program, const backend::Options& options,
                                  Sink& sink);

}  // namespace firewright::netsh
