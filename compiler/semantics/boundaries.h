// Where the ranks of one field begin: the boundaries of many sets, in order, each once.
//
// Small sets are sorted together; a large one is in order already, and is merged. Programs that are
// compared hold the same large sets: those cost one look each and no memory.
#pragma once

#include <cstddef>
#include <span>
#include <unordered_set>
#include <utility>
#include <vector>

#include "compiler/net/interval_set.h"
#include "compiler/net/types.h"

namespace firewright::semantics {

class Boundaries {
 public:
  void add(u128 start) { few_.push_back(start); }

  template <class T>
  void add(const IntervalSet<T>& set) {
    const auto intervals = set.intervals();
    if (intervals.size() == 1) {
      add_one(intervals[0].first.value, intervals[0].last.value, IntervalSet<T>::max().value);
      return;
    }
    if (intervals.size() <= few) {
      append(intervals, few_);
      return;
    }
    if (!seen_.insert(intervals.data()).second) return;  // sets share their memory
    std::vector<u128> run;
    run.reserve(2 * intervals.size());
    append(intervals, run);
    merge(std::move(run));
  }

  // Leaves nothing behind.
  [[nodiscard]] std::vector<u128> take();

 private:
  static constexpr std::size_t few = 32;

  template <class T>
  static void append(std::span<const Interval<T>> intervals, std::vector<u128>& starts) {
    const auto end = IntervalSet<T>::max();
    for (const auto& interval : intervals) {
      starts.push_back(interval.first.value);
      if (interval.last != end) starts.push_back(u128{interval.last.value} + 1);
    }
  }
  // Neighbouring rules often agree in a field.
  void add_one(u128 first, u128 last, u128 end) {
    if (first == last_added_.first && last == last_added_.second) return;
    last_added_ = {first, last};
    few_.push_back(first);
    if (last != end) few_.push_back(last + 1);
  }
  void merge(std::vector<u128> run);

  std::vector<u128> few_;
  std::pair<u128, u128> last_added_{1, 0};  // nothing yet
  std::vector<std::vector<u128>> runs_;     // each much shorter than the one before it
  std::unordered_set<const void*> seen_;
};

}  // namespace firewright::semantics
