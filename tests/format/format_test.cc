// The one form of a policy's text: what it looks like, that comments and meaning stay, and that it
// is its own form.

#include "compiler/format/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "compiler/diagnostics/render.h"
#include "compiler/format/syntax.h"
#include "fuzz/policy_mutator.h"

namespace firewright::format {
namespace {

namespace fs = std::filesystem;

struct Run {
  Formatted formatted;
  std::string said;
};

Run run(const std::string& text) {
  Sources sources;
  Sink sink;
  const auto file = sources.add("policy.toml", text);
  Run result;
  result.formatted = format(file, sources, sink);
  result.said = render_text(sink, sources);
  return result;
}

std::string formatted(const std::string& text) {
  auto result = run(text);
  EXPECT_EQ(result.formatted.outcome, Formatted::Outcome::done) << result.said << text;
  return result.formatted.text;
}

struct Case {
  std::string name;
  std::string written;
  std::string form;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Form : public testing::TestWithParam<Case> {};

TEST_P(Form, IsTheOne) {
  const auto form = formatted(GetParam().written);
  EXPECT_EQ(form, GetParam().form);
  EXPECT_EQ(formatted(form), form);
}

const std::string ninety(90, 'x');
const std::string eighty_nine(89, 'x');  // with `a = ["", 1]` around it: 100 columns

INSTANTIATE_TEST_SUITE_P(
    Format, Form,
    testing::Values(
        Case{"Empty", "", ""}, Case{"OnlyBlanks", " \n\n\t\n", ""},
        Case{"Comment", "\n\n  # one\t \n", "# one\n"},
        Case{"Blanks", "a=1\n  b =  2\t\nc\t=\t3", "a = 1\nb = 2\nc = 3\n"},
        Case{"CarriageReturns", "a = 1\r\n# x \r\n\r\nb = [\r\n1,\r\n]\r\n",
             "a = 1\n# x\n\nb = [\n  1,\n]\n"},
        Case{"DottedKeys", "a . \"b.c\" .  d = 1\n[ e . 'f' ]\n[[ g . h ]]\n",
             "a.\"b.c\".d = 1\n\n[e.'f']\n\n[[g.h]]\n"},
        Case{"OneBlankLineBetweenTables", "[a]\n\n\nb = 1\n[c]\n\n\n\n[d]\ne = 1\n\n\nf = 2\n",
             "[a]\nb = 1\n\n[c]\n\n[d]\ne = 1\n\nf = 2\n"},
        Case{"CommentStaysWithItsTable", "a = 1\n# of b\n# too\n[b]\n",
             "a = 1\n\n# of b\n# too\n[b]\n"},
        Case{"CommentStaysWithItsKey", "[a]\nb = 1\n# of b\n\n[c]\n",
             "[a]\nb = 1\n# of b\n\n[c]\n"},
        Case{"CommentBehind", "[a]   # of a\nb = 1# of b\nc = [ 1 ]\t# of c\n",
             "[a] # of a\nb = 1 # of b\nc = [1] # of c\n"},
        Case{"CommentAloneBehindAHeader", "[a]\n\n# alone\n\nb = 1\n", "[a]\n\n# alone\n\nb = 1\n"},
        Case{"Array", "a = [1,2 , 3,]\nb = [ ]\nc = [\n]\n", "a = [1, 2, 3]\nb = []\nc = []\n"},
        Case{"ArrayOfLines", "a = [\n1, 2,\n      3 ]\n", "a = [\n  1,\n  2,\n  3,\n]\n"},
        Case{"ArrayWithinLines", "a = [[1],\n[2, [3]]]\n", "a = [\n  [1],\n  [2, [3]],\n]\n"},
        Case{"ArrayAroundLines", "a = [[1,\n2]]\n", "a = [\n  [\n    1,\n    2,\n  ],\n]\n"},
        Case{
            "ArrayComments",
            "a = [ # of a\n\n  # first\n\n\n  1 # one\n  , 2, # two\n  # behind\n\n  # last\n\n]\n",
            "a = [ # of a\n  # first\n\n  1, # one\n  2, # two\n  # behind\n\n  # last\n]\n"},
        Case{"ArrayOfComments", "a = [ # of a\n]\nb = [\n# of b\n]\n",
             "a = [ # of a\n]\nb = [\n  # of b\n]\n"},
        Case{"LongArray", "a = [\"" + ninety + "\", 1]\nb = [\"" + eighty_nine + "\", 1]\n",
             "a = [\n  \"" + ninety + "\",\n  1,\n]\nb = [\"" + eighty_nine + "\", 1]\n"},
        Case{"LoneLongWord", "a = [ \"" + ninety + ninety + "\" ]\n",
             "a = [\"" + ninety + ninety + "\"]\n"},
        Case{"ColumnsAreCharacters", "a = [\"\xC3\xBC\xC3\xBC" + eighty_nine.substr(2) + "\", 1]\n",
             "a = [\"\xC3\xBC\xC3\xBC" + eighty_nine.substr(2) + "\", 1]\n"},
        Case{"LongComment", "a = [1, 2] # " + ninety + ninety + "\n",
             "a = [1, 2] # " + ninety + ninety + "\n"},
        Case{"InlineTable", "a={b=1,c = {d=[1,2]}}\nb = { }\n",
             "a = { b = 1, c = { d = [1, 2] } }\nb = {}\n"},
        Case{"LongInlineTable",
             "never = { direction = \"inbound\", service = [\"telnet\", \"" + ninety + "\"] }\n",
             "never = { direction = \"inbound\", service = [\n  \"telnet\",\n  \"" + ninety +
                 "\",\n] }\n"},
        Case{"InlineTablesInLines", "a = [\n{b=1}, {c = [1,\n2]}]\n",
             "a = [\n  { b = 1 },\n  { c = [\n    1,\n    2,\n  ] },\n]\n"},
        Case{"StringsKeepTheirBytes",
             "a = \"# no [comment] \\\" = \"\nb = 'c:\\'  # yes\nc = \"\"\nd = ''\n",
             "a = \"# no [comment] \\\" = \"\nb = 'c:\\' # yes\nc = \"\"\nd = ''\n"},
        Case{"StringsOfLines",
             "a   = \"\"\"\n  one  \n\n\n two\\\n   three \"\"\"\"\"\nb = '''\n= [  \n'''''\n",
             "a = \"\"\"\n  one  \n\n\n two\\\n   three \"\"\"\"\"\nb = '''\n= [  \n'''''\n"},
        Case{"StringOfLinesInAnArray", "a = [\"\"\"x\ny\"\"\", 1]\n",
             "a = [\n  \"\"\"x\ny\"\"\",\n  1,\n]\n"},
        Case{"StringOfLinesWithCarriageReturns", "a = \"\"\"x  \r\ny\"\"\"\r\n",
             "a = \"\"\"x  \ny\"\"\"\n"},
        Case{"Scalars", "a = 0xAF\nb = 1_000\nc = 6.26e-34 \nd = -inf\n",
             "a = 0xAF\nb = 1_000\nc = 6.26e-34\nd = -inf\n"},
        Case{"Dates",
             "a = 1979-05-27 07:32:00Z # one\nb=[1979-05-27 07:32:00 ,07:32:00, 2030-12-31]\n",
             "a = 1979-05-27 07:32:00Z # one\nb = [1979-05-27 07:32:00, 07:32:00, 2030-12-31]\n"}),
    [](const auto& tested) { return tested.param.name; });

TEST(Format, RefusesWhatIsNotToml) {
  const auto result = run("[inbound]\nallow = [\"ssh\"\n[outbound]\n");
  EXPECT_EQ(result.formatted.outcome, Formatted::Outcome::not_toml);
  EXPECT_THAT(result.said, testing::HasSubstr("[syntax]"));
  EXPECT_EQ(result.formatted.text, "");
}

TEST(Format, FirstDifference) {
  EXPECT_EQ(first_difference("a\nb\n", "a\nb\n"), 0U);
  EXPECT_EQ(first_difference("a\nb\n", "a\nc\n"), 2U);
  EXPECT_EQ(first_difference("a\nb", "a\nb\n"), 2U);
  EXPECT_EQ(first_difference("", "a\n"), 1U);
}

// What holds the form against the original.
bool same(const std::string& a, const std::string& b) {
  Sources sources;
  Sink sink;
  const auto x = policy::parse_document(sources.add("a", a), sources, sink);
  const auto y = policy::parse_document(sources.add("b", b), sources, sink);
  return x && y && same_tree(*x, *y, sources, sources);
}

TEST(Format, TheJudgeSeesWhatChanges) {
  EXPECT_TRUE(same("a = 1\nb = [1, { c = 'x' }]", "a=1\n\nb=[1,{c=\"x\"}] # y"));
  EXPECT_FALSE(same("a = 1", "a = 2"));
  EXPECT_FALSE(same("a = 1", "a = '1'"));
  EXPECT_FALSE(same("a = 1\nb = 2", "b = 2\na = 1"));
  EXPECT_FALSE(same("a = [1, 2]", "a = [2, 1]"));
  EXPECT_FALSE(same("a = [1, 2]", "a = [1]"));
  EXPECT_FALSE(same("a = { b = 1 }", "a = { b = 1, c = 1 }"));
  EXPECT_FALSE(same("a = true", "a = false"));
  EXPECT_FALSE(same("a = 1.5", "a = 1.6"));
  EXPECT_FALSE(same("a = 2030-01-01", "a = 2030-01-02"));
  EXPECT_FALSE(same("a = 07:32:00", "a = 07:32:01"));
}

std::vector<fs::path> toml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const fs::path root = FIREWRIGHT_SOURCE_DIR;

TEST(Format, ExamplePoliciesAreInTheirForm) {
  const auto files = toml_files(root / "policies");
  EXPECT_GT(files.size(), 10U);
  for (const auto& path : files)
    EXPECT_EQ(first_difference(read(path), formatted(read(path))), 0U) << path;
}

// Every comment, in order, without what stands before and behind it.
std::vector<std::string> comments(const Item& item) {
  std::vector<std::string> found;
  if (item.value && !item.value->opening.empty()) found.emplace_back(item.value->opening);
  if (item.value)
    for (const auto& inner : item.value->items)
      for (auto& comment : comments(inner)) found.push_back(std::move(comment));
  if (!item.comment.empty()) found.emplace_back(item.comment);
  return found;
}
std::vector<std::string> comments(const std::string& text) {
  std::vector<std::string> found;
  const auto lines = read_lines(text);
  EXPECT_TRUE(lines.has_value()) << text;
  for (const auto& line : *lines)
    for (auto& comment : comments(line.item)) found.push_back(std::move(comment));
  return found;
}

// As others might have written it: other blanks and line ends, the same lines.
class Untidy {
 public:
  Untidy(const std::string& text, std::uint64_t seed) : text_(text), random_(seed) {}

  std::string write() {
    for (at_ = 0; at_ < text_.size();) step();
    if (random_() % 2 == 0)
      while (out_.ends_with('\n') || out_.ends_with('\r')) out_.pop_back();
    return out_;
  }

 private:
  std::string blanks() {
    std::string some;
    for (auto n = random_() % 4; n > 1; --n) some += random_() % 3 == 0 ? '\t' : ' ';
    return some;
  }
  void copy_string() {
    const std::string three(3, text_[at_]);
    const auto quotes = text_.compare(at_, 3, three) == 0 ? three : three.substr(0, 1);
    auto end = at_ + quotes.size();
    while (text_.compare(end, quotes.size(), quotes) != 0)
      end += text_[end] == '\\' && quotes[0] == '"' ? 2U : 1U;
    end += quotes.size();
    out_ += text_.substr(at_, end - at_);
    at_ = end;
  }
  void step() {
    const char c = text_[at_];
    if (at_ == 0 || text_[at_ - 1] == '\n') {
      out_ += blanks();
      in_header_ = c == '[';
    }
    if (c == '"' || c == '\'') return copy_string();
    ++at_;
    if (c == '#') {
      const auto end = text_.find('\n', at_);
      out_ += blanks() + text_.substr(at_ - 1, end - at_ + 1) + blanks();
      at_ = end;
    } else if (c == '\n') {
      const std::string line_end = random_() % 2 == 0 ? "\n" : "\r\n";
      const bool blank_line = at_ < text_.size() && text_[at_] == '\n';
      out_ += blanks() + line_end;
      if (blank_line && random_() % 2 == 0) out_ += blanks() + line_end;
    } else if (c == '=' || c == ',' || c == '}' || (c == '{' && text_[at_] != '}')) {
      out_ += blanks() + c + blanks();
    } else if ((c == '[' || c == ']') && !in_header_) {
      out_ += c + blanks();
    } else {
      out_ += c;
    }
  }

  const std::string& text_;
  std::mt19937_64 random_;
  std::size_t at_ = 0;
  bool in_header_ = false;
  std::string out_;
};

std::vector<std::string> policies() {
  std::vector<std::string> texts;
  for (const auto* folder : {"policies", "tests/policy/cases", "tests/golden/cases"})
    for (const auto& path : toml_files(root / folder)) {
      const auto text = read(path);
      if (run(text).formatted.outcome != Formatted::Outcome::not_toml) texts.push_back(text);
    }
  return texts;
}

void check(const std::string& text, const std::string& seed) {
  const auto form = formatted(text);
  EXPECT_EQ(formatted(form), form) << seed << "\n" << text;
  EXPECT_TRUE(same(text, form)) << seed << "\n" << text;
  EXPECT_EQ(comments(form), comments(text)) << seed << "\n" << text;
}

TEST(Format, HoldsForEveryPolicy) {
  const auto texts = policies();
  EXPECT_GT(texts.size(), 70U);
  for (const auto& text : texts) {
    check(text, "");
    if (HasFailure()) return;
  }
}

TEST(Format, DoesNotHangOnTheAuthorsBlanks) {
  for (const auto& text : policies()) {
    const auto form = formatted(text);
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const auto untidy = Untidy(form, seed).write();
      EXPECT_EQ(first_difference(formatted(untidy), form), 0U) << "seed " << seed << "\n" << untidy;
      if (HasFailure()) return;
    }
  }
}

TEST(Format, HoldsForRandomPolicies) {
  std::string text;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    if (seed % 30 == 0) text.clear();
    text = fuzz::mutate_policy(text, seed, 8192);
    check(text, "seed " + std::to_string(seed));
    const auto untidy = Untidy(formatted(text), seed).write();
    EXPECT_EQ(first_difference(formatted(untidy), formatted(text)), 0U) << "seed " << seed << "\n"
                                                                        << untidy;
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace firewright::format
