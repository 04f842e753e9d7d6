// The floors of the house: includes point down only, and each library has the few folders that may
// know it. ARCHITECTURE.md draws the picture.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/house/tree.h"

namespace firewright::house {
namespace {

const std::vector<std::string> code = {".h", ".cc", ".def"};

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// What a folder may include, besides itself.
const std::map<std::string, std::set<std::string>>& floors() {
  static const auto* table = [] {
    auto* t = new std::map<std::string, std::set<std::string>>;
    const std::set<std::string> net = {"compiler/base", "compiler/diagnostics", "compiler/net"};
    const auto with = [](std::set<std::string> below, const std::set<std::string>& more) {
      below.insert(more.begin(), more.end());
      return below;
    };
    (*t)["compiler/base"] = {};
    (*t)["compiler/diagnostics"] = {"compiler/base"};
    (*t)["compiler/net"] = {"compiler/base", "compiler/diagnostics"};
    // policy and ir do not see each other.
    (*t)["compiler/policy"] = net;
    (*t)["compiler/format"] = with(net, {"compiler/policy"});
    (*t)["compiler/ir"] = net;
    (*t)["compiler/lower"] = with(net, {"compiler/policy", "compiler/ir"});
    (*t)["compiler/semantics"] = with(net, {"compiler/ir"});
    (*t)["compiler/analysis"] =
        with(net, {"compiler/policy", "compiler/ir", "compiler/lower", "compiler/semantics"});
    (*t)["compiler/review"] = with(net, {"compiler/policy", "compiler/ir", "compiler/lower",
                                         "compiler/semantics", "compiler/analysis"});
    (*t)["compiler/report"] = t->at("compiler/review");
    // Backends see neither the policy nor one another; `backends` is backend.h, the contract.
    const auto ir = with(net, {"compiler/ir", "compiler/semantics", "backends"});
    (*t)["backends"] = ir;
    (*t)["backends/iptables"] = ir;
    (*t)["backends/nftables"] = ir;
    (*t)["backends/netsh"] = ir;
    (*t)["backends/host"] = ir;
    (*t)["compiler/cli"] =
        with(ir, {"compiler/policy", "compiler/format", "compiler/lower", "compiler/analysis",
                  "compiler/review", "compiler/report", "backends/iptables", "backends/nftables",
                  "backends/netsh", "backends/host"});
    return t;
  }();
  return *table;
}

std::vector<std::string> sources() {
  auto files = files_below("compiler", code);
  const auto backends = files_below("backends", code);
  files.insert(files.end(), backends.begin(), backends.end());
  return files;
}

std::vector<std::string> matches(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it)
    found.push_back((*it)[1].str());
  return found;
}

TEST(FloorsTest, TheTreeIsSeen) { ASSERT_GT(sources().size(), 20U); }

TEST(FloorsTest, EveryFolderHasItsFloor) {
  for (const auto& path : sources()) EXPECT_TRUE(floors().contains(folder_of(path))) << path;
}

TEST(FloorsTest, IncludesPointDown) {
  static const std::regex own(R"re(#include "([^"]+)")re");
  for (const auto& path : sources()) {
    const auto folder = folder_of(path);
    if (!floors().contains(folder)) continue;
    for (const auto& included : matches(without_comments_and_strings(read(path)), own)) {
      const auto below = folder_of(included);
      // The table of all backends is the one file that sees them all.
      if (path == "backends/backends.cc" && below.starts_with("backends/")) continue;
      EXPECT_TRUE(below == folder || floors().at(folder).contains(below))
          << path << " includes " << included;
    }
  }
}

// The beginnings of file names that read artifacts back.
bool reads_back(const std::string& path) {
  static const std::vector<std::string> beginnings = {
      "backends/iptables/decode", "backends/nftables/decode", "backends/nftables/read_text",
      "backends/netsh/decode",    "backends/netsh/check",     "backends/netsh/command",
      "backends/netsh/unfiltered"};
  return std::ranges::any_of(beginnings,
                             [&](const std::string& begin) { return path.starts_with(begin); });
}

// The proof of every compile is that two sides which share nothing mean the same.
TEST(FloorsTest, EncodersAndDecodersShareNothing) {
  static const std::regex own(R"re(#include "(backends/[a-z]+/[^"]+)")re");
  std::map<std::string, unsigned> decoders;
  for (const auto& path : sources()) {
    if (reads_back(path)) ++decoders[folder_of(path)];
    const bool of_a_platform =
        folder_of(path).starts_with("backends/") && folder_of(path) != "backends/host";
    if (!of_a_platform) continue;
    for (const auto& included : matches(without_comments_and_strings(read(path)), own))
      EXPECT_EQ(reads_back(path), reads_back(included)) << path << " includes " << included;
  }
  for (const auto* folder : {"backends/iptables", "backends/nftables", "backends/netsh"})
    EXPECT_GT(decoders[folder], 1U) << folder;
}

TEST(FloorsTest, IncludesAreWrittenFromTheRoot) {
  static const std::regex own(R"re(#include "([^"]+)")re");
  for (const auto& path : sources())
    for (const auto& included : matches(without_comments_and_strings(read(path)), own))
      EXPECT_TRUE(std::filesystem::exists(root() / included)) << path << " includes " << included;
}

// Libraries, by the beginning of their headers' names, and the folders that may know them.
TEST(FloorsTest, LibrariesStayWhereTheyBelong) {
  static const std::regex system(R"re(#include <([^>]+)>)re");
  const std::vector<std::pair<std::string, std::set<std::string>>> known = {
      {"toml", {"compiler/policy"}},
      {"libnftnl/", {"backends/nftables", "backends/host"}},
      {"libmnl/", {"backends/nftables", "backends/host"}},
      {"linux/netfilter", {"backends/nftables", "backends/host"}},
      {"linux/netlink", {"backends/nftables", "backends/host"}},
      {"CLI/", {"compiler/cli"}},
      {"iostream", {"compiler/cli"}},
      {"fmt/ostream.h", {"compiler/cli"}},
      {"fmt/color.h", {"compiler/cli"}},
  };
  for (const auto& path : sources())
    for (const auto& included : matches(without_comments_and_strings(read(path)), system))
      for (const auto& [library, folders] : known)
        EXPECT_TRUE(!included.starts_with(library) || folders.contains(folder_of(path)))
            << path << " includes " << included;
}

// A forked child that cannot become another program has no way out but _exit.
TEST(FloorsTest, NothingBelowTheCommandLinePrintsOrExits) {
  static const std::regex talk(
      R"re(\b(std::cout|std::cerr|std::clog|fmt::print|(?:std::)?(?:f|v|vf)?printf\s*\(|(?:std::)?f?puts\s*\(|perror\s*\(|(?:std::)?(?:quick_)?exit\s*\(|(?:std::)?abort\s*\(|(?:std::)?terminate\s*\())re");
  for (const auto& path : sources()) {
    if (folder_of(path) == "compiler/cli") continue;
    for (const auto& said : matches(without_comments_and_strings(read(path)), talk))
      ADD_FAILURE() << path << " uses " << said;
  }
}

TEST(FloorsTest, EachHeaderOpensWithWhatItOwns) {
  for (const auto& path : sources()) {
    const auto text = read(path);
    if (!path.ends_with(".h")) continue;
    EXPECT_TRUE(text.starts_with("// ")) << path;
    EXPECT_NE(text.find("\n#pragma once\n"), std::string::npos) << path;
  }
}

TEST(FloorsTest, NamesSayWhatAFileHolds) {
  static const std::regex vague(R"re((^|[_/])(utils?|helpers?|manager|common|misc)([_./]|$))re");
  auto all = sources();
  for (const auto* folder : {"tests", "fuzz"}) {
    const auto more = files_below(folder, code);
    all.insert(all.end(), more.begin(), more.end());
  }
  for (const auto& path : all) EXPECT_FALSE(std::regex_search(path, vague)) << path;
}

TEST(WithoutCommentsAndStringsTest, Table) {
  const std::pair<std::string, std::string> cases[] = {
      {"int a; // exit(1)\nint b;", "int a; \nint b;"},
      {"a /* x\ny */ b", "a \n b"},
      {"f(\"exit(\\\"1\\\")\");", "f();"},
      {"f('\"'); g(\"x\");", "f(); g();"},
      {"1'000'000 + x", "1'000'000 + x"},
      {"R\"re(exit(\"1\"))re\" y", " y"},
      {"#include \"a/b.h\"  // why\nx", "#include \"a/b.h\"  // why\nx"},
  };
  for (const auto& [in, out] : cases) EXPECT_EQ(without_comments_and_strings(in), out) << in;
}

}  // namespace
}  // namespace firewright::house
