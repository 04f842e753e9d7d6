// The values of packet fields that a ruleset makes interesting, one pool for each field of a hook.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "compiler/ir/program.h"

namespace firewright::kernel {

// The same numbers for the same seed with every standard library, unlike
// std::uniform_int_distribution.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  // 0 .. bound-1; bound > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  [[nodiscard]] bool one_in(std::uint64_t n) { return below(n) == 0; }
  [[nodiscard]] std::uint64_t bits() { return engine_(); }
  template <class T>
  [[nodiscard]] const T& of(const std::vector<T>& values) {
    return values.at(below(values.size()));
  }

 private:
  std::mt19937_64 engine_;
};

// Both sides of every boundary: first-1, first, last, last+1 of each interval, where they exist. Of
// a set with more than `most` intervals, the first, the last and some of those between.
template <class T>
[[nodiscard]] std::vector<T> boundaries(const IntervalSet<T>& set, Random& random,
                                        std::size_t most = 24) {
  using Set = IntervalSet<T>;
  using Raw = typename Set::Raw;
  std::vector<T> values;
  const auto intervals = set.intervals();
  const auto add = [&values](const Interval<T>& interval) {
    if (interval.first != Set::min())
      values.push_back(T{static_cast<Raw>(interval.first.value - 1)});
    values.push_back(interval.first);
    if (interval.last != interval.first) values.push_back(interval.last);
    if (interval.last != Set::max()) values.push_back(T{static_cast<Raw>(interval.last.value + 1)});
  };
  if (set.is_all() || set.empty()) return values;
  if (intervals.size() <= most) {
    for (const auto& interval : intervals) add(interval);
    return values;
  }
  add(intervals.front());
  add(intervals.back());
  for (std::size_t i = 2; i < most; ++i) add(intervals[random.below(intervals.size())]);
  return values;
}

// A member: `preferred` where it is one, else one from inside some interval. The set is not empty.
template <class T>
[[nodiscard]] T member(const IntervalSet<T>& set, T preferred, Random& random) {
  if (set.contains(preferred)) return preferred;
  const auto intervals = set.intervals();
  const auto& interval = intervals[random.below(intervals.size())];
  using Raw = typename IntervalSet<T>::Raw;
  const Raw half = static_cast<Raw>((interval.last.value - interval.first.value) / 2);
  return T{static_cast<Raw>(interval.first.value + half)};
}

struct Pools {
  std::vector<std::string> in, out;
  std::vector<Ipv4> source4, destination4;
  std::vector<Ipv6> source6, destination6;
  std::vector<Protocol> protocols;
  std::vector<Port> source_ports, destination_ports;
  std::vector<IcmpTypeCode> icmp4, icmp6;
  std::vector<OwnerId> users, groups;
};

// Of all rules of a chain, and some values that are interesting to every ruleset.
[[nodiscard]] Pools pools_of(const ir::Chain& chain, const std::vector<std::string>& interfaces,
                             Random& random);

// Interfaces that the program's rules tell apart: each that is named, one for each pattern, near
// misses of both, and one that nothing names; lo first. Only names that an interface can have.
[[nodiscard]] std::vector<std::string> interfaces_of(const ir::Program& program);

}  // namespace firewright::kernel
