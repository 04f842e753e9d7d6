#include "compiler/base/enum_set.h"

#include <gtest/gtest.h>

#include <vector>

#include "compiler/base/target.h"

namespace firewright {
namespace {

enum class Colour : std::uint8_t { red, green, blue, last = blue };
using Colours = EnumSet<Colour>;

TEST(EnumSetTest, HoldsWhatWasPutIn) {
  Colours set{Colour::blue};
  EXPECT_TRUE(set.contains(Colour::blue));
  EXPECT_FALSE(set.contains(Colour::red));
  set.insert(Colour::red);
  set.insert(Colour::red);
  EXPECT_EQ(set.size(), 2U);
  set.erase(Colour::blue);
  EXPECT_EQ(set, Colours{Colour::red});
}

TEST(EnumSetTest, EmptyAndAll) {
  EXPECT_TRUE(Colours().empty());
  EXPECT_FALSE(Colours().is_all());
  EXPECT_TRUE(Colours::all().is_all());
  EXPECT_EQ(Colours::all(), (Colours{Colour::red, Colour::green, Colour::blue}));
}

TEST(EnumSetTest, Algebra) {
  const Colours a{Colour::red, Colour::green};
  const Colours b{Colour::green, Colour::blue};
  EXPECT_EQ(a & b, Colours{Colour::green});
  EXPECT_TRUE((a | b).is_all());
  EXPECT_EQ(a - b, Colours{Colour::red});
}

TEST(EnumSetTest, IteratesInValueOrder) {
  std::vector<Colour> seen;
  for (const auto colour : Colours{Colour::blue, Colour::red}) seen.push_back(colour);
  EXPECT_EQ(seen, (std::vector{Colour::red, Colour::blue}));
}

TEST(TargetTest, EveryTargetHasItsName) {
  std::string names;
  for (const auto target : TargetSet::all()) names += std::string(to_string(target)) + " ";
  EXPECT_EQ(names, "iptables nftables netsh ");
}

}  // namespace
}  // namespace firewright
