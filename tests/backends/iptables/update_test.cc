// What is fed to iptables-restore --noflush over what is loaded. load_test.cc loads it.
#include "backends/iptables/update.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/backends/iptables/build_program.h"

namespace firewright::iptables::test {
namespace {

const std::string file =
    "# Generated\n*filter\n:firewright-input - [0:0]\n-A firewright-input -j DROP\n"
    "-I INPUT -j firewright-input\nCOMMIT\n";

TEST(IptablesUpdate, FirstLoadTakesTheFileAsItIs) {
  EXPECT_EQ(update(file, ""), file);
  EXPECT_EQ(update(file, "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n"), file);
}

TEST(IptablesUpdate, JumpThatIsThereIsNotInsertedAgain) {
  EXPECT_EQ(
      update(file,
             "*filter\n:INPUT ACCEPT [0:0]\n:firewright-input - [0:0]\n"
             "-A INPUT -j firewright-input\n-A firewright-input -j DROP\nCOMMIT\n"),
      "# Generated\n*filter\n:firewright-input - [0:0]\n-A firewright-input -j DROP\nCOMMIT\n");
}

TEST(IptablesUpdate, CountersInFrontOfARuleAreNoPartOfIt) {
  EXPECT_EQ(
      update(file,
             "*filter\n:INPUT ACCEPT [5:6]\n:firewright-input - [0:0]\n"
             "[7:8] -A INPUT -j firewright-input\n[0:0] -A firewright-input -j DROP\nCOMMIT\n"),
      "# Generated\n*filter\n:firewright-input - [0:0]\n-A firewright-input -j DROP\nCOMMIT\n");
}

TEST(IptablesUpdate, SurplusJumpsAndStaleChainsGo) {
  EXPECT_EQ(update(file,
                   "*filter\n:firewright-input - [0:0]\n:firewright-output - [3:4]\n"
                   ":firewright-from-1 - [0:0]\n-A INPUT -j firewright-input\n"
                   "-A INPUT -j firewright-input\n-A OUTPUT -j firewright-output\nCOMMIT\n"),
            "# Generated\n*filter\n:firewright-input - [0:0]\n-A firewright-input -j DROP\n"
            "-D INPUT -j firewright-input\n"
            "-F firewright-from-1\n-F firewright-output\n-D OUTPUT -j firewright-output\n"
            "-X firewright-from-1\n-X firewright-output\nCOMMIT\n");
}

TEST(IptablesUpdate, OtherTablesAndChainsAreNotLookedAt) {
  EXPECT_EQ(update(file,
                   "*nat\n:firewright-x - [0:0]\n-A INPUT -j firewright-input\nCOMMIT\n"
                   "*filter\n:fail2ban - [0:0]\n-A INPUT -j fail2ban\nCOMMIT\n"),
            file);
}

// A comment that looks like a jump is no jump.
TEST(IptablesUpdate, CommentsAreNoJumps) {
  EXPECT_EQ(update(file,
                   "*filter\n:INPUT ACCEPT [0:0]\n"
                   "-A INPUT -m comment --comment \"x -j firewright-input\" -j ACCEPT\nCOMMIT\n"),
            file);
}

// Where built-in chains are ours, their chains are not those of coexist mode.
const std::string of_built_in =
    "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:firewright-from-1 - [0:0]\n"
    ":firewright-from-1-1 - [0:0]\n:firewright-old - [0:0]\n"
    "-A INPUT -p tcp -j firewright-from-1\n"
    "-A firewright-from-1 -s 192.0.2.0/24 -g firewright-from-1-1\n"
    "-A firewright-from-1-1 -s 192.0.2.1 -j ACCEPT\nCOMMIT\n";

TEST(IptablesUpdate, ChainsOfABuiltInChainStay) {
  EXPECT_EQ(update("*filter\nCOMMIT\n", of_built_in),
            "*filter\n-F firewright-old\n-X firewright-old\nCOMMIT\n");
  EXPECT_EQ(own_part(of_built_in), "*filter\n:firewright-old - [0:0]\nCOMMIT\n");
}

TEST(IptablesUpdate, ChainsOfABuiltInChainGoWithItsRules) {
  EXPECT_EQ(update("*filter\n:INPUT DROP [0:0]\n-F INPUT\nCOMMIT\n", of_built_in),
            "*filter\n:INPUT DROP [0:0]\n-F INPUT\n-F firewright-from-1\n"
            "-F firewright-from-1-1\n-F firewright-old\n-X firewright-from-1\n"
            "-X firewright-from-1-1\n-X firewright-old\nCOMMIT\n");
}

TEST(IptablesUpdate, APartHasItsChains) {
  const std::vector<std::string> input{"INPUT"};
  EXPECT_EQ(built_in_part(of_built_in, input),
            "*filter\n:INPUT DROP [0:0]\n:firewright-from-1 - [0:0]\n"
            ":firewright-from-1-1 - [0:0]\n-F INPUT\n-A INPUT -p tcp -j firewright-from-1\n"
            "-A firewright-from-1 -s 192.0.2.0/24 -g firewright-from-1-1\n"
            "-A firewright-from-1-1 -s 192.0.2.1 -j ACCEPT\nCOMMIT\n");
  const std::vector<std::string> forward{"FORWARD"};
  EXPECT_EQ(built_in_part(of_built_in, forward),
            "*filter\n:FORWARD ACCEPT [0:0]\n-F FORWARD\nCOMMIT\n");
}

TEST(IptablesUpdate, NeedsNoflush) {
  auto program = inbound({});
  EXPECT_FALSE(needs_noflush(program, {}));
  backend::Options coexist;
  coexist.iptables_coexist = true;
  EXPECT_TRUE(needs_noflush(program, coexist));
  program.chains.pop_back();
  EXPECT_TRUE(needs_noflush(program, {}));
}

}  // namespace
}  // namespace firewright::iptables::test
