// Boundaries of many sets, large and small, against the obvious way: all of them, sorted.

#include "compiler/semantics/boundaries.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "compiler/net/address_set.h"

namespace firewright::semantics {
namespace {

Ipv4Set random_set(std::mt19937& random, std::size_t size) {
  std::vector<Interval<Ipv4>> intervals;
  for (std::size_t i = 0; i < size; ++i) {
    const auto first = static_cast<std::uint32_t>(random() % 4000) * 3;
    intervals.push_back({Ipv4{first}, Ipv4{first + static_cast<std::uint32_t>(random() % 3)}});
  }
  if (random() % 8 == 0) intervals.push_back({Ipv4{~0U - 1}, Ipv4{~0U}});
  return Ipv4Set(std::move(intervals));
}

TEST(Boundaries, AreThoseOfAllSetsInOrderEachOnce) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<Ipv4Set> sets;
    for (auto count = random() % 12; count > 0; --count) {
      sets.push_back(random_set(random, random() % 3 == 0 ? random() % 500 : random() % 10));
      if (random() % 3 == 0) sets.push_back(sets[random() % sets.size()]);  // in the same memory
    }
    Boundaries<std::uint32_t> boundaries;
    std::set<std::uint32_t> expected{0};
    boundaries.add(0);
    for (const auto& set : sets) {
      boundaries.add(set);
      for (const auto& interval : set.intervals()) {
        expected.insert(interval.first.value);
        if (interval.last != Ipv4Set::max()) expected.insert(interval.last.value + 1);
      }
    }
    ASSERT_EQ(boundaries.take(), std::vector<std::uint32_t>(expected.begin(), expected.end()))
        << round;
  }
}

}  // namespace
}  // namespace firewright::semantics
