// Each example policy that a Linux host can have, compiled for each loader, put into a real kernel
// and held against the naive evaluator with real packets.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <tuple>
#include <vector>

#include "compiler/base/file_system.h"
#include "tests/kernel/harness/compiled.h"
#include "tests/kernel/harness/judge.h"
#include "tests/kernel/harness/loader.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

constexpr std::uint64_t seed = 20260101;
constexpr std::size_t least_arrivals = 1000;
const std::string folder = std::string(FIREWRIGHT_SOURCE_DIR) + "/policies/";

// Policies of other systems, which a Linux target may refuse. They are tried all the same where it
// does not.
const std::vector<std::string> not_for_linux = {"windows-rdp-server"};
// What has to be there; a policy that is missed by the search below would be tested by nobody.
const std::vector<std::string> expected = {"bastion",
                                           "database-server",
                                           "fleet/hosts/db1",
                                           "fleet/hosts/www1",
                                           "high-availability-pair",
                                           "kubernetes-node",
                                           "mail-server",
                                           "router",
                                           "web-server",
                                           "windows-rdp-server",
                                           "workstation"};

// All example policies, without folder and ".toml".
std::vector<std::string> policies() {
  const DiskFileSystem files;
  std::vector<std::string> names;
  for (const char* pattern : {"*.toml", "fleet/hosts/*.toml"}) {
    for (const auto& path : files.glob(folder + pattern)) {
      const std::string name = path.substr(folder.size(), path.size() - folder.size() - 5);
      if (name != "services") names.push_back(name);  // the catalogue
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_for_linux(const std::string& name) {
  return std::find(not_for_linux.begin(), not_for_linux.end(), name) == not_for_linux.end();
}

std::string path_of(const std::string& name) { return folder + name + ".toml"; }

std::string identifier(std::string text) {
  for (char& c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return text;
}

bool names_owners(const ir::Program& program) {
  for (const auto& chain : program.chains)
    for (const auto& rule : chain.rules)
      if (!rule.match.users.is_all() || !rule.match.groups.is_all()) return true;
  return false;
}

TEST(ExamplePolicies, AreAllFound) { EXPECT_EQ(policies(), expected); }

class PolicyInKernel : public testing::TestWithParam<std::tuple<std::string, Loader>> {};

TEST_P(PolicyInKernel, DoesWithRealPacketsWhatItSays) {
  SKIP_WITHOUT_BED();
  const auto& [name, loader] = GetParam();
  const Compiled compiled = compile(path_of(name), target_of(loader));
  if (!is_for_linux(name) && !compiled.ok()) GTEST_SKIP() << compiled.errors;
  ASSERT_TRUE(compiled.ok()) << compiled.errors;

  if (target_of(loader) == Target::iptables && names_owners(compiled.program) &&
      !can_send_as_anybody())
    GTEST_SKIP() << "in a user namespace iptables takes only the owners that the namespace knows";

  const Choice choice = choose(compiled.program, {.seed = seed});
  const Trial trial = try_packets(choice, [&] { return load(loader, compiled.artifact); });
  ASSERT_TRUE(trial.outcome.done()) << trial.outcome.text;
  const Tally tally = judge(compiled.program, choice.packets, trial.observations);
  std::cout << report(tally);
  EXPECT_TRUE(tally.mismatches.empty()) << "seed " << seed;
  EXPECT_GE(tally.arrived - tally.undecided, least_arrivals);
  for (const ir::ConntrackState state : ir::StateSet::all())
    EXPECT_GE(tally.by_state[static_cast<unsigned>(state)], 10U) << to_string(state);
}

INSTANTIATE_TEST_SUITE_P(Examples, PolicyInKernel,
                         testing::Combine(testing::ValuesIn(policies()),
                                          testing::ValuesIn(all_loaders)),
                         [](const auto& test) {
                           return identifier(std::get<0>(test.param)) + "_" +
                                  std::string(to_string(std::get<1>(test.param)));
                         });

class PolicyAsNftables : public testing::TestWithParam<std::string> {};

TEST_P(PolicyAsNftables, IsListedTheSameFromTextAndBatch) {
  SKIP_WITHOUT_BED();
  const Compiled compiled = compile(path_of(GetParam()), Target::nftables);
  if (!is_for_linux(GetParam()) && !compiled.ok()) GTEST_SKIP() << compiled.errors;
  ASSERT_TRUE(compiled.ok()) << compiled.errors;
  // Loaded once, and once more over itself.
  const auto listing = [&](Loader loader, int times) {
    const Outcome outcome = in_namespace([&] {
      for (int i = 0; i < times; ++i)
        if (const auto error = load(loader, compiled.artifact)) throw HarnessError(*error);
      return must_run({"nft", "list", "ruleset"});
    });
    EXPECT_TRUE(outcome.done()) << outcome.text;
    return outcome.text;
  };
  const std::string text = listing(Loader::nft_text, 1);
  EXPECT_NE(text.find("table inet"), std::string::npos);
  EXPECT_EQ(text, listing(Loader::netlink_batch, 1));
  EXPECT_EQ(text, listing(Loader::nft_text, 2));
  EXPECT_EQ(text, listing(Loader::netlink_batch, 2));
}

INSTANTIATE_TEST_SUITE_P(Examples, PolicyAsNftables, testing::ValuesIn(policies()),
                         [](const auto& test) { return identifier(test.param); });

// What the web server had in /etc/sysconfig/iptables before it had a policy.
constexpr std::string_view before_there_was_a_policy = R"(*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m multiport --dports 22,80,443 -j ACCEPT
COMMIT
)";

class WebServer : public testing::TestWithParam<Loader> {};

TEST_P(WebServer, DoesWhatTheOldIptablesFileDid) {
  SKIP_WITHOUT_BED();
  const Compiled compiled = compile(path_of("web-server"), Target::iptables);
  ASSERT_TRUE(compiled.ok()) << compiled.errors;
  Choice choice = choose(compiled.program, {.seed = seed, .at_least = 3000});
  const auto not_ipv4 = [](const TestPacket& packet) {
    return packet.packet.family() != Family::ipv4;
  };
  std::erase_if(choice.packets, not_ipv4);

  const Trial now = try_packets(choice, [&] { return load(GetParam(), compiled.artifact); });
  const Trial before = try_packets(
      choice, [] { return load_iptables(GetParam(), Family::ipv4, before_there_was_a_policy); });
  ASSERT_TRUE(now.outcome.done()) << now.outcome.text;
  ASSERT_TRUE(before.outcome.done()) << before.outcome.text;
  std::size_t arrived = 0;
  for (std::size_t i = 0; i < choice.packets.size(); ++i) {
    const Observation& a = now.observations[i];
    const Observation& b = before.observations[i];
    ASSERT_EQ(a.arrived, b.arrived) << to_text(choice.packets[i]);
    if (a.arrived) ++arrived;
    EXPECT_EQ(describe(a, Family::ipv4), describe(b, Family::ipv4)) << to_text(choice.packets[i]);
  }
  EXPECT_GE(arrived, least_arrivals);
}

INSTANTIATE_TEST_SUITE_P(Iptables, WebServer,
                         testing::Values(Loader::iptables_legacy, Loader::iptables_nft),
                         [](const auto& test) { return std::string(to_string(test.param)); });

}  // namespace
}  // namespace firewright::kernel
