// Where the ranks of one field begin: the boundaries of many sets, in order, each once.
//
// Small sets are sorted together; a large one is in order already, and is merged. Programs that are
// compared hold the same large sets: those cost one look each and no memory.
//
// In as few bits as the values need: a comparison of long lists waits for memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <utility>
#include <vector>

#include "compiler/base/integers.h"
#include "compiler/net/interval_set.h"

namespace firewright::semantics {

template <class Raw>
class Boundaries {
 public:
  void add(Raw start) { few_.push_back(start); }

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
    std::vector<Raw> run;
    run.reserve(2 * intervals.size());
    append(intervals, run);
    merge(std::move(run));
  }

  // Leaves nothing behind.
  [[nodiscard]] std::vector<Raw> take();

 private:
  static constexpr std::size_t few = 32;

  template <class T>
  static void append(std::span<const Interval<T>> intervals, std::vector<Raw>& starts) {
    const auto end = IntervalSet<T>::max();
    for (const auto& interval : intervals) {
      starts.push_back(interval.first.value);
      if (interval.last != end) starts.push_back(static_cast<Raw>(Raw{interval.last.value} + 1));
    }
  }
  // Neighbouring rules often agree in a field.
  void add_one(Raw first, Raw last, Raw end) {
    if (first == last_added_.first && last == last_added_.second) return;
    last_added_ = {first, last};
    few_.push_back(first);
    if (last != end) few_.push_back(static_cast<Raw>(last + 1));
  }
  void merge(std::vector<Raw> run);

  std::vector<Raw> few_;
  std::pair<Raw, Raw> last_added_{1, 0};  // nothing yet
  std::vector<std::vector<Raw>> runs_;    // each much shorter than the one before it
  std::unordered_set<const void*> seen_;
};

extern template class Boundaries<std::uint32_t>;
extern template class Boundaries<u128>;

}  // namespace firewright::semantics
