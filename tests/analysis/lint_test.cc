#include "compiler/analysis/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/analysis/checked.h"

namespace firewright::analysis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> lint(const std::string& toml,
                              const std::vector<Target>& targets = {Target::nftables}) {
  Checked checked(toml, targets);
  checked.lint();
  EXPECT_FALSE(checked.sink.has_errors()) << checked.said();
  return checked.messages();
}

std::string said(const std::string& toml) {
  Checked checked(toml);
  checked.lint();
  return checked.said();
}

// --- exceptions that do nothing

TEST(LintIdle, ShadowedByADeny) {
  EXPECT_EQ(
      said(R"([inbound]
allow = [
  { service = "https", from = "198.51.100.0/24" },
]
deny = [{ name = "blocklist", from = "198.51.100.0/23" }]
)"),
      R"(p.toml:3:3: warning: `https from 198.51.100.0/24` never decides: `blocklist` denies all of its packets [shadowed]
    3 |   { service = "https", from = "198.51.100.0/24" },
      |   ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
p.toml:5:9: note: denies its packets
    5 | deny = [{ name = "blocklist", from = "198.51.100.0/23" }]
      |         ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
      = help: take it out, or narrow what stands before it
)");
}

TEST(LintIdle, ADenyOfWhatTheDefaultDenies) {
  const auto text = said("[inbound]\nallow = [\"https\"]\ndeny = [\"telnet\"]\n");
  EXPECT_THAT(text, HasSubstr("`telnet` changes nothing: the default denies the same packets "
                              "[redundant]"));
  EXPECT_THAT(text, HasSubstr("`ignore = [\"redundant\"]` with a `reason`"));
}

TEST(LintIdle, ADenyOfWhatTheDefaultRejectsIsNot) {
  EXPECT_THAT(lint("[inbound]\ndefault = \"reject\"\nallow = [\"https\"]\ndeny = "
                   "[\"telnet\"]\n"),
              IsEmpty());
}

TEST(LintIdle, ShadowedBySeveralTogether) {
  EXPECT_THAT(lint(R"([inbound]
allow = [{ service = "https", from = "198.51.100.0/24" }, "http"]
deny = [{ name = "low", from = "198.51.100.0/25" }, { name = "high", from = "198.51.100.128/25" }]
)"),
              testing::Contains("shadowed: `https from 198.51.100.0/24` never decides: `low` and "
                                "`high` deny all of its packets"));
}

TEST(LintIdle, RedundantBesideAWiderOne) {
  const std::vector<std::string> expected{
      "redundant: `https from 198.51.100.0/24` changes nothing: `https` allows the same packets"};
  EXPECT_EQ(lint(R"([inbound]
allow = ["https", { service = "https", from = "198.51.100.0/24" }]
)"),
            expected);
  // In the other order too.
  EXPECT_EQ(lint(R"([inbound]
allow = [{ service = "https", from = "198.51.100.0/24" }, "https"]
)"),
            expected);
}

TEST(LintIdle, OfTwoEqualOnesTheSecondIsSaid) {
  EXPECT_THAT(lint(R"([inbound]
allow = ["https", { name = "again", protocol = "tcp", port = 443 }]
)"),
              ElementsAre("redundant: `again` changes nothing: `https` allows the same packets"));
}

TEST(LintIdle, TwoHalvesCoverTheWhole) {
  EXPECT_THAT(lint(R"([inbound]
allow = [
  { name = "whole", service = "https", from = "198.51.100.0/24" },
  { name = "low", service = "https", from = "198.51.100.0/25" },
  { name = "high", service = "https", from = "198.51.100.128/25" },
]
)"),
              ElementsAre("redundant: `low` changes nothing: `whole` allows the same packets",
                          "redundant: `high` changes nothing: `whole` allows the same packets"));
}

TEST(LintIdle, ByTheBaseline) {
  EXPECT_THAT(lint(R"([inbound]
allow = [{ name = "own", service = "https", in = "lo" }]
deny = [{ name = "no telnet", service = "telnet", in = "lo" }]
)"),
              ElementsAre("redundant: `own` changes nothing: the baseline (loopback) allows the "
                          "same packets",
                          "shadowed: `no telnet` never decides: the baseline (loopback) allows "
                          "all of its packets"));
}

TEST(LintIdle, ALogMakesADifference) {
  EXPECT_THAT(lint(R"([inbound]
allow = ["https", { service = "https", from = "198.51.100.0/24", log = true }]
)"),
              IsEmpty());
  // Without the deny, the default would log.
  EXPECT_THAT(lint(R"([inbound]
log = true
deny = [{ name = "noise", protocol = "udp", port = 137 }]
)"),
              IsEmpty());
}

TEST(LintIdle, ALimitThatBoundsNothing) {
  const auto text = said(R"([inbound]
allow = ["https", { name = "slow", service = "https", limit = "1/second" }]
)");
  EXPECT_THAT(text, HasSubstr("`slow` changes nothing: `https` allows the same packets"));
  EXPECT_THAT(text, HasSubstr("so its limit bounds nothing"));
}

TEST(LintIdle, BusyOnAnotherTargetIsBusy) {
  const std::string toml = R"([zones]
lan = { interfaces = ["eth1"], profiles = ["private"] }
[inbound]
allow = [{ name = "lan", service = "https", in = "lan" }, { name = "eth1", service = "https", in = "eth1", only-on = ["nftables"] }]
)";
  EXPECT_THAT(lint(toml), testing::SizeIs(1));
  EXPECT_THAT(lint(toml, {Target::nftables, Target::netsh}), testing::SizeIs(1));
  const std::string busy = R"([zones]
lan = { interfaces = ["eth1"], profiles = ["private"] }
[inbound]
allow = [{ name = "lan", service = "https", in = "lan" }, { name = "all", service = "https", only-on = ["nftables"] }]
)";
  EXPECT_THAT(lint(busy), testing::SizeIs(1));
  EXPECT_THAT(lint(busy, {Target::nftables, Target::netsh}), IsEmpty());
}

TEST(LintIdle, ADenyThatTakesFromAllowsIsNoted) {
  const auto text = said(R"([inbound]
allow = ["https", "http"]
deny = [{ name = "blocklist", from = "198.51.100.0/24" }]
)");
  EXPECT_THAT(text, HasSubstr("note: `blocklist` wins over `https` and `http` where they overlap "
                              "[overlap]"));
  EXPECT_THAT(text, HasSubstr("p.toml:2:10: note: allows some of the same packets"));
}

// --- what is open to any source

TEST(LintOpen, ServicesThatAdministerAreWarnedOf) {
  for (const std::string service : {"rdp", "winrm", "smb", "vnc", "postgresql", "mysql", "redis",
                                    "mongodb", "amqp", "docker", "kubelet", "telnet"}) {
    const auto found = lint("[inbound]\nallow = [\"" + service + "\"]\n");
    ASSERT_EQ(found.size(), 1U) << service;
    EXPECT_THAT(found[0], testing::StartsWith("open-service: `" + service + "` opens")) << service;
  }
}

TEST(LintOpen, SshIsANote) {
  EXPECT_THAT(said("[inbound]\nallow = [\"ssh\"]\n"),
              HasSubstr("note: `ssh` opens ssh to any source [open-ssh]"));
  EXPECT_THAT(lint("[inbound]\nallow = [{ service = \"ssh\", from = \"198.51.100.0/24\" }]\n"),
              IsEmpty());
}

TEST(LintOpen, WhatIsForEveryoneIsNot) {
  EXPECT_THAT(lint("[inbound]\nallow = [\"http\", \"https\", \"http3\", \"smtp\", \"dns\", "
                   "\"ping\", \"tcp/8080\"]\n"),
              IsEmpty());
}

TEST(LintOpen, ByNumberToo) {
  EXPECT_THAT(lint("[inbound]\nallow = [\"tcp/3389\"]\n"),
              ElementsAre("open-service: `tcp/3389` opens rdp to any source"));
  EXPECT_THAT(lint("[services]\ndesk = \"tcp/3389\"\n[inbound]\nallow = [\"desk\"]\n"),
              ElementsAre("open-service: `desk` opens rdp to any source"));
}

TEST(LintOpen, EachFamilyCounts) {
  for (const std::string from : {"0.0.0.0/0", "::/0", "2000::/3"})
    EXPECT_THAT(lint("[inbound]\nallow = [{ service = \"rdp\", from = \"" + from + "\" }]\n"),
                testing::SizeIs(1))
        << from;
  for (const std::string from : {"10.0.0.0/8", "fc00::/7", "fe80::/10"})
    EXPECT_THAT(lint("[inbound]\nallow = [{ service = \"rdp\", from = \"" + from + "\" }]\n"),
                IsEmpty())
        << from;
}

TEST(LintOpen, TwoHalvesAreTheWorld) {
  EXPECT_THAT(
      lint("[inbound]\nallow = [{ service = \"rdp\", from = [\"0.0.0.0/1\", \"128.0.0.0/1\"] }]\n"),
      testing::SizeIs(1));
  const auto quarters = said(R"([inbound]
allow = [
  { name = "a", service = "rdp", from = "0.0.0.0/2" },
  { name = "b", service = "rdp", from = "64.0.0.0/2" },
  { name = "c", service = "rdp", from = "128.0.0.0/2" },
]
)");
  EXPECT_THAT(quarters, HasSubstr("`a` opens rdp to any source"));
  EXPECT_THAT(quarters, HasSubstr("together with this exception"));
}

TEST(LintOpen, ABlocklistHidesNothing) {
  EXPECT_THAT(lint(R"([inbound]
allow = ["rdp"]
deny = [{ name = "blocklist", from = "198.51.100.0/24", count = true }]
)"),
              testing::Contains(HasSubstr("open-service: `rdp` opens rdp")));
}

TEST(LintOpen, ADenyThatClosesItDoes) {
  EXPECT_THAT(lint(R"([inbound]
allow = [{ name = "web", protocol = "tcp", port = ["443", "3380-3390"] }]
deny = [{ service = "rdp", from-except = "198.51.100.0/24" }]
)"),
              testing::Not(testing::Contains(HasSubstr("open-service"))));
}

TEST(LintOpen, AnInterfaceThatIsNamedLeadsInside) {
  const auto with = [](const std::string& zone) {
    return "[zones]\n" + zone + " = { interfaces = [\"eth0\"] }\n[inbound]\n" +
           "allow = [{ service = \"smb\", in = \"" + zone + "\" }]\n";
  };
  EXPECT_THAT(lint(with("lan")), IsEmpty());
  EXPECT_THAT(lint(with("wan")), testing::SizeIs(1));
  EXPECT_THAT(lint(with("public-net")), testing::SizeIs(1));
}

TEST(LintOpen, OnWindowsThePublicProfileLeadsOutside) {
  const auto with = [](const std::string& profile) {
    return "[zones]\nnear = { profiles = [\"" + profile + "\"] }\n[inbound]\n" +
           "allow = [{ service = \"smb\", in = \"near\" }]\n";
  };
  EXPECT_THAT(lint(with("domain"), {Target::netsh}), IsEmpty());
  EXPECT_THAT(lint(with("public"), {Target::netsh}), testing::SizeIs(1));
}

TEST(LintOpen, WhatIsForwardedCountsToo) {
  EXPECT_THAT(lint(R"([zones]
wan = { interfaces = ["eth0"] }
[forward]
allow = [{ service = "rdp", in = "wan", to = "192.0.2.10" }]
)"),
              testing::SizeIs(1));
}

TEST(LintOpen, Everything) {
  EXPECT_THAT(lint("[inbound]\nallow = [{}]\n"),
              ElementsAre("open-everything: `anything` allows every protocol and port from any "
                          "source"));
  EXPECT_THAT(lint("[inbound]\nallow = [{ from = \"198.51.100.0/24\" }]\n"),
              ElementsAre("open-everything: `anything from 198.51.100.0/24` allows every protocol "
                          "and port"));
  EXPECT_THAT(lint("[inbound]\nallow = [\"tcp/1-65535\"]\n"),
              ElementsAre("open-everything: `tcp/1-65535` allows every port of tcp from any "
                          "source"));
  EXPECT_THAT(lint("[inbound]\nallow = [{ protocol = [\"tcp\", \"udp\"] }]\n"),
              ElementsAre("open-everything: `tcp,udp` allows every port of tcp and udp from any "
                          "source"));
  EXPECT_THAT(lint("[inbound]\ndefault = \"accept\"\n"),
              ElementsAre("open-everything: `default` allows everything that nothing denies"));
  EXPECT_THAT(lint("[outbound]\ndefault = \"drop\"\nallow = [{}]\n"),
              testing::Not(testing::Contains(HasSubstr("open-everything"))));
}

TEST(LintOpen, Ipv6BesideARestrictedIpv4) {
  const auto text = said(R"([inbound]
allow = [
  { name = "office", service = "https", from = "198.51.100.0/24" },
  { name = "new", service = "https", family = "ipv6" },
]
)");
  EXPECT_THAT(text, HasSubstr("p.toml:4:3: warning: `new` is restricted in IPv4 and open to any "
                              "source in IPv6 [open-ipv6]"));
  EXPECT_THAT(text, HasSubstr("p.toml:3:3: note: restricts the same ports in IPv4"));
  EXPECT_THAT(lint("[inbound]\nallow = [{ service = \"https\", from = [\"198.51.100.0/24\", "
                   "\"::/0\"] }]\n"),
              testing::SizeIs(1));
  EXPECT_THAT(lint("[inbound]\nallow = [{ service = \"https\", family = \"ipv6\" }]\n"), IsEmpty());
  EXPECT_THAT(lint("[inbound]\nallow = [\"https\"]\n"), IsEmpty());
}

// --- names and days

TEST(LintUnused, GroupsServicesAndZones) {
  EXPECT_THAT(
      lint(R"([addresses]
office = "198.51.100.0/24"
spare = "198.51.100.0/25"
[services]
app = "tcp/8081"
old = "tcp/8082"
[zones]
lan = { interfaces = ["eth1"] }
dmz = { interfaces = ["eth2"] }
[inbound]
allow = [{ service = "app", from = "office", in = "lan" }]
)"),
      ElementsAre("unused: group `spare` is used nowhere", "unused: service `old` is used nowhere",
                  "unused: zone `dmz` is used nowhere"));
}

TEST(LintUnused, AnAssertionIsAUse) {
  EXPECT_THAT(lint(R"([services]
app = "tcp/8081"
[inbound]
[[assert]]
never = { direction = "inbound", service = "app" }
)"),
              IsEmpty());
}

TEST(LintUnused, WhatIsIncludedServesOthersToo) {
  Checked checked("include = \"i.toml\"\n[inbound]\n", {Target::nftables}, {},
                  "[addresses]\nspare = \"198.51.100.0/25\"\n");
  checked.lint();
  EXPECT_THAT(checked.messages(), IsEmpty());
}

TEST(LintExpiry, SoonIsThirtyDays) {
  const auto on = [](const std::string& day) {
    return lint("[[inbound.allow]]\nservice = \"https\"\nexpires = " + day + "\n");
  };
  EXPECT_THAT(on("2026-06-02"),
              ElementsAre("expires-soon: `https` expires on 2026-06-02, tomorrow"));
  EXPECT_THAT(on("2026-07-01"),
              ElementsAre("expires-soon: `https` expires on 2026-07-01, in 30 days"));
  EXPECT_THAT(on("2026-07-02"), IsEmpty());
  EXPECT_THAT(on("2026-06-01"), ElementsAre(HasSubstr("expired: ")));
}

// --- ignore

TEST(LintIgnore, TakesAFindingBack) {
  EXPECT_THAT(lint("[inbound]\nallow = [{ service = \"rdp\", ignore = [\"open-service\"], "
                   "reason = \"a honeypot\" }]\n"),
              IsEmpty());
  EXPECT_THAT(lint("[inbound]\nallow = [{ service = \"rdp\", ignore = \"open-service\", "
                   "reason = \"a honeypot\" }]\n"),
              IsEmpty());
}

TEST(LintIgnore, HidesNothingElse) {
  EXPECT_THAT(lint("[inbound]\nallow = [{ service = \"rdp\", ignore = [\"open-ipv6\"], "
                   "reason = \"a honeypot\" }]\n"),
              ElementsAre(HasSubstr("open-service"),
                          "unneeded-ignore: `open-ipv6` is ignored here and was not found"));
}

TEST(LintIgnore, IsNotCalledUnneededWhereTheExceptionIsLeftOut) {
  EXPECT_THAT(lint("[inbound]\nallow = [{ service = \"rdp\", ignore = [\"open-service\"], "
                   "reason = \"a honeypot\", only-on = [\"netsh\"] }]\n"),
              IsEmpty());
}

TEST(LintBudget, IsSaidHonestly) {
  Checked checked("[inbound]\nallow = [\"ssh\", \"rdp\"]\n", {Target::nftables},
                  {.nodes = 4, .time = std::chrono::seconds(5)});
  checked.lint();
  EXPECT_EQ(checked.count(Kind::not_proved), 2U);
}

// Each has its id, and a test above that provokes it.
TEST(LintKinds, AreTheseAndAreIgnoredByThese) {
  const std::map<Kind, std::string_view> ids{
      {Kind::lint_shadowed, "shadowed"},         {Kind::lint_redundant, "redundant"},
      {Kind::lint_overlap, "overlap"},           {Kind::lint_open_service, "open-service"},
      {Kind::lint_open_ssh, "open-ssh"},         {Kind::lint_open_everything, "open-everything"},
      {Kind::lint_open_ipv6, "open-ipv6"},       {Kind::lint_unused, "unused"},
      {Kind::lint_expires_soon, "expires-soon"}, {Kind::ignore_unneeded, "unneeded-ignore"}};
  for (const auto& [kind, name] : ids) EXPECT_EQ(id(kind), name);
}

}  // namespace
}  // namespace firewright::analysis
