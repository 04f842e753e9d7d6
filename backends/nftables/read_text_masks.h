// Masks of leading bits: `ip saddr & 255.255.0.0`, `tcp dport & 65280`.
#pragma once

#include <span>
#include <vector>

#include "backends/nftables/read_text_cursor.h"
#include "backends/nftables/read_text_selectors.h"
#include "backends/nftables/read_text_values.h"

namespace firewright::nftables::script {

// The mask behind an address or a port, if one stands at the cursor; it becomes part of the
// selector. Anything else stays where it is.
void take_mask(Cursor& cursor, Selector& selector);

// The values whose looked-at bits, with zeros for the others, are in one of the ranges.
[[nodiscard]] std::vector<Range> unmasked(std::span<const Range> ranges, u128 free);

}  // namespace firewright::nftables::script
