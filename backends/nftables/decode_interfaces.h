// Interface names as numbers, which is how sets and comparisons order them, and back to patterns.
#pragma once

#include <optional>

#include "backends/nftables/decode_values.h"
#include "compiler/ir/program.h"

namespace firewright::nftables::netlink {

// The names whose 16 bytes, as a number, lie in `values`. None: they are no few patterns.
[[nodiscard]] std::optional<ir::InterfaceSet> interfaces(const Ranges& values, bool negated);
// None: an InterfaceSet cannot say it, as "eth* but not eth0".
[[nodiscard]] std::optional<ir::InterfaceSet> intersection(const ir::InterfaceSet& a,
                                                           const ir::InterfaceSet& b);

}  // namespace firewright::nftables::netlink
