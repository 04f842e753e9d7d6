#include "compiler/net/interval_set.h"

#include <gtest/gtest.h>

#include <bitset>
#include <random>

#include "compiler/net/address_set.h"

namespace firewright {
namespace {

using Set = IntervalSet<Protocol>;  // 256 values: small enough to hold every law against a bit set
using Bits = std::bitset<256>;

Interval<Protocol> interval(unsigned first, unsigned last) {
  return {Protocol{static_cast<std::uint8_t>(first)}, Protocol{static_cast<std::uint8_t>(last)}};
}

Bits bits(const Set& set) {
  Bits result;
  for (unsigned v = 0; v < 256; ++v)
    result[v] = set.contains(Protocol{static_cast<std::uint8_t>(v)});
  return result;
}

void expect_canonical(const Set& set) {
  const auto list = set.intervals();
  for (std::size_t i = 0; i < list.size(); ++i) {
    EXPECT_LE(list[i].first, list[i].last);
    if (i > 0) {
      EXPECT_GT(list[i].first.value, list[i - 1].last.value + 1) << "adjacent intervals are one";
    }
  }
}

Set random_set(std::mt19937& random) {
  std::vector<Interval<Protocol>> list;
  for (auto n = random() % 8; n > 0; --n) {
    const auto a = static_cast<unsigned>(random() % 256);
    const auto b = std::min(255U, a + static_cast<unsigned>(random() % 40));
    list.push_back(interval(a, b));
  }
  if (random() % 8 == 0) list.push_back(interval(255, 255));
  if (random() % 8 == 0) list.push_back(interval(0, 0));
  return Set(std::move(list));
}

TEST(IntervalSet, JoinsOverlappingAndAdjacentIntervals) {
  EXPECT_EQ((Set{interval(5, 9), interval(1, 3), interval(4, 4)}), Set{interval(1, 9)});
  EXPECT_EQ((Set{interval(0, 255), interval(3, 4)}), Set::all());
  EXPECT_TRUE((Set{interval(9, 5)}).empty()) << "a reversed interval holds nothing";
}

TEST(IntervalSet, OperationsAgreeWithABitSet) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    const auto a = random_set(random);
    const auto b = random_set(random);
    const auto x = bits(a);
    const auto y = bits(b);
    ASSERT_EQ(bits(a | b), (x | y));
    ASSERT_EQ(bits(a & b), (x & y));
    ASSERT_EQ(bits(a - b), (x & ~y));
    ASSERT_EQ(bits(~a), ~x);
    ASSERT_EQ(a.intersects(b), (x & y).any());
    ASSERT_EQ(a.contains(b), (y & ~x).none());
    ASSERT_EQ(a == b, x == y) << "equal members, equal values";
    ASSERT_EQ(a.is_all(), x.all());
    for (const auto& set : {a | b, a & b, a - b, ~a}) expect_canonical(set);
  }
}

TEST(AddressItem, ReadsAddressesPrefixesAndRanges) {
  const auto v4 = [](std::string_view text) {
    return to_string(std::get<Interval<Ipv4>>(parse_address_item(text).value));
  };
  const auto v6 = [](std::string_view text) {
    return to_string(std::get<Interval<Ipv6>>(parse_address_item(text).value));
  };
  EXPECT_EQ(v4("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(v4("192.0.2.0/24"), "192.0.2.0/24");
  EXPECT_EQ(v4("192.0.2.4-192.0.2.7"), "192.0.2.4/30");
  EXPECT_EQ(v4("192.0.2.4 - 192.0.2.9"), "192.0.2.4-192.0.2.9");
  EXPECT_EQ(v4("0.0.0.0/0"), "0.0.0.0/0");
  EXPECT_EQ(v6("2001:db8::/32"), "2001:db8::/32");
  EXPECT_EQ(v6("2001:db8::1-2001:db8::2"), "2001:db8::1-2001:db8::2");
  EXPECT_EQ(v6("::/0"), "::/0");
}

TEST(AddressItem, SaysWhatIsWrong) {
  struct Case {
    std::string_view text;
    AddressProblem problem;
    std::string_view suggestion = "";
  };
  for (const auto& [text, problem, suggestion] : {
           Case{"", AddressProblem::not_an_address},
           Case{"office", AddressProblem::not_an_address},
           Case{"db-1", AddressProblem::not_an_address},
           Case{"www.example.org", AddressProblem::not_an_address},
           Case{"256.0.0.1", AddressProblem::bad_octet},
           Case{"10.0.0.01", AddressProblem::bad_octet},
           Case{"10.0.0.0/33", AddressProblem::prefix_too_long},
           Case{"2001:db8::/129", AddressProblem::prefix_too_long},
           Case{"10.0.0.0/99999999999999", AddressProblem::prefix_too_long},
           Case{"10.0.0.0/", AddressProblem::bad_prefix_length},
           Case{"10.0.0.0/08", AddressProblem::bad_prefix_length},
           Case{"10.0.0.0/255.0.0.0", AddressProblem::bad_prefix_length},
           Case{"10.0.0.1/8", AddressProblem::host_bits, "10.0.0.0/8"},
           Case{"2001:db8::1/32", AddressProblem::host_bits, "2001:db8::/32"},
           Case{"::ffff:192.0.2.1", AddressProblem::ipv4_mapped, "192.0.2.1"},
           Case{"::ffff:192.0.2.0/120", AddressProblem::ipv4_mapped},
           Case{"fe80::1%eth0", AddressProblem::zone_index},
           Case{"10.0.0.1-::1", AddressProblem::mixed_families},
           Case{"10.0.0.9-10.0.0.1", AddressProblem::reversed_range, "10.0.0.1-10.0.0.9"},
           Case{"10.0.0.1-10.0.0.999", AddressProblem::bad_octet},
       }) {
    const auto parsed = parse_address_item(text);
    const auto* found = std::get_if<AddressProblem>(&parsed.value);
    ASSERT_NE(found, nullptr) << text;
    EXPECT_EQ(*found, problem) << text;
    EXPECT_EQ(parsed.suggestion, suggestion) << text;
  }
}

TEST(PortItem, ReadsPortsAndRanges) {
  const auto ports = [](std::string_view text) {
    return to_string(std::get<Interval<Port>>(parse_port_item(text).value));
  };
  EXPECT_EQ(ports("22"), "22");
  EXPECT_EQ(ports("5000-5010"), "5000-5010");
  EXPECT_EQ(ports("1-65535"), "1-65535");
  EXPECT_EQ(ports("80-80"), "80");
  const auto problem = [](std::string_view text) {
    return std::get<PortProblem>(parse_port_item(text).value);
  };
  EXPECT_EQ(problem(""), PortProblem::empty);
  EXPECT_EQ(problem("0"), PortProblem::zero);
  EXPECT_EQ(problem("0-10"), PortProblem::zero);
  EXPECT_EQ(problem("65536"), PortProblem::too_large);
  EXPECT_EQ(problem("99999999999999999999"), PortProblem::too_large);
  EXPECT_EQ(problem("80-22"), PortProblem::reversed_range);
  EXPECT_EQ(problem("022"), PortProblem::not_a_port);
  EXPECT_EQ(problem("http"), PortProblem::not_a_port);
  EXPECT_EQ(problem("80-"), PortProblem::not_a_port);
  EXPECT_EQ(problem("-80"), PortProblem::not_a_port);
}

TEST(IntervalSet, UnitedAreWhatTheyAreOneByOne) {
  std::mt19937 random(11);
  for (int round = 0; round < 500; ++round) {
    std::vector<Ipv4Set> sets;
    for (auto count = random() % 6; count > 0; --count) {
      std::vector<Interval<Ipv4>> intervals;
      for (auto size = random() % 20; size > 0; --size) {
        const auto first = static_cast<std::uint32_t>(random() % 200);
        intervals.push_back({Ipv4{first}, Ipv4{first + static_cast<std::uint32_t>(random() % 4)}});
      }
      sets.emplace_back(std::move(intervals));
    }
    std::vector<const Ipv4Set*> all;
    std::vector<Interval<Ipv4>> every;
    for (const auto& set : sets) {
      all.push_back(&set);
      every.insert(every.end(), set.intervals().begin(), set.intervals().end());
    }
    ASSERT_EQ(Ipv4Set::united(all), Ipv4Set(every));
  }
  const Ipv4Set large({{Ipv4{1}, Ipv4{2}}, {Ipv4{9}, Ipv4{9}}});
  const Ipv4Set* const one[] = {&large};
  EXPECT_EQ(Ipv4Set::united(one).intervals().data(), large.intervals().data()) << "no copy";
}

TEST(Prefixes, CoverAnIntervalExactly) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    auto a = static_cast<std::uint32_t>(random());
    auto b = random() % 3 == 0 ? static_cast<std::uint32_t>(a + random() % 5000)
                               : static_cast<std::uint32_t>(random());
    if (b < a) std::swap(a, b);
    const Interval<Ipv4> wanted{Ipv4{a}, Ipv4{b}};
    std::uint64_t next = a;
    const auto prefixes = to_prefixes(wanted);
    for (const auto& prefix : prefixes) {
      const auto covered = to_interval(prefix);
      ASSERT_EQ(covered.first.value, next);
      next = std::uint64_t{covered.last.value} + 1;
    }
    ASSERT_EQ(next, std::uint64_t{b} + 1);
    ASSERT_LE(prefixes.size(), 62U) << "two for each bit at most";
    ASSERT_EQ(as_prefix(wanted).has_value(), prefixes.size() == 1);
  }
  EXPECT_EQ(to_prefixes({Ipv6Set::min(), Ipv6Set::max()}).size(), 1U);
  EXPECT_EQ(to_prefixes({Ipv4Set::min(), Ipv4Set::max()})[0].length, 0U);
}

TEST(IcmpNames, AreUniqueAndInRange) {
  for (const auto& entry : icmp_names()) {
    EXPECT_EQ(find_icmp_name(entry.name), &entry);
    EXPECT_TRUE(entry.v4 || entry.v6) << entry.name;
  }
  EXPECT_EQ(find_icmp_name("echo-request")->v4->first.type(), 8);
  EXPECT_EQ(find_icmp_name("echo-request")->v6->first.type(), 128);
  EXPECT_EQ(find_icmp_name("no-such"), nullptr);
}

}  // namespace
}  // namespace firewright
