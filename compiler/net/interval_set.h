// A set of values of one packet field, as sorted, disjoint, non-adjacent closed intervals.
//
// The form is canonical: two sets are equal as values exactly when they hold the same members.
#pragma once

#include <algorithm>
#include <compare>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
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
  IntervalSet(std::initializer_list<Interval<T>> intervals) {
    if (intervals.size() == 1)
      set_one(*intervals.begin());
    else
      adopt(std::vector<Interval<T>>(intervals));
  }
  // In any order, overlapping or not: n log n, and linear when they are in order.
  explicit IntervalSet(std::vector<Interval<T>> intervals) { adopt(std::move(intervals)); }
  [[nodiscard]] static IntervalSet all() { return IntervalSet{{min(), max()}}; }
  [[nodiscard]] static IntervalSet of(T value) { return IntervalSet{{value, value}}; }
  // The union of all; of one set it is that set, without a copy.
  [[nodiscard]] static IntervalSet united(std::span<const IntervalSet* const> sets) {
    if (sets.empty()) return {};
    if (sets.size() == 1) return *sets[0];
    const auto half = sets.size() / 2;
    return united(sets.first(half)) | united(sets.subspan(half));
  }

  [[nodiscard]] bool empty() const { return intervals().empty(); }
  [[nodiscard]] bool is_all() const {
    return has_one_ && one_.first == min() && one_.last == max();
  }
  [[nodiscard]] std::span<const Interval<T>> intervals() const {
    if (many_) return *many_;
    return {&one_, has_one_ ? std::size_t{1} : std::size_t{0}};
  }
  // The only member, when there is exactly one.
  [[nodiscard]] bool is_single() const { return has_one_ && one_.first == one_.last; }
  [[nodiscard]] bool contains(T value) const {
    const auto list = intervals();
    const auto after = std::upper_bound(list.begin(), list.end(), value,
                                        [](T v, const Interval<T>& i) { return v < i.first; });
    return after != list.begin() && value <= (after - 1)->last;
  }
  [[nodiscard]] bool contains(const IntervalSet& other) const { return (other - *this).empty(); }
  [[nodiscard]] bool intersects(const IntervalSet& other) const { return !(*this & other).empty(); }

  [[nodiscard]] IntervalSet operator|(const IntervalSet& other) const {
    if (empty() || other.is_all()) return other;
    if (other.empty() || is_all()) return *this;
    const auto list = intervals();
    const auto more = other.intervals();
    std::vector<Interval<T>> both(list.size() + more.size(), Interval<T>{min(), min()});
    std::merge(list.begin(), list.end(), more.begin(), more.end(), both.begin());
    return IntervalSet(std::move(both));
  }
  [[nodiscard]] IntervalSet operator&(const IntervalSet& other) const {
    if (empty() || other.is_all()) return *this;
    if (other.empty() || is_all()) return other;
    std::vector<Interval<T>> result;
    const auto as = intervals();
    const auto bs = other.intervals();
    auto a = as.begin();
    auto b = bs.begin();
    while (a != as.end() && b != bs.end()) {
      const T first = std::max(a->first, b->first);
      const T last = std::min(a->last, b->last);
      if (first <= last) result.push_back({first, last});
      if (a->last < b->last)
        ++a;
      else
        ++b;
    }
    return in_order(std::move(result));
  }
  [[nodiscard]] IntervalSet operator~() const {
    std::vector<Interval<T>> result;
    Raw next = min().value;
    for (const auto& i : intervals()) {
      if (i.first.value > next) result.push_back({T{next}, T{static_cast<Raw>(i.first.value - 1)}});
      if (i.last == max()) return in_order(std::move(result));
      next = static_cast<Raw>(i.last.value + 1);
    }
    result.push_back({T{next}, max()});
    return in_order(std::move(result));
  }
  [[nodiscard]] IntervalSet operator-(const IntervalSet& other) const {
    if (other.empty()) return *this;
    return *this & ~other;
  }

  bool operator==(const IntervalSet& other) const {
    return (many_ != nullptr && many_ == other.many_) ||
           std::ranges::equal(intervals(), other.intervals());
  }
  auto operator<=>(const IntervalSet& other) const {
    const auto a = intervals();
    const auto b = other.intervals();
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  void set_one(const Interval<T>& interval) {
    has_one_ = interval.first <= interval.last;
    if (has_one_) one_ = interval;
  }
  void adopt(std::vector<Interval<T>> list) {
    if (!std::is_sorted(list.begin(), list.end())) std::sort(list.begin(), list.end());
    std::size_t kept = 0;
    for (const auto& interval : list) {
      if (interval.last < interval.first) continue;
      if (kept > 0 && touches(list[kept - 1], interval))
        list[kept - 1].last = std::max(list[kept - 1].last, interval.last);
      else
        list[kept++] = interval;
    }
    list.resize(kept, Interval<T>{min(), min()});
    *this = in_order(std::move(list));
  }
  // From intervals that are canonical already.
  static IntervalSet in_order(std::vector<Interval<T>> list) {
    IntervalSet result;
    if (list.size() == 1)
      result.set_one(list.front());
    else if (!list.empty())
      result.many_ = std::make_shared<const std::vector<Interval<T>>>(std::move(list));
    return result;
  }
  static bool touches(const Interval<T>& a, const Interval<T>& b) {
    return a.last == max() || b.first.value <= static_cast<Raw>(a.last.value + 1);
  }

  // Most sets are one interval, and those of many are copied often and never changed: the one needs
  // no memory of its own, and the others share theirs.
  Interval<T> one_{};
  bool has_one_ = false;
  std::shared_ptr<const std::vector<Interval<T>>> many_;
};

}  // namespace firewright
