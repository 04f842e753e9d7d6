// The large sets that programs hold of one field, each once with its ranks.
//
// Sets that are copies share their memory and are known by it; those that are equal by chance, such
// as what two forms of an artifact say, are compared once. A set that is known stays alive here, so
// that its memory cannot become another one's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "compiler/net/interval_set.h"

namespace firewright::semantics {

template <class T>
class LargeSets {
 public:
  using Ranges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

  static bool is_large(const IntervalSet<T>& set) { return set.intervals().size() > few; }

  // Whether the values are new.
  bool add(const IntervalSet<T>& set) {
    const auto intervals = set.intervals();
    if (known_.contains(intervals.data())) return false;
    auto& alike = by_shape_[{intervals.size(), intervals.front(), intervals.back()}];
    for (const auto index : alike)
      if (entries_[index].set == set) {
        copies_.push_back(set);
        known_.emplace(intervals.data(), index);
        return false;
      }
    alike.push_back(entries_.size());
    known_.emplace(intervals.data(), entries_.size());
    entries_.push_back({set, {}});
    return true;
  }

  // To be called once, when all sets are known.
  template <class F>
  void give_ranges(const F& ranges_of) {
    for (auto& entry : entries_) entry.ranges = ranges_of(entry.set);
  }

  // None for a set that was not added.
  [[nodiscard]] const Ranges* ranges(const IntervalSet<T>& set) const {
    const auto found = known_.find(set.intervals().data());
    return found == known_.end() ? nullptr : &entries_[found->second].ranges;
  }

 private:
  static constexpr std::size_t few = 32;

  struct Entry {
    IntervalSet<T> set;
    Ranges ranges;
  };
  std::deque<Entry> entries_;
  std::vector<IntervalSet<T>> copies_;
  std::unordered_map<const void*, std::size_t> known_;
  std::map<std::tuple<std::size_t, Interval<T>, Interval<T>>, std::vector<std::size_t>> by_shape_;
};

}  // namespace firewright::semantics
