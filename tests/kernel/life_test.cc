// A host's life, the whole command in network namespaces: apply again, confirm, roll back, boot,
// look, drift.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/kernel/life.h"
#include "tests/kernel/life_policies.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST(Life, ApplyingAgainSendsNothing) {
  for (const std::string backend : {"nftables", "iptables"}) {
    IN_NAMESPACE([&] {
      const Life life;
      life.must_apply(one, {"--backend", backend});
      const auto before = must_run({"nft", "-a", "list", "ruleset"});
      // A generation of the kernel for each transaction of anybody.
      const auto generation = must_run({"nft", "--echo", "--json", "list", "ruleset"});
      const auto again = life.apply(one, {"--backend", backend, "--format", "json"});
      const auto document = json::parse(again.out);
      return check(again.status == 0, said(again)) + check(!document["changed"], "changed") +
             check(document["result"] == "unchanged", "result") +
             check(must_run({"nft", "-a", "list", "ruleset"}) == before, "the ruleset changed");
    });
    EXPECT_EQ(text, "") << backend;
  }
}

// Base chains, counters and the buckets of limits outlive a change elsewhere.
TEST(Life, AChangeKeepsWhatItIsNotAbout) {
  IN_NAMESPACE([] {
    const Life life;
    must_run({"ip", "link", "set", "lo", "up"});
    life.must_apply(one);
    const auto handles = [] {
      std::string result;
      std::istringstream lines(must_run({"nft", "-a", "list", "table", "inet", "firewright"}));
      for (std::string line; std::getline(lines, line);)
        if (line.find("chain ") != std::string::npos || line.find("smtp") != std::string::npos ||
            line.find("counter name") != std::string::npos)
          result += line + "\n";
      return result;
    };
    const auto sets = must_run({"nft", "-j", "list", "sets"});
    std::string dynamic;
    const auto listed = json::parse(sets);
    for (const auto& entry : listed["nftables"])
      if (entry.contains("set") && entry["set"]["type"] == "ipv4_addr")
        dynamic = entry["set"]["name"];
    if (dynamic.empty()) return "no set of sources: " + sets;
    must_run({"nft", "add", "element", "inet", "firewright", dynamic, "{ 192.0.2.77 }"});
    const auto before = handles();
    life.must_apply(two);
    return check(handles() == before, "other handles:\n" + before + handles()) +
           check(
               must_run({"nft", "list", "set", "inet", "firewright", dynamic}).find("192.0.2.77") !=
                   std::string::npos,
               "the bucket is gone");
  });
  EXPECT_EQ(text, "");
}

TEST(Life, AnUnconfirmedChangeIsUndone) {
  for (const std::string backend : {"nftables", "iptables"}) {
    IN_NAMESPACE([&] {
      const Life life;
      life.must_apply(one, {"--backend", backend});
      const auto before = ruleset();
      const auto pending = life.must_apply(two, {"--backend", backend, "--confirm", "1s"});
      std::string problems =
          check(ruleset() != before, "nothing was loaded") +
          check(pending.find("firewright confirm") != std::string::npos, pending);
      problems +=
          check(wait_until([&] { return ruleset() == before; }), "not undone: " + ruleset());
      const auto late = life.run({"confirm"});
      return problems + check(late.status == 1, said(late)) +
             check(late.err.find("undone") != std::string::npos, said(late));
    });
    EXPECT_EQ(text, "") << backend;
  }
}

// What `iptables-save` and the like mean from now on.
void use_legacy_iptables(const std::string& folder) {
  std::filesystem::create_directory(folder);
  for (const auto* name : {"iptables", "ip6tables"})
    for (const auto* verb : {"", "-save", "-restore"})
      std::filesystem::create_symlink("/usr/sbin/xtables-legacy-multi", folder + "/" + name + verb);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): a process of its own
  ::setenv("PATH", (folder + ":" + std::getenv("PATH")).c_str(), 1);
}

// What is put back needs what iptables needs, though the change itself does not.
TEST(Life, AnUnconfirmedChangeOfBackendIsUndone) {
  for (const auto& [from, to] : {std::pair{"nftables", "iptables"}, {"iptables", "nftables"}})
    for (const bool legacy : {false, true}) {
      IN_NAMESPACE([&, from = from, to = to] {
        const Life life;
        if (legacy) use_legacy_iptables(life.path("bin"));
        const auto held = [] {
          return kernel::run({"nft", "--stateless", "list", "table", "inet", "firewright"}).out +
                 must_run({"iptables", "-S"}) + must_run({"ip6tables", "-S"});
        };
        const auto settled = [&] {
          const auto status = json::parse(life.run({"status", "--format", "json"}).out);
          return status.value("state", "") == "confirmed";
        };
        life.must_apply(one, {"--backend", from});
        const auto before = held();
        life.must_apply(two, {"--backend", to, "--confirm", "1s"});
        auto problems = check(held() != before, "nothing was loaded");
        problems += check(wait_until(settled), "still waits");
        return problems + check(held() == before, "before:\n" + before + "after:\n" + held());
      });
      EXPECT_EQ(text, "") << from << (legacy ? ", legacy" : "");
    }
}

TEST(Life, TheFirstChangeOfAHostIsUndoneToNothing) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply(one, {"--confirm", "500ms"});
    return check(wait_until([] { return ruleset().empty(); }), ruleset());
  });
  EXPECT_EQ(text, "");
}

TEST(Life, AConfirmedChangeStays) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply(one);
    life.must_apply(two, {"--confirm", "20s"});
    const auto loaded = ruleset();
    const auto blocked = life.apply(one);
    std::string problems =
        check(blocked.status == 3 &&
                  blocked.err.find("say `firewright confirm` or `firewright rollback` first") !=
                      std::string::npos,
              said(blocked));
    const auto confirmed = life.run({"confirm"});
    problems += check(confirmed.status == 0, said(confirmed));
    problems += check(ruleset() == loaded, "another ruleset");
    const auto again = life.run({"confirm"});
    problems += check(again.status == 1, said(again));
    const auto back = life.run({"rollback"});
    problems += check(back.status == 0, said(back)) + check(ruleset() != loaded, "not rolled back");
    // For programs: nothing waits, so nothing changes.
    const auto held = ruleset();
    const auto none = life.run({"rollback", "--waiting", "--format", "json"});
    problems += check(none.status == 0 && json::parse(none.out)["result"] == "nothing", said(none));
    problems += check(ruleset() == held, "rolled back though nothing waits");
    const auto forward = life.run({"rollback"});
    return problems + check(forward.status == 0 && ruleset() == loaded, said(forward));
  });
  EXPECT_EQ(text, "");
}

TEST(Life, WhatTheKernelDoesNotHoldIsNotConfirmed) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply(one);
    life.must_apply(two, {"--confirm", "1m"});
    must_run({"nft", "delete", "table", "inet", "firewright"});
    const auto confirmed = life.run({"confirm"});
    const auto back = life.run({"rollback"});
    return check(confirmed.status == 1 &&
                     confirmed.err.find("does not hold the change") != std::string::npos,
                 said(confirmed)) +
           check(back.status == 0 && life.run({"status"}).status == 0, said(back));
  });
  EXPECT_EQ(text, "");
}

TEST(Life, RollbackUndoesAWaitingChangeAtOnce) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply(one);
    const auto before = ruleset();
    life.must_apply(two, {"--confirm", "1m"});
    const auto back = life.run({"rollback", "--format", "json"});
    return check(back.status == 0 && json::parse(back.out)["result"] == "rolled-back", said(back)) +
           check(ruleset() == before, ruleset()) +
           check(life.run({"status"}).status == 0, "status");
  });
  EXPECT_EQ(text, "");
}

// The session of the administrator ends with all its processes: the rollback comes all the same.
TEST(Life, TheRollbackOutlivesTheProcessGroup) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply(one);
    const auto before = ruleset();
    const pid_t session = fork();
    if (session == 0) {
      setsid();
      const auto applied = life.apply(two, {"--confirm", "1s"});
      if (applied.status != 0) _exit(1);
      for (;;) pause();
    }
    const bool loaded = wait_until([&] { return ruleset() != before; });
    // Not before it is written down, or it would be the other case: a command that was interrupted.
    const bool written = wait_until([&] {
      return json::parse(life.run({"status", "--format", "json"}).out).value("state", "") ==
             "pending";
    });
    kill(-session, SIGKILL);
    int status = 0;
    waitpid(session, &status, 0);
    return check(loaded && written, "not loaded") +
           check(wait_until([&] { return ruleset() == before; }), "not undone");
  });
  EXPECT_EQ(text, "");
}

// confirm and the timer at the same moment: one of them wins, and the kernel and the state agree.
TEST(Life, ConfirmAndTheTimerNeverBothWin) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply(one);
    const auto old_rules = ruleset();
    std::string problems;
    int confirmed = 0, undone = 0;
    for (int round = 0; round < 12; ++round) {
      life.must_apply(two, {"--confirm", "300ms"});
      const auto new_rules = ruleset();
      std::this_thread::sleep_for(std::chrono::milliseconds(150 + round * 15));
      const auto result = life.run({"confirm"});
      if (result.status == 0) {
        ++confirmed;
        // Long after the timer it still stands.
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        problems += check(ruleset() == new_rules, "confirmed and undone");
        life.must_apply(one);
      } else {
        ++undone;
        problems += check(wait_until([&] { return ruleset() == old_rules; }), "not undone");
      }
      const auto status = life.run({"status"});
      problems += check(status.status == 0, said(status));
    }
    return problems + check(confirmed + undone == 12, "rounds");
  });
  EXPECT_EQ(text, "");
}

TEST(Life, AtBootTheLastConfirmedFirewallIsLoaded) {
  for (const std::string backend : {"nftables", "iptables"}) {
    IN_NAMESPACE([&] {
      const Life life;
      life.must_apply(one, {"--backend", backend});
      const auto before = ruleset();
      must_run({"nft", "flush", "ruleset"});
      if (backend == "iptables") {
        must_run({"iptables", "-P", "INPUT", "ACCEPT"});
        must_run({"iptables", "-F"});
      }
      const auto restored = life.run({"restore"});
      return check(restored.status == 0, said(restored)) + check(ruleset() == before, ruleset());
    });
    EXPECT_EQ(text, "") << backend;
  }
}

// Large sets are not read back element by element, unless somebody may have changed them.
TEST(Life, ALargePolicyIsHeldAsExactlyAsASmallOne) {
  IN_NAMESPACE([&] {
    const Life life;
    constexpr int addresses = 20000;
    const auto write_list = [&](int count) {
      std::string list;
      for (int i = 0; i < count; ++i)
        list += "10." + std::to_string(i >> 14) + "." + std::to_string((i >> 6) & 255) + "." +
                std::to_string((i & 63) * 2) + "\n";
      life.write("many.txt", list);
    };
    write_list(addresses);
    life.write("policy.toml",
               "[addresses]\nmany = { file = \"many.txt\" }\n\n[inbound]\nallow = [{ protocol = "
               "\"tcp\", port = 443, from = \"many\" }, { protocol = \"udp\", port = 5000 }]\n");
    std::string text;
    const auto apply = [&](const std::string& result, const std::vector<std::string>& more = {}) {
      std::vector<std::string> words{"apply", life.path("policy.toml"), "--format", "json"};
      words.insert(words.end(), more.begin(), more.end());
      const auto ran = life.run(words);
      const auto document = json::parse(ran.out, nullptr, false);
      if (ran.status != 0 || !document.is_object() || document["result"] != result)
        text += "not " + result + ": " + said(ran) + "\n";
    };
    apply("loaded");
    const auto loaded = ruleset();
    apply("unchanged");
    apply("unchanged", {"--verify", "full"});
    // Of another table: what is remembered holds no more, and the kernel is asked.
    must_run({"nft", "add", "table", "ip", "another"});
    apply("unchanged");
    must_run({"nft", "delete", "table", "ip", "another"});
    const auto set = loaded.substr(loaded.find("\tset ") + 5);
    const auto name = set.substr(0, set.find(' '));
    must_run({"nft", "delete", "element", "inet", "firewright", name, "{ 10.0.0.2 }"});
    apply("loaded");
    text += check(ruleset() == loaded, "the element that somebody deleted is not back");
    write_list(addresses + 1);
    apply("loaded");
    write_list(addresses);
    apply("loaded", {"--verify", "full"});
    text += check(ruleset() == loaded, "the list is not what it was");
    must_run({"nft", "flush", "ruleset"});
    const auto restored = life.run({"restore"});
    text += check(restored.status == 0, said(restored)) + check(ruleset() == loaded, "restored");
    apply("unchanged");
    return text;
  });
  EXPECT_EQ(text, "");
}

// The state names the run of the system; here one that is over.
TEST(Life, AnUnconfirmedChangeDoesNotOutliveARestart) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply(one);
    const auto before = ruleset();
    life.must_apply(two, {"--confirm", "1m"});
    must_run({"nft", "flush", "ruleset"});
    // Another boot id in a mount namespace.
    life.write("boot_id", "00000000-1111-2222-3333-444444444444\n");
    const auto in_next_boot = [&](const std::vector<std::string>& command) {
      std::vector<std::string> words{"unshare",
                                     "-m",
                                     "sh",
                                     "-c",
                                     "mount --bind \"$0\" /proc/sys/kernel/random/boot_id && "
                                     "exec \"$@\"",
                                     life.path("boot_id")};
      for (const auto& word : life.words(command)) words.push_back(word);
      return run(words);
    };
    const auto restored = in_next_boot({"restore"});
    const auto status = in_next_boot({"status"});
    return check(restored.status == 0 && restored.out.find("`one`") != std::string::npos,
                 said(restored)) +
           check(restored.err.find("was not confirmed") != std::string::npos, said(restored)) +
           check(ruleset() == before, ruleset()) + check(status.status == 0, said(status));
  });
  EXPECT_EQ(text, "");
}

TEST(Life, WithoutSoundStateTheFailsafeIsLoaded) {
  IN_NAMESPACE([] {
    std::string problems;
    for (const std::string ssh : {"22", "2222,2022", "none"}) {
      const Life life;
      life.must_apply(one);
      must_run({"nft", "flush", "ruleset"});
      life.write("state/state.json", "{");
      const auto restored = life.run({"restore", "--failsafe-ssh", ssh});
      const auto rules = ruleset();
      const bool has_22 = rules.find("dport 22 ") != std::string::npos;
      problems +=
          check(restored.status == 3, said(restored)) +
          check(restored.err.find("damaged") != std::string::npos &&
                    restored.err.find("THE FAILSAFE IS LOADED") != std::string::npos,
                said(restored)) +
          check(rules.find("546") != std::string::npos, rules) +
          check(rules.find("policy drop") != std::string::npos, rules) +
          check(has_22 == (ssh == "22"), rules) +
          check((rules.find("2022, 2222") != std::string::npos) == (ssh == "2222,2022"), rules);
      const auto status = life.run({"status"});
      problems += check(status.status == 3, said(status));
      life.must_apply(one);  // mends the state
      problems += check(life.run({"status"}).status == 0, "not mended");
      must_run({"nft", "flush", "ruleset"});
    }
    return problems;
  });
  EXPECT_EQ(text, "");
}

// A firewall of another place replaces the failsafe too.
TEST(Life, TheFailsafeGoesWithTheFirstPolicy) {
  IN_NAMESPACE([] {
    const Life life;
    const auto restored = life.run({"restore"});
    life.must_apply("[inbound]\nallow = [\"ssh\"]\n[target.nftables]\ntable = \"other\"\n");
    return check(restored.status == 3, said(restored)) + must_run({"nft", "list", "tables"});
  });
  EXPECT_EQ(text, "table inet other\n");
}

TEST(Life, RestoreLeavesAFirewallThatStands) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply(one);
    const auto before = ruleset();
    life.write("state/state.json", "{");
    const auto restored = life.run({"restore"});
    return check(restored.status == 3, said(restored)) + check(ruleset() == before, ruleset());
  });
  EXPECT_EQ(text, "");
}

TEST(Life, APolicyThatMovesLeavesNothingBehind) {
  IN_NAMESPACE([] {
    const Life life;
    const std::string elsewhere =
        "[inbound]\nallow = [\"ssh\"]\n[target.nftables]\ntable = \"elsewhere\"\n";
    life.must_apply(one);
    life.must_apply(elsewhere);
    std::string tables = must_run({"nft", "list", "tables"});
    life.must_apply(one, {"--confirm", "1m"});
    tables += must_run({"nft", "list", "tables"});
    const auto back = life.run({"rollback"});
    tables += said(back) + must_run({"nft", "list", "tables"});
    life.must_apply(one, {"--backend", "iptables"});
    return tables + must_run({"nft", "list", "tables"});
  });
  EXPECT_THAT(text, testing::StartsWith("table inet elsewhere\ntable inet firewright\nexit 0\n"));
  EXPECT_THAT(text, HasSubstr("table inet elsewhere\ntable ip filter\ntable ip6 filter\n"));
}

// The three ways of iptables are in the same tables: whole, some built-in chains, own chains.
TEST(Life, IptablesChangesItsWayAndKeepsOthersRules) {
  const std::string coexist = "[target.iptables]\nmode = \"coexist\"\n";
  const std::string part = "[forward]\ndefault = \"unmanaged\"\n";
  const std::vector<std::string> ways = {"", part, coexist, part, "", coexist, ""};
  for (std::size_t i = 0; i + 1 < ways.size(); ++i) {
    IN_NAMESPACE([&] {
      const Life life;
      const std::vector<std::string> backend{"--backend", "iptables"};
      life.must_apply(ways[i] + one, backend);
      const auto before = must_run({"iptables", "-S"});
      life.must_apply(ways[i + 1] + two, backend);
      const auto moved = must_run({"iptables", "-S"});
      const auto status = life.run({"status"});
      const auto direct = [&] {
        std::string rules;
        const auto elsewhere = in_namespace([&] {
          const Life fresh;
          fresh.must_apply(ways[i + 1] + two, backend);
          return must_run({"iptables", "-S"});
        });
        return elsewhere.text;
      }();
      const auto back = life.run({"rollback"});
      return check(status.status == 0, said(status)) +
             check(moved == direct, "moved:\n" + moved + "direct:\n" + direct) +
             check(back.status == 0, said(back)) +
             check(must_run({"iptables", "-S"}) == before,
                   "back:\n" + must_run({"iptables", "-S"}) + "before:\n" + before);
    });
    EXPECT_EQ(text, "") << i;
  }
}

TEST(Life, TwoAtOnceWaitForEachOther) {
  IN_NAMESPACE([] {
    const Life life;
    std::vector<pid_t> children;
    for (int i = 0; i < 6; ++i) {
      children.push_back(fork());
      if (children.back() == 0) _exit(life.apply(i % 2 == 0 ? one : two).status);
    }
    std::string problems;
    for (const auto child : children) {
      int status = 0;
      waitpid(child, &status, 0);
      problems += check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a failed apply");
    }
    const auto status = life.run({"status"});
    return problems + check(status.status == 0, said(status));
  });
  EXPECT_EQ(text, "");
}

TEST(Life, AHeldLockIsWaitedForAndThenNamed) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply(one);
    const auto blocked = run({"flock", life.path("run/lock"), "-c",
                              "'" FIREWRIGHT_BINARY "' apply - --lock-timeout 200ms --state-dir '" +
                                  life.state() + "' --run-dir '" + life.path("run") + "'"},
                             two);
    return check(blocked.status == 3, said(blocked)) +
           check(blocked.err.find("another firewright is at work") != std::string::npos,
                 said(blocked));
  });
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace firewright::kernel
