// Pages of `report` in headless Chromium, narrow and wide, bright and dark: nothing runs out of the
// page, every text can be read, the keyboard gets everywhere, nothing is asked of anybody, and
// nothing is complained about. A script that is put into a copy of the page looks around in it.
//
// FIREWRIGHT_SCREENSHOTS=DIR keeps pictures of them all, for people to look at.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "tests/cli/command.h"

namespace firewright {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path root = FIREWRIGHT_SOURCE_DIR;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What a command writes, and how it ends.
struct Output {
  int status = -1;
  std::string text;
};

Output output_of(const std::string& command) {
  Output output;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  std::array<char, 65536> buffer{};
  while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe))
    output.text.append(buffer.data(), size);
  const int status = ::pclose(pipe);
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return output;
}

struct Look {
  unsigned width;
  bool dark;
};

class Browser : public cli::InFolder {
 protected:
  void SetUp() override {
    cli::InFolder::SetUp();
    if (output_of("chromium --version 2>/dev/null").status == 0) return;
    ASSERT_EQ(std::getenv("CI"), nullptr) << "there is no chromium here";
    GTEST_SKIP() << "there is no chromium here";
  }

  // Chromium with a profile of its own, off the network, logging to a file.
  [[nodiscard]] std::string command(const Look& look, const std::string& more) const {
    return "chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage"
           " --hide-scrollbars --no-first-run --disable-extensions --disable-background-networking"
           " --host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr --v=0"
           " --blink-settings=preferredColorScheme=" +
           std::string(look.dark ? "0" : "1") + " --user-data-dir='" + path("profile") +
           "' --window-size=1280,3000 " + more + " 2>'" + path("log") + "'";
  }

  // What the page's console was told.
  [[nodiscard]] std::vector<std::string> console() const {
    std::vector<std::string> said;
    std::istringstream lines(read(path("log")));
    for (std::string line; std::getline(lines, line);)
      if (line.find(":CONSOLE") != std::string::npos) said.push_back(line);
    return said;
  }

  // No window is as narrow as a telephone, but a frame is.
  [[nodiscard]] std::string framed(const std::string& html, const Look& look) const {
    std::string text;
    for (const char c : html) text += c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
    return write("framed.html",
                 "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                 "<meta name=\"color-scheme\" content=\"light dark\"></head>"
                 "<body style=\"margin: 0\"><iframe style=\"border: 0; height: 3000px; width: " +
                     std::to_string(look.width) + "px\" srcdoc=\"" + text +
                     "\"></iframe></body></html>");
  }

  [[nodiscard]] json look_at(const std::string& html, const Look& look) const {
    const auto page = framed(html, look);
    const auto output =
        output_of(command(look, "--virtual-time-budget=20000 --dump-dom 'file://" + page + "'"));
    EXPECT_EQ(output.status, 0) << read(path("log"));
    static const std::regex found("<pre id=\"found\">([^<]*)</pre>");
    std::smatch match;
    if (!std::regex_search(output.text, match, found)) {
      ADD_FAILURE() << "the probe said nothing: " << output.text.substr(0, 500);
      return {};
    }
    auto text = match[1].str();
    for (const auto& [entity, character] : {std::pair{"&lt;", "<"}, std::pair{"&gt;", ">"},
                                            std::pair{"&quot;", "\""}, std::pair{"&amp;", "&"}})
      for (std::size_t at = 0; (at = text.find(entity, at)) != std::string::npos; ++at)
        text.replace(at, std::string(entity).size(), character);
    return json::parse(text);
  }

  // A copy with the probe, which a page's own rules would not let run.
  static std::string probed(const std::string& html) {
    auto copy = std::regex_replace(html, std::regex("<meta http-equiv=[^>]*>\n"), "");
    copy.insert(copy.rfind("</body>"),
                "<script>" + read(root / "tests/browser/probe.js") + "</script>");
    return copy;
  }

  void expect_good(const std::string& name, const std::vector<std::string>& policies) {
    std::vector<std::string> arguments{"report", "--at", "2026-01-01"};
    for (const auto& policy : policies) arguments.push_back((root / policy).string());
    const auto ended = cli::run(arguments);
    ASSERT_EQ(ended.exit, cli::Exit::ok) << ended.err;
    const auto copy = probed(ended.out);
    std::set<std::string> colours;
    for (const auto& look :
         {Look{390, false}, Look{390, true}, Look{1280, false}, Look{1280, true}}) {
      SCOPED_TRACE(name + " " + std::to_string(look.width) + (look.dark ? " dark" : " bright"));
      const auto found = look_at(copy, look);
      if (found.is_null()) return;
      EXPECT_EQ(found["errors"], json::array());
      EXPECT_EQ(found["faults"], json::array()) << found["faults"].dump(1);
      EXPECT_EQ(found["requests"], json::array());
      EXPECT_EQ(found["width"], look.width);
      EXPECT_GE(found["contrast"].get<double>(), 4.5);
      EXPECT_GT(found["texts"].get<int>(), 20);
      EXPECT_GT(found["stops"].get<int>(), 6);
      EXPECT_EQ(console(), std::vector<std::string>());
      colours.insert(found["page"].get<std::string>());
      draw(name, ended.out, look);
    }
    EXPECT_EQ(colours.size(), 2U) << "bright and dark look alike";
  }

  // The page itself, with its own rules, must be drawn and have nothing to complain about.
  void draw(const std::string& name, const std::string& html, const Look& look) const {
    const auto page = framed(html, look);
    const auto* folder = std::getenv("FIREWRIGHT_SCREENSHOTS");
    const auto picture =
        (folder == nullptr ? folder_ : fs::path(folder)) /
        (name + "-" + std::to_string(look.width) + (look.dark ? "-dark" : "") + ".png");
    const auto output =
        output_of(command(look, "--screenshot='" + picture.string() + "' 'file://" + page + "'"));
    EXPECT_EQ(output.status, 0);
    EXPECT_GT(fs::exists(picture) ? fs::file_size(picture) : 0, 10'000U);
    EXPECT_EQ(console(), std::vector<std::string>());
  }
};

TEST_F(Browser, ShowsOnePolicy) { expect_good("router", {"policies/router.toml"}); }

TEST_F(Browser, ShowsEverythingThatTheLanguageHas) {
  expect_good("everything", {"tests/golden/cases/everything_the_language_has/policy.toml"});
}

TEST_F(Browser, ShowsTwoSideBySide) {
  expect_good("changed", {"tests/report/goldens/before.toml", "tests/report/goldens/after.toml"});
}

// The probe is worth something only if it finds what is wrong.
TEST_F(Browser, TheProbeFindsFaults) {
  const auto found = look_at(probed(R"(<!DOCTYPE html><html lang="en"><body style="background:#fff">
<main><a href="#content" style="outline:none">past</a><a href="#nowhere">x</a>
<p style="color:#999">pale</p><div style="width:3000px">wide</div>
<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>
</main></body></html>)"),
                             {.width = 390, .dark = false});
  const auto said = found["faults"].dump();
  for (const auto* fault :
       {"contrast 2.8", "wider than its window", "runs out of the page", "focus cannot be seen",
        "leads nowhere", "a row of another length", "a row without a heading"})
    EXPECT_NE(said.find(fault), std::string::npos) << fault << " in " << said;
}

// Nor do the page's own rules let anything of a policy run or load.
TEST_F(Browser, RunsNothingAndLoadsNothing) {
  auto html = cli::run({"report", (root / "policies/web-server.toml").string()}).out;
  html.insert(html.rfind("</body>"),
              "<script>document.title = 'ran'</script><img src=\"file:///etc/hostname\">"
              "<p style=\"color: red\">styled</p>");
  const auto page = write("page.html", html);
  const auto output =
      output_of(command({.width = 390, .dark = false}, "--dump-dom 'file://" + page + "'"));
  EXPECT_EQ(output.status, 0);
  EXPECT_NE(output.text.find("<title>web-server"), std::string::npos);
  EXPECT_EQ(output.text.find("<title>ran"), std::string::npos);
  EXPECT_GE(console().size(), 3U) << "one refusal each";
}

}  // namespace
}  // namespace firewright
