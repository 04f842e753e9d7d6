// Names and texts of other people, in a language without escapes.
#include "backends/nftables/names.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backends/host/host.h"
#include "backends/host/process.h"
#include "backends/nftables/encode.h"
#include "tests/backends/in_namespace.h"
#include "tests/backends/nftables/programs.h"

namespace firewright::nftables {
namespace {

TEST(Names, CommentsLoseWhatNftCannotSpell) {
  EXPECT_EQ(comment_text("say \"hi\"\n\tnow"), "say 'hi'??now");
  EXPECT_EQ(comment_text("caf\xc3\xa9 100% | -- \\ ; }"), "caf\xc3\xa9 100% | -- \\ ; }");
}

TEST(Names, LongCommentsAreCutBetweenCharacters) {
  EXPECT_EQ(comment_text(std::string(127, 'a')), std::string(127, 'a'));
  EXPECT_EQ(comment_text(std::string(128, 'a')), std::string(124, 'a') + "...");
  const std::string umlauts = "\xc3\xa9";
  std::string text = "a";
  while (text.size() < 300) text += umlauts;
  const auto cut = comment_text(text);
  EXPECT_LE(cut.size(), 127U);
  EXPECT_EQ(cut.size() % 2, 0U) << "an a, whole characters, three dots";
}

TEST(Names, ManyLabelsAreCounted) {
  std::vector<std::string> labels;
  for (int i = 0; i < 100; ++i) labels.push_back("service-" + std::to_string(i));
  labels.emplace_back("service-0");
  const auto text = comment_text(labels);
  EXPECT_TRUE(text.starts_with("service-0, service-1, ")) << text;
  EXPECT_TRUE(text.ends_with(" more")) << text;
  EXPECT_LE(text.size(), max_comment);
  EXPECT_EQ(comment_text(std::vector<std::string>{"ssh", "ssh"}), "ssh");
}

TEST(Names, Slugs) {
  EXPECT_EQ(slug("Office (Berlin)"), "office-berlin");
  EXPECT_EQ(slug("\xc3\xa9"), "");
  EXPECT_EQ(slug("--a--"), "a");
}

TEST(Names, Identifiers) {
  for (const auto* good : {"firewright", "host_1", "a.b", "filter", "limit-ssh"})
    EXPECT_TRUE(is_identifier(good)) << good;
  for (const auto* bad : {"", "1a", "a b", "a;b", "a\"", "table", "limit", "ip", "-a", "\xc3\xa9"})
    EXPECT_FALSE(is_identifier(bad)) << bad;
}

TEST(Names, Interfaces) {
  EXPECT_EQ(interface_problem({"eth0.100", false}), "");
  EXPECT_EQ(interface_problem({"wg", true}), "");
  EXPECT_EQ(interface_problem({"fifteen-letters", false}), "");
  EXPECT_NE(interface_problem({"sixteen-letters-", false}), "");
  for (const auto* bad : {"", "a\"b", "a*", "a\\", "a b", "a/b", "a\nb", "$a"})
    EXPECT_NE(interface_problem({bad, false}), "") << bad;
}

TEST(Names, LogPrefixes) {
  EXPECT_EQ(log_prefix_problem("ssh; drop } 100% -- | \\"), "");
  EXPECT_EQ(log_prefix_problem(std::string(127, 'a')), "");
  for (const auto& bad :
       {std::string("a\"b"), std::string("$x"), std::string("a\nb"), std::string(128, 'a')})
    EXPECT_NE(log_prefix_problem(bad), "") << bad;
}

// Whatever a name holds, it is in the comment and nowhere else, and both forms agree.
class Hostile : public testing::TestWithParam<std::string> {};
TEST_P(Hostile, NamesStayNames) {
  std::vector<std::string> many{"192.0.2.1", "192.0.2.3",  "192.0.2.5", "192.0.2.7",
                                "192.0.2.9", "192.0.2.11", "192.0.2.13"};
  auto rule = test::allow(GetParam(), test::with_source(test::tcp(22), many));
  const backend::Options options{.policy_name = GetParam()};
  const auto artifact = encode(test::program({rule}), options);
  const auto result = test::in_namespace([&]() -> std::string {
    const auto loaded = host::run({"nft", "-f", "-"}, artifact.find("text")->bytes);
    if (!loaded.ok()) return loaded.err;
    const auto text = host::run({"nft", "list", "ruleset"}, {}).out;
    if (!test::enter_namespace().empty()) return "no second namespace";
    if (const auto batch = host::load_batch(artifact.find("batch")->bytes); !batch.ok())
      return batch.error;
    const auto batch = host::run({"nft", "list", "ruleset"}, {}).out;
    if (batch != text) return "listings differ\n" + text + batch;
    // As many lines as the harmless program has.
    return std::to_string(std::count(text.begin(), text.end(), '\n'));
  });
  if (!result.refused.empty()) GTEST_SKIP() << result.refused;
  EXPECT_EQ(result.output, "15") << artifact.find("text")->bytes;
}
INSTANTIATE_TEST_SUITE_P(Names, Hostile,
                         testing::Values("plain", "a\"b", "a\nb", "100%s %n %d", "a | b", "-- --",
                                         "back\\slash\\", "\" accept; }", "} table inet x {",
                                         "; drop", "# no comment", "$variable", "@set",
                                         "\xc3\xa9\xe6\xbc\xa2", std::string(300, 'x'), "'", "`id`",
                                         " ", "log", "include \"/etc/passwd\""));

}  // namespace
}  // namespace firewright::nftables
