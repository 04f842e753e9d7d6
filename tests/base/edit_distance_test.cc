#include "compiler/base/edit_distance.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace firewright {
namespace {

TEST(NearestTest, Table) {
  const std::vector<std::string> known = {"inbound", "outbound", "forward", "from", "to", "port"};
  const std::pair<std::string, std::string> slips[] = {
      {"inbond", "inbound"},    // one left out
      {"inbbound", "inbound"},  // one too many
      {"inbaund", "inbound"},   // one replaced
      {"inbuond", "inbound"},   // two swapped
      {"form", "from"},         // likewise
      {"prot", "port"},        {"forwards", "forward"},
  };
  for (const auto& [slip, meant] : slips) EXPECT_EQ(nearest(slip, known), meant) << slip;
}

TEST(NearestTest, WhatIsFarFromEverythingIsNoSlip) {
  const std::vector<std::string> known = {"inbound", "outbound"};
  EXPECT_EQ(nearest("xyz", known), std::nullopt);
  EXPECT_EQ(nearest("", known), std::nullopt);
  EXPECT_EQ(nearest("inbound", {}), std::nullopt);
}

TEST(NearestTest, OfEqualsTheFirst) {
  const std::vector<std::string> known = {"bat", "cat"};
  EXPECT_EQ(nearest("hat", known), "bat");
}

TEST(NearestTest, LongWordsAreNotLookedAt) {
  const std::vector<std::string> known = {std::string(65, 'a')};
  EXPECT_EQ(nearest(std::string(65, 'a'), known), std::nullopt);
  EXPECT_EQ(nearest(std::string(64, 'a'), known), std::nullopt);
}

}  // namespace
}  // namespace firewright
