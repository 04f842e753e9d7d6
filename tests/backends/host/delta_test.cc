// The difference of two tables, without a kernel.
#include "backends/host/delta.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "backends/host/messages.h"
#include "backends/host/subsequence.h"
#include "backends/nftables/batch.h"

namespace firewright::host {
namespace {

using nftables::Field;
using nftables::Match;
using nftables::Range;
using nftables::Ruleset;
using nftables::VerdictCode;

const TableName ours{NFPROTO_INET, "firewright"};

nftables::Rule port(std::uint32_t number) {
  nftables::Rule rule;
  rule.statements = {Match{.field = Field::tcp_dport,
                           .negated = false,
                           .value = Range{number, number},
                           .implied = false},
                     nftables::Verdict{.code = VerdictCode::accept, .chain = {}}};
  rule.comment = "port " + std::to_string(number);
  return rule;
}
nftables::Rule ports(std::vector<Range> ranges) {
  nftables::Rule rule;
  rule.statements = {Match{.field = Field::tcp_dport,
                           .negated = false,
                           .value = nftables::Elements{.keys = std::move(ranges), .verdicts = {}},
                           .implied = false},
                     nftables::UseCounter{"count-x"}, nftables::Log{"x: "},
                     nftables::Verdict{.code = VerdictCode::accept, .chain = {}}};
  return rule;
}

Ruleset table(std::vector<nftables::Rule> rules) {
  Ruleset ruleset;
  ruleset.table = ours.second;
  ruleset.counters = {"count-x"};
  ruleset.sets = {{.name = "from-list-v4",
                   .type = nftables::DataType::ipv4_addr,
                   .elements = {.keys = {{1, 1}, {3, 3}}, .verdicts = {}},
                   .dynamic = false,
                   .size = 0,
                   .timeout_seconds = 0,
                   .comment = {}}};
  ruleset.chains = {
      {.name = "input",
       .base =
           nftables::BaseHook{.hook = ir::Hook::inbound, .priority = 0, .policy_accepts = false},
       .rules = std::move(rules)}};
  return ruleset;
}

// What the messages of a delta are, or the error. A batch stands for the kernel's dump, whose rules
// would have handles; here every rule's is 0.
std::string text(const Ruleset& live, const Ruleset& wanted, const DeltaOptions& options = {}) {
  std::string error;
  const auto target = to_batch(wanted);
  const auto result = delta(to_batch(live), target, ours, error, options);
  if (!result) return error;
  if (result->empty()) return "nothing";
  const auto messages = split_batch(result->batch);
  if (!messages) return "no batch";
  if (messages->size() != result->messages + 2) return "not counted";
  std::string lines;
  for (std::size_t i = 1; i + 1 < messages->size(); ++i) {
    const auto& message = (*messages)[i];
    nlmsghdr header;
    std::memcpy(&header, message.bytes.data(), sizeof header);
    const bool last = i + 2 == messages->size();
    lines += describe(message) + "\n";
    if (((header.nlmsg_flags & NLM_F_ACK) != 0) != last) lines += "asks at the wrong place\n";
  }
  return lines;
}

TEST(DeltaTest, EqualTablesNeedNothing) {
  const auto ruleset = table({port(1), ports({{5, 9}, {11, 11}})});
  EXPECT_EQ(text(ruleset, ruleset), "nothing");
  EXPECT_EQ(text(ruleset, ruleset, {.whole = true}), "nothing");
}

TEST(DeltaTest, TheOrderOfAttributesIsNoDifference) {
  EXPECT_EQ(text(table({port(1), ports({{5, 5}, {11, 11}})}),
                 table({port(1), ports({{5, 5}, {12, 12}})})),
            "delete rules of chain input\nnew set __set%d\nelements of set __set%d\n"
            "new rule in chain input\n");
}

TEST(DeltaTest, WholeOnlyWhenAskedFor) {
  const auto first = table({port(1), port(2)});
  const auto second = table({port(1), port(3)});
  EXPECT_EQ(text(first, second), "delete rules of chain input\nnew rule in chain input\n");
  EXPECT_EQ(text(first, second, {.whole = true}),
            "delete table firewright\nnew table firewright\nnew chain input\nnew object count-x\n"
            "new set from-list-v4\nelements of set from-list-v4\nnew rule in chain input\n"
            "new rule in chain input\n");
}

TEST(DeltaTest, EveryPartOfARuleCounts) {
  const auto rule = ports({{5, 9}, {11, 11}});
  const auto wanted = table({rule});
  std::vector<nftables::Rule> others(8, rule);
  others[0].comment = "x";
  std::get<Match>(others[1].statements[0]).negated = true;
  std::get<Match>(others[2].statements[0]).field = Field::udp_dport;
  std::get<nftables::Elements>(std::get<Match>(others[3].statements[0]).value).keys[1].last = 12;
  others[4].statements[2] = nftables::Log{"y: "};
  others[5].statements[3] = nftables::Verdict{.code = VerdictCode::drop, .chain = {}};
  std::swap(others[6].statements[1], others[6].statements[2]);
  others[7].statements.erase(others[7].statements.begin() + 1);
  for (const auto& other : others) {
    EXPECT_THAT(text(table({other}), wanted), testing::HasSubstr("new rule in chain input"));
    EXPECT_THAT(text(wanted, table({other})), testing::HasSubstr("new rule in chain input"));
  }
}

TEST(DeltaTest, WhatIsNotUnderstood) {
  std::string error;
  const auto batch = to_batch(table({port(1)}));
  EXPECT_FALSE(delta({}, batch.substr(0, batch.size() - 7), ours, error));
  EXPECT_EQ(error, "messages of table `firewright`: they are cut off");
  EXPECT_FALSE(delta({}, "*filter\nCOMMIT\n*nat\nCOMMIT\n", ours, error));
  EXPECT_FALSE(delta({}, batch, {NFPROTO_IPV4, "firewright"}, error));
  EXPECT_EQ(error, "what is to be loaded makes no table `firewright`");
  // A rule that is put before another one.
  auto inserted = batch;
  const Batch whole{.own = batch, .lent = {}};
  const auto messages = split_batch(whole);
  ASSERT_TRUE(messages);
  for (const auto& message : *messages)
    if (describe(message) == "new rule in chain input") {
      nlmsghdr header;
      std::memcpy(&header, message.bytes.data(), sizeof header);
      header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE;
      std::memcpy(inserted.data() + message.offset, &header, sizeof header);
    }
  EXPECT_FALSE(delta({}, inserted, ours, error));
  EXPECT_EQ(error, "messages of table `firewright`: one of type 6 is not understood");
}

// The kernel tells elements of a hashed set that grows meanwhile more than once.
TEST(DeltaTest, AnElementThatIsToldTwiceIsOne) {
  auto live = table({port(1)});
  auto& keys = live.sets[0].elements.keys;
  keys = {{1, 1}, {3, 3}, {1, 1}, {3, 3}, {3, 3}};
  EXPECT_EQ(text(live, table({port(1)})), "nothing");
  auto wanted = table({port(1)});
  wanted.sets[0].elements.keys = {{3, 3}};
  std::string error;
  const auto result = delta(to_batch(live), to_batch(wanted), ours, error);
  ASSERT_TRUE(result) << error;
  EXPECT_EQ(result->gone_elements, 1U);
  EXPECT_EQ(result->new_elements, 0U);
}

// Elements go into messages that the kernel can take, however many there are.
TEST(DeltaTest, ManyElements) {
  auto first = table({port(1)});
  auto second = first;
  for (std::uint32_t i = 0; i < 50000; ++i)
    second.sets[0].elements.keys.push_back({10 + i, 10 + i});
  std::string error;
  for (const auto& [live, wanted] : {std::pair(first, second), std::pair(second, first)}) {
    const auto target = to_batch(wanted);
    const auto result = delta(to_batch(live), target, ours, error);
    ASSERT_TRUE(result) << error;
    EXPECT_EQ(result->new_elements + result->gone_elements, 50000U);
    EXPECT_LT(result->messages, 40U);
    const auto messages = split_batch(result->batch);
    ASSERT_TRUE(messages);
    for (const auto& message : *messages) EXPECT_LT(message.bytes.size(), 65000U);
  }
}

TEST(DeltaTest, DamagedBytesAreRefusedOrRead) {
  const auto base = to_batch(table({port(1), ports({{5, 9}, {11, 11}}), port(2)}));
  const auto other = to_batch(table({port(2), ports({{5, 9}, {12, 11}})}));
  std::mt19937 dice(4);
  std::size_t refused = 0;
  for (int round = 0; round < 20000; ++round) {
    auto bytes = base;
    for (auto n = dice() % 3 + 1; n > 0; --n)
      bytes[dice() % bytes.size()] = static_cast<char>(dice() % 4 == 0 ? dice() : dice() % 16);
    if (dice() % 8 == 0) bytes.resize(dice() % bytes.size());
    // At an address of its own, so that a read past its end is noticed.
    const std::vector<char> copy(bytes.begin(), bytes.end());
    const std::string_view view(copy.data(), copy.size());
    std::string error;
    const auto as_live = delta(view, other, ours, error);
    const auto as_wanted = delta(other, view, ours, error);
    for (const auto& result : {as_live, as_wanted}) {
      refused += result ? 0U : 1U;
      const bool well_formed = !result || result->empty() || split_batch(result->batch);
      ASSERT_TRUE(well_formed) << "round " << round;
    }
  }
  EXPECT_GT(refused, 1000U);
  EXPECT_LT(refused, 39000U);
}

TEST(CommonOrderTest, Examples) {
  const auto common = [](const std::string& a, const std::string& b) {
    std::vector<std::string_view> before;
    std::vector<std::string_view> after;
    for (const auto& c : a) before.emplace_back(&c, 1);
    for (const auto& c : b) after.emplace_back(&c, 1);
    std::string letters;
    std::size_t i = 0;
    std::size_t j = 0;
    for (const auto& [x, y] : common_order(before, after)) {
      EXPECT_EQ(before[x], after[y]);
      EXPECT_TRUE(letters.empty() || (x > i && y > j));
      letters += a[x];
      i = x;
      j = y;
    }
    return letters;
  };
  EXPECT_EQ(common("", ""), "");
  EXPECT_EQ(common("abc", ""), "");
  EXPECT_EQ(common("", "abc"), "");
  EXPECT_EQ(common("abc", "abc"), "abc");
  EXPECT_EQ(common("abc", "abxc"), "abc");
  EXPECT_EQ(common("aaa", "aaaa"), "aaa");
  EXPECT_EQ(common("abcdef", "fabcde"), "abcde");
  EXPECT_EQ(common("abcdef", "bcxdea"), "bcde");
  EXPECT_EQ(common("xabcy", "ycbax").size(), 1U);
  std::mt19937 dice(7);
  for (int round = 0; round < 2000; ++round) {
    std::string a(dice() % 30, ' ');
    std::string b(dice() % 30, ' ');
    for (auto& c : a) c = static_cast<char>('a' + dice() % 8);
    for (auto& c : b) c = static_cast<char>('a' + dice() % 8);
    (void)common(a, b);
  }
  // Without repetition it is the longest one.
  EXPECT_EQ(common("gabcdhef", "abhcdefg"), "abcdef");
}

}  // namespace
}  // namespace firewright::host
