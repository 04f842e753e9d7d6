// What iptables cannot say: refused with a way out, or, approximately, denied.
#include "backends/iptables/capable.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler/ir/evaluate.h"
#include "tests/backends/iptables/build_program.h"

namespace firewright::iptables::test {
namespace {

using ir::TimeUnit;

struct Outcome {
  ir::Program program;
  std::vector<Diagnostic> diagnostics;
};

Outcome check(const ir::Program& program, bool approximate = false) {
  Sink sink;
  backend::Options options;
  options.approximate = approximate;
  Outcome outcome;
  outcome.program = capable(program, options, sink);
  outcome.diagnostics = sink.diagnostics();
  return outcome;
}

// The one message about the program; empty: there is none.
std::string refusal(const ir::Program& program) {
  const auto outcome = check(program);
  if (outcome.diagnostics.empty()) {
    EXPECT_EQ(outcome.program, program);
    return "";
  }
  EXPECT_EQ(outcome.diagnostics.size(), 1U);
  EXPECT_EQ(outcome.diagnostics[0].kind, Kind::cannot_say);
  return outcome.diagnostics[0].message();
}
std::string refusal(const ir::Rule& rule) { return refusal(inbound({rule})); }

const std::string prefix = "iptables cannot say this exactly: ";
const std::string less = "iptables cannot say this exactly, so more is denied: ";

TEST(IptablesCapable, OrdinaryExceptionsPass) {
  EXPECT_EQ(
      refusal(allow("ssh").tcp({22}).in(interfaces({"eth0", "wg*"})).log("ssh: ").count("ssh")),
      "");
  EXPECT_EQ(refusal(outbound({deny("x").user(0, 5)})), "");
}

TEST(IptablesCapable, Interfaces) {
  EXPECT_EQ(refusal(allow("x").in(interfaces({"abcdefghijklmno"}))), "");
  EXPECT_EQ(refusal(allow("x").in(interfaces({"abcdefghijklmn*"}))), "");
  EXPECT_EQ(refusal(allow("x").in(interfaces({"abcdefghijklmnop"}))),
            prefix + "the interface `abcdefghijklmnop`, which is longer than 15 characters");
  EXPECT_EQ(refusal(allow("x").in(interfaces({"abcdefghijklmno*"}))),
            prefix + "the interface `abcdefghijklmno*`, which is longer than 15 characters");
  EXPECT_EQ(refusal(allow("x").in(interfaces({"eth+"}))),
            prefix + "the interface `eth+`, whose `+` would stand for any ending");
  for (const std::string name : {"a b", "a\"b", "a\\b", "-x", "!", "a/b", "\u00e9th", "a*b"})
    EXPECT_EQ(refusal(allow("x").in(interfaces({name}))), prefix + "the interface `" + name + "`");
  EXPECT_EQ(refusal(outbound({deny("x").out(interfaces({"eth+"}))})),
            prefix + "the interface `eth+`, whose `+` would stand for any ending");
}

TEST(IptablesCapable, Owners) {
  EXPECT_EQ(refusal(allow("x").user(0, 0)),
            prefix + "the user behind a packet that this host did not send");
  EXPECT_EQ(refusal(outbound({allow("x").group(5, 4'294'967'295U)})),
            prefix + "the group 4294967295, which Linux gives to nobody");
  EXPECT_EQ(refusal(allow("x").group(0, 0)),
            prefix + "the group behind a packet that this host did not send");
  EXPECT_EQ(refusal(outbound({allow("x").user(4'294'967'295U, 4'294'967'295U)})),
            prefix + "the user 4294967295, which Linux gives to nobody");
}

TEST(IptablesCapable, WindowsOnly) {
  auto rule = allow("x").rule();
  rule.match.profiles = {ir::Profile::domain};
  EXPECT_EQ(refusal(rule), prefix + "network profiles, which only Windows has");
  rule = allow("x");
  rule.match.program = "C:\\x.exe";
  EXPECT_EQ(refusal(rule), prefix + "`program`, which only Windows knows");
  rule = allow("x");
  rule.match.windows_service = "w32time";
  EXPECT_EQ(refusal(rule), prefix + "`windows-service`, which only Windows knows");
}

TEST(IptablesCapable, LogPrefixes) {
  EXPECT_EQ(refusal(deny("x").log(std::string(29, 'x'))), "");
  EXPECT_EQ(refusal(deny("x").log(std::string(30, 'x'))), prefix + "a log prefix of 30 bytes");
  EXPECT_EQ(refusal(deny("x").log("caf\u00e9")),
            prefix + "a log prefix that is not of printable ASCII");
  EXPECT_EQ(refusal(deny("x").log("a\nb")), prefix + "a log prefix that is not of printable ASCII");
}

TEST(IptablesCapable, RejectKinds) {
  EXPECT_EQ(refusal(reject("x", ir::RejectKind::tcp_reset).udp({1})),
            prefix + "a TCP reset for packets that are not TCP");
  EXPECT_EQ(refusal(reject("x", ir::RejectKind::net_prohibited)),
            prefix + "reject with `" + std::string(to_string(ir::RejectKind::net_prohibited)) +
                "` in ipv6");
  EXPECT_EQ(refusal(reject("x", ir::RejectKind::policy_fail).family(Family::ipv6)), "");
}

// The kinds of answers, and the family that does not have them.
TEST(IptablesCapable, RejectKindsOfOneFamily) {
  using ir::RejectKind;
  for (const auto kind :
       {RejectKind::proto_unreachable, RejectKind::net_prohibited, RejectKind::host_prohibited}) {
    const auto text = std::string(to_string(kind));
    EXPECT_EQ(refusal(reject("x", kind)), prefix + "reject with `" + text + "` in ipv6");
    EXPECT_EQ(refusal(reject("x", kind).family(Family::ipv4)), "");
  }
  for (const auto kind : {RejectKind::policy_fail, RejectKind::reject_route}) {
    const auto text = std::string(to_string(kind));
    EXPECT_EQ(refusal(reject("x", kind)), prefix + "reject with `" + text + "` in ipv4");
    EXPECT_EQ(refusal(reject("x", kind).family(Family::ipv6)), "");
  }
  for (const auto kind : {RejectKind::port_unreachable, RejectKind::host_unreachable,
                          RejectKind::net_unreachable, RejectKind::admin_prohibited})
    EXPECT_EQ(refusal(reject("x", kind)), "");
}

TEST(IptablesCapable, IcmpType255) {
  const IcmpSet one_code{{IcmpTypeCode{255 << 8}, IcmpTypeCode{255 << 8}}};
  EXPECT_EQ(refusal(allow("x").icmp(Family::ipv4, one_code)),
            prefix + "some codes of ICMP type 255, which it takes for any type");
  EXPECT_EQ(refusal(allow("x").icmp(Family::ipv6, one_code)), "");
  EXPECT_EQ(refusal(allow("x").icmp(Family::ipv4, icmp_types({255}))), "");
}

TEST(IptablesCapable, ChainsAndJumps) {
  auto rule = allow("x").rule();
  rule.verdict = {.kind = ir::VerdictKind::jump, .reject = {}, .chain = "y"};
  EXPECT_EQ(refusal(rule), prefix + "`jump y` to a chain of the program");
  rule.verdict.kind = ir::VerdictKind::go_to;
  EXPECT_EQ(refusal(rule), prefix + "`goto y` to a chain of the program");
  rule.verdict = {.kind = ir::VerdictKind::return_, .reject = {}, .chain = {}};
  EXPECT_EQ(refusal(rule), prefix + "`return` to a chain of the program");
  auto program = inbound({});
  program.chains.push_back(
      {.name = "y", .hook = {}, .policy = ir::VerdictKind::accept, .rules = {}});
  EXPECT_EQ(refusal(program), prefix + "the chain `y`");
}

TEST(IptablesCapable, OpaqueMatches) {
  auto rule = allow("x").rule();
  rule.match.predicates.push_back({.instance = "m", .test = ir::OpaqueMatch{.text = "-m string"}});
  EXPECT_EQ(refusal(rule), prefix + "the match `-m string`");
}

TEST(IptablesCapable, OneMessageForAnExceptionOfManyRules) {
  const auto limit = rate("dns", 10, TimeUnit::second, 5, false);
  EXPECT_EQ(
      refusal(inbound({allow("dns").tcp({53}).limit(limit), allow("dns").udp({53}).limit(limit)})),
      prefix + "a limit that IPv4 and IPv6 share");
}

TEST(IptablesCapable, LimitsOverBothFamilies) {
  const auto shared = prefix + "a limit that IPv4 and IPv6 share";
  EXPECT_EQ(refusal(allow("x").limit(rate("x", 10, TimeUnit::minute, 5, false))), shared);
  EXPECT_EQ(refusal(allow("x").limit(connections("x", 10, false))), shared);
  EXPECT_EQ(refusal(allow("x").limit(rate("x", 10, TimeUnit::minute, 5, true))), "");
  EXPECT_EQ(refusal(allow("x").limit(connections("x", 10, true))), "");
  EXPECT_EQ(
      refusal(allow("x").family(Family::ipv6).limit(rate("x", 10, TimeUnit::minute, 5, false))),
      "");
  // A limit whose rules are each of one family, but not the same one.
  const auto limit = rate("ping", 10, TimeUnit::second, 5, false);
  EXPECT_EQ(refusal(inbound({allow("ping").icmp(Family::ipv4, icmp_types({8})).limit(limit),
                             allow("ping").icmp(Family::ipv6, icmp_types({128})).limit(limit)})),
            shared);
  const auto outcome = check(inbound({allow("x").limit(connections("x", 10, false))}));
  EXPECT_EQ(outcome.diagnostics[0].help,
            "say `per = \"source\"` or `family`, or leave it to other targets with `only-on`; "
            "`--approximate` gives half to each family");
}

TEST(IptablesCapable, ApproximatelyEachFamilyGetsHalf) {
  const auto outcome =
      check(inbound({allow("x").limit(rate("x", 11, TimeUnit::minute, 5, false))}), true);
  ASSERT_EQ(outcome.diagnostics.size(), 1U);
  EXPECT_EQ(
      outcome.diagnostics[0].message(),
      "iptables cannot say this exactly, so more is denied: a limit that IPv4 and IPv6 share: "
      "half of it for each");
  const auto& rules = outcome.program.chains[0].rules;
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].match.families, FamilySet{Family::ipv4});
  EXPECT_EQ(rules[0].match.predicates[0], rate("x-ipv4", 5, TimeUnit::minute, 2, false));
  EXPECT_EQ(rules[1].match.families, FamilySet{Family::ipv6});
  EXPECT_EQ(rules[1].match.predicates[0], rate("x-ipv6", 5, TimeUnit::minute, 2, false));
}

TEST(IptablesCapable, HalfOfOneIsNothing) {
  const std::string small =
      "a limit that IPv4 and IPv6 share, and that is too small for two halves";
  for (const auto& limit : {connections("x", 1, false), rate("x", 1, TimeUnit::minute, 5, false),
                            rate("x", 5, TimeUnit::minute, 1, false)}) {
    const auto outcome = check(inbound({allow("x").limit(limit)}), true);
    ASSERT_EQ(outcome.diagnostics.size(), 1U);
    EXPECT_EQ(outcome.diagnostics[0].kind, Kind::approximated);
    EXPECT_EQ(outcome.diagnostics[0].message(), less + small + ": left out");
    EXPECT_EQ(outcome.program.chains[0].rules.size(), 1U);  // left out

    const auto refused = check(inbound({deny("x").limit(limit)}), true);
    ASSERT_EQ(refused.diagnostics.size(), 1U);
    EXPECT_EQ(refused.diagnostics[0].message(), prefix + small);
    EXPECT_EQ(refused.diagnostics[0].help,
              "say `per = \"source\"` or `family`, or leave it to other targets with `only-on`");
  }
}

TEST(IptablesCapable, RatesThatTheKernelRounds) {
  const auto outcome =
      check(inbound({allow("x").limit(rate("x", 3000, TimeUnit::second, 5, true))}));
  ASSERT_EQ(outcome.diagnostics.size(), 1U);
  EXPECT_EQ(outcome.diagnostics[0].message(), prefix + "the rate 3000/second with burst 5");
  EXPECT_EQ(
      outcome.diagnostics[0].help,
      "the nearest below is `{ rate = \"2994/second\", burst = 5 }`, which `--approximate` takes");
  const auto lowered =
      check(inbound({allow("x").limit(rate("x", 3000, TimeUnit::second, 5, true))}), true);
  EXPECT_EQ(lowered.program.chains[0].rules[0].match.predicates[0],
            rate("x", 2994, TimeUnit::second, 5, true));
  ASSERT_EQ(lowered.diagnostics.size(), 1U);
  EXPECT_EQ(lowered.diagnostics[0].message(),
            less + "the rate 3000/second with burst 5: 2994/second with burst 5 instead");
}

TEST(IptablesCapable, RatesWithNothingBelowThem) {
  const auto program = inbound({allow("x").limit(rate("x", 0, TimeUnit::day, 5, true))});
  const auto outcome = check(program);
  ASSERT_EQ(outcome.diagnostics.size(), 1U);
  EXPECT_EQ(outcome.diagnostics[0].message(), prefix + "the rate 0/day with burst 5");
  EXPECT_EQ(outcome.diagnostics[0].help,
            "say a higher rate or a smaller burst; `--approximate` leaves the exception out");
  const auto left_out = check(program, true);
  ASSERT_EQ(left_out.diagnostics.size(), 1U);
  EXPECT_EQ(left_out.diagnostics[0].message(), less + "the rate 0/day with burst 5: left out");
  EXPECT_EQ(left_out.program, inbound({}));
}

TEST(IptablesCapable, OneLimitInUnlikeRules) {
  const auto limit = rate("x", 10, TimeUnit::minute, 5, true);
  const auto outcome =
      check(inbound({allow("x").tcp({1}).limit(limit), deny("y").tcp({2}).limit(limit)}));
  ASSERT_FALSE(outcome.diagnostics.empty());
  EXPECT_EQ(outcome.diagnostics[0].message(), prefix + "one limit, `x`, shared by unlike rules");
}

// The way out is said with each refusal, and what `--approximate` does only where it does it.
TEST(IptablesCapable, Help) {
  const auto help = [](const ir::Rule& rule) {
    const auto outcome = check(inbound({rule}));
    return outcome.diagnostics.empty() ? "no refusal" : outcome.diagnostics[0].help;
  };
  EXPECT_EQ(help(allow("x").in(interfaces({"eth+"}))),
            "use a wildcard (`*`), or leave it to other targets with `only-on`; `--approximate` "
            "leaves the exception out");
  EXPECT_EQ(help(deny("x").in(interfaces({"eth+"}))),
            "use a wildcard (`*`), or leave it to other targets with `only-on`");
  EXPECT_EQ(help(reject("x", ir::RejectKind::policy_fail)),
            "say `family`, or leave it to other targets with `only-on`");
  EXPECT_EQ(help(deny("x").log(std::string(30, 'x'))),
            "say a prefix of at most 29 with `log = \"...\"`, or leave it to other targets with "
            "`only-on`");
}

// What is left out of an approximation may only ever be an exception that accepts.
TEST(IptablesCapable, ApproximationLeavesOutOnlyAllows) {
  const auto left_out = check(inbound({allow("x").in(interfaces({"eth+"}))}), true);
  ASSERT_EQ(left_out.diagnostics.size(), 1U);
  EXPECT_EQ(
      left_out.diagnostics[0].message(),
      "iptables cannot say this exactly, so more is denied: the interface `eth+`, whose `+` would "
      "stand for any ending: left out");
  EXPECT_EQ(left_out.program, inbound({}));

  const auto refused = check(inbound({deny("x").in(interfaces({"eth+"}))}), true);
  ASSERT_EQ(refused.diagnostics.size(), 1U);
  EXPECT_EQ(refused.diagnostics[0].kind, Kind::cannot_say);
}

}  // namespace
}  // namespace firewright::iptables::test
