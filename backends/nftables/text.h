// A ruleset as text for `nft -f`, laid out as `nft list` lays it out.
#pragma once

#include <string>

#include "backends/nftables/ruleset.h"

namespace firewright::nftables {

// Loading it replaces the table in one transaction, whether or not there is one.
[[nodiscard]] std::string to_text(const Ruleset& ruleset);

}  // namespace firewright::nftables
