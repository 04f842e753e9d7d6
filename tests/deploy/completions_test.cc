// The completions of fish and zsh, in these shells. tests/house holds their words against the
// command; here the shells themselves say what they make of the files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "tests/deploy/own_system.h"

namespace firewright::deploy {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

constexpr const char* files = FIREWRIGHT_SOURCE_DIR "/deploy/completions/";

// The lines up to their first blank or tab.
std::set<std::string> heads(const std::string& text) {
  std::set<std::string> found;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    found.insert(line.substr(0, line.find_first_of("\t ")));
  return found;
}

std::set<std::string> offered_by_fish(const Folder& home, const std::string& line) {
  const auto result = run_with({"HOME=" + home.path(), "LC_ALL=C.UTF-8"},
                               {"fish", "--no-config", "-c",
                                "source " + std::string(files) + "firewright.fish; cd " +
                                    home.path() + "; complete -C '" + line + "'"});
  EXPECT_EQ(result.status, 0) << said(result);
  EXPECT_EQ(result.err, "");
  return heads(result.out);
}

TEST(Completions, OfFish) {
  ASSERT_PROGRAMS("fish");
  const Folder home;
  EXPECT_THAT(offered_by_fish(home, "firewright "), IsSupersetOf({"apply", "check", "diff"}));
  const auto options = offered_by_fish(home, "firewright apply --");
  EXPECT_THAT(options, IsSupersetOf({"--confirm", "--dry-run", "--state-dir", "--help"}));
  EXPECT_THAT(options, Not(Contains("--git")));
  EXPECT_EQ(offered_by_fish(home, "firewright apply --backend "),
            (std::set<std::string>{"iptables", "nftables"}));
  home.write("web.toml", "");
  EXPECT_THAT(offered_by_fish(home, "firewright check w"), Contains("web.toml"));
  EXPECT_THAT(offered_by_fish(home, "firewright diff "), IsSupersetOf({"live", "web.toml"}));
}

// What the file hands to zsh's own functions, which need a terminal to be run as they are.
std::string said_to_zsh(const std::string& words) {
  const auto result = kernel::run(
      {"zsh", "-f", "-c",
       "_arguments() { print -rl -- \"$@\" }; _describe() { print -rl -- \"${(@P)2}\" }; words=(" +
           words + "); CURRENT=$#words; source " + files + "_firewright"});
  EXPECT_EQ(result.status, 0) << said(result);
  EXPECT_EQ(result.err, "");
  return result.out;
}

TEST(Completions, OfZsh) {
  ASSERT_PROGRAMS("zsh");
  EXPECT_THAT(read_file(std::string(files) + "_firewright"), StartsWith("#compdef firewright\n"));
  EXPECT_THAT(said_to_zsh("firewright ''"), HasSubstr("\ncompile:write the firewall "));
  const auto apply = said_to_zsh("firewright apply ''");
  EXPECT_THAT(apply, HasSubstr("\n--dry-run[change nothing]\n"));
  EXPECT_THAT(apply, HasSubstr("--backend[what to load it with]:backend:(iptables nftables)\n"));
  EXPECT_THAT(apply, Not(HasSubstr("--git")));
  EXPECT_THAT(said_to_zsh("firewright compile ''"), HasSubstr("\n(-o --output)-o[write all"));
}

}  // namespace
}  // namespace firewright::deploy
