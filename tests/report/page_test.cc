// The page as text: sound HTML that needs nothing from anywhere, whatever a policy holds; and as
// goldens, for people to look at. FIREWRIGHT_REWRITE_GOLDENS=1 rewrites these.

#include "compiler/report/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <set>

#include "compiler/base/sha256.h"
#include "compiler/report/html.h"
#include "compiler/report/style.h"
#include "tests/cli/command.h"
#include "tests/report/drawn.h"

namespace firewright::report {
namespace {

namespace fs = std::filesystem;
using cli::Exit;
using testing::HasSubstr;

const fs::path root = FIREWRIGHT_SOURCE_DIR;

// --- HTML

struct Tag {
  std::string name;
  std::map<std::string, std::string> attributes;
};

// Every start tag, in order. Fails where tags are not closed in the order in which they were opened
// or something is not as we write it.
std::vector<Tag> tags(const std::string& html) {
  static const std::regex tag(R"(<(/?)([a-z0-9]+)((?: [a-z-]+(?:="[^"<>]*")?)*)>)");
  static const std::regex attribute(R"re( ([a-z-]+)(?:="([^"]*)")?)re");
  static const std::set<std::string> no_end = {"meta"};
  std::vector<Tag> found;
  std::vector<std::string> open;
  std::size_t at = html.find('>') + 1;
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>\n"));
  while ((at = html.find('<', at)) != std::string::npos) {
    std::smatch match;
    const auto begin = html.begin() + static_cast<std::ptrdiff_t>(at);
    if (!std::regex_search(begin, html.end(), match, tag, std::regex_constants::match_continuous)) {
      ADD_FAILURE() << "not a tag of ours: " << html.substr(at, 80);
      return found;
    }
    const auto name = match[2].str();
    at += match[0].str().size();
    if (match[1].length() > 0) {
      EXPECT_TRUE(!open.empty() && open.back() == name) << "</" << name << ">";
      if (!open.empty()) open.pop_back();
      continue;
    }
    Tag one{.name = name, .attributes = {}};
    const auto text = match[3].str();
    for (std::sregex_iterator it(text.begin(), text.end(), attribute), end; it != end; ++it)
      EXPECT_TRUE(one.attributes.emplace((*it)[1].str(), (*it)[2].str()).second);
    found.push_back(std::move(one));
    if (!no_end.contains(name)) open.push_back(name);
    if (name == "style") at = html.find("</style>", at);
  }
  EXPECT_EQ(open, std::vector<std::string>());
  return found;
}

void expect_sound(const std::string& html) {
  std::set<std::string> ids;
  std::vector<std::string> links;
  std::vector<std::string> labels;
  unsigned level = 0;
  std::map<std::string, unsigned> count;
  for (const auto& [name, attributes] : tags(html)) {
    ++count[name];
    if (attributes.contains("id")) {
      EXPECT_TRUE(ids.insert(attributes.at("id")).second);
    }
    if (attributes.contains("href")) links.push_back(attributes.at("href"));
    if (attributes.contains("aria-labelledby")) labels.push_back(attributes.at("aria-labelledby"));
    if (name == "th") {
      EXPECT_TRUE(attributes.contains("scope"));
    }
    if (name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6') {
      const auto next = static_cast<unsigned>(name[1] - '0');
      EXPECT_LE(next, level + 1) << "a heading is left out";
      level = next;
    }
    for (const auto& [key, value] : attributes) {
      EXPECT_FALSE(key.starts_with("on")) << key;
      EXPECT_NE(key, "style");
      EXPECT_NE(key, "src");
    }
  }
  for (const auto& link : links)
    EXPECT_TRUE(link[0] == '#' && ids.contains(link.substr(1))) << link;
  for (const auto& label : labels) EXPECT_TRUE(ids.contains(label)) << label;
  EXPECT_EQ(count["h1"], 1U);
  EXPECT_EQ(count["main"], 1U);
  EXPECT_EQ(count["script"], 0U);
  EXPECT_EQ(count["table"], count["caption"]);
}

// Without printing a whole page where it does not.
testing::AssertionResult holds(const std::string& page, const std::string& text) {
  if (page.find(text) != std::string::npos) return testing::AssertionSuccess() << text;
  return testing::AssertionFailure() << "lacks " << text;
}

constexpr const char* hostile = R"(
[policy]
name = "</title><script>alert(1)</script>"
description = "\"double\" & 'single'\n<b>second</b> line"
owner = "x' onclick='y"
[addresses]
g-1 = ["192.0.2.0/24"]
[[inbound.allow]]
name = "<img src=//example.org/x>"
service = "ssh"
from = "g-1"
reason = "\u202Eback\u202C to <i>front</i> &amp;"
owner = "\"><svg onload=alert(1)>"
ticket = "]]><!--"
limit = "5/minute"
expires = 2026-02-01
[[assert]]
name = "--></section><a href='https://example.org'>"
never = { direction = "inbound", service = "telnet" }
)";

TEST(Page, TextOfOtherPeopleStaysText) {
  policy::Reading reading;
  reading.read_text(hostile);
  std::string text(hostile);
  const auto refused = reading.sink.has_errors();  // what turns text around cannot even be said
  EXPECT_TRUE(refused);
  text.replace(text.find("\\u202E"), 6, "");
  text.replace(text.find("\\u202C"), 6, "");
  const auto drawn = draw_text(text, Target::nftables, true);
  const auto html = page(drawn->picture);
  expect_sound(html);
  EXPECT_TRUE(holds(html, "<h1>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;</h1>"));
  EXPECT_TRUE(holds(html, "<p>&quot;double&quot; &amp; &#39;single&#39;</p>"));
  EXPECT_TRUE(holds(html, "&lt;img src=//example.org/x&gt;"));
  EXPECT_TRUE(holds(html, "front&lt;/i&gt; &amp;amp;"));
  EXPECT_FALSE(holds(html, "<img"));
  EXPECT_FALSE(holds(html, "<svg"));
}

TEST(Html, EscapesWhatIsNotPlainText) {
  EXPECT_EQ(escaped("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(escaped("\x1b[1m"), "\\x1b[1m");
  EXPECT_EQ(escaped("\xE2\x80\xAE"
                    "x"),
            "\\u{202e}x");
  EXPECT_EQ(escaped("\xFF"), "\\xff");
  EXPECT_EQ(Html("en").open("p", {{"title", "\"><script>"}}).text("<").take(),
            "<!DOCTYPE html>\n<html lang=\"en\">\n<p "
            "title=\"&quot;&gt;&lt;script&gt;\">&lt;</p>\n</html>\n");
}

TEST(Page, NeedsNothingFromAnywhere) {
  const auto drawn = draw_text("[inbound]\nallow = [\"ssh\"]\n");
  const auto html = page(drawn->picture);
  expect_sound(html);
  EXPECT_TRUE(holds(html,
                    "http-equiv=\"Content-Security-Policy\" content=\"default-src "
                    "&#39;none&#39;; style-src &#39;sha256-"));
  for (const auto* word : {"http://", "https://", "url(", "@import", "src="})
    EXPECT_FALSE(holds(html, word));
  EXPECT_FALSE(holds(std::string(style_sheet()), "<"));
}

TEST(Page, SaysNoDayUnlessItIsTold) {
  const auto text =
      "[[inbound.allow]]\nservice = \"ssh\"\nfrom = \"192.0.2.1\"\nexpires = 2026-02-01\n";
  const auto without = page(draw_text(text)->picture);
  EXPECT_FALSE(holds(without, "as of"));
  EXPECT_TRUE(holds(without, "data-name=\"Expires\">2026-02-01<"));
  const auto with = page(draw_text(text, Target::nftables, true)->picture);
  EXPECT_TRUE(holds(with, "as of 2026-01-01"));
  EXPECT_TRUE(holds(with, "data-name=\"Expires\">2026-02-01, in 31 days<"));
  EXPECT_EQ(page(draw_text(text)->picture), without);
}

TEST(Page, ShowsWhoAnswersForAnException) {
  const auto html = page(draw_text(R"(
[[inbound.allow]]
name = "admin"
service = "ssh"
owner = "platform team"
ticket = "NET-7"
reason = "they work there"
[[inbound.allow]]
name = "again"
service = "ssh"
[[inbound.allow]]
name = "elsewhere"
service = "rdp"
only-on = ["netsh"]
)")
                             ->picture);
  EXPECT_TRUE(holds(html, "data-name=\"Owner\">platform team<"));
  EXPECT_TRUE(holds(html, "data-name=\"Ticket\">NET-7<"));
  EXPECT_TRUE(holds(html, "they work there"));
  EXPECT_TRUE(holds(html, "data-name=\"Written at\">policy.toml:2<"));
  EXPECT_TRUE(holds(html, "changes nothing</span> again"));
  EXPECT_TRUE(holds(html, "for other targets</span> elsewhere"));
}

TEST(Page, ShowsWhatAssertionsComeTo) {
  const auto html = page(draw_text(R"(
[inbound]
allow = ["https"]
[[assert]]
name = "no telnet"
never = { direction = "inbound", service = "telnet" }
[[assert]]
name = "no web"
never = { direction = "inbound", service = "https" }
)")
                             ->picture);
  EXPECT_TRUE(holds(html, "proved</span> no telnet"));
  EXPECT_THAT(html,
              HasSubstr("Of all packets: dropped by the default, the baseline (drop-invalid)"));
  EXPECT_TRUE(holds(html, "does not hold</span> no web"));
  EXPECT_TRUE(holds(html, "is accepted by `https`"));
  EXPECT_TRUE(holds(html, "1 of 2 assertions proved"));
}

TEST(Page, OfEveryExampleIsSound) {
  for (const auto& entry : fs::recursive_directory_iterator(root / "policies")) {
    const auto& path = entry.path();
    if (path.extension() != ".toml" || path.filename() == "services.toml") continue;
    if (path.string().find("/roles/") != std::string::npos || path.stem() == "base") continue;
    const auto ended = cli::run({"report", path.string(), "--at", "2026-01-01"});
    EXPECT_EQ(ended.exit, Exit::ok) << path << ended.err;
    expect_sound(ended.out);
  }
}

// --- the command

class Report : public cli::InFolder {
 protected:
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(Report, WritesAFileOrToTheOutput) {
  const auto policy = write("p.toml", "[inbound]\nallow = [\"ssh\"]\n");
  const auto said = cli::run({"report", policy});
  EXPECT_EQ(said.exit, Exit::ok);
  EXPECT_EQ(said.err, "");
  const auto written = cli::run({"report", policy, "-o", path("out/p.html")});
  EXPECT_EQ(written.exit, Exit::ok);
  EXPECT_EQ(written.out, "");
  EXPECT_EQ(read("out/p.html"), said.out);
  EXPECT_EQ(cli::run({"report", policy, "-o", policy + "/x.html"}).exit, Exit::system);
  EXPECT_THAT(cli::run({"report", "-"}, "[inbound]\n").out, HasSubstr("<h1>policy</h1>"));
}

TEST_F(Report, OfABadPolicyWritesNothing) {
  const auto policy = write("p.toml", "[inbound]\nallow = [\"nothing-like-it\"]\n");
  const auto ended = cli::run({"report", policy, "-o", path("p.html")});
  EXPECT_EQ(ended.exit, Exit::no);
  EXPECT_THAT(ended.err, HasSubstr("unknown-service"));
  EXPECT_EQ(files(), std::vector<std::string>{"p.toml"});
  EXPECT_EQ(cli::run({"report", policy, "--at", "tomorrow"}).exit, Exit::usage);
  EXPECT_EQ(cli::run({"report"}).exit, Exit::usage);
  EXPECT_EQ(cli::run({"report", policy, policy, "--git", "a..b"}).exit, Exit::usage);
}

TEST_F(Report, IsOfPoliciesOnly) {
  const auto policy = write("p.toml", "[inbound]\n");
  ASSERT_EQ(cli::run({"compile", policy, "--target", "nftables", "-o", path("out")}).exit,
            Exit::ok);
  const auto ended = cli::run({"report", path("out/p.nft")});
  EXPECT_EQ(ended.exit, Exit::usage);
  EXPECT_THAT(ended.err, HasSubstr("a report is of policies"));
}

TEST_F(Report, OfTwoShowsWhatWasAndWhatIs) {
  const auto old = write("old.toml", "[inbound]\nallow = [\"ssh\", \"http\"]\n");
  const auto now = write("new.toml",
                         "addresses.office = [\"192.0.2.0/24\"]\n[inbound]\n"
                         "allow = [{ service = \"ssh\", from = \"office\" }, \"rdp\"]\n");
  const auto ended = cli::run({"report", old, now});
  EXPECT_EQ(ended.exit, Exit::ok);
  expect_sound(ended.out);
  EXPECT_TRUE(holds(ended.out, "<li>opens and closes</li>"));
  EXPECT_TRUE(holds(ended.out, "inbound rdp from any, such as"));
  EXPECT_TRUE(holds(ended.out, "<th scope=\"row\">http<"));  // which only the old one names
  EXPECT_TRUE(holds(ended.out,
                    "<td class=\"no changed\"><span class=\"was\">was yes, is now</span>no</td>"));
  EXPECT_TRUE(holds(ended.out,
                    "<td class=\"yes changed\"><span class=\"was\">was no, is now</span>yes</td>"));
  const auto same = cli::run({"report", old, old});
  EXPECT_TRUE(holds(same.out, "No packet is treated differently."));
  EXPECT_FALSE(holds(same.out, "class=\"was\""));
}

TEST_F(Report, OfTwoCommits) {
  if (std::system("git --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no git here";
  const auto before = fs::current_path();
  fs::current_path(folder_);
  const auto commit = [&](const std::string& text) {
    (void)write("web.toml", text);
    return std::system(
        "git add -A && git -c user.name=n -c user.email=n@example.org commit --quiet -m c");
  };
  ASSERT_EQ(std::system("git init --quiet ."), 0);
  ASSERT_EQ(commit("[inbound]\n"), 0);
  ASSERT_EQ(commit("[inbound]\nallow = [\"https\"]\n"), 0);
  const auto ended = cli::run({"report", "--git", "HEAD~1..HEAD", "web.toml"});
  const auto wrong = cli::run({"report", "--git", "nothing..HEAD", "web.toml"});
  fs::current_path(before);
  EXPECT_EQ(ended.exit, Exit::ok) << ended.err;
  EXPECT_TRUE(holds(ended.out, "<h1>HEAD~1:web.toml \u2192 HEAD:web.toml</h1>"));
  EXPECT_TRUE(holds(ended.out, "<li>opens</li>"));
  EXPECT_EQ(wrong.exit, Exit::system);
}

// --- goldens

struct Golden {
  std::string name;
  std::vector<std::string> policies;  // from the root of the tree
};

TEST(PageGolden, IsWhatTheCommandWrites) {
  const Golden goldens[] = {
      {"router", {"policies/router.toml"}},
      {"everything", {"tests/golden/cases/everything_the_language_has/policy.toml"}},
      {"changed", {"tests/report/goldens/before.toml", "tests/report/goldens/after.toml"}},
  };
  fs::current_path(root);
  const bool rewrite = std::getenv("FIREWRIGHT_REWRITE_GOLDENS") != nullptr;
  ASSERT_FALSE(rewrite && std::getenv("CI") != nullptr) << "CI does not rewrite goldens";
  for (const auto& golden : goldens) {
    std::vector<std::string> arguments{"report", "--at", "2026-01-01"};
    arguments.insert(arguments.end(), golden.policies.begin(), golden.policies.end());
    const auto ended = cli::run(arguments);
    ASSERT_EQ(ended.exit, Exit::ok) << ended.err;
    // The style sheet is not what a golden is about.
    auto html = ended.out;
    const auto begin = html.find("<style>");
    html.erase(begin, html.find("</style>") - begin + 9);
    html = std::regex_replace(html, std::regex("sha256-[A-Za-z0-9+/=]+"), "sha256-...");
    const auto path = root / "tests/report/goldens" / (golden.name + ".html");
    if (rewrite) std::ofstream(path, std::ios::binary) << html;
    std::ifstream file(path, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), html) << path;
  }
}

}  // namespace
}  // namespace firewright::report
