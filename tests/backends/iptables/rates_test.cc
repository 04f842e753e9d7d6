// Which token buckets the kernel keeps as they were said. The numbers were checked against
// iptables-save 1.8.9 and against user2credits() of the kernel's xt_limit.c.
#include "backends/iptables/rates.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/backends/iptables/build_program.h"

namespace firewright::iptables::test {
namespace {

using ir::TimeUnit;

ir::RateLimit global(unsigned packets, TimeUnit unit, unsigned burst) {
  return {.packets = packets, .unit = unit, .burst = burst, .per_source = false};
}

TEST(IptablesRates, LimitWhereNothingIsRounded) {
  EXPECT_TRUE(limit_is_exact(global(10, TimeUnit::minute, 20)));
  EXPECT_TRUE(limit_is_exact(global(5, TimeUnit::second, 10)));
  EXPECT_TRUE(limit_is_exact(global(3, TimeUnit::minute, 5)));
  EXPECT_TRUE(limit_is_exact(global(400, TimeUnit::second, 5)));
  EXPECT_TRUE(limit_is_exact(global(1, TimeUnit::day, 1)));
  // 10000/7 is no whole number of steps.
  EXPECT_FALSE(limit_is_exact(global(7, TimeUnit::second, 5)));
  // 37.5 seconds' worth of credits become 37: four tokens, where five were said.
  EXPECT_FALSE(limit_is_exact(global(8, TimeUnit::minute, 5)));
  EXPECT_TRUE(limit_is_exact(global(8, TimeUnit::minute, 4)));
  // The cost of a token would be rounded where CONFIG_HZ is 100.
  EXPECT_FALSE(limit_is_exact(global(1000, TimeUnit::second, 5)));
  // Too much for 32 bits; the command takes no more than 10000.
  EXPECT_FALSE(limit_is_exact(global(1, TimeUnit::day, 2)));
  EXPECT_FALSE(limit_is_exact(global(400, TimeUnit::second, 10001)));
  EXPECT_FALSE(
      limit_is_exact({.packets = 10, .unit = TimeUnit::minute, .burst = 5, .per_source = true}));
}

TEST(IptablesRates, HashlimitWhereTheSameRateReadsBack) {
  EXPECT_TRUE(hashlimit_is_exact(global(7, TimeUnit::second, 5)));
  EXPECT_TRUE(hashlimit_is_exact(global(1000, TimeUnit::second, 5)));
  EXPECT_TRUE(hashlimit_is_exact(global(1'000'000, TimeUnit::second, 1'000'000)));
  EXPECT_FALSE(hashlimit_is_exact(global(1'000'001, TimeUnit::second, 5)));
  EXPECT_FALSE(hashlimit_is_exact(global(3000, TimeUnit::second, 5)));  // 3003
  EXPECT_FALSE(hashlimit_is_exact(global(10, TimeUnit::second, 1'000'001)));
  EXPECT_FALSE(hashlimit_is_exact(global(1, TimeUnit::day, 2)));
  EXPECT_FALSE(hashlimit_is_exact(global(0, TimeUnit::day, 2)));
  EXPECT_FALSE(hashlimit_is_exact(global(1, TimeUnit::day, 0)));
}

TEST(IptablesRates, LargestWithin) {
  EXPECT_EQ(largest_within(global(10, TimeUnit::minute, 5)), global(10, TimeUnit::minute, 5));
  EXPECT_EQ(largest_within(global(1, TimeUnit::day, 9)), global(1, TimeUnit::day, 1));
  EXPECT_EQ(largest_within(global(0, TimeUnit::day, 9)), std::nullopt);
  for (unsigned packets = 1; packets < 5000; packets += 13)
    for (const auto unit : {TimeUnit::second, TimeUnit::minute, TimeUnit::hour, TimeUnit::day})
      for (const unsigned burst : {1U, 5U, 100'000U, 4'294'967'295U}) {
        const auto within = largest_within(global(packets, unit, burst));
        ASSERT_TRUE(within) << packets;
        EXPECT_TRUE(can_say(*within)) << packets << ' ' << burst;
        EXPECT_LE(within->packets, packets);
        EXPECT_LE(within->burst, burst);
      }
  EXPECT_TRUE(largest_within(global(4'294'967'295U, TimeUnit::second, 1)));
}

TEST(IptablesRates, Spelling) {
  EXPECT_EQ(spell(global(10, TimeUnit::minute, 20), ""),
            "-m limit --limit 10/minute --limit-burst 20");
  EXPECT_EQ(spell(global(7, TimeUnit::minute, 5), "x"),
            "-m hashlimit --hashlimit-upto 7/minute --hashlimit-burst 5 --hashlimit-name x "
            "--hashlimit-htable-expire 43000");
}

// The kernel keeps a table as long as one rule names it: another rate needs another name.
TEST(IptablesRates, TableNames) {
  std::set<std::string> names;
  for (const auto& predicate :
       {rate("ssh", 10, TimeUnit::minute, 5, true), rate("ssh", 11, TimeUnit::minute, 5, true),
        rate("ssh", 10, TimeUnit::hour, 5, true), rate("ssh", 10, TimeUnit::minute, 6, true),
        rate("ssh", 10, TimeUnit::minute, 5, false), rate("ssh-2", 10, TimeUnit::minute, 5, true),
        rate("a-rather-long-name", 10, TimeUnit::minute, 5, true),
        rate("a-rather-long-name-2", 10, TimeUnit::minute, 5, true)}) {
    const auto name = table_name(predicate, 0);
    EXPECT_LE(name.size(), 15U) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(name, table_name(predicate, 0));
    EXPECT_NE(name, table_name(predicate, 1));
  }
}

}  // namespace
}  // namespace firewright::iptables::test
