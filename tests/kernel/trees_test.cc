// Many exceptions and long lists, which iptables gets as trees of chains or as sets of ipset: real
// packets to both sides of their boundaries, in both variants.
#include <gtest/gtest.h>

#include <iostream>
#include <string>

#include "tests/kernel/harness/compiled.h"
#include "tests/kernel/harness/judge.h"
#include "tests/kernel/harness/loader.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

constexpr std::uint64_t seed = 20260101;

// Hosts with a port each, networks around some of them, a list of both families with gaps of one
// address, and a long list to deny.
std::string policy() {
  std::string text = "[addresses]\nlist = [";
  for (unsigned i = 0; i < 40; ++i)
    text += "\"192.0.2." + std::to_string(2 * i + 1) +
            "\", \"2001:db8:5::" + std::to_string(2 * i) + "\", ";
  text += "]\nbad = [";
  for (unsigned i = 0; i < 30; ++i)
    text +=
        "\"203.0.113." + std::to_string(4 * i) + "-203.0.113." + std::to_string(4 * i + 2) + "\", ";
  text += "]\n\n[inbound]\ndeny = [{ name = \"bad\", from = \"bad\" }]\n";
  const auto allow = [&](const std::string& from, const std::string& protocol, unsigned port) {
    text += "\n[[inbound.allow]]\nprotocol = \"" + protocol + "\"\nport = " + std::to_string(port) +
            "\nfrom = \"" + from + "\"\n";
  };
  for (unsigned i = 0; i < 40; ++i)
    allow("198.51.100." + std::to_string(3 * i), "tcp", 1000 + 7 * i);
  for (unsigned i = 0; i < 20; ++i)
    allow("2001:db8:7::" + std::to_string(3 * i), "udp", 2000 + 7 * i);
  allow("198.51.100.0/26", "udp", 53);
  allow("198.51.100.16/29", "tcp", 1100);
  allow("list", "tcp", 443);
  return text;
}

class Trees : public testing::TestWithParam<Loader> {};

TEST_P(Trees, DoWithRealPacketsWhatThePolicySays) {
  SKIP_WITHOUT_BED();
  const Compiled compiled = compile("trees.toml", Target::iptables, policy());
  ASSERT_TRUE(compiled.ok()) << compiled.errors;
  ASSERT_NE(compiled.artifact.find("v4")->bytes.find(" -g "), std::string::npos);
  ASSERT_NE(compiled.artifact.find("v6")->bytes.find(" -g "), std::string::npos);
  const Choice choice = choose(compiled.program, {.seed = seed});
  const Trial trial = try_packets(choice, [&] { return load(GetParam(), compiled.artifact); });
  ASSERT_TRUE(trial.outcome.done()) << trial.outcome.text;
  const Tally tally = judge(compiled.program, choice.packets, trial.observations);
  std::cout << report(tally);
  EXPECT_TRUE(tally.mismatches.empty()) << "seed " << seed;
  EXPECT_GE(tally.arrived, 1000U);
  EXPECT_GE(tally.accepted, 100U);
}

class Sets : public Trees {};

TEST_P(Sets, DoWithRealPacketsWhatThePolicySays) {
  SKIP_WITHOUT_BED();
  // What is counted keeps a rule of its own.
  const std::string counted =
      "\n[[inbound.allow]]\nprotocol = \"udp\"\nport = 443\nfrom = \"list\"\ncount = true\n";
  const Compiled compiled = compile("sets.toml", Target::iptables,
                                    "[target.iptables]\nsets = \"ipset\"\n" + policy() + counted);
  ASSERT_TRUE(compiled.ok()) << compiled.errors;
  for (const auto* part : {"v4", "v6"}) {
    EXPECT_NE(compiled.artifact.find(part)->bytes.find(" src,dst "), std::string::npos);
    EXPECT_EQ(compiled.artifact.find(part)->bytes.find(" -g "), std::string::npos);
  }
  for (const auto* type : {"hash:net family inet ", "hash:ip family inet6 ",
                           "hash:net,port family inet ", "hash:ip,port family inet6 "})
    EXPECT_NE(compiled.artifact.find("sets")->bytes.find(type), std::string::npos)
        << type << compiled.artifact.find("sets")->bytes;
  const Choice choice = choose(compiled.program, {.seed = seed});
  const Trial trial = try_packets(choice, [&] { return load(GetParam(), compiled.artifact); });
  ASSERT_TRUE(trial.outcome.done()) << trial.outcome.text;
  const Tally tally = judge(compiled.program, choice.packets, trial.observations);
  std::cout << report(tally);
  EXPECT_TRUE(tally.mismatches.empty()) << "seed " << seed;
  EXPECT_GE(tally.arrived, 1000U);
  EXPECT_GE(tally.accepted, 100U);
}

INSTANTIATE_TEST_SUITE_P(Iptables, Sets,
                         testing::Values(Loader::iptables_legacy, Loader::iptables_nft),
                         [](const auto& test) { return std::string(to_string(test.param)); });

INSTANTIATE_TEST_SUITE_P(Iptables, Trees,
                         testing::Values(Loader::iptables_legacy, Loader::iptables_nft),
                         [](const auto& test) { return std::string(to_string(test.param)); });

}  // namespace
}  // namespace firewright::kernel
