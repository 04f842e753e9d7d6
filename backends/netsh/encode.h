// IR to netsh.
#pragma once

#include "backends/backend.h"

namespace firewright::netsh {

[[nodiscard]] backend::Artifact encode(const ir::Program& program, const backend::Options& options);

}  // namespace firewright::netsh
