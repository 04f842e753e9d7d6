#include "backends/netsh/spell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/netsh/check.h"
#include "tests/backends/netsh/programs.h"

namespace firewright::netsh {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The lines without what is the same in all of them.
std::vector<std::string> spelled(const ir::Match& match, ir::Hook hook = ir::Hook::inbound,
                                 Action action = Action::allow) {
  const std::string head = "advfirewall firewall add rule name=N dir=";
  std::vector<std::string> result;
  for (const auto& line :
       add_rule_lines(match, {.hook = hook, .action = action, .name = "N", .description = ""}))
    result.push_back(line.starts_with(head) ? line.substr(head.size()) : "??? " + line);
  return result;
}

TEST(Spell, OneProductIsOneLine) {
  EXPECT_THAT(spelled({}), ElementsAre("in action=allow protocol=any profile=any"));
  EXPECT_THAT(spelled(tcp(22)),
              ElementsAre("in action=allow protocol=tcp localport=22 profile=any"));
  EXPECT_THAT(spelled(tcp({{Port{80}, Port{80}}, {Port{5000}, Port{5010}}})),
              ElementsAre("in action=allow protocol=tcp localport=80,5000-5010 profile=any"));
  EXPECT_THAT(spelled(from(tcp(22), addresses({"192.0.2.0/24", "198.51.100.1-198.51.100.9"}))),
              ElementsAre("in action=allow protocol=tcp remoteip=192.0.2.0/24,"
                          "198.51.100.1-198.51.100.9 localport=22 profile=any"));
}

TEST(Spell, SidesTurnRoundWithTheDirection) {
  auto match = to(from(tcp(443), address("192.0.2.1")), address("198.51.100.0/24"));
  match.source_ports = PortSet{{Port{1024}, Port{65535}}};
  EXPECT_THAT(spelled(match),
              ElementsAre("in action=allow protocol=tcp localip=198.51.100.0/24 remoteip=192.0.2.1 "
                          "localport=443 remoteport=1024-65535 profile=any"));
  EXPECT_THAT(
      spelled(match, ir::Hook::outbound, Action::block),
      ElementsAre("out action=block protocol=tcp localip=192.0.2.1 remoteip=198.51.100.0/24 "
                  "localport=1024-65535 remoteport=443 profile=any"));
}

TEST(Spell, FamiliesStandApart) {
  EXPECT_THAT(
      spelled(from(tcp(22), addresses({"192.0.2.1", "2001:db8::/32"}))),
      ElementsAre("in action=allow protocol=tcp remoteip=192.0.2.1 localport=22 profile=any",
                  "in action=allow protocol=tcp remoteip=2001:db8::/32 localport=22 "
                  "profile=any"));
}

TEST(Spell, AProtocolEach) {
  ir::Match match = tcp(53);
  match.protocols = ProtocolSet{{protocol::tcp, protocol::tcp}, {protocol::udp, protocol::udp}};
  EXPECT_THAT(spelled(match), ElementsAre("in action=allow protocol=tcp localport=53 profile=any",
                                          "in action=allow protocol=udp localport=53 profile=any"));
  ir::Match numbers;
  numbers.protocols = ProtocolSet{{protocol::esp, protocol::ah}};
  EXPECT_THAT(spelled(numbers), ElementsAre("in action=allow protocol=50 profile=any",
                                            "in action=allow protocol=51 profile=any"));
}

TEST(Spell, AnIcmpTypeEach) {
  EXPECT_THAT(spelled(icmp(Family::ipv4)),
              ElementsAre("in action=allow protocol=icmpv4 profile=any"));
  EXPECT_THAT(spelled(icmp(Family::ipv6, IcmpSet{types(128, 129)})),
              ElementsAre("in action=allow protocol=icmpv6:128,any profile=any",
                          "in action=allow protocol=icmpv6:129,any profile=any"));
  // Type 3, codes 4 and 5; then all of type 4, and code 0 of type 5.
  const IcmpSet mixed{{IcmpTypeCode{0x0304}, IcmpTypeCode{0x0305}},
                      {IcmpTypeCode{0x0400}, IcmpTypeCode{0x0500}}};
  EXPECT_THAT(spelled(icmp(Family::ipv4, mixed)),
              ElementsAre("in action=allow protocol=icmpv4:3,4 profile=any",
                          "in action=allow protocol=icmpv4:3,5 profile=any",
                          "in action=allow protocol=icmpv4:4,any profile=any",
                          "in action=allow protocol=icmpv4:5,0 profile=any"));
}

TEST(Spell, ProfilesProgramsServices) {
  ir::Match match = tcp(80);
  match.profiles = {ir::Profile::private_, ir::Profile::domain};
  match.program = "C:\\Program Files\\Example\\server.exe";
  match.windows_service = "W3SVC";
  EXPECT_THAT(spelled(match),
              ElementsAre("in action=allow protocol=tcp localport=80 profile=domain,private "
                          "program=\"C:\\Program Files\\Example\\server.exe\" service=W3SVC"));
}

TEST(Spell, LoopbackIsExempt) {
  EXPECT_THAT(
      spelled(from(tcp(22), addresses({"127.0.0.0/8", "192.0.2.1"}))),
      ElementsAre("in action=allow protocol=tcp remoteip=192.0.2.1 localport=22 profile=any"));
  EXPECT_THAT(spelled(from(tcp(22), address("::1"))), IsEmpty());
  EXPECT_THAT(spelled(from(tcp(22), address("100.0.0.0-130.0.0.0"))),
              ElementsAre("in action=allow protocol=tcp remoteip=100.0.0.0-126.255.255.255,"
                          "128.0.0.0-130.0.0.0 localport=22 profile=any"));
  auto all_but_loopback = AddressSet::all() - addresses({"127.0.0.0/8", "::1"});
  EXPECT_THAT(spelled(from(tcp(22), all_but_loopback)),
              ElementsAre("in action=allow protocol=tcp localport=22 profile=any"));
}

// Every second address of a network, so that nothing merges.
AddressSet scattered(std::size_t count, std::string_view first) {
  AddressSet set = address(first);
  std::vector<Interval<Ipv4>> v4;
  std::vector<Interval<Ipv6>> v6;
  for (std::size_t i = 0; i < count; ++i) {
    const auto step = static_cast<std::uint32_t>(2 * i);
    if (set.v6.empty()) {
      const Ipv4 a{set.v4.intervals()[0].first.value + step};
      v4.push_back({a, a});
    } else {
      const Ipv6 a{set.v6.intervals()[0].first.value + step};
      v6.push_back({a, a});
    }
  }
  return {.v4 = Ipv4Set(v4), .v6 = Ipv6Set(v6)};
}

std::size_t count_addresses(const std::vector<std::string>& lines, std::string_view tag) {
  std::set<std::string> seen;
  for (const auto& line : lines) {
    const auto begin = line.find(" " + std::string(tag) + "=") + tag.size() + 2;
    std::string list = line.substr(begin, line.find(' ', begin) - begin) + ",";
    for (std::size_t at = 0; at < list.size();) {
      const auto comma = list.find(',', at);
      seen.insert(list.substr(at, comma - at));
      at = comma + 1;
    }
  }
  return seen.size();
}

TEST(Spell, LongListsBecomeSeveralLines) {
  for (const auto* first : {"198.51.100.0", "2001:db8:1111:2222:3333:4444:5555:6666"}) {
    const auto lines = add_rule_lines(from(tcp(22), scattered(1001, first)),
                                      {.hook = ir::Hook::inbound,
                                       .action = Action::allow,
                                       .name = "firewright-0123456789abcdef",
                                       .description = "in-7 " + std::string(150, 'x')});
    EXPECT_GT(lines.size(), 10U);
    EXPECT_EQ(count_addresses(lines, "remoteip"), 1001U);
    for (const auto& line : lines) {
      EXPECT_LE(line.size(), longest_line);
      EXPECT_THAT(check_script(line + "\r\n", ScriptMode::file), IsEmpty());
    }
  }
}

TEST(Spell, BothListsLongIsEveryCombination) {
  const auto lines = add_rule_lines(
      to(from(tcp(22), scattered(100, "198.51.100.0")), scattered(100, "203.0.113.0")),
      {.hook = ir::Hook::inbound, .action = Action::allow, .name = "N", .description = ""});
  // Each pair of addresses stands in exactly one line.
  std::size_t pairs = 0;
  for (const auto& line : lines) {
    EXPECT_LE(line.size(), longest_line);
    pairs += count_addresses({line}, "remoteip") * count_addresses({line}, "localip");
  }
  EXPECT_EQ(pairs, 10000U);
}

TEST(Spell, LongPortLists) {
  std::vector<Interval<Port>> ports;
  for (unsigned port = 1; port < 3000; port += 2)
    ports.push_back(
        {Port{static_cast<std::uint16_t>(port)}, Port{static_cast<std::uint16_t>(port)}});
  const auto lines = add_rule_lines(tcp(ports), {.hook = ir::Hook::inbound,
                                                 .action = Action::allow,
                                                 .name = "firewright-0123456789abcdef",
                                                 .description = "in-7 ports"});
  EXPECT_EQ(count_addresses(lines, "localport"), 1500U);
  for (const auto& line : lines)
    EXPECT_THAT(check_script(line + "\r\n", ScriptMode::file), IsEmpty());
}

TEST(Spell, WhatCannotBeSpelled) {
  EXPECT_THAT(unspeakable({}), IsEmpty());
  ir::Match v4 = tcp(22);
  ir::restrict_families(v4, {Family::ipv4});
  EXPECT_THAT(unspeakable(v4), ElementsAre(Unspeakable::one_family_without_addresses));
  EXPECT_THAT(unspeakable(from(v4, address("192.0.2.0/24"))), IsEmpty());
  EXPECT_THAT(unspeakable(icmp(Family::ipv6)), IsEmpty());
  EXPECT_THAT(
      unspeakable(from(tcp(22), AddressSet::all() - address("192.0.2.0/24"))),
      ElementsAre(Unspeakable::unspecified_address, Unspeakable::one_family_without_addresses));
  ir::Match sctp = tcp(22);
  sctp.protocols = ProtocolSet::of(protocol::sctp);
  EXPECT_THAT(unspeakable(sctp), ElementsAre(Unspeakable::ports_without_tcp_or_udp));
  EXPECT_THAT(unspeakable(tcp({{Port{0}, Port{22}}})), ElementsAre(Unspeakable::port_zero));
  ir::Match icmp_everywhere;
  icmp_everywhere.protocols = ProtocolSet::of(protocol::icmp);
  EXPECT_THAT(unspeakable(icmp_everywhere), ElementsAre(Unspeakable::protocol_in_other_family));
}

TEST(Spell, ProgramsAndServices) {
  for (const char* program : {"C:\\a.exe", "System", "%SystemRoot%\\System32\\svchost.exe"}) {
    ir::Match match;
    match.program = program;
    EXPECT_THAT(unspeakable(match), IsEmpty()) << program;
  }
  for (const std::string& program :
       {std::string("server.exe"), std::string("C:/a.exe"), std::string("C:\\a\" action=allow"),
        std::string("C:\\a|b"), std::string("C:\\dir\\"), std::string("C:\\caf\xc3\xa9.exe"),
        std::string("C:\\a\nb"), "C:\\" + std::string(257, 'a'), std::string(" C:\\a.exe")}) {
    ir::Match match;
    match.program = program;
    EXPECT_THAT(unspeakable(match), ElementsAre(Unspeakable::program)) << program;
  }
  for (const std::string& service :
       {std::string("any"), std::string("ANY"), std::string("a|b"), std::string("a\"b"),
        std::string("a\\b"), std::string("*"), std::string("\xc3\xa9"), std::string(260, 'a')}) {
    ir::Match match;
    match.windows_service = service;
    EXPECT_THAT(unspeakable(match), ElementsAre(Unspeakable::windows_service)) << service;
  }
}

TEST(Spell, HarmlessText) {
  EXPECT_EQ(harmless("plain text", 100), "plain text");
  EXPECT_EQ(harmless("\"quoted\"", 100), "'quoted'");
  EXPECT_EQ(harmless("100% | a & b > c < d ^ e!", 100), "100_ _ a _ b _ c _ d _ e_");
  EXPECT_EQ(harmless("two\r\nlines\ttab", 100), "two__lines_tab");
  EXPECT_EQ(harmless("caf\xc3\xa9 \xe2\x82\xac", 100), "caf_ _");
  EXPECT_EQ(harmless("C:\\dir\\", 100), "C:/dir/");
  EXPECT_EQ(harmless("abcdef", 3), "abc");
}

}  // namespace
}  // namespace firewright::netsh
