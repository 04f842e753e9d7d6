#include "compiler/diagnostics/render.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace firewright {
namespace {

// One file, and a sink to report into. Spans are given by what they cover: the first place where
// the text holds it.
class RenderTest : public testing::Test {
 protected:
  void file(std::string name, std::string text) {
    id_ = sources_.add(std::move(name), std::move(text));
  }
  [[nodiscard]] Span at(std::string_view value) const {
    const auto begin = sources_.file(id_).text().find(value);
    EXPECT_NE(begin, std::string_view::npos) << value;
    return {.file = id_,
            .begin = static_cast<std::uint32_t>(begin),
            .end = static_cast<std::uint32_t>(begin + value.size())};
  }
  Diagnostic& report(Span span, std::string why = "why") {
    return sink_.report(Kind::syntax, span, {std::move(why)});
  }
  [[nodiscard]] std::string text() const { return render_text(sink_, sources_); }

  Sources sources_;
  FileId id_ = FileId::none;
  Sink sink_;
};

TEST_F(RenderTest, NothingReportedIsNothingShown) { EXPECT_EQ(text(), ""); }

TEST_F(RenderTest, CaretStandsUnderTheValue) {
  file("web.toml", "[inbound]\nallow = [\"ssh\", \"htp\"]\n");
  report(at("\"htp\""));
  EXPECT_EQ(text(),
            "web.toml:2:17: error: not TOML: why [syntax]\n"
            "    2 | allow = [\"ssh\", \"htp\"]\n"
            "      |                 ^~~~~\n");
}

TEST_F(RenderTest, LabelsAndHelpFollow) {
  file("web.toml", "a = 1\nb = 2\n");
  auto& diagnostic = report(at("2"));
  diagnostic.labels.push_back({.span = at("a"), .text = "first defined here"});
  diagnostic.labels.push_back({.span = {}, .text = "and in the catalogue"});
  diagnostic.help = "write one of them:\n  a = 1";
  EXPECT_EQ(text(),
            "web.toml:2:5: error: not TOML: why [syntax]\n"
            "    2 | b = 2\n"
            "      |     ^\n"
            "web.toml:1:1: note: first defined here\n"
            "    1 | a = 1\n"
            "      | ^\n"
            "note: and in the catalogue\n"
            "      = help: write one of them:\n"
            "                a = 1\n");
}

TEST_F(RenderTest, WithoutAPlaceThereIsOnlyTheMessage) {
  sink_.report(Kind::cannot_read, {}, {"web.toml", "is a directory"});
  EXPECT_EQ(text(), "error: cannot read `web.toml`: is a directory [cannot-read]\n");
}

TEST_F(RenderTest, ColumnsCountCodePointsAndTheCaretCountsTerminalColumns) {
  // é takes one column, 門 two, and the combining acute accent none.
  file("p.toml",
       "n = \"\xc3\xa9\xe9\x96\x80"
       "e\xcc\x81\", x = 1\n");
  report(at("x"));
  EXPECT_EQ(text(),
            "p.toml:1:13: error: not TOML: why [syntax]\n"
            "    1 | n = \"\xc3\xa9\xe9\x96\x80"
            "e\xcc\x81\", x = 1\n"
            "      |             ^\n");
}

TEST_F(RenderTest, AWideValueIsUnderlinedWhole) {
  file("p.toml", "\xe9\x96\x80\xe9\x96\x80 = 1\n");
  report(at("\xe9\x96\x80\xe9\x96\x80"));
  EXPECT_EQ(text(),
            "p.toml:1:1: error: not TOML: why [syntax]\n"
            "    1 | \xe9\x96\x80\xe9\x96\x80 = 1\n"
            "      | ^~~~\n");
}

TEST_F(RenderTest, ATabIsOneBlank) {
  file("p.toml", "\tx\t= y\n");
  report(at("y"));
  EXPECT_EQ(text(),
            "p.toml:1:6: error: not TOML: why [syntax]\n"
            "    1 |  x = y\n"
            "      |      ^\n");
}

TEST_F(RenderTest, WhatMustNotReachATerminalIsEscaped) {
  using namespace std::string_literals;
  file("p\x1b.toml", "a\x1b[2J\xff\0 \xe2\x80\xae = x\n"s);
  report(at("x"), "`\x1b]0;\x07`");
  EXPECT_EQ(text(),
            "p\\x1b.toml:1:13: error: not TOML: `\\x1b]0;\\x07` [syntax]\n"
            "    1 | a\\x1b[2J\\xff\\0 \\u{202e} = x\n"
            "      |                           ^\n");
}

TEST_F(RenderTest, CarriageReturnsAtLineEndsAreNotShown) {
  file("p.toml", "a = x\r\nb = 1\r\n");
  report(at("x"));
  EXPECT_EQ(text(),
            "p.toml:1:5: error: not TOML: why [syntax]\n"
            "    1 | a = x\n"
            "      |     ^\n");
}

TEST_F(RenderTest, AValueOfSeveralLinesIsUnderlinedToTheEndOfItsFirst) {
  file("p.toml", "a = [1,\n  2]\n");
  report(at("[1,\n  2]"));
  EXPECT_EQ(text(),
            "p.toml:1:5: error: not TOML: why [syntax]\n"
            "    1 | a = [1,\n"
            "      |     ^~~\n");
}

TEST_F(RenderTest, TheEndOfAFileHasAPlace) {
  file("p.toml", "a = 1\n");
  report({.file = id_, .begin = 6, .end = 6});
  EXPECT_EQ(text(),
            "p.toml:2:1: error: not TOML: why [syntax]\n"
            "    2 |\n"
            "      | ^\n");
}

TEST_F(RenderTest, AnEmptyFileHasAPlace) {
  file("p.toml", "");
  report({.file = id_, .begin = 0, .end = 0});
  EXPECT_EQ(text(),
            "p.toml:1:1: error: not TOML: why [syntax]\n"
            "    1 |\n"
            "      | ^\n");
}

TEST_F(RenderTest, ASpanOutsideItsFileIsHarmless) {
  file("p.toml", "a = 1");
  report({.file = id_, .begin = 700, .end = 600});
  EXPECT_EQ(text(),
            "p.toml:1:6: error: not TOML: why [syntax]\n"
            "    1 | a = 1\n"
            "      |      ^\n");
}

TEST_F(RenderTest, ALongLineIsCutAroundTheValue) {
  file("p.toml", std::string(1000, 'a') + " = BAD" + std::string(1000, 'b'));
  report(at("BAD"));
  EXPECT_EQ(text(),
            "p.toml:1:1004: error: not TOML: why [syntax]\n"
            "    1 | ..." +
                std::string(77, 'a') + " = BAD" + std::string(74, 'b') +
                "...\n"
                "      | " +
                std::string(83, ' ') + "^~~\n");
}

TEST_F(RenderTest, ALongValueIsCutToo) {
  file("p.toml", "a = " + std::string(100000, '[') + "\nb = 1\n");
  report({.file = id_, .begin = 4, .end = 100004});
  EXPECT_EQ(text(),
            "p.toml:1:5: error: not TOML: why [syntax]\n"
            "    1 | a = " +
                std::string(156, '[') +
                "...\n"
                "      |     ^" +
                std::string(155, '~') + "\n");
}

TEST_F(RenderTest, ALineThatFitsIsShownWhole) {
  file("p.toml", std::string(70, 'a') + "X" + std::string(89, 'b'));
  report(at("X"));
  EXPECT_EQ(text(),
            "p.toml:1:71: error: not TOML: why [syntax]\n"
            "    1 | " +
                std::string(70, 'a') + "X" + std::string(89, 'b') +
                "\n"
                "      | " +
                std::string(70, ' ') + "^\n");
}

TEST_F(RenderTest, WarningsAndNotesSaySo) {
  file("p.toml", "expires = 2020-01-01\n");
  sink_.report(Kind::expired, at("2020-01-01"), {"ssh", "2020-01-01"});
  EXPECT_EQ(text(),
            "p.toml:1:11: warning: `ssh` expired on 2020-01-01 and is left out [expired]\n"
            "    1 | expires = 2020-01-01\n"
            "      |           ^~~~~~~~~~\n");
}

TEST_F(RenderTest, WhatIsNotKeptIsCounted) {
  for (std::size_t i = 0; i < Sink::limit + 2; ++i)
    sink_.report(Kind::cannot_read, {}, {std::to_string(i), "why"});
  const auto shown = text();
  EXPECT_TRUE(
      shown.ends_with("error: cannot read `999`: why [cannot-read]\n"
                      "note: 2 more of these are not shown\n"))
      << shown.substr(shown.size() - 200);
}

TEST_F(RenderTest, ColourIsThereWhenAskedFor) {
  file("p.toml", "a = 1");
  report(at("1"));
  EXPECT_EQ(
      render_text(sink_, sources_, {.colour = true}),
      "\x1b[1mp.toml:1:5:\x1b[0m \x1b[1;31merror:\x1b[0m \x1b[1mnot TOML: why\x1b[0m [syntax]\n"
      "    1 | a = 1\n"
      "      |     \x1b[1;32m^\x1b[0m\n");
}

TEST_F(RenderTest, JsonHoldsTheSame) {
  file("web.toml", "a = 1\nb = 2\n");
  auto& diagnostic = report(at("2"));
  diagnostic.labels.push_back({.span = at("a = 1"), .text = "first defined here"});
  diagnostic.help = "remove one";
  sink_.report(Kind::cannot_read, {}, {"x.toml", "is a directory"});
  EXPECT_EQ(render_json(sink_, sources_),
            R"({
  "diagnostics": [
    {
      "id": "syntax",
      "severity": "error",
      "message": "not TOML: why",
      "file": "web.toml",
      "line": 2,
      "column": 5,
      "end_line": 2,
      "end_column": 6,
      "related": [
        {
          "message": "first defined here",
          "file": "web.toml",
          "line": 1,
          "column": 1,
          "end_line": 1,
          "end_column": 6
        }
      ],
      "help": "remove one"
    },
    {
      "id": "cannot-read",
      "severity": "error",
      "message": "cannot read `x.toml`: is a directory",
      "related": []
    }
  ],
  "errors": 2,
  "warnings": 0,
  "not_shown": 0
}
)");
}

TEST_F(RenderTest, JsonStaysUtf8WhateverIsReported) {
  file("p\xff.toml", "a = \xff\n");
  report(at("\xff"), "\xc3( \xf0\x9f");
  const auto document = nlohmann::json::parse(render_json(sink_, sources_));
  EXPECT_EQ(document["diagnostics"][0]["file"], "p\xef\xbf\xbd.toml");
  EXPECT_EQ(document["diagnostics"][0]["message"], "not TOML: \xef\xbf\xbd( \xef\xbf\xbd");
}

TEST(PrintableTest, Table) {
  using namespace std::string_literals;
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"plain text", "plain text"},
      {"\xc3\xa9\xe9\x96\x80\xf0\x9f\x94\xa5", "\xc3\xa9\xe9\x96\x80\xf0\x9f\x94\xa5"},
      {"a\tb\nc\rd", "a\\tb\\nc\\rd"},
      {"\0\x01\x7f"s, "\\0\\x01\\x7f"},
      {"\xc2\x85", "\\u{85}"},  // a control character of the second kind
      // NOLINTNEXTLINE(misc-misleading-bidirectional)
      {"\xe2\x80\xae", "\\u{202e}"},                 // right-to-left override
      {"\xe2\x80\x8b", "\\u{200b}"},                 // zero-width space
      {"\xef\xbb\xbf", "\\u{feff}"},                 // byte order mark
      {"\xf3\xa0\x81\x81", "\\u{e0041}"},            // a tag character
      {"\x80", "\\x80"},                             // a stray continuation
      {"\xc0\x80", "\\xc0\\x80"},                    // overlong
      {"\xe0\x80\x80", "\\xe0\\x80\\x80"},           // overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // a surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // above U+10FFFF
      {"\xe9\x96", "\\xe9\\x96"},                    // cut short
  };
  for (const auto& [in, out] : cases) EXPECT_EQ(printable(in), out);
}

}  // namespace
}  // namespace firewright
