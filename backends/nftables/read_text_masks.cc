#include "backends/nftables/read_text_masks.h"

namespace firewright::nftables::script {

void take_mask(Cursor& cursor, Selector& selector) {
  const bool has_order = selector.type == Datatype::ipv4 || selector.type == Datatype::ipv6 ||
                         selector.type == Datatype::port;
  if (!has_order || cursor.kind() != TokenKind::ampersand) return;
  Sink unheard;
  Cursor ahead(cursor.script(), {cursor.position() + 1, cursor.last()}, unheard);
  Range mask;
  if (!read_item(ahead, selector.type, mask) || !mask.single()) return;
  const u128 free = last_value(selector.type) & ~mask.first;
  if ((free & (free + 1)) != 0) return;
  selector.free = free;
  selector.text += " & " + cursor.text({cursor.position() + 1, ahead.position()});
  cursor.move_to(ahead.position());
}

std::vector<Range> unmasked(std::span<const Range> ranges, u128 free) {
  std::vector<Range> result;
  result.reserve(ranges.size());
  for (const auto& range : ranges) {
    // From the first to the last number in it that a masked value can be.
    const u128 first = (range.first & free) == 0 ? range.first : (range.first | free) + 1;
    const u128 last = range.last & ~free;
    const bool none = first == 0 && range.first != 0;
    if (!none && first <= last) result.push_back({first, last | free});
  }
  return result;
}

}  // namespace firewright::nftables::script
