// `firewright apply`, the whole command, in network namespaces: what it loads, and what it says
// when it may not or cannot.

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "tests/kernel/harness/namespace.h"
#include "tests/kernel/life.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

constexpr const char* policy = "[inbound]\nallow = [\"ssh\", \"http\"]\n";

// The time that a proof takes is another one each time.
std::string said_without_time(const CommandResult& result) {
  static const std::regex time(", in [0-9]+ ms\n");
  return "exit " + std::to_string(result.status) + "\n" + result.out +
         std::regex_replace(result.err, time, "\n");
}

const std::string proved_nftables =
    "-: text and batch read back and proved equal, over every packet\n";
const std::string proved_iptables = "-: v4 and v6 read back and proved equal, over every packet\n";

// Each with a state of its own, as on a host that has none yet.
CommandResult apply(const std::vector<std::string>& more, const std::string& toml = policy) {
  return Life().apply(toml, more);
}

#define EXPECT_IN_NAMESPACE(expected, body)      \
  do {                                           \
    SKIP_WITHOUT_BED();                          \
    const auto outcome = in_namespace(body);     \
    ASSERT_TRUE(outcome.done()) << outcome.text; \
    EXPECT_EQ(outcome.text, expected);           \
  } while (false)

TEST(Apply, LoadsByNftables) {
  EXPECT_IN_NAMESPACE(
      "exit 0\n-: loaded 2 exceptions, 11 rules by nftables; 7 newly denied\n" + proved_nftables +
          "1",
      [] {
        const auto first = said_without_time(apply({}));
        const bool loaded =
            must_run({"nft", "list", "ruleset"}).find("tcp dport { 22, 80 } accept") !=
            std::string::npos;
        return first + (loaded ? "1" : "0");
      });
}

TEST(Apply, LoadsByIptablesBothFamilies) {
  EXPECT_IN_NAMESPACE("exit 0\n-: loaded 2 exceptions, 11 rules by iptables; 7 newly denied\n" +
                          proved_iptables + "11",
                      [] {
                        const auto first = said_without_time(apply({"--backend", "iptables"}));
                        const std::string rule = "--dports 22,80";
                        const bool v4 = must_run({"iptables-save"}).find(rule) != std::string::npos;
                        const bool v6 =
                            must_run({"ip6tables-save"}).find(rule) != std::string::npos;
                        return first + (v4 ? "1" : "0") + (v6 ? "1" : "0");
                      });
}

TEST(Apply, CoexistsAgainAndAgain) {
  EXPECT_IN_NAMESPACE("same", [] {
    const std::string coexist = std::string("[target.iptables]\nmode = \"coexist\"\n") + policy;
    must_run({"iptables", "-A", "INPUT", "-p", "udp", "--dport", "9", "-j", "ACCEPT"});
    std::string before;
    for (int round = 0; round < 3; ++round) {
      const auto result = apply({"--backend", "iptables"}, coexist);
      if (result.status != 0) return said_without_time(result);
      const auto rules = must_run({"iptables", "-S"});
      if (rules.find("--dport 9 ") == std::string::npos) return "another's rule is gone:\n" + rules;
      if (round > 0 && rules != before) return "changed:\n" + before + rules;
      before = rules;
    }
    return std::string("same");
  });
}

TEST(Apply, ADryRunSaysWhatWouldChangeAndChangesNothing) {
  for (const std::string backend : {"nftables", "iptables"}) {
    SKIP_WITHOUT_BED();
    const auto outcome = in_namespace([&] {
      const Life life;
      const auto first = said_without_time(life.apply(policy, {"--dry-run", "--backend", backend}));
      const auto between = must_run({"nft", "list", "tables"});
      life.must_apply(policy, {"--backend", backend});
      return first + between + "---\n" +
             said_without_time(life.apply(policy, {"--dry-run", "--backend", backend}));
    });
    ASSERT_TRUE(outcome.done()) << outcome.text;
    const auto cut = outcome.text.find("---\n");
    const auto first = outcome.text.substr(0, cut);
    EXPECT_TRUE(first.starts_with("exit 1\n-: would load 2 exceptions, 11 rules by " + backend +
                                  "\nlive -> -: 7 newly denied\n"))
        << first;
    EXPECT_EQ(first.find("table inet"), std::string::npos) << first;
    EXPECT_EQ(outcome.text.substr(cut + 4),
              "exit 0\n-: unchanged, nothing would be sent: 2 exceptions, 11 rules by " + backend +
                  "\n" + (backend == "nftables" ? proved_nftables : proved_iptables));
  }
}

// What it starts has no more rights than it needs itself.
TEST(Apply, GivesUpWhatItDoesNotNeed) {
  EXPECT_IN_NAMESPACE("CapPrm:\t0000000000001000\nSeccomp:\t2\n", [] {
    const Life life;
    life.write("iptables-save",
               "#!/bin/sh\ngrep -e CapPrm -e 'Seccomp:' /proc/self/status > " + life.path("seen") +
                   "\n[ \"$1\" = --version ] && echo 'iptables-save v1.8.9 (nf_tables)'\nexit 0\n");
    std::filesystem::copy_file(life.path("iptables-save"), life.path("ip6tables-save"));
    for (const char* name : {"iptables-save", "ip6tables-save"})
      std::filesystem::permissions(life.path(name), std::filesystem::perms::owner_all);
    ::setenv("PATH", (life.path("") + ":" + ::getenv("PATH")).c_str(), 1);
    const auto applied = life.apply(policy);
    if (applied.status != 0) return said_without_time(applied);
    std::ifstream seen(life.path("seen"));
    return std::string(std::istreambuf_iterator<char>(seen), {});
  });
}

std::string who_else_may_write() {
  const Life life;
  life.write("list.txt", "192.0.2.1\n");
  life.write("policy.toml", std::string(policy) + "[addresses]\nl = { file = \"list.txt\" }\n");
  const std::pair<const char*, unsigned> modes[] = {
      {"policy.toml", 0666}, {"policy.toml", 0664}, {"policy.toml", 0644}, {"list.txt", 0646}};
  std::string found;
  for (const auto& [file, mode] : modes) {
    std::filesystem::permissions(life.path(file), std::filesystem::perms(mode));
    const auto text = said_without_time(life.run({"apply", life.path("policy.toml")}));
    const std::string before = "may be written by ";
    const auto at = text.find(before);
    const auto who = at == std::string::npos ? std::string() : text.substr(at + before.size());
    found += (found.empty() ? "" : ", ") + (who.empty() ? "nobody" : who.substr(0, who.find(',')));
  }
  return found;
}

TEST(Apply, SaysWhoElseMayWriteThePolicy) {
  EXPECT_IN_NAMESPACE("everybody, its group, nobody, everybody", who_else_may_write);
}

TEST(Apply, WithoutTheRightItSaysSoAndChangesNothing) {
  SKIP_WITHOUT_BED();
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a right away";
  const auto outcome = in_namespace([] {
    must_run({"nft", "add", "table", "inet", "other"});
    std::string text;
    for (const std::string backend : {"nftables", "iptables"}) {
      const Life life;
      must_run({"chown", "65534", life.path("")});
      auto command = life.words({"apply", "-", "--backend", backend});
      command.insert(command.begin(),
                     {"setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all"});
      const auto result = run(command, policy);
      text += std::to_string(result.status) +
              (result.err.find("nothing was changed") != std::string::npos ? "+" : result.err);
    }
    return text + must_run({"nft", "list", "ruleset"});
  });
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_EQ(outcome.text, "3+3+table inet other {\n}\n");
}

// A large policy's is made beside other work.
TEST(Apply, TheCertificateOfALargePolicyIsThatOfCompile) {
  EXPECT_IN_NAMESPACE("", []() -> std::string {
    const Life life;
    constexpr unsigned addresses = 40000;
    std::string list;
    for (unsigned i = 0; i < addresses; ++i)
      list += "10." + std::to_string(i / 128 / 256) + "." + std::to_string(i / 128 % 256) + "." +
              std::to_string(i % 128 * 2) + "\n";
    life.write("list.txt", list);
    life.write("policy.toml",
               "[addresses]\nmany = { file = \"list.txt\" }\n"
               "[inbound]\nallow = [{ service = \"ssh\", from = \"many\" }]\n");
    const auto applied = life.run({"apply", life.path("policy.toml")});
    if (applied.status != 0) return said(applied);
    must_run({FIREWRIGHT_BINARY, "compile", "--target", "nftables", "--certificate",
              life.path("certificate.json"), "-o", life.path("out"), life.path("policy.toml")});
    const auto expected = must_run({"cat", life.path("certificate.json")});
    std::string problems;
    std::size_t generations = 0;
    for (const auto& entry : std::filesystem::directory_iterator(life.state() + "/generations")) {
      ++generations;
      problems += check(must_run({"cat", entry.path().string() + "/certificate.json"}) == expected,
                        "another certificate");
    }
    return problems + check(generations == 1, std::to_string(generations) + " generations");
  });
}

#ifndef __SANITIZE_ADDRESS__  // which takes terabytes of addresses for itself
// Room that is taken for speed must not be needed: at boot it would be the firewall that is
// missing.
std::string life_in_little_memory() {
  const Life life;
  life.write("policy.toml", policy);
  const auto limited = [&](const std::vector<std::string>& command) {
    std::vector<std::string> words{"sh", "-c", "ulimit -v 50000; exec \"$@\"", "sh"};
    for (const auto& word : life.words(command)) words.push_back(word);
    const auto result = run(words);
    return check(result.status == 0, said(result));
  };
  auto problems = limited({"apply", life.path("policy.toml")});
  must_run({"nft", "flush", "ruleset"});
  problems += limited({"restore"});
  problems += limited({"status"});
  return problems;
}
TEST(Apply, WithLittleMemoryItLoadsAndComesBack) { EXPECT_IN_NAMESPACE("", life_in_little_memory); }
#endif

TEST(Apply, WhoIsNotRootIsToldThatItTakesRoot) {
  SKIP_WITHOUT_BED();
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  for (const std::string command : {"status", "confirm", "rollback"}) {
    const auto result = run({"setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all",
                             FIREWRIGHT_BINARY, command});
    EXPECT_EQ(result.status, 3) << command;
    EXPECT_NE(result.err.find("Permission denied (only root may"), std::string::npos) << result.err;
  }
}

// A kernel without nf_tables: the socket that leads to it is refused.
bool refuse_netfilter_sockets() {
  constexpr unsigned netlink_netfilter = 12;  // linux/netlink.h
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 16 /* AF_NETLINK */, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, netlink_netfilter, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = static_cast<unsigned short>(std::size(filter)), .filter = filter};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(Apply, WithoutKernelSupportItSaysSo) {
  SKIP_WITHOUT_BED();
  const auto outcome = in_namespace([]() -> std::string {
    if (!refuse_netfilter_sockets()) return "no seccomp";
    return said_without_time(apply({}));
  });
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_EQ(outcome.text.substr(0, 19), "exit 3\nfirewright: ");
  EXPECT_NE(outcome.text.find("; nothing was changed"), std::string::npos) << outcome.text;
}

TEST(Apply, WarnsAHostThatForwards) {
  SKIP_WITHOUT_BED();
  const auto outcome = in_namespace([] {
    must_run({"ip", "link", "add", "docker0", "type", "bridge"});
    return said_without_time(apply({"--dry-run"})) +
           said_without_time(
               apply({"--dry-run"}, std::string("[forward]\ndefault = \"unmanaged\"\n") + policy));
  });
  ASSERT_TRUE(outcome.done()) << outcome.text;
  const auto warning = outcome.text.find(
      "warning: this host has `docker0` and may forward for others, which the policy cuts off "
      "[forwarding-host]");
  EXPECT_NE(warning, std::string::npos) << outcome.text;
  EXPECT_EQ(outcome.text.find("[forwarding-host]", warning + 100), std::string::npos)
      << "unmanaged forwarding cuts nothing off\n"
      << outcome.text;
}

}  // namespace
}  // namespace firewright::kernel
