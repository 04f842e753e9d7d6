// Random policies before the kernel, the prover and the platform's readers: a slice of what
// `./dev judge` runs for hours. FIREWRIGHT_JUDGE=5000 judges so many policies.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>

#include "compiler/policy/keys.h"
#include "tests/kernel/harness/bed.h"
#include "tests/kernel/harness/compiled.h"
#include "tests/kernel/judge/court.h"
#include "tests/kernel/judge/random_policy.h"
#include "tests/kernel/judge/readers.h"
#include "tests/kernel/judge/soak.h"
#include "tests/kernel/skip.h"

namespace firewright::judge {
namespace {

constexpr std::uint64_t seed = 20260101;

std::size_t policies_wanted(std::size_t unless_said) {
  const char* said = std::getenv("FIREWRIGHT_JUDGE");
  return said != nullptr ? std::strtoul(said, nullptr, 10) : unless_said;
}

// Without a meaning for packets on Linux, or more than a policy of one file can say.
const std::set<std::string_view> left_out = {
    "include", "assert", "target", "nat",    "description",     "owner", "ticket", "ignore",
    "program", "file",   "never",  "always", "windows-service", "sets",  "table",  "title"};

TEST(RandomPolicies, SayEveryKeyThatMeansSomethingForPackets) {
  std::string all;
  for (std::uint64_t i = 0; i < 400; ++i)
    all += "\n" + to_toml(random_policy(seed + i, Limits::plentiful));
  for (const auto& key : policy::all_keys()) {
    if (key.section == policy::Section::catalogue_service ||
        key.section == policy::Section::assertion_set || key.section == policy::Section::target ||
        left_out.contains(key.name))
      continue;
    const std::string name(key.name);
    const bool said = all.find(name + " = ") != std::string::npos ||
                      all.find("[" + name) != std::string::npos ||
                      all.find("." + name + "]]") != std::string::npos;
    EXPECT_TRUE(said) << name;
  }
}

TEST(RandomPolicies, AreTheSameForTheSameSeedAndMostlyCompile) {
  std::size_t compiled = 0;
  constexpr std::size_t count = 100;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto text = to_toml(random_policy(seed + i, Limits::plentiful));
    EXPECT_EQ(text, to_toml(random_policy(seed + i, Limits::plentiful)));
    if (kernel::compile("policy.toml", Target::nftables, text).ok()) ++compiled;
  }
  EXPECT_GE(compiled, count * 9 / 10);
}

TEST(RandomPolicies, ShrinkToWhatMatters) {
  const auto has = [](const RandomPolicy& policy) {
    const auto text = to_toml(policy);
    return std::ranges::count(text, '=') > 0 && text.find("port = ") != std::string::npos;
  };
  std::uint64_t at = seed;
  while (!has(random_policy(at, Limits::any))) ++at;
  const auto smallest = shrunk(random_policy(at, Limits::any), has, 10'000);
  ASSERT_TRUE(has(smallest));
  const auto text = to_toml(smallest);
  EXPECT_EQ(std::ranges::count(text, '='), 1) << text;
}

TEST(Judge, FindsThatEachBackendDoesWhatRandomPoliciesSay) {
  SKIP_WITHOUT_BED();
  if (!kernel::can_send_as_anybody())
    GTEST_SKIP() << "in a user namespace iptables takes only the owners that the namespace knows";
  const CourtOptions options{.seed = seed, .policies = policies_wanted(30), .packets = 250};
  const auto session = hold_court(options);
  ASSERT_EQ(session.failure, "");
  std::cout << to_text(session.judged);
  EXPECT_EQ(session.judged.mismatches, 0U);
  std::size_t shown = 0;
  for (const auto& finding : session.findings)
    if (shown++ < 3) ADD_FAILURE() << shrunk_text(finding, options);
  for (const auto policies : session.judged.policies) EXPECT_GE(policies, options.policies / 2);
  for (const auto packets : session.judged.packets) EXPECT_GE(packets, 100 * options.policies);
  for (const auto packets : session.judged.by_state) EXPECT_GE(packets, 20 * options.policies);
  for (const auto packets : session.judged.by_hook) EXPECT_GE(packets, 40 * options.policies);
}

void udp_becomes_tcp(backend::Artifact& artifact) {
  for (auto& part : artifact.parts) {
    if (part.name != "text") continue;
    for (const std::string port : {"dport", "sport"})
      for (auto at = part.bytes.find("udp " + port); at != std::string::npos;
           at = part.bytes.find("udp " + port))
        part.bytes.replace(at, 3, "tcp");
  }
}

TEST(Judge, FindsAnErrorAndMakesItSmall) {
  SKIP_WITHOUT_BED();
  if (!kernel::can_send_as_anybody()) GTEST_SKIP() << "no other owners in a user namespace";
  const CourtOptions options{
      .seed = seed, .policies = 6, .packets = 250, .damage = udp_becomes_tcp};
  const auto session = hold_court(options);
  ASSERT_EQ(session.failure, "");
  ASSERT_FALSE(session.findings.empty());
  for (const auto& finding : session.findings)
    EXPECT_EQ(finding.loader, kernel::Loader::nft_text) << to_text(finding);
  const auto text = shrunk_text(session.findings.front(), options);
  const auto policy = text.find("--- smallest policy");
  ASSERT_NE(policy, std::string::npos) << text;
  // One exception is left, with few words.
  EXPECT_LE(std::ranges::count(text.substr(policy), '='), 4) << text;
  EXPECT_NE(text.find("expected"), std::string::npos) << text;
}

TEST(Soak, EveryRandomPolicyIsProvedOrRefusedAtTheKey) {
  const auto soaked = soak(seed, 400);
  std::cout << to_text(soaked);
  for (const auto& finding : soaked.findings) ADD_FAILURE() << finding;
  for (const auto proved : soaked.proved) EXPECT_GE(proved, 20U);
}

TEST(Readers, AcceptWhatIsEmitted) {
  SKIP_WITHOUT_BED();
  if (!kernel::can_send_as_anybody()) GTEST_SKIP() << "no other owners in a user namespace";
  const auto compared = try_emitted(seed, 25);
  for (const auto& finding : compared.findings) ADD_FAILURE() << finding;
  EXPECT_GE(compared.emitted, 80U);
}

class ChangedTexts : public testing::TestWithParam<Reader> {};

TEST_P(ChangedTexts, AreAcceptedByBothOrByNeitherOrForAReason) {
  SKIP_WITHOUT_BED();
  if (!kernel::can_send_as_anybody()) GTEST_SKIP() << "no other owners in a user namespace";
  const auto compared = compare_readers(GetParam(), seed, 120);
  std::cout << to_text(compared);
  for (const auto& finding : compared.findings) ADD_FAILURE() << finding;
  EXPECT_EQ(compared.texts, 120U);
  EXPECT_GE(compared.both_accept, 20U);
  EXPECT_GE(compared.both_refuse, 20U);
}

INSTANTIATE_TEST_SUITE_P(Readers, ChangedTexts, testing::ValuesIn(all_readers),
                         [](const auto& test) {
                           std::string name(to_string(test.param));
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace firewright::judge
