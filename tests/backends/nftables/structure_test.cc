// Many exceptions as lookups in few large sets.
#include "backends/nftables/structure.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backends/nftables/build.h"
#include "backends/nftables/text.h"
#include "tests/backends/nftables/programs.h"

namespace firewright::nftables {
namespace {

std::string address(unsigned n) {
  return "10." + std::to_string(n / 65536) + "." + std::to_string(n / 256 % 256) + "." +
         std::to_string(n % 256);
}

// Each with a source and a port of its own.
std::vector<ir::Rule> exceptions(unsigned count) {
  std::vector<ir::Rule> rules;
  for (unsigned i = 0; i < count; ++i)
    rules.push_back(test::allow(
        "rule " + std::to_string(i),
        test::with_source(test::tcp(static_cast<std::uint16_t>(1024 + 7 * i)), {address(2 * i)})));
  return rules;
}

std::string input_of(const Ruleset& ruleset) {
  auto text = to_text(ruleset);
  text = text.substr(text.find("\tchain input {\n") + 15);
  text = text.substr(text.find('\n') + 1);  // the hook
  text = text.substr(0, text.find("\t}\n"));
  std::erase(text, '\t');
  return text;
}

TEST(Structure, ManyExceptionsAreOneLookup) {
  const auto ruleset = build(test::program(exceptions(1000)), {});
  EXPECT_EQ(input_of(ruleset),
            "ip saddr . tcp dport @by-input-allow-from-port-v4 accept comment \"rule 0, rule 1, "
            "rule 2, rule 3, rule 4, rule 5, rule 6, rule 7, rule 8, rule 9, rule 10, rule 11, "
            "rule 12, rule 13, rule 14,...\"\ndrop\n");
  ASSERT_EQ(ruleset.tuple_sets.size(), 1U);
  const auto& set = ruleset.tuple_sets[0];
  EXPECT_EQ(set.width(), 6U);
  EXPECT_EQ(set.keys.size(), 6U * 1000);
  EXPECT_EQ(set.size, 2048U);
  EXPECT_EQ(set.keys.substr(0, 12), std::string("\x0a\0\0\0\x04\0\x0a\0\0\x02\x04\x07", 12));
}

TEST(Structure, FewStayRules) {
  EXPECT_EQ(build(test::program(exceptions(8)), {}).tuple_sets.size(), 0U);
  EXPECT_EQ(build(test::program(exceptions(9)), {}).tuple_sets.size(), 1U);
  EXPECT_EQ(
      build(test::program(exceptions(2)), {.nftables_layout = backend::NftablesLayout::structured})
          .tuple_sets.size(),
      1U);
  const auto readable = build(test::program(exceptions(1000)),
                              {.nftables_layout = backend::NftablesLayout::readable});
  EXPECT_EQ(readable.tuple_sets.size(), 0U);
  EXPECT_EQ(readable.chains[0].rules.size(), 1001U);
}

TEST(Structure, APrefixLengthIsASet) {
  std::vector<ir::Rule> rules;
  for (unsigned i = 0; i < 30; ++i)
    rules.push_back(test::allow(
        "net", test::with_source(test::udp(static_cast<std::uint16_t>(2000 + 2 * i)),
                                 {"10." + std::to_string(i) + (i % 2 == 0 ? ".0.0/16" : ".8.0/21"),
                                  "2001:db8:" + std::to_string(i) + "::/48"})));
  EXPECT_EQ(
      input_of(build(test::program(rules), {})),
      "ip saddr & 255.255.0.0 . udp dport @by-input-allow-from16-port-v4 accept comment \"net\"\n"
      "ip saddr & 255.255.248.0 . udp dport @by-input-allow-from21-port-v4 accept comment \"net\"\n"
      "ip6 saddr & ffff:ffff:ffff:: . udp dport @by-input-allow-from48-port-v6 accept comment "
      "\"net\"\ndrop\n");
}

// Ports that several protocols share are one set.
TEST(Structure, RangesOfPortsAreMasked) {
  std::vector<ir::Rule> rules;
  for (unsigned i = 0; i < 12; ++i) {
    auto match = test::with_source(test::tcp(1), {address(2 * i)});
    match.protocols = ProtocolSet({{protocol::tcp, protocol::tcp}, {protocol::udp, protocol::udp}});
    const auto first = static_cast<std::uint16_t>(1024 + 64 * i);
    match.destination_ports = PortSet{{Port{first}, Port{static_cast<std::uint16_t>(first + 31)}}};
    rules.push_back(test::allow("range", match));
  }
  EXPECT_EQ(input_of(build(test::program(rules), {})),
            "ip saddr . tcp dport & 65504 @by-input-allow-from-port11-v4 accept comment \"range\"\n"
            "ip saddr . udp dport & 65504 @by-input-allow-from-port11-v4 accept comment \"range\"\n"
            "drop\n");
}

// What is equal but for its addresses is one list, and so looked up at once.
TEST(Structure, SourcesOfOnePortAreOneList) {
  std::vector<ir::Rule> rules;
  for (unsigned i = 0; i < 20; ++i)
    rules.push_back(test::allow("ssh", test::with_source(test::tcp(22), {address(2 * i)})));
  EXPECT_EQ(input_of(build(test::program(rules), {})),
            "ip saddr @from-ssh-v4 tcp dport 22 accept comment \"ssh\"\ndrop\n");
}

TEST(Structure, LongListsOfPrefixesAreHashedByLength) {
  std::vector<std::string> items;
  for (unsigned i = 0; i < 1200; ++i)
    items.push_back("10." + std::to_string(i / 120) + "." + std::to_string(2 * (i % 120)) +
                    (i % 3 == 0 ? ".0/25" : ".0/24"));
  const auto ruleset =
      build(test::program({test::allow("list", test::with_source(test::tcp(22), items))}), {});
  EXPECT_EQ(input_of(ruleset),
            "ip saddr & 255.255.255.0 @by-list-from24-v4 tcp dport 22 accept comment \"list\"\n"
            "ip saddr & 255.255.255.128 @by-list-from25-v4 tcp dport 22 accept comment \"list\"\n"
            "drop\n");
  EXPECT_EQ(ruleset.sets.size(), 0U);
}

// Every combination of two long lists would be too much.
TEST(Structure, ProductsThatAreTooLargeStayRules) {
  std::vector<ir::Rule> rules;
  for (unsigned i = 0; i < 20; ++i) {
    std::vector<std::string> items;
    for (unsigned k = 0; k < 200; ++k) items.push_back(address(2000 * i + 2 * k));
    auto match = test::with_source(test::tcp(1), items);
    std::vector<Interval<Port>> ports;
    for (unsigned k = 0; k < 100; ++k) {
      const Port port{static_cast<std::uint16_t>(1000 + 200 * i + 2 * k)};
      ports.push_back({port, port});
    }
    match.destination_ports = PortSet(std::move(ports));
    rules.push_back(test::allow("product", match));
  }
  const auto ruleset = build(test::program(rules), {});
  EXPECT_EQ(ruleset.tuple_sets.size(), 0U);
  EXPECT_EQ(ruleset.chains[0].rules.size(), 21U);
}

// An exception that counts, logs or is limited keeps its own rule.
TEST(Structure, EffectsKeepTheirRule) {
  auto rules = exceptions(50);
  for (auto& rule : rules) rule.effects.count = rule.origin.label;
  EXPECT_EQ(build(test::program(rules), {}).chains[0].rules.size(), 51U);
}

// What the tests with random programs are about is in them.
TEST(Structure, CrowdsAreLookedUp) {
  std::size_t looked_up = 0;
  for (std::uint32_t seed = 0; seed < 60; ++seed)
    looked_up += build(test::crowd(seed), {}).tuple_sets.empty() ? 0U : 1U;
  EXPECT_GE(looked_up, 25U);
}

}  // namespace
}  // namespace firewright::nftables
