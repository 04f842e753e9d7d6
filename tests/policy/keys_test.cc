#include "compiler/policy/keys.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/policy/reading.h"

namespace firewright::policy {
namespace {

TEST(Keys, AreNamedOnceInEachSection) {
  std::set<std::pair<Section, std::string_view>> seen;
  for (const auto& key : all_keys()) {
    EXPECT_TRUE(seen.emplace(key.section, key.name).second) << key.name;
    EXPECT_FALSE(key.holds.empty()) << key.name;
  }
}

TEST(Keys, SynonymsLeadToKeys) {
  EXPECT_EQ(synonym(Section::exception, "dport"), "port");
  EXPECT_EQ(synonym(Section::assertion_set, "src"), "from");
  EXPECT_EQ(synonym(Section::root, "dport"), "");
}

// Whatever a key holds, the reader looks at it: a value of the wrong type is an error for each.
TEST(Keys, EachOneIsRead) {
  const auto policy_with = [](const Key& key) -> std::string {
    const auto line = "\"" + std::string(key.name) + "\" = 1979-05-27T07:32:00Z\n";
    switch (key.section) {
      case Section::root: return line;
      case Section::policy: return "[policy]\n" + line;
      case Section::baseline: return "[baseline]\n" + line;
      case Section::direction: return "[inbound]\n" + line;
      case Section::exception: {
        const auto direction = key.directions.contains(Direction::inbound) ? "inbound" : "outbound";
        return "[[" + std::string(direction) + ".allow]]\n" + line;
      }
      case Section::limit: return "[[inbound.allow]]\n[inbound.allow.limit]\n" + line;
      case Section::address_file: return "[addresses.a]\n" + line;
      case Section::zone: return "[zones.a]\n" + line;
      case Section::assertion: return "[[assert]]\n" + line;
      case Section::assertion_set: return "[[assert]]\n[assert.never]\n" + line;
      case Section::target: return "[target]\n" + line;
      case Section::target_iptables: return "[target.iptables]\n" + line;
      case Section::target_nftables: return "[target.nftables]\n" + line;
      case Section::target_netsh: return "[target.netsh]\n" + line;
      case Section::catalogue_service: return "";
    }
    return "";
  };
  for (const auto& key : all_keys()) {
    if (key.section == Section::catalogue_service) continue;
    const auto text = policy_with(key);
    Reading reading;
    const auto said = reading.read_text(text);
    const bool named = said.find("`" + std::string(key.name) + "` takes") != std::string::npos ||
                       said.find("`nat` is reserved") != std::string::npos;
    EXPECT_TRUE(named) << text << said;
  }
}

}  // namespace
}  // namespace firewright::policy
