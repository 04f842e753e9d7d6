#include "backends/nftables/read_text_boxes.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

namespace firewright::nftables::script {
namespace {

// Orders keys by their fields, one of them last.
bool before(std::span<const Range> a, std::span<const Range> b, std::size_t last) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (i != last && a[i] != b[i]) return a[i] < b[i];
  return a[last] < b[last];
}

bool same_but(std::span<const Range> a, std::span<const Range> b, std::size_t field) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (i != field && a[i] != b[i]) return false;
  return true;
}

std::size_t hash_but(std::span<const Range> key, std::size_t field) {
  std::uint64_t state = 0;
  const auto add = [&](u128 value) {
    state ^= static_cast<std::uint64_t>(value) ^ static_cast<std::uint64_t>(value >> 64U);
    state *= 0x9e3779b97f4a7c15U;
    state ^= state >> 32U;
  };
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (i == field) continue;
    add(key[i].first);
    add(key[i].last);
  }
  return static_cast<std::size_t>(state);
}

// Elements that are equal but for a field, together. Nothing: that makes `limit` boxes or more.
std::optional<std::vector<Box>> joined_by(const Elements& elements,
                                          std::span<const std::uint32_t> chosen, std::size_t field,
                                          std::size_t limit) {
  std::vector<Box> boxes;
  std::unordered_multimap<std::size_t, std::size_t> by_hash;
  for (const auto i : chosen) {
    const auto key = elements.key(i);
    const auto hash = hash_but(key, field);
    const auto [first, last] = by_hash.equal_range(hash);
    const auto found = std::find_if(first, last, [&](const auto& entry) {
      return same_but(boxes[entry.second].fixed, key, field);
    });
    if (found != last) {
      boxes[found->second].ranges.push_back(key[field]);
      continue;
    }
    if (boxes.size() + 1 >= limit) return std::nullopt;
    by_hash.emplace(hash, boxes.size());
    boxes.push_back({.fixed = key, .joined = field, .ranges = {key[field]}});
  }
  return boxes;
}

}  // namespace

std::vector<Box> join_boxes(const Elements& elements, std::span<const std::uint32_t> chosen) {
  std::vector<Box> best;
  auto limit = std::numeric_limits<std::size_t>::max();
  for (std::size_t field = 0; field < elements.arity; ++field)
    if (auto boxes = joined_by(elements, chosen, field, limit)) {
      limit = boxes->size();
      best = std::move(*boxes);
    }
  for (auto& box : best)
    if (!std::is_sorted(box.ranges.begin(), box.ranges.end()))
      std::sort(box.ranges.begin(), box.ranges.end());
  std::sort(best.begin(), best.end(),
            [](const Box& a, const Box& b) { return before(a.fixed, b.fixed, a.joined); });
  return best;
}

}  // namespace firewright::nftables::script
