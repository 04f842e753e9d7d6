// The reload bench's other firewall managers: ufw, firewalld and ferm, each with configuration of
// its own, so that the machine's stays as it is.
#pragma once

#include <memory>
#include <vector>

#include "tests/bench/reload_ways.h"

namespace firewright::bench {

// Only for use where the mounts are the process's own (unshare of CLONE_NEWNS): the folders in
// which they keep configuration and state are covered.
[[nodiscard]] std::vector<std::unique_ptr<Way>> managers();

}  // namespace firewright::bench
