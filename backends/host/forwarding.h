// Signs that a host forwards for others.
#pragma once

#include <string>
#include <vector>

namespace firewright::host {

// Bridges and tunnels that container engines, hypervisors and cluster networks make, by their usual
// names, sorted: "docker0", "virbr0", "cni0", ... Of the network namespace of the calling thread.
[[nodiscard]] std::vector<std::string> forwarding_interfaces();

}  // namespace firewright::host
