// Changed texts: one damage of the backends' own tests, or words and letters exchanged, left out
// and said twice.
#pragma once

#include <string>

#include "tests/kernel/harness/values.h"

namespace firewright::judge {

[[nodiscard]] std::string changed_iptables(const std::string& text, kernel::Random& random);
[[nodiscard]] std::string changed_nft(const std::string& text, kernel::Random& random);

}  // namespace firewright::judge
