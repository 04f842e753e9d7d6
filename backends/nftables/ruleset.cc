#include "backends/nftables/ruleset.h"

#include <algorithm>

#include "backends/nftables/fields.h"

namespace firewright::nftables {

bool Elements::has_intervals() const {
  return std::any_of(keys.begin(), keys.end(), [](const Range& key) { return !key.single(); });
}

std::size_t TupleSet::width() const {
  std::size_t bytes = 0;
  for (const auto type : types) bytes += facts(type).bytes;
  return bytes;
}

}  // namespace firewright::nftables
