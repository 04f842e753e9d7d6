// The programs that damage is tried on: the examples, and what they have too little of.
#pragma once

#include <vector>

#include "tests/backends/iptables/reading.h"

namespace firewright::iptables::test {

[[nodiscard]] const std::vector<Example>& corpus();

}  // namespace firewright::iptables::test
