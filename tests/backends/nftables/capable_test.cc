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
  bool widens = false;  // a deny, when approximated
};
class Refused : public testing::TestWithParam<Refusal> {};

template <char C>
void in_interface(ir::Rule& rule) {
  rule.match.in = ir::InterfaceSet::of({{std::string{'a', C, 'b'}, false}});
}
template <std::uint32_t Packets, std::uint32_t Burst>
void limited(ir::Rule& rule) {
  rule.match.predicates = {
      {.instance = "x", .test = ir::RateLimit{.packets = Packets, .burst = Burst}}};
}
template <ir::RejectKind Kind>
void answers(ir::Rule& rule) {
  rule.verdict = ir::Verdict::rejected(Kind);
}

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
  EXPECT_EQ(
      messages(sink),
      std::vector<std::string>{
          std::string("nftables cannot say this exactly, so more is denied: ") + GetParam().what});
  EXPECT_EQ(result.chains[0].rules.size(), 1U);
}

// A deny that loses its narrowing denies more; one that has none to lose is refused even then.
TEST_P(Refused, ADenyIsWidenedOrRefusedWhenApproximated) {
  auto rule = allow("x", tcp(22));
  rule.origin.span = place;
  GetParam().change(rule);
  if (rule.verdict.kind != ir::VerdictKind::accept) return;
  rule.verdict = ir::Verdict::drop();
  Sink sink;
  const auto result = capable(test::program({rule}, GetParam().hook), approximating(), sink);
  ASSERT_EQ(result.chains[0].rules.size(), 2U);
  EXPECT_EQ(sink.has_errors(), !GetParam().widens);
  EXPECT_EQ(result.chains[0].rules[0].match == tcp(22), GetParam().widens || rule.match == tcp(22));
  EXPECT_EQ(messages(sink),
            std::vector<std::string>{std::string("nftables cannot say this exactly") +
                                     (GetParam().widens ? ", so more is denied: " : ": ") +
                                     GetParam().what});
}

INSTANTIATE_TEST_SUITE_P(
    Capable, Refused,
    testing::Values(
        Refusal{"program", [](ir::Rule& r) { r.match.program = "C:\\x.exe"; }, "`program`",
                ir::Hook::inbound, true},
        Refusal{"service", [](ir::Rule& r) { r.match.windows_service = "x"; }, "`windows-service`",
                ir::Hook::inbound, true},
        Refusal{"profiles", [](ir::Rule& r) { r.match.profiles = {ir::Profile::domain}; },
                "Windows profiles", ir::Hook::inbound, true},
        Refusal{"owner", [](ir::Rule& r) { r.match.users = OwnerSet::of({0}); },
                "the owner of a packet that another host sent", ir::Hook::inbound, true},
        Refusal{"group", [](ir::Rule& r) { r.match.groups = OwnerSet::of({0}); },
                "the owner of a packet that another host sent", ir::Hook::forward, true},
        Refusal{"out", [](ir::Rule& r) { r.match.out = ir::InterfaceSet::of({{"eth0", false}}); },
                "`out` in this direction", ir::Hook::inbound, true},
        Refusal{"in", [](ir::Rule& r) { r.match.in = ir::InterfaceSet::of({{"eth0", false}}); },
                "`in` in this direction", ir::Hook::outbound, true},
        Refusal{"interface", in_interface<'"'>, "`\"` in an interface name", ir::Hook::inbound,
                true},
        Refusal{"interface_dollar", in_interface<'$'>, "`$` in an interface name",
                ir::Hook::inbound, true},
        Refusal{"interface_star", in_interface<'*'>, "`*` in an interface name", ir::Hook::inbound,
                true},
        Refusal{"interface_slash", in_interface<'/'>,
                "a character in an interface name that Linux does not allow", ir::Hook::inbound,
                true},
        Refusal{"out_interface",
                [](ir::Rule& r) {
                  r.match.out = ir::InterfaceSet::except({{std::string(15, 'x'), true}});
                },
                "an interface name of more than 15 bytes", ir::Hook::forward, true},
        Refusal{"no_interface",
                [](ir::Rule& r) { r.match.in = ir::InterfaceSet::of({{"", false}}); },
                "an interface without a name", ir::Hook::inbound, true},
        Refusal{"log", [](ir::Rule& r) { r.effects.log = "$x"; }, "`$` in a log prefix"},
        Refusal{"log_control", [](ir::Rule& r) { r.effects.log = "a\n"; },
                "a control character in a log prefix"},
        Refusal{"long_log", [](ir::Rule& r) { r.effects.log = std::string(128, 'x'); },
                "a log prefix of more than 127 bytes"},
        Refusal{"opaque",
                [](ir::Rule& r) {
                  r.match.predicates = {{.instance = "", .test = ir::OpaqueMatch{"-m time"}}};
                },
                "the imported match `-m time`"},
        Refusal{"no_rate", limited<0, 5>, "a rate or burst of zero"},
        Refusal{"no_burst", limited<5, 0>, "a rate or burst of zero"},
        Refusal{"rate", limited<2000000000, 5>, "a rate of more than 1000000000/second"},
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
        Refusal{"go_to", [](ir::Rule& r) { r.verdict.kind = ir::VerdictKind::go_to; },
                "jumps between chains"},
        Refusal{"return_", [](ir::Rule& r) { r.verdict.kind = ir::VerdictKind::return_; },
                "jumps between chains"},
        Refusal{"reset",
                [](ir::Rule& r) {
                  r.match = test::udp(53);
                  r.verdict = ir::Verdict::rejected(ir::RejectKind::tcp_reset);
                },
                "a TCP reset for what is not TCP"},
        Refusal{"no_protocol", answers<ir::RejectKind::proto_unreachable>,
                "an answer that only IPv4 has"},
        Refusal{"net_prohibited", answers<ir::RejectKind::net_prohibited>,
                "an answer that only IPv4 has"},
        Refusal{"host_prohibited", answers<ir::RejectKind::host_prohibited>,
                "an answer that only IPv4 has"},
        Refusal{"policy_fail", answers<ir::RejectKind::policy_fail>,
                "an answer that only IPv6 has"},
        Refusal{"reject_route", answers<ir::RejectKind::reject_route>,
                "an answer that only IPv6 has"}),
    [](const auto& chosen) { return std::string(chosen.param.name); });

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
  EXPECT_EQ(sink.diagnostics()[0].help,
            "letters, digits, `_`, `-` and `.`, and no word of nft's language");
}

TEST(Capable, ChainsWithoutAHook) {
  auto program = test::program({});
  const auto base = program;
  program.chains.push_back({.name = "y", .hook = {}, .policy = {}, .rules = {}});
  Sink sink;
  EXPECT_EQ(capable(program, {}, sink), base);
  ASSERT_EQ(sink.errors(), 1U);
  EXPECT_EQ(sink.diagnostics()[0].message(),
            "nftables cannot say this exactly: the chain `y` beside the base chains");
}

TEST(Capable, AnswersThatOneFamilyHas) {
  for (const auto& [kind, family] : {std::pair{ir::RejectKind::proto_unreachable, Family::ipv4},
                                     {ir::RejectKind::net_prohibited, Family::ipv4},
                                     {ir::RejectKind::host_prohibited, Family::ipv4},
                                     {ir::RejectKind::policy_fail, Family::ipv6},
                                     {ir::RejectKind::reject_route, Family::ipv6}}) {
    auto rule = allow("x", tcp(22));
    rule.verdict = ir::Verdict::rejected(kind);
    ir::restrict_families(rule.match, {family});
    Sink sink;
    EXPECT_EQ(capable(test::program({rule}), {}, sink), test::program({rule}));
    EXPECT_TRUE(sink.diagnostics().empty()) << to_string(kind);
  }
}

}  // namespace
}  // namespace firewright::nftables
