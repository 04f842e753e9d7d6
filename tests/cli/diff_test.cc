// `firewright diff`: goldens of what it prints, and its way with operands, commits and exit codes.
//
// Each folder of tests/cli/diffs holds old.toml, new.toml and the three outputs. With
// FIREWRIGHT_REWRITE_GOLDENS set, the outputs are written anew.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "compiler/cli/run.h"

namespace firewright::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Run {
  Exit exit = Exit::ok;
  std::string out;
  std::string err;
};

Run run(const std::vector<std::string>& arguments, const std::string& input = {}) {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  Console console{.in = in, .out = out, .err = err};
  const auto exit = cli::run(arguments, console);
  return {exit, out.str(), err.str()};
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Works in a folder, so that names in the output are short and the same everywhere.
class In {
 public:
  explicit In(const fs::path& folder) : before_(fs::current_path()) { fs::current_path(folder); }
  ~In() { fs::current_path(before_); }
  In(const In&) = delete;
  In& operator=(const In&) = delete;

 private:
  fs::path before_;
};

TEST(DiffGoldenTest, AllCases) {
  const bool rewrite = std::getenv("FIREWRIGHT_REWRITE_GOLDENS") != nullptr;
  ASSERT_FALSE(rewrite && std::getenv("CI") != nullptr) << "CI does not rewrite goldens";
  std::size_t cases = 0;
  for (const auto& entry : fs::directory_iterator(FIREWRIGHT_SOURCE_DIR "/tests/cli/diffs")) {
    ++cases;
    const In folder(entry.path());
    for (const auto& [format, file] :
         {std::pair{"text", "diff.txt"}, std::pair{"markdown", "diff.md"},
          std::pair{"json", "diff.json"}}) {
      const auto result = run({"diff", "old.toml", "new.toml", "--format", format});
      EXPECT_EQ(result.err, "") << entry.path();
      if (rewrite) std::ofstream(file, std::ios::binary) << result.out;
      EXPECT_EQ(result.out, read_file(file)) << entry.path() / file;
      // Whatever the form, the answer is the same.
      const bool same = entry.path().filename() == "nothing_changes";
      EXPECT_EQ(result.exit, same ? Exit::ok : Exit::no) << entry.path();
    }
    for (const auto& file : fs::directory_iterator("."))
      EXPECT_TRUE(testing::Matches(testing::AnyOf("old.toml", "new.toml", "diff.txt", "diff.md",
                                                  "diff.json"))(file.path().filename().string()))
          << file.path();
  }
  EXPECT_GE(cases, 5U);
}

class DiffTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "firewright-diff-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    in_.emplace(folder_);
  }
  void TearDown() override {
    in_.reset();
    fs::remove_all(folder_);
  }
  static void write(const fs::path& name, const std::string& text) {
    if (name.has_parent_path()) fs::create_directories(name.parent_path());
    std::ofstream(name, std::ios::binary) << text;
  }

  const std::string ssh_ = "[inbound]\nallow = [\"ssh\"]\n";
  const std::string ssh_http_ = "[inbound]\nallow = [\"ssh\", \"http\"]\n";
  fs::path folder_;
  std::optional<In> in_;
};

TEST_F(DiffTest, FailsOnWhatItIsToldTo) {
  write("a.toml", ssh_);
  write("b.toml", ssh_http_);
  const auto exit = [](const std::string& a, const std::string& b, const std::string& on) {
    return run({"diff", a, b, "--fail-on", on}).exit;
  };
  EXPECT_EQ(run({"diff", "a.toml", "b.toml"}).exit, Exit::no);
  EXPECT_EQ(run({"diff", "a.toml", "a.toml"}).exit, Exit::ok);
  EXPECT_EQ(exit("a.toml", "b.toml", "any"), Exit::no);
  EXPECT_EQ(exit("a.toml", "b.toml", "widen"), Exit::no);
  EXPECT_EQ(exit("b.toml", "a.toml", "widen"), Exit::ok);  // it only closes
  EXPECT_EQ(exit("b.toml", "a.toml", "any"), Exit::no);
  EXPECT_EQ(exit("a.toml", "b.toml", "none"), Exit::ok);
}

TEST_F(DiffTest, Usage) {
  write("a.toml", ssh_);
  EXPECT_EQ(run({"diff"}).exit, Exit::usage);
  EXPECT_EQ(run({"diff", "a.toml"}).exit, Exit::usage);
  EXPECT_EQ(run({"diff", "a.toml", "a.toml", "a.toml"}).exit, Exit::usage);
  EXPECT_EQ(run({"diff", "a.toml", "a.toml", "--fail-on", "x"}).exit, Exit::usage);
  EXPECT_EQ(run({"diff", "a.toml", "a.toml", "--at", "x"}).exit, Exit::usage);
  EXPECT_EQ(run({"diff", "--git", "HEAD", "a.toml", "a.toml"}).exit, Exit::usage);
}

TEST_F(DiffTest, APolicyWithErrorsIsNotCompared) {
  write("a.toml", ssh_);
  write("b.toml", "[inbound]\nallow = [\"shs\"]\n");
  const auto result = run({"diff", "a.toml", "b.toml"});
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("b.toml:2:10: error: there is no service `shs`"));
  EXPECT_THAT(run({"diff", "a.toml", "missing.toml"}).err, HasSubstr("cannot read `missing.toml`"));
  const auto json =
      nlohmann::json::parse(run({"diff", "a.toml", "b.toml", "--format", "json"}).out);
  EXPECT_EQ(json.at("errors"), 1);
}

TEST_F(DiffTest, APolicyMayComeOnStandardInput) {
  write("a.toml", ssh_);
  EXPECT_EQ(run({"diff", "a.toml", "-"}, ssh_).exit, Exit::ok);
  EXPECT_THAT(run({"diff", "a.toml", "-"}, ssh_http_).out,
              HasSubstr("a.toml -> -: 1 newly accepted\n"));
}

TEST_F(DiffTest, ArtifactsOfEveryPlatformCompareWithTheirPolicy) {
  write("a.toml", ssh_);
  write("b.toml", ssh_http_);
  for (const auto* target : {"iptables", "nftables", "netsh"})
    ASSERT_EQ(run({"compile", "a.toml", "--target", target, "-o", "out"}).exit, Exit::ok);
  for (const std::string artifact :
       {"out/a.v4.rules", "out/a.v6.rules", "out/a.v4.rules,out/a.v6.rules", "out/a.nft",
        "out/a.nlbatch", "out/a.netsh"}) {
    const auto same = run({"diff", artifact, "a.toml"});
    EXPECT_EQ(same.exit, Exit::ok) << artifact << "\n" << same.out << same.err;
    const auto opened = run({"diff", artifact, "b.toml"});
    EXPECT_EQ(opened.exit, Exit::no) << artifact;
    EXPECT_THAT(opened.out, HasSubstr("1 newly accepted\n")) << artifact << opened.out;
    EXPECT_THAT(opened.out, HasSubstr("inbound http from any")) << artifact << opened.out;
    EXPECT_THAT(opened.out, HasSubstr("by `http` (b.toml:2)")) << artifact << opened.out;
  }
}

TEST_F(DiffTest, ArtifactsAreKnownByWhatIsInThem) {
  write("a.toml", ssh_);
  for (const auto* target : {"iptables", "nftables"})
    ASSERT_EQ(run({"compile", "a.toml", "--target", target, "-o", "out"}).exit, Exit::ok);
  fs::rename("out/a.nft", "text");
  fs::rename("out/a.nlbatch", "batch");
  fs::rename("a.toml", "policy");
  EXPECT_EQ(run({"diff", "text", "policy"}).exit, Exit::ok) << run({"diff", "text", "policy"}).err;
  EXPECT_EQ(run({"diff", "batch", "policy"}).exit, Exit::ok);
  EXPECT_EQ(run({"diff", "batch", "text"}).exit, Exit::ok);
  // Saved tables of one family: the other is left out, and that is said.
  fs::rename("out/a.v4.rules", "saved");
  const auto saved = run({"diff", "saved", "policy"});
  EXPECT_EQ(saved.exit, Exit::ok) << saved.out;
  EXPECT_THAT(saved.err, HasSubstr("IPv6 takes part in filtering and is not compared"));
}

TEST_F(DiffTest, AFolderWithoutAScriptIsNoArtifact) {
  write("a.toml", ssh_);
  fs::create_directory("empty");
  const auto result = run({"diff", "a.toml", "empty"});
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_THAT(result.err, HasSubstr("[artifact-kind]"));
}

TEST_F(DiffTest, TheTargetDecidesWhatZonesAre) {
  const std::string zones =
      "[zones]\nlan = { interfaces = [\"eth1\"], profiles = [\"private\"] }\n[inbound]\n";
  write("a.toml", zones + "allow = [\"rdp\"]\n");
  write("b.toml", zones + "allow = [{ service = \"rdp\", in = \"lan\" }]\n");
  EXPECT_THAT(run({"diff", "b.toml", "a.toml"}).out,
              HasSubstr("inbound rdp from any in any except lan"));
  EXPECT_THAT(run({"diff", "b.toml", "a.toml", "--target", "netsh"}).out,
              HasSubstr("inbound rdp from any in domain networks, public networks"));
}

class DiffGitTest : public DiffTest {
 protected:
  void SetUp() override {
    DiffTest::SetUp();
    for (const auto* name : {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}) ::unsetenv(name);
    ::setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    ::setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    ::setenv("GIT_CEILING_DIRECTORIES", folder_.parent_path().c_str(), 1);
    if (!git("--version")) GTEST_SKIP() << "there is no git here";
    ASSERT_TRUE(git("init --quiet --initial-branch=main ."));
  }
  static bool git(const std::string& arguments) {
    return std::system(("git " + arguments + " >/dev/null 2>&1").c_str()) == 0;
  }
  static void commit(const std::string& tag) {
    ASSERT_TRUE(git("add -A"));
    ASSERT_TRUE(git("-c user.name=n -c user.email=n@example.org commit --quiet -m " + tag));
    ASSERT_TRUE(git("tag " + tag));
  }
};

TEST_F(DiffGitTest, ComparesThePolicyOfTwoCommits) {
  write("policies/web.toml", "include = [\"parts/*.toml\"]\n" + ssh_);
  write("policies/parts/one.toml", "[addresses]\nblocked = { file = \"../lists/x.txt\" }\n");
  write("policies/lists/x.txt", "192.0.2.1\n");
  commit("one");
  write("policies/parts/two.toml",
        "[inbound]\ndeny = [{ from = \"blocked\" }]\nallow = [\"http\"]\n");
  write("policies/lists/x.txt", "192.0.2.1\n192.0.2.9\n");
  commit("two");
  write("policies/parts/three.toml", "[inbound]\nallow = [\"https\"]\n");  // not committed

  const auto result = run({"diff", "--git", "one..two", "policies/web.toml"});
  EXPECT_EQ(result.exit, Exit::no) << result.err;
  EXPECT_THAT(result.out, HasSubstr("one:policies/web.toml -> two:policies/web.toml: "
                                    "1 newly accepted, 1 newly denied\n"));
  EXPECT_THAT(result.out, HasSubstr("by `http` (policies/parts/two.toml:3)"));
  EXPECT_THAT(result.out, HasSubstr("inbound ssh from 192.0.2.1, 192.0.2.9"));
  EXPECT_EQ(run({"diff", "--git", "two..", "policies/web.toml"}).exit, Exit::ok);
  // With the work tree, and from a folder below.
  EXPECT_THAT(run({"diff", "--git", "two", "policies/web.toml"}).out,
              HasSubstr("inbound https from"));
  const In below("policies");
  EXPECT_THAT(run({"diff", "--git", "one..two", "web.toml"}).out,
              HasSubstr("two:policies/web.toml: 1 newly accepted"));
}

TEST_F(DiffGitTest, SaysWhatIsNotThere) {
  write("web.toml", ssh_);
  commit("one");
  const auto result = run({"diff", "--git", "nothing..one", "web.toml"});
  EXPECT_EQ(result.exit, Exit::system);
  EXPECT_THAT(result.err, HasSubstr("there is no commit `nothing`"));
  EXPECT_THAT(run({"diff", "--git", "one..one", "other.toml"}).err,
              HasSubstr("cannot read `other.toml`: no such file in this commit"));
  EXPECT_EQ(run({"diff", "--git", "..one", "web.toml"}).exit, Exit::system);
  // What looks like an option is a name of a commit, and there is none of that name.
  EXPECT_THAT(run({"diff", "--git=--output=x..one", "web.toml"}).err,
              HasSubstr("there is no commit `--output=x`"));
  EXPECT_FALSE(fs::exists("x"));
}

TEST_F(DiffGitTest, LinksAreFollowedAndVariablesComeFromTheDisk) {
  write("real.toml", "[inbound]\nallow = [{ protocol = \"tcp\", port = \"${port}\" }]\n");
  fs::create_symlink("real.toml", "web.toml");
  commit("one");
  write("real.toml", "[inbound]\nallow = [{ protocol = \"udp\", port = \"${port}\" }]\n");
  commit("two");
  write("facts.json", "{\"port\": 7777}");
  const auto result = run({"diff", "--git", "one..two", "web.toml", "--vars", "facts.json"});
  EXPECT_THAT(result.out, HasSubstr("inbound udp/7777 from any")) << result.err;
}

TEST_F(DiffTest, ExplainTakesSetsOfPackets) {
  write("a.toml",
        "[addresses]\noffice = [\"203.0.113.0/24\", \"2001:db8:10::/48\"]\n"
        "[inbound]\nallow = [{ service = \"ssh\", from = \"office\" }]\n");
  const auto result = run({"explain", "a.toml", "tcp any -> port 22"});
  EXPECT_EQ(result.exit, Exit::ok) << result.err;
  EXPECT_EQ(result.out,
            "accept:\n"
            "  inbound ssh from office\n"
            "    accept, by `ssh from office` (a.toml:4)\n"
            "    such as  tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0 new\n"
            "drop:\n"
            "  inbound ssh from any except office\n"
            "    drop, by the default of inbound\n"
            "    such as  tcp 198.51.100.9:40000 -> 192.0.2.10:22 in eth0 new\n");
  const auto json =
      nlohmann::json::parse(run({"explain", "a.toml", "ssh from office", "--format", "json"}).out);
  EXPECT_EQ(json.at("parts").size(), 1U);
  EXPECT_EQ(json.at("parts")[0].at("verdict"), "accept");
  EXPECT_EQ(json.at("parts")[0].at("boxes")[0].at("deciding")[0].at("line"), 4);
  EXPECT_EQ(run({"explain", "a.toml", "tcp any -> port 0"}).exit, Exit::no);
}

}  // namespace
}  // namespace firewright::cli
