// A host's life with `[target.iptables] sets = "ipset"`: sets come before their rules, go after
// them, and come back with them.

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tests/kernel/life.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

// So many hosts with a port each.
std::string policy(unsigned hosts, const std::string& mode = "replace") {
  std::string text = "[target.iptables]\nsets = \"ipset\"\nmode = \"" + mode + "\"\n";
  for (unsigned i = 0; i < hosts; ++i)
    text += "[[inbound.allow]]\nprotocol = \"tcp\"\nport = " + std::to_string(1000 + i) +
            "\nfrom = \"198.51.100." + std::to_string(i) + "\"\n";
  return text;
}

std::vector<std::string> sets() {
  std::vector<std::string> names;
  std::istringstream lines(must_run({"ipset", "list", "-name"}));
  for (std::string line; std::getline(lines, line);) names.push_back(line);
  std::ranges::sort(names);
  return names;
}
std::string shown(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += name + "\n";
  return text;
}
// Without what the kernel counts and how it hashes.
std::string rules() {
  std::string text;
  std::istringstream lines(must_run({"iptables-save"}));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("-A ")) text += line + "\n";
  return text;
}

TEST(IpsetLife, SetsComeBeforeTheirRulesAndGoAfterThem) {
  for (const std::string mode : {"replace", "coexist"}) {
    IN_NAMESPACE([&] {
      const Life life;
      const std::vector<std::string> iptables{"--backend", "iptables"};
      must_run({"ipset", "create", "fw-nobodys", "hash:ip"});
      life.must_apply(policy(40, mode), iptables);
      const auto first = sets();
      auto problems = check(first.size() == 2, "first: " + shown(first));
      const auto again = life.must_apply(policy(40, mode), iptables);
      problems += check(again.find("unchanged") != std::string::npos, again);
      const auto before = rules();
      life.must_apply(policy(30, mode), iptables);
      const auto second = sets();
      problems += check(second.size() == 2 && second != first, "second: " + shown(second));
      const auto back = life.run({"rollback"});
      problems += check(back.status == 0, said(back));
      problems += check(sets() == first, "after the rollback: " + shown(sets()));
      problems += check(rules() == before, rules());
      life.must_apply(policy(3, mode), iptables);
      problems += check(sets() == std::vector<std::string>{"fw-nobodys"}, shown(sets()));
      return problems;
    });
    EXPECT_EQ(text, "") << mode;
  }
}

// To nftables and back.
TEST(IpsetLife, ThePlaceChanges) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply(policy(40), {"--backend", "iptables"});
    const auto first = sets();
    life.must_apply(policy(40), {"--backend", "nftables"});
    auto problems = check(rules().empty() && sets().empty(), rules() + shown(sets()));
    const auto back = life.run({"rollback"});
    problems += check(back.status == 0, said(back));
    return problems + check(sets() == first, shown(sets()));
  });
  EXPECT_EQ(text, "");
}

TEST(IpsetLife, ADryRunLeavesNoSet) {
  IN_NAMESPACE([] {
    const Life life;
    const auto would = life.apply(policy(40), {"--backend", "iptables", "--dry-run"});
    return check(would.status == 1, said(would)) + check(sets().empty(), shown(sets())) + rules();
  });
  EXPECT_EQ(text, "");
}

TEST(IpsetLife, AnUnconfirmedChangeIsUndoneWithItsSets) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply(policy(40), {"--backend", "iptables"});
    const auto before = rules();
    const auto first = sets();
    life.must_apply(policy(30), {"--backend", "iptables", "--confirm", "1s"});
    auto problems = check(rules() != before && sets() != first, "nothing was loaded");
    problems += check(wait_until([&] { return rules() == before && sets() == first; }),
                      "not undone: " + rules() + shown(sets()));
    return problems;
  });
  EXPECT_EQ(text, "");
}

// An element that somebody took out or put in is drift, and applying again mends it.
TEST(IpsetLife, ChangedSetsAreFoundAndMended) {
  for (const std::string change : {"del", "add"}) {
    IN_NAMESPACE([&] {
      const Life life;
      life.must_apply(policy(40), {"--backend", "iptables"});
      const auto name = sets().at(0);
      must_run({"ipset", change, name,
                change == "del" ? "198.51.100.3,tcp:1003" : "198.51.100.3,tcp:9"});
      const auto drift = life.run({"status"});
      auto problems = check(drift.status == 1, said(drift));
      const auto mended = life.must_apply(policy(40), {"--backend", "iptables"});
      problems += check(mended.find("loaded") != std::string::npos, mended);
      const auto now = life.run({"status"});
      return problems + check(now.status == 0, said(now));
    });
    EXPECT_EQ(text, "") << change;
  }
}

TEST(IpsetLife, AtBootTheSetsAreLoadedToo) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply(policy(40), {"--backend", "iptables"});
    const auto before = rules();
    const auto first = sets();
    must_run({"iptables", "-F"});
    must_run({"ip6tables", "-F"});
    if (!wait_until([&] { return run({"ipset", "destroy"}).status == 0; }))
      return std::string("the sets are still in use");
    const auto restored = life.run({"restore"});
    return check(restored.status == 0, said(restored)) + check(rules() == before, rules()) +
           check(sets() == first, shown(sets()));
  });
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace firewright::kernel
