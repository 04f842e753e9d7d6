#include "backends/nftables/ruleset.h"

#include <algorithm>

namespace firewright::nftables {

bool Elements::has_intervals() const {
  return std::any_of(keys.begin(), keys.end(), [](const Range& key) { return !key.single(); });
}

}  // namespace firewright::nftables
