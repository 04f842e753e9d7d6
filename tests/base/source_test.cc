#include "compiler/base/source.h"

#include <gtest/gtest.h>

#include <string>

namespace firewright {
namespace {

testing::AssertionResult is(Position seen, std::uint32_t line, std::uint32_t column) {
  if (seen.line == line && seen.column == column) return testing::AssertionSuccess();
  return testing::AssertionFailure() << seen.line << ":" << seen.column;
}

TEST(SourceFileTest, LinesAndColumnsCountFromOne) {
  const SourceFile file("a", "one\ntwo\n");
  EXPECT_TRUE(is(file.position(0), 1, 1));
  EXPECT_TRUE(is(file.position(2), 1, 3));
  EXPECT_TRUE(is(file.position(3), 1, 4));  // the line's end belongs to it
  EXPECT_TRUE(is(file.position(4), 2, 1));
  EXPECT_TRUE(is(file.position(8), 3, 1));  // the end of the text
}

TEST(SourceFileTest, OffsetsBehindTheEndAreTheEnd) {
  const SourceFile file("a", "one");
  EXPECT_TRUE(is(file.position(3), 1, 4));
  EXPECT_TRUE(is(file.position(4000000000U), 1, 4));
}

TEST(SourceFileTest, AnEmptyTextHasOneEmptyLine) {
  const SourceFile file("a", "");
  EXPECT_TRUE(is(file.position(0), 1, 1));
  EXPECT_EQ(file.line(1), "");
}

TEST(SourceFileTest, ColumnsCountCodePoints) {
  const SourceFile file("a", "\xc3\xa9\xe9\x96\x80x");  // é, 門, x
  EXPECT_TRUE(is(file.position(0), 1, 1));
  EXPECT_TRUE(is(file.position(1), 1, 1));  // inside é
  EXPECT_TRUE(is(file.position(2), 1, 2));
  EXPECT_TRUE(is(file.position(4), 1, 2));  // inside 門
  EXPECT_TRUE(is(file.position(5), 1, 3));
  EXPECT_TRUE(is(file.position(6), 1, 4));
}

TEST(SourceFileTest, LinesComeWithoutTheirEnding) {
  const SourceFile file("a", "unix\nwindows\r\n\r\nlast");
  EXPECT_EQ(file.line(1), "unix");
  EXPECT_EQ(file.line(2), "windows");
  EXPECT_EQ(file.line(3), "");
  EXPECT_EQ(file.line(4), "last");
}

TEST(SourceFileTest, LinesThatDoNotExistAreEmpty) {
  const SourceFile file("a", "one");
  EXPECT_EQ(file.line(0), "");
  EXPECT_EQ(file.line(2), "");
}

TEST(SourceFileTest, OffsetUndoesPosition) {
  const SourceFile file("a", "\xc3\xa9 = 1\r\n\xe9\x96\x80 = 2\n");
  for (const std::uint32_t offset : {0U, 2U, 3U, 5U, 8U, 11U, 14U})
    EXPECT_EQ(file.offset(file.position(offset)), offset);
}

TEST(SourceFileTest, OffsetStaysOnItsLineAndInItsText) {
  const SourceFile file("a", "ab\ncd");
  EXPECT_EQ(file.offset({.line = 1, .column = 99}), 2U);
  EXPECT_EQ(file.offset({.line = 9, .column = 1}), 5U);
  EXPECT_EQ(file.offset({.line = 0, .column = 0}), 0U);
}

TEST(SourcesTest, FilesStayWhereTheyAreAsMoreAreAdded) {
  Sources sources;
  const auto first = sources.add("first", "1");
  const auto* before = &sources.file(first);
  for (int i = 0; i < 1000; ++i) sources.add("more", "2");
  EXPECT_EQ(&sources.file(first), before);
  EXPECT_EQ(sources.file(first).text(), "1");
  EXPECT_EQ(sources.size(), 1001U);
}

TEST(SourcesTest, ALayerHasItsOwnFilesBehindThoseBelow) {
  Sources below;
  const auto common = below.add("common", "1");
  Sources one(&below);
  Sources other(&below);
  const auto of_one = one.add("one", "2");
  const auto of_other = other.add("other", "3");
  EXPECT_EQ(of_one, of_other);
  EXPECT_EQ(&one.file(common), &below.file(common));
  EXPECT_EQ(one.file(of_one).name(), "one");
  EXPECT_EQ(other.file(of_other).name(), "other");
  EXPECT_EQ(one.size(), 2U);
  EXPECT_EQ(below.size(), 1U);
}

TEST(SpanTest, ASpanWithoutAFileIsUnknown) {
  EXPECT_FALSE(Span{}.known());
  EXPECT_TRUE((Span{.file = FileId{0}, .begin = 0, .end = 0}.known()));
}

}  // namespace
}  // namespace firewright
