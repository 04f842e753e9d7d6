#include "compiler/policy/source_text.h"

#include <gtest/gtest.h>

#include <random>

namespace firewright::policy {
namespace {

TEST(Utf8, FindsTheFirstByteThatIsNone) {
  constexpr auto none = std::string_view::npos;
  const std::pair<std::string_view, std::size_t> rows[] = {
      {"", none},
      {"plain\n", none},
      {"\xC3\xBC", none},
      {"\xE2\x82\xAC", none},
      {"\xF0\x9F\x94\xA5", none},
      {"\xF4\x8F\xBF\xBF", none},
      {"ab\xFF", 2},
      {"\x80", 0},
      {"\xC0\x80", 0},  // overlong NUL
      {"\xC1\xBF", 0},
      {"\xE0\x9F\xBF", 0},      // overlong
      {"\xED\xA0\x80", 0},      // a surrogate
      {"\xF0\x8F\xBF\xBF", 0},  // overlong
      {"\xF4\x90\x80\x80", 0},  // past U+10FFFF
      {"\xF5\x80\x80\x80", 0},
      {"a\xE2\x82", 1},  // cut
      {"a\xE2\x28\xA1", 1},
      {"\xC3\xBC\xC3", 2},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(find_invalid_utf8(text), expected) << text;
}

TEST(Locator, AgreesWithTheSourceFileOnEveryLineAndColumn) {
  std::mt19937 random(20240501);
  const std::string alphabet[] = {"a", "b", "\n", "ü", "€", "🔥", " ", "\r\n", "\t"};
  for (int round = 0; round < 50; ++round) {
    std::string text;
    const int size = static_cast<int>(random() % 400);
    for (int i = 0; i < size; ++i) text += alphabet[random() % std::size(alphabet)];
    const SourceFile file("x", text);
    const Locator locator(text);
    for (std::uint32_t at = 0; at <= text.size(); ++at) {
      if (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) continue;
      if (at > 0 && at < text.size() && text[at] == '\n' && text[at - 1] == '\r') continue;
      const auto position = file.position(at);
      EXPECT_EQ(locator.offset(position.line, position.column), at) << "round " << round;
    }
  }
}

TEST(Locator, StaysInsideTheTextAndTheLine) {
  const Locator plain("ab\ncd");
  EXPECT_EQ(plain.offset(1, 99), 3U);
  EXPECT_EQ(plain.offset(2, 99), 5U);
  EXPECT_EQ(plain.offset(9, 1), 5U);
  EXPECT_EQ(plain.offset(0, 0), 0U);
  const std::string text = "ü\n€";
  const Locator locator(text);
  EXPECT_EQ(locator.offset(1, 99), 3U);
  EXPECT_EQ(locator.offset(2, 99), 6U);
  EXPECT_EQ(locator.offset(3, 1), 6U);
}

TEST(CheckText, SeesStringsAndCommentsForWhatTheyAre) {
  std::string brackets(1000, '[');
  for (const auto& text : {"a = \"" + brackets + "\"\n", "# " + brackets + "\n",
                           "a = '" + brackets + "'\n", "a = \"\"\"\n" + brackets + "\n\\\"\"\"\"\n",
                           "a = '''\n" + brackets + "'''\n", "a = \"\\\"" + brackets + "\"\n"}) {
    Sources sources;
    Sink sink;
    const auto file = sources.add("x", text);
    EXPECT_TRUE(check_text(file, sources, sink)) << text.substr(0, 20);
  }
}

TEST(CheckText, TakesTheDeepestThatIsAllowed) {
  for (const auto& [depth, good] : {std::pair{128, true}, std::pair{129, false}}) {
    Sources sources;
    Sink sink;
    const auto size = static_cast<std::size_t>(depth);
    const auto file = sources.add("x", "a = " + std::string(size, '[') + std::string(size, ']'));
    EXPECT_EQ(check_text(file, sources, sink), good);
  }
}

}  // namespace
}  // namespace firewright::policy
