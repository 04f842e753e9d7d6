#include "compiler/analysis/assertions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "compiler/lower/match.h"
#include "tests/analysis/checked.h"

namespace firewright::analysis {
namespace {

using Verdict = AssertionResult::Verdict;

Verdict verdict(const std::string& toml, Target target = Target::nftables) {
  Checked checked(toml, {target});
  const auto results = checked.prove();
  EXPECT_EQ(results.size(), 1U) << checked.said();
  if (results.empty()) return Verdict::not_proved;
  const bool failed =
      results.front().verdict == Verdict::failed || results.front().verdict == Verdict::unprovable;
  EXPECT_EQ(checked.sink.has_errors(), failed) << checked.said();
  return results.front().verdict;
}

std::string said(const std::string& toml, const std::vector<Target>& targets = {Target::nftables}) {
  Checked checked(toml, targets);
  (void)checked.prove();
  return checked.said();
}

constexpr const char* office_only = R"([addresses]
office = ["198.51.100.0/24", "2001:db8:10::/48"]
[inbound]
allow = [{ service = "rdp", from = "office" }]
)";

std::string never(const std::string& set) { return "[[assert]]\nnever = { " + set + " }\n"; }
std::string always(const std::string& set) { return "[[assert]]\nalways = { " + set + " }\n"; }

TEST(AssertionsTest, HoldWherePacketsSay) {
  const std::string policy = office_only;
  EXPECT_EQ(
      verdict(policy + never(R"(direction = "inbound", service = "rdp", from-except = "office")")),
      Verdict::proved);
  EXPECT_EQ(verdict(policy + never(R"(direction = "inbound", service = "rdp")")), Verdict::failed);
  EXPECT_EQ(verdict(policy + always(R"(direction = "inbound", service = "rdp", from = "office")")),
            Verdict::proved);
  EXPECT_EQ(verdict(policy + always(R"(direction = "inbound", service = "rdp")")), Verdict::failed);
  EXPECT_EQ(verdict(policy + never(R"(direction = "forward", protocol = "tcp")")), Verdict::proved);
  EXPECT_EQ(verdict(policy + always(R"(direction = "outbound", protocol = "tcp")")),
            Verdict::proved);
}

TEST(AssertionsTest, OneAddressTooManyIsFound) {
  EXPECT_EQ(
      said(R"([addresses]
office = ["198.51.100.0/24"]
[[inbound.allow]]
name = "remote desktop"
service = "rdp"
from = ["198.51.100.0/24", "203.0.113.77"]
[[assert]]
name = "RDP from the office only"
never = { direction = "inbound", service = "rdp", from-except = "office" }
)"),
      R"(p.toml:7:1: error: `RDP from the office only` does not hold: `tcp 203.0.113.77:40000 -> 192.0.2.10:3389 in eth0 new` is accepted by `remote desktop` [assertion-failed]
    7 | [[assert]]
      | ^~~~~~~~~~
p.toml:3:1: note: accepted by this exception
    3 | [[inbound.allow]]
      | ^~~~~~~~~~~~~~~~~
)");
}

TEST(AssertionsTest, AlwaysIsWithoutLimit) {
  const auto text = said(R"([[inbound.allow]]
service = "ssh"
limit = "10/minute"
[[assert]]
always = { direction = "inbound", service = "ssh" }
)");
  EXPECT_THAT(text, testing::HasSubstr("`always ssh` does not hold"));
  EXPECT_THAT(text, testing::HasSubstr("is dropped by default, over the limit of `ssh`"));
  EXPECT_THAT(text,
              testing::HasSubstr("p.toml:1:1: note: accepted by this exception up to its limit"));
  EXPECT_THAT(text, testing::HasSubstr("`always` means without limit"));
}

TEST(AssertionsTest, NeverLooksAtWhatALimitLetsIn) {
  EXPECT_EQ(verdict("[[inbound.allow]]\nservice = \"ssh\"\nlimit = \"10/minute\"\n" +
                    never(R"(direction = "inbound", service = "ssh")")),
            Verdict::failed);
}

TEST(AssertionsTest, RepliesAreOutside) {
  EXPECT_EQ(verdict("[inbound]\n" + never(R"(direction = "inbound", protocol = "tcp")")),
            Verdict::proved);
}

TEST(AssertionsTest, InvalidPacketsAreInsideNever) {
  const std::string policy =
      "[baseline]\ndrop-invalid = false\n[inbound]\ndefault = \"accept\"\n"
      "deny = [{ protocol = \"tcp\", port = 22 }]\n";
  EXPECT_EQ(verdict(policy + never(R"(direction = "inbound", protocol = "tcp", port = 22)")),
            Verdict::proved);
  EXPECT_EQ(verdict(policy + never(R"(direction = "inbound", protocol = "tcp", port = 23)")),
            Verdict::failed);
  // Dropped when invalid, and that is no breach of `always`.
  EXPECT_EQ(verdict("[inbound]\nallow = [\"ssh\"]\n" +
                    always(R"(direction = "inbound", service = "ssh")")),
            Verdict::proved);
}

TEST(AssertionsTest, LoopbackIsOutsideUnlessNamed) {
  const std::string policy = "[inbound]\nallow = [\"ssh\"]\n";
  EXPECT_EQ(verdict(policy + never(R"(direction = "inbound", service = "http")")), Verdict::proved);
  EXPECT_EQ(verdict(policy + never(R"(direction = "inbound", service = "http", in = "lo")")),
            Verdict::failed);
  EXPECT_THAT(said(policy + never(R"(direction = "inbound", service = "http", in = "lo")")),
              testing::HasSubstr("in lo new` is accepted by the baseline (loopback)"));
}

TEST(AssertionsTest, TheBaselineBreaksThemToo) {
  const auto text = said("[inbound]\n" + never(R"(direction = "inbound", protocol = "icmp")"));
  EXPECT_THAT(text, testing::HasSubstr("is accepted by the baseline (icmp-errors)"));
  EXPECT_THAT(text, testing::HasSubstr("set `baseline.icmp-errors` to false"));
  EXPECT_THAT(said("[inbound]\n" +
                   never(R"(direction = "inbound", protocol = "icmpv6", icmp-type = "135")")),
              testing::HasSubstr("the baseline (neighbour-discovery)"));
}

TEST(AssertionsTest, TheDefaultIsShownWhereItStands) {
  const auto text = said("[inbound]\ndefault = \"accept\"\n" +
                         never(R"(direction = "inbound", service = "telnet")"));
  EXPECT_THAT(text, testing::HasSubstr("is accepted by default"));
  EXPECT_THAT(text, testing::HasSubstr("p.toml:2:11: note: accepted by this default"));
}

TEST(AssertionsTest, WhatIsLeftToOthersIsNotKnown) {
  const std::string policy = "[forward]\ndefault = \"unmanaged\"\n";
  EXPECT_EQ(verdict(policy + never(R"(direction = "forward", protocol = "tcp")")),
            Verdict::unprovable);
  const auto text = said(policy + never(R"(direction = "forward", protocol = "tcp")"));
  EXPECT_THAT(text, testing::HasSubstr("`forward` is unmanaged"));
  EXPECT_THAT(text, testing::HasSubstr("p.toml:2:11: note: left to others here"));
}

TEST(AssertionsTest, NothingAtAllIsVacuous) {
  Checked checked("[forward]\nallow = [\"ssh\"]\n" +
                  never(R"(direction = "forward", protocol = "tcp", in = "lo")"));
  const auto results = checked.prove();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].verdict, Verdict::vacuous);
  EXPECT_EQ(checked.count(Kind::assertion_vacuous), 1U);
  EXPECT_THAT(checked.said(), testing::HasSubstr("holds of no packet at all"));
}

TEST(AssertionsTest, TheBudgetIsSaidHonestly) {
  Checked checked(office_only + never(R"(direction = "inbound", service = "ssh")"),
                  {Target::nftables}, {.nodes = 4, .time = std::chrono::seconds(5)});
  EXPECT_EQ(checked.prove()[0].verdict, Verdict::not_proved);
  EXPECT_EQ(checked.count(Kind::not_proved), 1U);
}

constexpr const char* zoned = R"([zones]
lan = { interfaces = ["eth1"], profiles = ["private"] }
[[inbound.allow]]
service = "smb"
in = "lan"
[[inbound.allow]]
service = "ssh"
only-on = ["netsh"]
[[assert]]
never = { direction = "inbound", service = "ssh" }
)";

TEST(AssertionsTest, FailWhereOneTargetBreaksThem) {
  Checked checked(zoned, {Target::nftables, Target::netsh});
  const auto results = checked.prove();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].verdict, Verdict::failed);
  EXPECT_EQ(results[0].target, Target::netsh);
  EXPECT_THAT(checked.said(), testing::HasSubstr("is accepted by `ssh` on netsh"));
  EXPECT_EQ(checked.sink.errors(), 1U);
  EXPECT_EQ(verdict(zoned, Target::nftables), Verdict::proved);
}

// Many small policies, each held against the naive evaluator on packets around its boundaries.
TEST(AssertionsTest, AgreeWithTheEvaluator) {
  std::mt19937 engine(5);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(engine() % n); };
  const auto sets = [&](bool narrow) {
    std::string keys;
    if (narrow || below(2) == 0)
      keys += ", protocol = \"tcp\", port = \"" + std::to_string(20 + below(3)) + "-" +
              std::to_string(23 + below(3)) + "\"";
    if (below(2) == 0) keys += ", from = \"192.0.2." + std::to_string(below(3)) + "-192.0.2.4\"";
    if (below(3) == 0) keys += ", in = \"eth" + std::to_string(below(2)) + "\"";
    return keys;
  };
  std::size_t failed = 0;
  std::size_t proved = 0;
  for (int round = 0; round < 200; ++round) {
    std::string toml = "[baseline]\nicmp-errors = false\nneighbour-discovery = false\n";
    for (const auto* action : {"allow", "allow", "deny"})
      if (below(4) != 0) {
        toml += "[[inbound." + std::string(action) + "]]\n";
        const auto keys = sets(false);
        for (std::size_t i = 0; i < keys.size();) {
          const auto end = std::min(keys.find(", ", i + 2), keys.size());
          toml += keys.substr(i + 2, end - i - 2) + "\n";
          i = end;
        }
        if (std::string(action) == "allow" && below(4) == 0) toml += "limit = \"1/second\"\n";
      }
    const bool is_never = below(2) == 0;
    toml += "[[assert]]\n" + std::string(is_never ? "never" : "always") +
            " = { direction = \"inbound\"" + sets(true) + " }\n";
    Checked checked(toml);
    const auto results = checked.prove();
    ASSERT_EQ(results.size(), 1U) << toml << checked.said();
    const auto& program = checked.programs[0];
    Sink unused;
    const auto set =
        lower::to_matches(checked.policy, results[0].assertion->set, Target::nftables, unused);
    const auto breaks = [&](const ir::Packet& packet, const ir::PredicateValue& holds) {
      const bool inside = std::any_of(set.begin(), set.end(), [&](const ir::Match& match) {
        return ir::matches(match, packet);
      });
      const bool accepted =
          ir::evaluate(program, packet, holds)->verdict.kind == ir::VerdictKind::accept;
      return inside && accepted == is_never;
    };
    if (results[0].verdict == Verdict::failed) {
      ++failed;
      const auto& example = *results[0].counterexample;
      EXPECT_TRUE(breaks(example.packet, example.holds())) << toml << checked.said();
      continue;
    }
    ASSERT_EQ(results[0].verdict, Verdict::proved);
    ++proved;
    for (const auto* in : {"eth0", "eth1", "eth2"})
      for (const auto state : {ir::ConntrackState::fresh, ir::ConntrackState::untracked})
        for (std::uint32_t source = 0; source < 6; ++source)
          for (std::uint16_t port = 19; port < 27; ++port)
            for (const bool limit : {false, true}) {
              ir::Packet packet;
              packet.in = in;
              packet.state = state;
              packet.source = Ipv4{0xC0000200U + source};
              packet.destination = Ipv4{0xC6336401U};
              packet.destination_port = Port{port};
              EXPECT_FALSE(breaks(packet, [&](const ir::Predicate&) { return limit; }))
                  << toml << to_text(packet);
            }
  }
  EXPECT_GT(failed, 30U);
  EXPECT_GT(proved, 30U);
}

}  // namespace
}  // namespace firewright::analysis
