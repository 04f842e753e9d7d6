#include "compiler/analysis/words.h"

#include <gtest/gtest.h>

#include "tests/analysis/checked.h"

namespace firewright::analysis {
namespace {

constexpr const char* policy_text = R"(
[addresses]
office = ["203.0.113.0/24", "2001:db8:10::/48"]
branch = ["198.51.100.0/25"]
both = ["office", "branch"]
lab = ["10.0.0.0/8"]

[zones]
wan = { interfaces = ["eth0", "eth1"], profiles = ["public"] }
vpn = { interfaces = ["wg*"], profiles = ["domain", "private"] }

[services]
admin = ["tcp/8443", "tcp/9443"]

[inbound]
allow = ["ssh", "http-alt"]
)";

class WordsTest : public testing::Test {
 protected:
  WordsTest() : checked_(policy_text) { vocabulary_.add(checked_.policy, Target::nftables); }

  std::string addresses(const std::vector<std::string>& items, bool inverse = false) {
    AddressSet set;
    auto families = FamilySet{};
    for (const auto& item : items) {
      if (const auto& group = checked_.policy.groups.find(item);
          group != checked_.policy.groups.end()) {
        set = set | group->second.set;
        continue;
      }
      const auto parsed = parse_address_item(item).value;
      if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed)) set.v4 = set.v4 | Ipv4Set{*v4};
      if (const auto* v6 = std::get_if<Interval<Ipv6>>(&parsed)) set.v6 = set.v6 | Ipv6Set{*v6};
    }
    if (inverse) set = AddressSet::all() - set;
    families = set.families();
    return to_text(say_addresses(vocabulary_, set, families));
  }
  std::string ports(const std::vector<Protocol>& protocols, const PortSet& set) {
    ir::Match match;
    match.protocols = {};
    for (const auto protocol : protocols)
      match.protocols = match.protocols | ProtocolSet::of(protocol);
    match.destination_ports = set;
    return to_text(say_service(vocabulary_, match));
  }
  static PortSet of(std::initializer_list<unsigned> list) {
    PortSet set;
    for (const auto port : list) set = set | PortSet::of(Port{static_cast<std::uint16_t>(port)});
    return set;
  }

  Checked checked_;
  Vocabulary vocabulary_;
};

TEST_F(WordsTest, Addresses) {
  EXPECT_EQ(addresses({"0.0.0.0/0", "::/0"}), "any");
  EXPECT_EQ(addresses({"office"}), "office");
  EXPECT_EQ(addresses({"office", "branch"}), "both");
  EXPECT_EQ(addresses({"203.0.113.0/24"}), "office");  // in IPv4 that is the same
  EXPECT_EQ(addresses({"office", "192.0.2.7"}), "office, 192.0.2.7");
  EXPECT_EQ(addresses({"192.0.2.0/24"}), "192.0.2.0/24");
  EXPECT_EQ(addresses({"192.0.2.1-192.0.2.9"}), "192.0.2.1-192.0.2.9");
  EXPECT_EQ(addresses({"office"}, true), "any except office");
  EXPECT_EQ(addresses({"192.0.2.7", "2001:db8::7"}, true), "any except 192.0.2.7, 2001:db8::7");
  // Two prefixes are as short as one range, and easier to read.
  EXPECT_EQ(addresses({"192.0.2.0-192.0.2.191"}), "192.0.2.0/25, 192.0.2.128/26");
}

TEST_F(WordsTest, AGroupWithAHole) {
  auto set = checked_.policy.groups.at("lab").set;
  set.v4 = set.v4 - Ipv4Set{{Ipv4{0x0A010203}, Ipv4{0x0A010204}}};
  set.v4 = set.v4 - Ipv4Set{{Ipv4{0x0A020000}, Ipv4{0x0A02FFFF}}};
  EXPECT_EQ(to_text(say_addresses(vocabulary_, set, {Family::ipv4})),
            "lab except 10.1.2.3, 10.1.2.4, 10.2.0.0/16");
}

TEST(WordsOfLargeSets, AreTheGroupsThatTheyAre) {
  std::string policy = "[addresses]\nmany = [";
  for (int i = 1; i < 100; i += 2) policy += "\"192.0.2." + std::to_string(i) + "\", ";
  policy += "]\nothers = [\"0.0.0.0-192.0.2.0\", \"192.0.2.100-255.255.255.255\"";
  for (int i = 2; i < 100; i += 2) policy += ", \"192.0.2." + std::to_string(i) + "\"";
  policy += "]\n";
  for (const bool named : {false, true}) {
    // Where both have a name, each is said by its own.
    const Checked checked(named ? policy : policy.substr(0, policy.find("others")));
    Vocabulary vocabulary;
    vocabulary.add(checked.policy, Target::nftables);
    const auto many = checked.policy.groups.at("many").set;
    auto others = AddressSet::all() - many;
    others.v6 = {};
    EXPECT_EQ(to_text(say_addresses(vocabulary, many, {Family::ipv4})), "many");
    EXPECT_EQ(to_text(say_addresses(vocabulary, others, {Family::ipv4})),
              named ? "others" : "any except many");
    others.v4 = others.v4 - Ipv4Set{{Ipv4{0}, Ipv4{0}}};
    EXPECT_EQ(to_text(say_addresses(vocabulary, others, {Family::ipv4})),
              "any except many, 0.0.0.0");
  }
}

TEST_F(WordsTest, LongListsAreCut) {
  std::vector<std::string> items;
  for (int i = 1; i <= 20; i += 2) items.push_back("192.0.2." + std::to_string(i));
  EXPECT_EQ(addresses(items), "192.0.2.1, 192.0.2.3, 192.0.2.5, 192.0.2.7, 192.0.2.9 and 5 more");
}

TEST_F(WordsTest, ServicesAndPorts) {
  const std::vector<Protocol> tcp = {protocol::tcp};
  const std::vector<Protocol> both = {protocol::tcp, protocol::udp};
  EXPECT_EQ(ports(tcp, of({22})), "ssh");
  EXPECT_EQ(ports(tcp, of({80, 443})), "http, https");
  EXPECT_EQ(ports(tcp, of({22, 23})), "ssh, telnet");  // neighbours
  EXPECT_EQ(ports(tcp, of({8443, 9443})), "admin");    // the author's own
  EXPECT_EQ(ports(both, of({53})), "dns");
  EXPECT_EQ(ports(tcp, of({8080})), "http-alt");  // which this policy uses
  EXPECT_EQ(ports(tcp, of({8443})), "tcp/8443");  // a high port is known by its number
  EXPECT_EQ(ports(tcp, of({53})), "tcp/53");      // half of it is not it
  EXPECT_EQ(ports(both, of({4000})), "tcp/4000, udp/4000");
  EXPECT_EQ(ports(tcp, {{Port{1024}, Port{65535}}}), "tcp/1024-65535");
  EXPECT_EQ(ports(tcp, ~of({22})), "tcp except ssh");
  EXPECT_EQ(ports(tcp, PortSet::all()), "tcp");
  EXPECT_EQ(ports({protocol::esp, protocol::gre}, PortSet::all()), "gre, esp");
}

TEST_F(WordsTest, ProtocolsThatAreLeftOut) {
  ir::Match match;
  match.protocols = ~ProtocolSet::of(protocol::udp);
  EXPECT_EQ(to_text(say_service(vocabulary_, match)), "any except udp");
}

TEST_F(WordsTest, IcmpTypes) {
  ir::Match match;
  ir::restrict_families(match, {Family::ipv4});
  match.protocols = ProtocolSet::of(protocol::icmp);
  const auto type = [](unsigned number) {
    return IcmpSet{{IcmpTypeCode{static_cast<std::uint16_t>(number << 8U)},
                    IcmpTypeCode{static_cast<std::uint16_t>(number << 8U | 255U)}}};
  };
  match.icmp = type(8);
  EXPECT_EQ(to_text(say_service(vocabulary_, match)), "ping");
  match.icmp = type(8) | type(11);
  EXPECT_EQ(to_text(say_service(vocabulary_, match)), "icmp/echo-request, icmp/time-exceeded");
  match.icmp = ~type(8);
  EXPECT_EQ(to_text(say_service(vocabulary_, match)), "icmp except icmp/echo-request");
  match.icmp = IcmpSet::of(IcmpTypeCode{40 << 8U | 2});
  EXPECT_EQ(to_text(say_service(vocabulary_, match)), "icmp/40/2");
}

TEST_F(WordsTest, Interfaces) {
  using ir::InterfaceSet;
  const auto say = [&](const InterfaceSet& set) {
    return to_text(say_interfaces(vocabulary_, set, {}));
  };
  EXPECT_EQ(say(InterfaceSet::any()), "any");
  EXPECT_EQ(say(InterfaceSet::except({{"lo", false}})), "any");  // goes without saying
  EXPECT_EQ(say(InterfaceSet::of({{"eth0", false}, {"eth1", false}})), "wan");
  EXPECT_EQ(say(InterfaceSet::of({{"eth0", false}, {"wg", true}})), "vpn, eth0");
  EXPECT_EQ(say(InterfaceSet::except({{"wg", true}, {"lo", false}})), "any except vpn");
}

TEST_F(WordsTest, NamesThatTwoPoliciesUseDifferentlyAreNotUsed) {
  const Checked other(R"(
[addresses]
office = ["192.0.2.0/24"]
branch = ["198.51.100.0/25"]
[zones]
wan = { interfaces = ["ens3"] }
[services]
admin = ["tcp/8443"]
[inbound]
allow = ["ssh"]
)");
  vocabulary_.add(other.policy, Target::nftables);
  EXPECT_EQ(addresses({"203.0.113.0/24"}), "203.0.113.0/24");
  EXPECT_EQ(addresses({"branch"}), "branch");
  EXPECT_EQ(ports({protocol::tcp}, of({8443})), "tcp/8443");
  EXPECT_EQ(to_text(say_interfaces(vocabulary_, ir::InterfaceSet::of({{"ens3", false}}), {})),
            "ens3");
}

TEST(WordsWithoutPolicyTest, AreNumbers) {
  ir::Match match;
  match.protocols = ProtocolSet::of(protocol::tcp);
  match.destination_ports = PortSet::of(Port{22});
  EXPECT_EQ(to_text(say_service(Vocabulary(), match)), "tcp/22");
}

TEST(SentenceTest, SaysAllThatNarrows) {
  semantics::Box box;
  box.match.protocols = ProtocolSet::of(protocol::tcp);
  box.match.destination_ports = PortSet::of(Port{22});
  box.match.source_ports = PortSet{{Port{1}, Port{1023}}};
  box.match.states = {ir::ConntrackState::established, ir::ConntrackState::related};
  box.match.source = {.v4 = {{Ipv4{0x0A000000}, Ipv4{0x0AFFFFFF}}}, .v6 = {}};
  ir::restrict_families(box.match, FamilySet::all());
  box.match.in = ir::InterfaceSet::of({{"wg", true}});
  box.in_except = {{"wg7", false}};
  box.match.users = OwnerSet::of(OwnerId{1000});
  box.match.program = "C:\\x`y.exe";
  box.match.predicates = {{"ssh", ir::RateLimit{.packets = 10, .unit = ir::TimeUnit::minute}}};
  box.without = {{"opaque", ir::OpaqueMatch{"mark 0x1"}}};
  const std::vector<semantics::Box> boxes = {box};
  EXPECT_EQ(
      say(Vocabulary(), ir::Hook::inbound, boxes).sentence(),
      "inbound tcp/22 from 10.0.0.0/8 in wg* except wg7; source port 1-1023; established or "
      "related; user 1000; program `C:\\x'y.exe`; within the limit `ssh` (10/minute, burst 5); "
      "where `mark 0x1` does not hold");
  semantics::Box plain;
  plain.match.states = {ir::ConntrackState::fresh, ir::ConntrackState::untracked};
  const std::vector<semantics::Box> all = {plain};
  EXPECT_EQ(say(Vocabulary(), ir::Hook::inbound, all).sentence(), "inbound anything from any");
  EXPECT_EQ(say(Vocabulary(), ir::Hook::outbound, all).sentence(), "outbound anything to any");
  EXPECT_EQ(say(Vocabulary(), ir::Hook::forward, all).sentence(),
            "forward anything from any to any");
}

}  // namespace
}  // namespace firewright::analysis
