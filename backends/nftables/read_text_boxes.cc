#include "backends/nftables/read_text_boxes.h"

#include <algorithm>

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

}  // namespace

std::vector<Box> join_boxes(const Elements& elements, std::vector<std::uint32_t> chosen) {
  std::vector<Box> best;
  for (std::size_t field = 0; field < elements.arity; ++field) {
    std::sort(chosen.begin(), chosen.end(), [&](std::uint32_t a, std::uint32_t b) {
      return before(elements.key(a), elements.key(b), field);
    });
    std::vector<Box> boxes;
    for (const auto i : chosen) {
      const auto key = elements.key(i);
      if (boxes.empty() || !same_but(boxes.back().fixed, key, field))
        boxes.push_back({.fixed = key, .joined = field, .ranges = {}});
      boxes.back().ranges.push_back(key[field]);
    }
    if (field == 0 || boxes.size() < best.size()) best = std::move(boxes);
  }
  return best;
}

}  // namespace firewright::nftables::script
