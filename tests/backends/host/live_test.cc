#include "backends/host/live.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/netfilter.h>

#include <cstdlib>
#include <fstream>

#include "backends/host/dump.h"
#include "tests/backends/in_namespace.h"

namespace firewright::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(TablesOfTest, AreTheLinesWithAStar) {
  EXPECT_THAT(tables_of("# x\n*nat\n:INPUT ACCEPT [0:0]\nCOMMIT\n*filter\r\nCOMMIT"),
              ElementsAre("nat", "filter"));
  EXPECT_THAT(tables_of(""), ElementsAre());
}

TEST(WithoutTablesTest, KeepsWhatIsNoMessage) {
  EXPECT_EQ(without_tables("", {}), "");
  EXPECT_EQ(without_tables("short", {}), "short");
  const std::string lies("\xff\xff\xff\xff 0123456789abcdef0123456789abcdef", 36);
  EXPECT_EQ(without_tables(lies, {}), lies);
}

int shell(const char* command) { return std::system(command); }

// In a namespace: what iptables keeps in nftables comes from iptables, and nothing twice.
TEST(ReadLiveTest, TablesOfIptablesComeFromIptables) {
  const auto ran = test::in_namespace([]() -> std::string {
    if (shell(
            "nft 'add table inet mine; add chain inet mine input { type filter hook input priority "
            "0; }; add rule inet mine input tcp dport 22 accept' >/dev/null 2>&1") != 0)
      return "skip: no nft";
    if (shell("iptables-nft -A INPUT -p tcp --dport 80 -m comment --comment xyzzy -j ACCEPT "
              ">/dev/null 2>&1") != 0)
      return "skip: no iptables-nft";
    std::string error;
    const auto all = dump_nftables(error);
    if (!all) return "no dump: " + error;
    const auto live = read_live(error, {.save_v4 = "iptables-nft-save",
                                        .save_v6 = "ip6tables-nft-save",
                                        .legacy_save_v4 = "iptables-legacy-save",
                                        .legacy_save_v6 = "ip6tables-legacy-save"});
    if (!live) return "not read: " + error;
    const auto has = [](const std::string& bytes, const char* text) {
      return bytes.find(text) != std::string::npos ? "yes" : "no";
    };
    std::string out;
    out += std::string("all: mine ") + has(all->messages, "mine") + ", filter " +
           has(all->messages, "filter") + "\n";
    out += std::string("kept: mine ") + has(live->messages, "mine") + ", INPUT " +
           has(live->messages, "INPUT") + "\n";
    out += std::to_string(live->saved.size()) + " saved\n";
    if (!live->saved.empty()) out += std::string("v4 ") + has(live->saved[0].v4, "xyzzy") + "\n";
    return out;
  });
  if (!ran.refused.empty()) GTEST_SKIP() << ran.refused;
  if (ran.output.starts_with("skip: ")) GTEST_SKIP() << ran.output;
  EXPECT_EQ(ran.output, "all: mine yes, filter yes\nkept: mine yes, INPUT no\n1 saved\nv4 yes\n");
}

TEST(ReadLiveTest, AHostWithoutIptablesHasNoneOfItsTables) {
  const auto ran = test::in_namespace([]() -> std::string {
    std::string error;
    const auto live = read_live(error, {.save_v4 = "/nonexistent/iptables-save",
                                        .save_v6 = "/nonexistent/ip6tables-save",
                                        .legacy_save_v4 = "/nonexistent/l4",
                                        .legacy_save_v6 = "/nonexistent/l6"});
    if (!live) return "not read: " + error;
    return std::to_string(live->messages.size()) + " bytes, " + std::to_string(live->saved.size()) +
           " saved";
  });
  if (!ran.refused.empty()) GTEST_SKIP() << ran.refused;
  EXPECT_EQ(ran.output, "0 bytes, 0 saved");
}

}  // namespace
}  // namespace firewright::host
