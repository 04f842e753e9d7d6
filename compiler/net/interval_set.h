// A set of values of one packet field, as sorted, disjoint, non-adjacent closed intervals.
//
// The form is canonical: two sets are equal as values exactly when they hold the same members.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace firewright {

template <class T>
struct Interval {
  T first;
  T last;  // inclusive, first <= last
  bool operator==(const Interval&) const = default;
  auto operator<=>(const Interval&) const = default;
};

template <class T>
class IntervalSet {
 public:
  using Value = T;
  using Raw = decltype(T{}.value);
  static constexpr T min() { return T{0}; }
  static constexpr T max() { return T{static_cast<Raw>(~Raw{0})}; }

  IntervalSet() = default;  // empty
  IntervalSet(std::initializer_list<Interval<T>> intervals)
      : IntervalSet(std::vector<Interval<T>>(intervals)) {}
  // In any order, overlapping or not: n log n.
  explicit IntervalSet(std::vector<Interval<T>> intervals) : intervals_(std::move(intervals)) {
    normalise();
  }
  [[nodiscard]] static IntervalSet all() { return IntervalSet{{min(), max()}}; }
  [[nodiscard]] static IntervalSet of(T value) { return IntervalSet{{value, value}}; }

  [[nodiscard]] bool empty() const { return intervals_.empty(); }
  [[nodiscard]] bool is_all() const {
    return intervals_.size() == 1 && intervals_[0].first == min() && intervals_[0].last == max();
  }
  [[nodiscard]] std::span<const Interval<T>> intervals() const { return intervals_; }
  // The only member, when there is exactly one.
  [[nodiscard]] bool is_single() const {
    return intervals_.size() == 1 && intervals_[0].first == intervals_[0].last;
  }
  [[nodiscard]] bool contains(T value) const {
    const auto after = std::upper_bound(intervals_.begin(), intervals_.end(), value,
                                        [](T v, const Interval<T>& i) { return v < i.first; });
    return after != intervals_.begin() && value <= (after - 1)->last;
  }
  [[nodiscard]] bool contains(const IntervalSet& other) const { return (other - *this).empty(); }
  [[nodiscard]] bool intersects(const IntervalSet& other) const { return !(*this & other).empty(); }

  [[nodiscard]] IntervalSet operator|(const IntervalSet& other) const {
    std::vector<Interval<T>> both(intervals_);
    both.insert(both.end(), other.intervals_.begin(), other.intervals_.end());
    return IntervalSet(std::move(both));
  }
  [[nodiscard]] IntervalSet operator&(const IntervalSet& other) const {
    IntervalSet result;
    auto a = intervals_.begin();
    auto b = other.intervals_.begin();
    while (a != intervals_.end() && b != other.intervals_.end()) {
      const T first = std::max(a->first, b->first);
      const T last = std::min(a->last, b->last);
      if (first <= last) result.intervals_.push_back({first, last});
      if (a->last < b->last)
        ++a;
      else
        ++b;
    }
    return result;
  }
  [[nodiscard]] IntervalSet operator~() const {
    IntervalSet result;
    Raw next = min().value;
    for (const auto& i : intervals_) {
      if (i.first.value > next)
        result.intervals_.push_back({T{next}, T{static_cast<Raw>(i.first.value - 1)}});
      if (i.last == max()) return result;
      next = static_cast<Raw>(i.last.value + 1);
    }
    result.intervals_.push_back({T{next}, max()});
    return result;
  }
  [[nodiscard]] IntervalSet operator-(const IntervalSet& other) const { return *this & ~other; }

  bool operator==(const IntervalSet&) const = default;
  auto operator<=>(const IntervalSet&) const = default;

 private:
  void normalise() {
    std::sort(intervals_.begin(), intervals_.end());
    std::size_t kept = 0;
    for (const auto& interval : intervals_) {
      if (interval.last < interval.first) continue;
      if (kept > 0 && touches(intervals_[kept - 1], interval))
        intervals_[kept - 1].last = std::max(intervals_[kept - 1].last, interval.last);
      else
        intervals_[kept++] = interval;
    }
    intervals_.resize(kept, Interval<T>{min(), min()});
  }
  static bool touches(const Interval<T>& a, const Interval<T>& b) {
    return a.last == max() || b.first.value <= static_cast<Raw>(a.last.value + 1);
  }

  std::vector<Interval<T>> intervals_;
};

}  // namespace firewright
