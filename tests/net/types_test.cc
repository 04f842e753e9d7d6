#include "compiler/net/types.h"

#include <gtest/gtest.h>

#include <random>

namespace firewright {
namespace {

TEST(Ipv4Text, ReadsOnlyTheStrictDottedQuad) {
  EXPECT_EQ(parse_ipv4("192.0.2.1"), Ipv4{0xC0000201});
  EXPECT_EQ(parse_ipv4("0.0.0.0"), Ipv4{0});
  EXPECT_EQ(parse_ipv4("255.255.255.255"), Ipv4{0xffffffff});
  for (const auto* bad : {"", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.04",
                          "1..2.3", "1.2.3.4 ", "1.2.3.-4", "1.2.3.+4", "0x1.2.3.4", "1.2.3.a"})
    EXPECT_FALSE(parse_ipv4(bad)) << bad;
}

TEST(Ipv6Text, ReadsAllFormsOfRfc4291) {
  EXPECT_EQ(parse_ipv6("::"), Ipv6{0});
  EXPECT_EQ(parse_ipv6("::1"), Ipv6{1});
  EXPECT_EQ(parse_ipv6("1:2:3:4:5:6:7:8")->value >> 112U, u128{1});
  EXPECT_EQ(parse_ipv6("2001:DB8::a"), parse_ipv6("2001:db8:0:0:0:0:0:A"));
  EXPECT_EQ(parse_ipv6("::ffff:192.0.2.1"), Ipv6{u128{0xffffC0000201}});
  EXPECT_EQ(parse_ipv6("1:2:3:4:5:6:192.0.2.1"), parse_ipv6("1:2:3:4:5:6:c000:201"));
  EXPECT_EQ(parse_ipv6("1:2:3:4:5:6:7::"), parse_ipv6("1:2:3:4:5:6:7:0"));
  for (const auto* bad : {"", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
                          "12345::", "::g", "1:2:3:4:5:6:7:8::", "1:", ":1", "fe80::1%eth0",
                          "::1.2.3", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "::1 "})
    EXPECT_FALSE(parse_ipv6(bad)) << bad;
}

TEST(Ipv6Text, PrintsTheFormOfRfc5952) {
  const auto printed = [](std::string_view text) { return to_string(*parse_ipv6(text)); };
  EXPECT_EQ(printed("2001:0db8:0:0:0:0:0:0001"), "2001:db8::1");
  EXPECT_EQ(printed("0:0:1:0:0:0:1:0"), "0:0:1::1:0");
  EXPECT_EQ(printed("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1") << "one zero group stays";
  EXPECT_EQ(printed("1:0:0:2:3:0:0:4"), "1::2:3:0:0:4") << "of equal runs the first";
  EXPECT_EQ(printed("::"), "::");
  EXPECT_EQ(printed("1::"), "1::");
  EXPECT_EQ(printed("::FFFF:192.0.2.1"), "::ffff:192.0.2.1");
}

TEST(Ipv6Text, WhatIsPrintedReadsBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    u128 value = 0;
    for (int group = 0; group < 8; ++group)
      value = value << 16U | (random() % 3 == 0 ? 0 : random() & 0xffffU);
    ASSERT_EQ(parse_ipv6(to_string(Ipv6{value})), Ipv6{value}) << to_string(Ipv6{value});
  }
}

TEST(ProtocolText, NamesAndNumbers) {
  EXPECT_EQ(parse_protocol("tcp"), protocol::tcp);
  EXPECT_EQ(parse_protocol("6"), protocol::tcp);
  EXPECT_EQ(parse_protocol("255"), Protocol{255});
  for (const auto* bad : {"", "256", "-1", "TCP", "06", "tcp ", "any"})
    EXPECT_FALSE(parse_protocol(bad)) << bad;
  for (unsigned p = 0; p < 256; ++p)
    EXPECT_EQ(parse_protocol(to_string(Protocol{static_cast<std::uint8_t>(p)})),
              Protocol{static_cast<std::uint8_t>(p)});
}

}  // namespace
}  // namespace firewright
