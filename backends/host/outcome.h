// What came of a program that was run to change the firewall, in words for people.
#pragma once

#include <string>

#include "backends/host/host.h"
#include "backends/host/process.h"

namespace firewright::host {

// Ok, or why not: it is not installed, may not, the kernel lacks something, or it refused.
Result judge(const std::string& program, const Finished& finished);

}  // namespace firewright::host
