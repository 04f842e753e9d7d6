// What wires the review up with forges and git, run as these would run it: the scripts of the
// GitHub action and of the GitLab template with the variables that the platforms set, the hook by
// git.

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "tests/review/repository.h"
#include "tests/review/sarif_rules.h"

namespace firewright::review {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const fs::path deploy = fs::path(FIREWRIGHT_SOURCE_DIR) / "deploy/review";

std::size_t indent_of(const std::string& line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

// The lines of a YAML text from the first that is `begin` on, without those before it.
std::vector<std::string> lines_from(const std::string& text, const std::string& begin) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    if (!lines.empty() || line.substr(indent_of(line)) == begin) lines.push_back(line);
  return lines;
}

// The block behind the first `key: |` after the line `begin`.
std::string script_of(const fs::path& file, const std::string& begin, const std::string& key) {
  std::string script;
  std::size_t outer = 0;
  bool inside = false;
  for (const auto& line : lines_from(read_file(file), begin)) {
    const auto text = line.substr(indent_of(line));
    if (!inside) {
      inside = text == key;
      outer = indent_of(line);
      continue;
    }
    if (!text.empty() && indent_of(line) <= outer) break;
    script += (text.empty() ? "" : line.substr(std::min(outer + 2, indent_of(line)))) + "\n";
  }
  return script;
}

// What stands in a mapping behind the line `key:` after the line `begin`.
std::map<std::string, std::string> mapping_of(const fs::path& file, const std::string& begin,
                                              const std::string& key) {
  std::map<std::string, std::string> found;
  std::size_t outer = 0;
  bool inside = false;
  for (const auto& line : lines_from(read_file(file), begin)) {
    const auto text = line.substr(indent_of(line));
    if (!inside) {
      inside = text == key;
      outer = indent_of(line);
      continue;
    }
    if (indent_of(line) <= outer) break;
    const auto colon = text.find(": ");
    auto value = text.substr(std::min(colon + 2, text.size()));
    value = value.substr(0, value.find("  #"));
    while (value.ends_with(' ')) value.pop_back();
    if (value.size() > 1 && value.front() == '"') value = value.substr(1, value.size() - 2);
    found.emplace(text.substr(0, colon), value);
  }
  return found;
}

class DeployTest : public InRepository {
 protected:
  void SetUp() override {
    InRepository::SetUp();
    if (IsSkipped()) return;
    // The command under its name, and the tools that scripts need.
    fs::create_directory(folder_ / "bin");
    fs::create_symlink(FIREWRIGHT_BINARY, folder_ / "bin/firewright");
    path_ = ::getenv("PATH") == nullptr ? "" : ::getenv("PATH");
    ::setenv("PATH", ((folder_ / "bin").string() + ":" + path_).c_str(), 1);
    write("policies/web.toml", narrow);
    write("policies/db.toml", narrow);
    commit("one");
    write("policies/web.toml", "[inbound]\nallow = [\"http\"]\n");
    commit("two");
  }
  void TearDown() override {
    ::setenv("PATH", path_.c_str(), 1);
    for (const auto& name : set_) ::unsetenv(name.c_str());
    InRepository::TearDown();
  }
  void set(const std::string& name, const std::string& value) {
    ::setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }
  // With `shell`, as the platform runs it; what it says goes to the file `said`.
  int run(const std::string& shell_with_options, const std::string& script) const {
    write(folder_ / "script", script);
    return shell(shell_with_options + " " + (folder_ / "script").string() + " >" +
                 (folder_ / "said").string() + " 2>&1");
  }
  [[nodiscard]] std::string said() const { return read_file(folder_ / "said"); }
  [[nodiscard]] static std::string number(const std::string& commit) {
    if (shell("git rev-parse " + commit + " >../number") != 0) return {};
    const auto text = read_file("../number");
    return text.substr(0, text.find('\n'));
  }

  static constexpr const char* narrow =
      "[inbound]\nallow = [{ service = \"ssh\", from = \"192.0.2.0/24\" }]\n";
  std::string path_;
  std::vector<std::string> set_;
};

// --- GitHub

class ActionTest : public DeployTest {
 protected:
  void SetUp() override {
    DeployTest::SetUp();
    if (IsSkipped()) return;
    set("RUNNER_TEMP", (folder_ / "temp").string());
    set("GITHUB_STEP_SUMMARY", (folder_ / "summary").string());
    set("GITHUB_OUTPUT", (folder_ / "output").string());
    inputs({});
  }
  // As the runner does: from the inputs to the step's environment.
  void inputs(std::map<std::string, std::string> said) {
    said.emplace("base", number("one"));
    said.emplace("head", number("two"));
    said.emplace("paths", "");
    said.emplace("options", "");
    said.emplace("fail-on", "none");
    for (const auto& [name, value] : mapping_of(action_, "- id: review", "env:")) {
      static const std::regex of_input(R"(\$\{\{ inputs\.([a-z-]+) \}\})");
      std::smatch match;
      ASSERT_TRUE(std::regex_match(value, match, of_input)) << value;
      ASSERT_TRUE(said.contains(match[1])) << value;
      set(name, said.at(match[1]));
    }
  }
  [[nodiscard]] int step() const {
    return run("bash --noprofile --norc -eo pipefail",
               script_of(action_, "- id: review", "run: |"));
  }
  [[nodiscard]] std::string output(const std::string& name) const {
    const auto text = read_file(folder_ / "output");
    const auto at = text.find(name + "=");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
  }

  const fs::path action_ = deploy / "action.yml";
};

TEST_F(ActionTest, WritesTheReportWhereTheRunnerLooks) {
  EXPECT_EQ(step(), 0) << said();
  EXPECT_THAT(read_file(folder_ / "summary"),
              StartsWith("### Firewall review: widens and narrows"));
  EXPECT_EQ(read_file(output("report")), read_file(folder_ / "summary"));
  const auto sarif = nlohmann::json::parse(read_file(output("sarif")));
  EXPECT_THAT(sarif_problems(sarif), IsEmpty());
  EXPECT_EQ(sarif.at("runs")[0].at("results").size(), 2U);
}

TEST_F(ActionTest, FailsOnWhatItIsToldTo) {
  inputs({{"fail-on", "widen"}});
  EXPECT_EQ(step(), 1);
  EXPECT_THAT(read_file(folder_ / "summary"), HasSubstr("http from any"));
  inputs({{"fail-on", "widen"}, {"paths", "policies/db.toml\n"}});
  EXPECT_EQ(step(), 0) << said();
  // A line is one word, whatever is in it.
  inputs({{"paths", "policies\n$(touch made)\n"}});
  EXPECT_EQ(step(), 3);
  EXPECT_FALSE(fs::exists("made"));
  EXPECT_THAT(said(), HasSubstr("there is no `$(touch made)` in either commit"));
}

TEST_F(ActionTest, OptionsAreHandedOn) {
  inputs({{"options", "--target=nftables\n--at=2030-01-01\n"}});
  EXPECT_EQ(step(), 0) << said();
  inputs({{"options", "--nonsense"}});
  EXPECT_EQ(step(), 2);
}

TEST_F(ActionTest, SaysWhatAShallowCloneLacks) {
  inputs({{"base", std::string(40, '1')}});
  EXPECT_EQ(step(), 3);
  EXPECT_THAT(said(), HasSubstr("a shallow clone may lack it"));
  EXPECT_EQ(read_file(folder_ / "summary"), "");
}

// What somebody writes into a title or a branch's name must not become a part of a script.
TEST(ActionTextTest, NoExpressionStandsInAScript) {
  for (const auto* step : {"- id: install", "- id: review"}) {
    const auto script = script_of(deploy / "action.yml", step, "run: |");
    EXPECT_THAT(script, Not(IsEmpty())) << step;
    EXPECT_THAT(script, Not(HasSubstr("${{"))) << step;
  }
}

TEST(ActionTextTest, InputsAreDeclaredAndUsed) {
  const auto text = read_file(deploy / "action.yml");
  static const std::regex use(R"(inputs\.([a-z-]+))");
  std::set<std::string> used;
  for (std::sregex_iterator it(text.begin(), text.end(), use), end; it != end; ++it)
    used.insert((*it)[1]);
  std::set<std::string> declared;
  static const std::regex declaration(R"(^  ([a-z-]+):$)");
  bool inside = false;
  for (const auto& line : lines_from(text, "inputs:")) {
    inside = line == "inputs:" || (inside && (line.empty() || line[0] == ' '));
    std::smatch match;
    if (inside && std::regex_match(line, match, declaration)) declared.insert(match[1]);
  }
  EXPECT_EQ(used, declared);
}

// Installs the package that is named, and fetches nothing by itself.
TEST_F(ActionTest, InstallsThePackageByItsPath) {
  write(folder_ / "bin/apt-get", "#!/bin/sh\necho \"apt-get $*\"\n");
  write(folder_ / "bin/sudo", "#!/bin/sh\nexec \"$@\"\n");
  ASSERT_EQ(shell("chmod +x ../bin/apt-get ../bin/sudo"), 0);
  write("vendor/firewright 1.deb", "");
  set("PACKAGE", "vendor/firewright 1.deb");
  EXPECT_EQ(
      run("bash --noprofile --norc -eo pipefail", script_of(action_, "- id: install", "run: |")),
      0);
  EXPECT_EQ(said(), "apt-get install --yes --no-install-recommends " +
                        (folder_ / "repository/vendor/firewright 1.deb").string() + "\n");
}

// --- GitLab

class GitlabTest : public DeployTest {
 protected:
  void SetUp() override {
    DeployTest::SetUp();
    if (IsSkipped()) return;
    for (const auto& [name, value] : mapping_of(job_, "firewall-review:", "variables:"))
      set(name, value);
    set("CI_PIPELINE_SOURCE", "merge_request_event");
    set("CI_MERGE_REQUEST_DIFF_BASE_SHA", number("one"));
    set("CI_COMMIT_SHA", number("two"));
  }
  [[nodiscard]] int step(const std::string& with) const {
    return run(with, script_of(job_, "script:", "- |"));
  }

  const fs::path job_ = deploy / "gitlab-ci.yml";
};

TEST_F(GitlabTest, KeepsTheReportAsAnArtifact) {
  EXPECT_STREQ(::getenv("GIT_DEPTH"), "0");
  for (const auto* with : {"bash -eo pipefail", "sh -e"}) {  // images have either
    EXPECT_EQ(step(with), 0) << said();
    EXPECT_THAT(said(), StartsWith("### Firewall review: widens and narrows"));
    EXPECT_EQ(read_file("firewright-review/review.md"), said());
    const auto sarif = nlohmann::json::parse(read_file("firewright-review/review.sarif"));
    EXPECT_THAT(sarif_problems(sarif), IsEmpty());
    fs::remove_all("firewright-review");
  }
}

TEST_F(GitlabTest, FailsOnWhatItIsToldTo) {
  set("FIREWRIGHT_FAIL_ON", "widen");
  EXPECT_EQ(step("bash -eo pipefail"), 1);
  EXPECT_TRUE(fs::exists("firewright-review/review.sarif"));
  set("FIREWRIGHT_PATHS", "policies/db.toml");
  EXPECT_EQ(step("bash -eo pipefail"), 0) << said();
  set("CI_COMMIT_SHA", std::string(40, '1'));
  EXPECT_EQ(step("bash -eo pipefail"), 3);
}

TEST_F(GitlabTest, InstallsThePackageByItsPath) {
  write(folder_ / "bin/apt-get", "#!/bin/sh\necho \"apt-get $*\"\n");
  ASSERT_EQ(shell("chmod +x ../bin/apt-get"), 0);
  const auto script = script_of(job_, "before_script:", "- |");
  EXPECT_EQ(run("sh -e", script), 0);
  EXPECT_EQ(said(), "");  // it is there already
  write("vendor/firewright.deb", "");
  set("FIREWRIGHT_PACKAGE", "vendor/firewright.deb");
  EXPECT_EQ(run("sh -e", script), 0);
  EXPECT_THAT(said(), HasSubstr("apt-get install --yes --no-install-recommends git " +
                                (folder_ / "repository/vendor/firewright.deb").string() + "\n"));
}

// --- git

class HookTest : public DeployTest {
 protected:
  void SetUp() override {
    DeployTest::SetUp();
    if (IsSkipped()) return;
    fs::create_directories(".git/hooks");
    fs::copy_file(deploy / "pre-commit", ".git/hooks/pre-commit",
                  fs::copy_options::overwrite_existing);
  }
  [[nodiscard]] int commits() const {
    return shell("git commit --quiet -m x >" + (folder_ / "said").string() + " 2>&1");
  }
};

TEST_F(HookTest, ReviewsWhatIsStaged) {
  write("policies/web.toml", "[inbound]\nallow = [\"http\", \"https\"]\n");
  ASSERT_TRUE(git("add -A"));
  write("policies/web.toml", "[inbound]\nallow = [\"shs\"]\n");  // not staged
  EXPECT_EQ(commits(), 0) << said();
  EXPECT_THAT(said(), AllOf(HasSubstr("### Firewall review: widens"),
                            HasSubstr("| `policies/web.toml` | inbound | ")));
}

TEST_F(HookTest, KeepsABrokenPolicyOut) {
  write("policies/web.toml", "[inbound]\nallow = [\"shs\"]\n");
  ASSERT_TRUE(git("add -A"));
  const auto head = number("HEAD");
  EXPECT_NE(commits(), 0);
  EXPECT_THAT(said(), HasSubstr("there is no service `shs`"));
  EXPECT_EQ(number("HEAD"), head);
}

TEST_F(HookTest, FailsOnWhatItIsToldTo) {
  write("policies/web.toml", "[inbound]\nallow = [\"http\", \"telnet\"]\n");
  ASSERT_TRUE(git("add -A"));
  set("FIREWRIGHT_FAIL_ON", "risk");
  EXPECT_NE(commits(), 0);
  set("FIREWRIGHT_PATHS", "policies/db.toml");
  EXPECT_EQ(commits(), 0) << said();
}

TEST_F(HookTest, IsSilentWhereNoPolicyIsTouched) {
  write("README.md", "1\n");
  ASSERT_TRUE(git("add -A"));
  EXPECT_EQ(commits(), 0) << said();
  EXPECT_EQ(said(), "");
}

TEST_F(HookTest, NoNameHidesAReport) {
  write("policies/web.toml",
        "[inbound]\nallow = [{ service = \"telnet\", name = \"no policy is touched.\" }]\n");
  ASSERT_TRUE(git("add -A"));
  EXPECT_EQ(commits(), 0) << said();
  EXPECT_THAT(said(), AllOf(HasSubstr("### Firewall review: "), HasSubstr("telnet")));
}

TEST_F(HookTest, TheFirstCommitIsAChangeToo) {
  ASSERT_TRUE(git("checkout --quiet --orphan other"));
  EXPECT_EQ(commits(), 0) << said();
  EXPECT_THAT(said(), HasSubstr("2 of 2 policies are touched"));
}

TEST_F(HookTest, WorksFromAFolderBelow) {
  write("policies/db.toml", "[inbound]\nallow = [\"http\"]\n");
  ASSERT_TRUE(git("add -A"));
  set("FIREWRIGHT_PATHS", "policies");
  fs::current_path("policies");
  EXPECT_EQ(commits(), 0) << said();
  EXPECT_THAT(said(), HasSubstr("policies/db.toml"));
}

// The configuration that the comment shows, by the real thing where it is installed.
TEST_F(HookTest, PreCommitRunsIt) {
  set("PRE_COMMIT_HOME", (folder_ / "pre-commit").string());
  if (shell("pre-commit --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no pre-commit";
  fs::remove(".git/hooks/pre-commit");
  fs::create_directories("deploy/review");
  fs::copy_file(deploy / "pre-commit", "deploy/review/pre-commit");
  std::string config;
  for (const auto& line : lines_from(read_file(deploy / ".pre-commit-hooks.yaml"), "#   repos:")) {
    if (!line.starts_with("#   ")) break;
    config += line.substr(4) + "\n";
  }
  write(".pre-commit-config.yaml", config);
  ASSERT_EQ(shell("env -u GIT_CONFIG_GLOBAL pre-commit install >../said 2>&1"), 0) << said();
  write("policies/web.toml", "[inbound]\nallow = [\"http\", \"https\"]\n");
  ASSERT_TRUE(git("add -A"));
  EXPECT_EQ(commits(), 0) << said();
  EXPECT_THAT(said(), HasSubstr("### Firewall review: widens"));
  write("policies/web.toml", "[inbound]\nallow = [\"shs\"]\n");
  ASSERT_TRUE(git("add -A"));
  EXPECT_NE(commits(), 0);
  EXPECT_THAT(said(), HasSubstr("there is no service `shs`"));
}

// The hook that pre-commit would run is the one that was tried.
TEST(PreCommitTest, NamesTheHook) {
  const auto keys = mapping_of(deploy / ".pre-commit-hooks.yaml", "- id: firewright-review",
                               "- id: firewright-review");
  EXPECT_EQ(keys.at("entry"), "deploy/review/pre-commit");
  EXPECT_EQ(keys.at("language"), "script");
  EXPECT_EQ(keys.at("pass_filenames").substr(0, 5), "false");
  EXPECT_EQ(keys.at("always_run"), "true");
  EXPECT_NE(fs::status(deploy / "pre-commit").permissions() & fs::perms::owner_exec,
            fs::perms::none);
}

}  // namespace
}  // namespace firewright::review
