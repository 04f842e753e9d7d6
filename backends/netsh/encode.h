// IR to netsh.
#pragma once

#include "backends/backend.h"
#include "backends/netsh/generation.h"

namespace firewright::netsh {

[[nodiscard]] backend::Artifact encode(const ir::Program& program, const backend::Options& options);
// The files of a generation.
[[nodiscard]] backend::Artifact artifact_of(const Generation& generation);

}  // namespace firewright::netsh
