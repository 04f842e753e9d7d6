// IR to iptables.
#pragma once

#include "backends/backend.h"

namespace firewright::iptables {

[[nodiscard]] backend::Artifact encode(const ir::Program& program, const backend::Options& options);

}  // namespace firewright::iptables
