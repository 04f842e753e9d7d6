#include <gtest/gtest.h>

#include <set>
#include <string>

#include "compiler/diagnostics/diagnostic.h"

namespace firewright {
namespace {

Span span(std::uint32_t begin, std::uint32_t end, FileId file = FileId{0}) {
  return {.file = file, .begin = begin, .end = end};
}

TEST(SinkTest, CountsBySeverity) {
  Sink sink;
  EXPECT_FALSE(sink.has_errors());
  sink.report(Kind::expired, {}, {"ssh", "2020-01-01"});
  EXPECT_FALSE(sink.has_errors());
  sink.report(Kind::syntax, {}, {"why"});
  EXPECT_TRUE(sink.has_errors());
  EXPECT_EQ(sink.errors(), 1U);
  EXPECT_EQ(sink.warnings(), 1U);
}

TEST(SinkTest, SortsBySourceOrderThoseWithoutAPlaceFirst) {
  Sink sink;
  sink.report(Kind::syntax, span(5, 6, FileId{1}), {"d"});
  sink.report(Kind::syntax, span(9, 10), {"c"});
  sink.report(Kind::syntax, span(2, 3), {"b"});
  sink.report(Kind::syntax, {}, {"a"});
  sink.sort();
  std::string order;
  for (const auto& diagnostic : sink.diagnostics()) order += diagnostic.args[0];
  EXPECT_EQ(order, "abcd");
}

TEST(SinkTest, ExactRepeatsAreOne) {
  Sink sink;
  sink.report(Kind::syntax, span(2, 3), {"same"});
  sink.report(Kind::syntax, span(2, 3), {"other"});
  sink.report(Kind::syntax, span(2, 3), {"other"});
  sink.sort();
  EXPECT_EQ(sink.diagnostics().size(), 2U);
  EXPECT_EQ(sink.errors(), 2U);
}

TEST(SinkTest, AppendKeepsLabelsHelpAndCounts) {
  Sink first;
  auto& diagnostic = first.report(Kind::syntax, span(2, 3), {"why"});
  diagnostic.labels.push_back({.span = span(0, 1), .text = "here"});
  diagnostic.help = "help";
  Sink second;
  second.append(first);
  ASSERT_EQ(second.diagnostics().size(), 1U);
  EXPECT_EQ(second.diagnostics()[0].labels.size(), 1U);
  EXPECT_EQ(second.diagnostics()[0].help, "help");
  EXPECT_EQ(second.errors(), 1U);
}

TEST(SinkTest, AFloodIsCountedAndNotKept) {
  Sink sink;
  for (std::uint32_t i = 0; i < 5000; ++i) sink.report(Kind::syntax, span(i, i + 1), {"why"});
  EXPECT_EQ(sink.diagnostics().size(), Sink::limit);
  EXPECT_EQ(sink.errors(), 5000U);
  EXPECT_EQ(sink.dropped(), 5000U - Sink::limit);
}

TEST(DiagnosticTest, ArgumentsFillTheWording) {
  Diagnostic diagnostic{
      .kind = Kind::expired, .args = {"{}", "2020-01-01"}, .span = {}, .labels = {}, .help = {}};
  EXPECT_EQ(diagnostic.message(), "`{}` expired on 2020-01-01 and is left out");
  diagnostic.args.pop_back();
  EXPECT_EQ(diagnostic.message(), "`{}` expired on  and is left out");
}

// Ids are part of the interface: scripts match on them.
TEST(KindTest, IdsAreKebabCaseAndUnique) {
  std::set<std::string_view> seen;
  for (const auto kind : all_kinds()) {
    EXPECT_TRUE(seen.insert(id(kind)).second) << id(kind);
    EXPECT_EQ(id(kind).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"),
              std::string_view::npos)
        << id(kind);
  }
}

TEST(KindTest, WordingIsLowerCaseWithoutFullStop) {
  for (const auto kind : all_kinds()) {
    const auto text = wording(kind);
    ASSERT_FALSE(text.empty()) << id(kind);
    EXPECT_FALSE(text.ends_with('.')) << id(kind);
    // A proper name may come first; an ordinary capital letter is followed by a small one.
    EXPECT_FALSE(text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' &&
                 text[1] <= 'z')
        << id(kind);
  }
}

}  // namespace
}  // namespace firewright
