// Two families, one of which fails: neither changes.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>

#include "backends/host/host.h"
#include "backends/host/process.h"
#include "tests/backends/in_namespace.h"

namespace firewright::host {
namespace {

std::string filter(const std::string& rule) {
  return "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n" + rule +
         "\nCOMMIT\n";
}
const std::string before = filter("-A INPUT -p udp -j ACCEPT");
const std::string good = filter("-A INPUT -p tcp -j ACCEPT");
const std::string bad = filter("-A INPUT -p tcp --nonsense -j ACCEPT");

struct Flavour {
  const char* name;
  IptablesOptions options;
};
Flavour flavour(const char* name) {
  const std::string kind = name;
  Flavour result{.name = name, .options = {}};
  result.options.restore_v4 = "iptables-" + kind + "-restore";
  result.options.restore_v6 = "ip6tables-" + kind + "-restore";
  result.options.save_v4 = "iptables-" + kind + "-save";
  result.options.save_v6 = "ip6tables-" + kind + "-save";
  return result;
}

// What both families hold, without comments and counters.
std::string holds(const IptablesOptions& options) {
  std::string result;
  for (const auto& program : {options.save_v4, options.save_v6}) {
    const auto saved = run({program}, {});
    result += saved.err;
    std::string line;
    for (const char c : saved.out) {
      line += c;
      if (c != '\n') continue;
      if (line.starts_with("-A")) result += line;
      line.clear();
    }
  }
  return result;
}

class LoadIptables : public testing::TestWithParam<Flavour> {
 protected:
  static void expect(const std::function<std::string(IptablesOptions)>& body,
                     const std::string& expected) {
    const auto ran = test::in_namespace([&] { return body(GetParam().options); });
    if (!ran.refused.empty()) GTEST_SKIP() << ran.refused;
    EXPECT_EQ(ran.output, expected);
  }
};
INSTANTIATE_TEST_SUITE_P(Flavours, LoadIptables, testing::Values(flavour("nft"), flavour("legacy")),
                         [](const auto& chosen) { return std::string(chosen.param.name); });

const std::string old_rules = "-A INPUT -p udp -j ACCEPT\n-A INPUT -p udp -j ACCEPT\n";
const std::string new_rules = "-A INPUT -p tcp -j ACCEPT\n-A INPUT -p tcp -j ACCEPT\n";

TEST_P(LoadIptables, BothFamilies) {
  expect(
      [](const IptablesOptions& options) {
        const auto result = load_iptables(good, good, options);
        return result.error + holds(options);
      },
      new_rules);
}

TEST_P(LoadIptables, TheSecondFailingPutsTheFirstBack) {
  expect(
      [](const IptablesOptions& options) {
        const auto first = load_iptables(before, before, options);
        const auto result = load_iptables(good, bad, options);
        const bool said = result.error.starts_with("IPv6: `" + options.restore_v6 + "` failed: ") &&
                          result.error.find("nonsense") != std::string::npos &&
                          result.error.ends_with("; IPv4 was put back as it was");
        if (result.reason != Reason::refused || !said) return first.error + result.error;
        return holds(options);
      },
      old_rules);
}

// Nothing was there, so nothing may be left.
TEST_P(LoadIptables, TheSecondFailingEmptiesWhatWasEmpty) {
  expect(
      [](const IptablesOptions& options) {
        if (load_iptables(good, bad, options).ok()) return std::string("loaded");
        return holds(options) + "packets pass: " +
               (run({options.save_v4}, {}).out.find(":INPUT ACCEPT") != std::string::npos ? "yes"
                                                                                          : "no");
      },
      "packets pass: yes");
}

TEST_P(LoadIptables, TheFirstFailingChangesNothing) {
  expect(
      [](const IptablesOptions& options) {
        const auto first = load_iptables(before, before, options);
        const auto result = load_iptables(bad, good, options);
        if (result.reason != Reason::refused || !result.error.starts_with("IPv4: "))
          return first.error + result.error;
        return holds(options);
      },
      old_rules);
}

TEST_P(LoadIptables, ADryRunChangesNothingAndFindsTheMistake) {
  expect(
      [](IptablesOptions options) {
        const auto first = load_iptables(before, before, options);
        options.dry_run = true;
        const auto accepted = load_iptables(good, good, options);
        const auto refused = load_iptables(good, bad, options);
        if (!accepted.ok() || refused.ok() || !refused.error.starts_with("IPv6: "))
          return first.error + accepted.error + refused.error;
        return holds(options);
      },
      old_rules);
}

TEST_P(LoadIptables, NoflushLeavesOtherRules) {
  expect(
      [](IptablesOptions options) {
        const auto first = load_iptables(before, before, options);
        options.noflush = true;
        const std::string add = "*filter\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n";
        const auto result = load_iptables(add, add, options);
        return first.error + result.error + holds(options);
      },
      "-A INPUT -p udp -j ACCEPT\n-A INPUT -p tcp -j ACCEPT\n"
      "-A INPUT -p udp -j ACCEPT\n-A INPUT -p tcp -j ACCEPT\n");
}

// --- with sets

const std::string set_name = "fw-ip4-0123456789abcdef";
const std::string set_text =
    "create " + set_name + " hash:ip family inet -exist\nadd " + set_name + " 192.0.2.1 -exist\n";
const std::string with_set = filter("-A INPUT -m set --match-set " + set_name + " src -j ACCEPT");

std::string names() { return run({"ipset", "list", "-name"}, {}).out; }

// Who has no ipset gets nothing, rather than rules without their sets.
TEST_P(LoadIptables, WithoutIpsetNothingIsChanged) {
  expect(
      [](IptablesOptions options) {
        const auto first = load_iptables(before, before, options);
        options.sets = set_text;
        options.ipset = "no-such-ipset";
        const auto result = load_iptables(with_set, good, options);
        if (result.reason != Reason::unsupported ||
            result.error != "`no-such-ipset` is not installed")
          return first.error + result.error;
        return holds(options) + names();
      },
      old_rules);
}

TEST_P(LoadIptables, SetsOfAFailureAreTakenAway) {
  expect(
      [](IptablesOptions options) {
        const auto first = load_iptables(before, before, options);
        options.sets = set_text;
        const auto result = load_iptables(with_set, bad, options);
        if (result.ok() || result.changed) return first.error + result.error;
        const auto broken =
            "create " + set_name + " hash:ip family inet\nadd " + set_name + " nonsense\n";
        options.sets = broken;
        if (load_iptables(with_set, good, options).ok()) return std::string("loaded");
        return holds(options) + names();
      },
      old_rules);
}

TEST_P(LoadIptables, SetsThatNoRuleNeedsGo) {
  expect(
      [](IptablesOptions options) {
        (void)run({"ipset", "create", "fw-ip4-somebodys", "hash:ip"}, {});
        options.sets = set_text;
        const auto first = load_iptables(with_set, good, options);
        auto text = first.error + names();
        options.sets = {};
        const auto second = load_iptables(good, good, options);
        return text + second.error + "then " + names();
      },
      "fw-ip4-somebodys\n" + set_name + "\nthen fw-ip4-somebodys\n");
}

TEST(LoadIptables, AProgramThatIsNotThere) {
  IptablesOptions options;
  options.save_v4 = "no-such-iptables-save";
  const auto result = load_iptables(good, good, options);
  EXPECT_EQ(result.reason, Reason::unsupported);
  EXPECT_EQ(result.error, "IPv4: `no-such-iptables-save` is not installed");
}

TEST(Run, ALotInBothDirections) {
  const std::string much(std::size_t{1} << 22U, 'x');
  const auto finished = run({"cat"}, much);
  EXPECT_TRUE(finished.ok());
  EXPECT_EQ(finished.out.size(), much.size());
}

TEST(Run, StatusesAndSignals) {
  EXPECT_EQ(run({"false"}, {}).status, 1);
  EXPECT_EQ(run({"/bin/sh", "-c", "kill -9 $$"}, {}).status, 137);
  EXPECT_EQ(run({"/no/such/program"}, {}).exec_error, ENOENT);
  EXPECT_EQ(run({"/bin/sh", "-c", "echo out; echo err >&2"}, {}).err, "err\n");
}

}  // namespace
}  // namespace firewright::host
