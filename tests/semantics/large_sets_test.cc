#include "compiler/semantics/large_sets.h"

#include <gtest/gtest.h>

#include <random>

#include "compiler/net/address_set.h"

namespace firewright::semantics {
namespace {

std::vector<Interval<Ipv4>> spread(std::uint32_t from, std::uint32_t count) {
  std::vector<Interval<Ipv4>> list;
  for (std::uint32_t i = 0; i < count; ++i)
    list.push_back({Ipv4{from + 10 * i}, Ipv4{from + 10 * i + 3}});
  return list;
}

TEST(LargeSets, SmallOnesAreNotKept) {
  EXPECT_FALSE(LargeSets<Ipv4>::is_large(Ipv4Set(spread(0, 32))));
  EXPECT_TRUE(LargeSets<Ipv4>::is_large(Ipv4Set(spread(0, 33))));
}

TEST(LargeSets, EqualOnesAreOneAndLikeOnesAreNot) {
  LargeSets<Ipv4> sets;
  const Ipv4Set one(spread(5, 40));
  const Ipv4Set copy = one;
  const Ipv4Set equal(spread(5, 40));
  auto other = spread(5, 40);
  other[20].last = Ipv4{other[20].last.value + 1};  // as many, with the same ends
  const Ipv4Set alike(std::move(other));
  EXPECT_TRUE(sets.add(one));
  EXPECT_FALSE(sets.add(copy));
  EXPECT_FALSE(sets.add(equal));
  EXPECT_TRUE(sets.add(alike));
  int calls = 0;
  sets.give_ranges([&](const Ipv4Set& set) {
    ++calls;
    return LargeSets<Ipv4>::Ranges{{set.intervals()[20].last.value, 0}};
  });
  EXPECT_EQ(calls, 2);
  for (const auto* set : {&one, &copy, &equal, &alike}) {
    ASSERT_NE(sets.ranges(*set), nullptr);
    EXPECT_EQ(sets.ranges(*set)->front().first, set->intervals()[20].last.value);
  }
  EXPECT_EQ(sets.ranges(Ipv4Set(spread(6, 40))), nullptr);
}

// What is let go by everybody else must not be taken for what comes into its memory.
TEST(LargeSets, KeepWhatTheyKnow) {
  LargeSets<Ipv4> sets;
  for (std::uint32_t i = 0; i < 100; ++i) {
    Ipv4Set first(spread(i, 64));
    const Ipv4Set second(spread(i, 64));
    EXPECT_TRUE(sets.add(first));
    EXPECT_FALSE(sets.add(second));
  }
  for (std::uint32_t i = 0; i < 100; ++i)
    EXPECT_EQ(sets.ranges(Ipv4Set(spread(1000 + i, 64))), nullptr);
}

}  // namespace
}  // namespace firewright::semantics
