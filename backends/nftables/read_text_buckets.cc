// What a condition does to the buckets that stand before it in its rule.

#include "backends/nftables/read_text_limits.h"
#include "backends/nftables/read_text_matches.h"

namespace firewright::nftables::script {

void Matches::require_bucket(const ir::Predicate& predicate) {
  packets_.require(predicate);
  buckets_.push_back(predicate.instance);
}

template <class Narrow>
bool Matches::behind_buckets(const Narrow& narrow) {
  if (buckets_.empty()) return narrow();
  const auto before = packets_.matches();
  if (!narrow()) return false;
  if (!map_ && packets_.matches() == before) return true;
  const auto spoilt = [&](const ir::Predicate& predicate) {
    const auto text = bucket_text(predicate) + ", before other conditions";
    declarations_.note_opaque(text, cursor_.since(begin_));
    return ir::OpaqueMatch{text};
  };
  packets_.replace(buckets_, spoilt);
  if (map_)
    for (auto& part : *map_) part.packets.replace(buckets_, spoilt);
  buckets_.clear();
  return true;
}

bool Matches::narrow_to(Family family, Span span) {
  return behind_buckets([&] { return need_family(family, span); });
}
bool Matches::narrow_to(Protocol protocol, Span span) {
  return behind_buckets([&] { return need_protocol(protocol, span); });
}

bool Matches::read_key(std::vector<Selector>& key) {
  begin_ = cursor_.position();
  return behind_buckets([&] { return read_selectors(key, /*with_masks=*/false); });
}

bool Matches::read() {
  return behind_buckets([&] { return read_match(); });
}

}  // namespace firewright::nftables::script
