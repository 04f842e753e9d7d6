#include "backends/host/subsequence.h"

#include <algorithm>
#include <numeric>

namespace firewright::host {
namespace {

using Pair = std::pair<std::size_t, std::size_t>;

// Places in the order of their keys, equal ones in the order of the list.
std::vector<std::size_t> by_key(std::span<const std::string_view> keys) {
  std::vector<std::size_t> places(keys.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t a, std::size_t b) { return keys[a] < keys[b]; });
  return places;
}

// The n-th of a key with the n-th, by the place in `after`.
std::vector<Pair> equal_pairs(std::span<const std::string_view> before,
                              std::span<const std::string_view> after) {
  const auto first = by_key(before);
  const auto second = by_key(after);
  std::vector<Pair> pairs;
  for (std::size_t i = 0, j = 0; i < first.size() && j < second.size();) {
    const int order = before[first[i]].compare(after[second[j]]);
    if (order == 0) pairs.emplace_back(first[i], second[j]);
    // Where one has more of a key than the other, those stay alone.
    if (order <= 0) ++i;
    if (order >= 0) ++j;
  }
  std::sort(pairs.begin(), pairs.end(),
            [](const Pair& a, const Pair& b) { return a.second < b.second; });
  return pairs;
}

// The longest part that rises in the first place too.
std::vector<Pair> longest_rising(const std::vector<Pair>& pairs) {
  std::vector<std::size_t> ends;  // of the best sequence of each length: its last pair
  std::vector<std::size_t> previous(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto at = std::lower_bound(
        ends.begin(), ends.end(), pairs[i].first,
        [&](std::size_t pair, std::size_t place) { return pairs[pair].first < place; });
    previous[i] = at == ends.begin() ? pairs.size() : *(at - 1);
    if (at == ends.end())
      ends.push_back(i);
    else
      *at = i;
  }
  std::vector<Pair> rising;
  for (auto i = ends.empty() ? pairs.size() : ends.back(); i < pairs.size(); i = previous[i])
    rising.push_back(pairs[i]);
  std::reverse(rising.begin(), rising.end());
  return rising;
}

}  // namespace

std::vector<Pair> common_order(std::span<const std::string_view> before,
                               std::span<const std::string_view> after) {
  const auto least = std::min(before.size(), after.size());
  std::size_t head = 0;
  while (head < least && before[head] == after[head]) ++head;
  std::size_t tail = 0;
  while (tail < least - head && before[before.size() - 1 - tail] == after[after.size() - 1 - tail])
    ++tail;
  std::vector<Pair> common;
  common.reserve(head + tail);
  for (std::size_t i = 0; i < head; ++i) common.emplace_back(i, i);
  const auto middle = longest_rising(equal_pairs(before.subspan(head, before.size() - head - tail),
                                                 after.subspan(head, after.size() - head - tail)));
  for (const auto& [i, j] : middle) common.emplace_back(head + i, head + j);
  for (std::size_t i = tail; i > 0; --i) common.emplace_back(before.size() - i, after.size() - i);
  return common;
}

}  // namespace firewright::host
