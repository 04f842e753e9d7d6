// Two policies to change between, over and over: both accept Traffic's allowed port and deny the
// other one, and they differ in everything else.
#pragma once

#include <string>

namespace firewright::kernel {

// Fifty exceptions, each with a source of its own, and TCP open for the echo port.
[[nodiscard]] std::string policy_of_sources();
// Port sets, denied networks, a limit, IPv6 lists, an outbound wall; the echo port is not open.
[[nodiscard]] std::string policy_of_sets();

}  // namespace firewright::kernel
