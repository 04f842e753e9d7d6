// What nftables cannot say, and what it says instead when asked to deny more.
#include "backends/nftables/capable.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/backends/nftables/programs.h"

namespace firewright::nftables {
namespace {

using test::allow;
using test::tcp;

const Span place{.file = static_cast<FileId>(0), .begin = 3, .end = 7};

backend::Options approximating() {
  backend::Options options;
  options.approximate = true;
  return options;
}
backend::Options table_named(std::string name) {
  backend::Options options;
  options.nftables_table = std::move(name);
  return options;
}

struct Refusal {
  const char* name;
  std::function<void(ir::Rule&)> change;
  const char* what;
  ir::Hook hook = ir::Hook::inbound;
};
class Refused : public testing::TestWithParam<Refusal> {};

std::vector<std::string> messages(const Sink& sink) {
  std::vector<std::string> texts;
  for (const auto& diagnostic : sink.diagnostics()) {
    texts.push_back(diagnostic.message());
    EXPECT_FALSE(diagnostic.help.empty());
    EXPECT_EQ(diagnostic.span, place);
  }
  return texts;
}

TEST_P(Refused, AtItsPlace) {
  auto rule = allow("x", tcp(22));
  rule.origin.span = place;
  GetParam().change(rule);
  Sink sink;
  // Twice the same exception is said once.
  (void)capable(test::program({rule, rule}, GetParam().hook), {}, sink);
  EXPECT_EQ(messages(sink),
            std::vector<std::string>{std::string("nftables cannot say this exactly: ") +
                                     GetParam().what});
  EXPECT_TRUE(sink.has_errors());
}

TEST_P(Refused, AnAllowIsLeftOutWhenApproximated) {
  auto rule = allow("x", tcp(22));
  rule.origin.span = place;
  GetParam().change(rule);
  if (rule.verdict.kind != ir::VerdictKind::accept) return;
  Sink sink;
  const auto result = capable(test::program({rule}, GetParam().hook), approximating(), sink);
  EXPECT_FALSE(sink.has_errors());
  EXPECT_EQ(sink.warnings(), 1U);
  EXPECT_EQ(result.chains[0].rules.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Capable, Refused,
    testing::Values(
        Refusal{"program", [](ir::Rule& r) { r.match.program = "C:\\x.exe"; }, "`program`"},
        Refusal{"service", [](ir::Rule& r) { r.match.windows_service = "x"; }, "`windows-service`"},
        Refusal{"profiles", [](ir::Rule& r) { r.match.profiles = {ir::Profile::domain}; },
                "Windows profiles"},
        Refusal{"owner", [](ir::Rule& r) { r.match.users = OwnerSet::of({0}); },
                "the owner of a packet that another host sent"},
        Refusal{"out", [](ir::Rule& r) { r.match.out = ir::InterfaceSet::of({{"eth0", false}}); },
                "`out` in this direction"},
        Refusal{"in", [](ir::Rule& r) { r.match.in = ir::InterfaceSet::of({{"eth0", false}}); },
                "`in` in this direction", ir::Hook::outbound},
        Refusal{"interface",
                [](ir::Rule& r) { r.match.in = ir::InterfaceSet::of({{"a\"b", false}}); },
                "`\"` in an interface name"},
        Refusal{"log", [](ir::Rule& r) { r.effects.log = "$x"; }, "`$` in a log prefix"},
        Refusal{"long_log", [](ir::Rule& r) { r.effects.log = std::string(128, 'x'); },
                "a log prefix of more than 127 bytes"},
        Refusal{"opaque",
                [](ir::Rule& r) {
                  r.match.predicates = {{.instance = "", .test = ir::OpaqueMatch{"-m time"}}};
                },
                "the imported match `-m time`"},
        Refusal{"rate",
                [](ir::Rule& r) {
                  r.match.predicates = {
                      {.instance = "x", .test = ir::RateLimit{.packets = 2000000000}}};
                },
                "a rate of more than 1000000000/second"},
        Refusal{"burst",
                [](ir::Rule& r) {
                  r.match.predicates = {
                      {.instance = "x",
                       .test = ir::RateLimit{
                           .packets = 1, .unit = ir::TimeUnit::day, .burst = 4000000000}}};
                },
                "a burst that takes longer than a century to fill"},
        Refusal{"mixed",
                [](ir::Rule& r) {
                  r.match.predicates = {
                      {.instance = "x", .test = ir::ConnectionLimit{.connections = 1}},
                      {.instance = "x", .test = ir::RateLimit{.packets = 1, .per_source = true}}};
                },
                "a limit on all connections beside a rate of each source"},
        Refusal{"jump", [](ir::Rule& r) { r.verdict.kind = ir::VerdictKind::jump; },
                "jumps between chains"},
        Refusal{"reset",
                [](ir::Rule& r) {
                  r.match = test::udp(53);
                  r.verdict = ir::Verdict::rejected(ir::RejectKind::tcp_reset);
                },
                "a TCP reset for what is not TCP"},
        Refusal{
            "v4_answer",
            [](ir::Rule& r) { r.verdict = ir::Verdict::rejected(ir::RejectKind::net_prohibited); },
            "an answer that only IPv4 has"},
        Refusal{"v6_answer",
                [](ir::Rule& r) { r.verdict = ir::Verdict::rejected(ir::RejectKind::policy_fail); },
                "an answer that only IPv6 has"}),
    [](const auto& chosen) { return std::string(chosen.param.name); });

TEST(Capable, ADenyIsWidenedWhenApproximated) {
  auto rule = allow("x", tcp(22));
  rule.match.program = "C:\\x.exe";
  rule.verdict = ir::Verdict::drop();
  Sink sink;
  const auto result = capable(test::program({rule}), approximating(), sink);
  EXPECT_FALSE(sink.has_errors());
  ASSERT_EQ(result.chains[0].rules.size(), 2U);
  EXPECT_EQ(result.chains[0].rules[0].match, tcp(22));
}

TEST(Capable, ADenyThatCannotBeWidenedIsAnErrorEvenThen) {
  auto rule = allow("x", tcp(22));
  rule.effects.log = "\"";
  rule.verdict = ir::Verdict::drop();
  Sink sink;
  (void)capable(test::program({rule}), approximating(), sink);
  EXPECT_TRUE(sink.has_errors());
}

TEST(Capable, WhatCanBeSaidIsLeftAlone) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    const auto program = test::random_program(seed);
    Sink sink;
    EXPECT_EQ(capable(program, {}, sink), program) << "seed " << seed;
    EXPECT_TRUE(sink.diagnostics().empty()) << "seed " << seed;
  }
}

TEST(Capable, TableNames) {
  Sink sink;
  (void)capable({}, table_named("table"), sink);
  ASSERT_EQ(sink.errors(), 1U);
  EXPECT_EQ(sink.diagnostics()[0].message(),
            "nftables cannot say this exactly: the table name `table`");
}

}  // namespace
}  // namespace firewright::nftables
