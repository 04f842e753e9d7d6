// Quoting and comments.
#include "backends/iptables/line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/backends/iptables/interpreter.h"

namespace firewright::iptables::test {
namespace {

TEST(IptablesLine, QuotedTextIsOneWord) {
  EXPECT_EQ(quote("a \"b\" \\ 'c'"), "\"a \\\"b\\\" \\\\ 'c'\"");
  for (const std::string text : {"", "a", "a b", "\"", "\\", "\\\"", "a\\", "--x", "%s|\u00e9"}) {
    const auto words = split_words("-A INPUT --comment " + quote(text) + " -j ACCEPT");
    ASSERT_EQ(words.size(), 6U) << text;
    EXPECT_EQ(words[3], text);
  }
}

TEST(IptablesLine, TamedTextHasNoControlCharacterAndALimit) {
  EXPECT_EQ(tame("a\nb\x01\x7f\tc", 100), "a?b???c");
  EXPECT_EQ(tame("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(tame("abcdefghi", 8), "abcde...");
  // Not within a character.
  EXPECT_EQ(tame("abcd\u00e9\u00e9\u00e9", 8), "abcd...");
}

TEST(IptablesLine, CommentsFitTheKernel) {
  EXPECT_EQ(comment_of({}), "");
  EXPECT_EQ(comment_of({"ssh", "http"}), "ssh, http");
  EXPECT_EQ(comment_of({std::string(200, 'a')}), std::string(200, 'a'));
  for (const std::size_t size : {1U, 50U, 100U, 199U, 200U, 300U, 5000U}) {
    const std::vector<std::string> labels(20, std::string(size, 'a'));
    EXPECT_LE(comment_of(labels).size(), 255U);
  }
  EXPECT_TRUE(
      comment_of({std::string(200, 'a'), std::string(200, 'b')}).ends_with("a, and 1 more"));
}

}  // namespace
}  // namespace firewright::iptables::test
