// Random programs and packets over few values, so that they meet.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "compiler/ir/evaluate.h"
#include "compiler/ir/program.h"

namespace firewright::semantics {

class RandomPrograms {
 public:
  explicit RandomPrograms(unsigned seed) : engine_(seed) {}

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

  ir::Program program() {
    ir::Program program;
    program.chains.push_back({.name = "inbound",
                              .hook = ir::Hook::inbound,
                              .policy = one_in(2) ? ir::VerdictKind::drop : ir::VerdictKind::accept,
                              .rules = rules({"a", "b"})});
    program.chains.push_back({.name = "a", .hook = {}, .policy = {}, .rules = rules({"b"})});
    program.chains.push_back({.name = "b", .hook = {}, .policy = {}, .rules = rules({})});
    if (one_in(3))  // a second base chain on the hook, behind the first
      program.chains.push_back({.name = "later",
                                .hook = ir::Hook::inbound,
                                .policy = ir::VerdictKind::accept,
                                .rules = rules({"a"})});
    return program;
  }

  ir::Packet packet() {
    ir::Packet packet;
    static const char* const names[] = {"eth0", "eth1", "wg0", "wg7", "wlan0", "lo"};
    packet.in = names[below(6)];
    packet.state = static_cast<ir::ConntrackState>(below(5));
    static constexpr Protocol protocols[] = {protocol::tcp, protocol::udp, protocol::icmp,
                                             protocol::icmpv6, protocol::esp};
    packet.protocol = protocols[below(5)];
    if (one_in(2)) {
      packet.source = Ipv4{0xC0000200U + below(8)};
      packet.destination = Ipv4{0xC6336400U + below(4)};
    } else {
      packet.source = Ipv6{(u128{0x20010db8} << 96U) + below(8)};
      packet.destination = Ipv6{(u128{0x20010db8} << 96U) + below(4)};
    }
    packet.source_port = Port{static_cast<std::uint16_t>(below(6))};
    packet.destination_port = Port{static_cast<std::uint16_t>(below(12))};
    packet.icmp = IcmpTypeCode{static_cast<std::uint16_t>(below(6) << 7U)};
    if (one_in(3)) packet.user = OwnerId{below(4)};
    if (one_in(3)) packet.group = OwnerId{below(4)};
    packet.profile = static_cast<ir::Profile>(below(3));
    static const char* const texts[] = {"", "a.exe", "b.exe", "other.exe"};
    packet.program = texts[below(4)];
    packet.windows_service = texts[below(4)];
    return packet;
  }

 private:
  template <class T>
  IntervalSet<T> set(u128 base, std::uint32_t span) {
    std::vector<Interval<T>> list;
    for (auto n = 1 + below(2); n > 0; --n) {
      const auto low = below(span);
      const auto high = low + below(span - low);
      list.push_back({T{static_cast<decltype(T{}.value)>(base + low)},
                      T{static_cast<decltype(T{}.value)>(base + high)}});
    }
    return IntervalSet<T>(std::move(list));
  }

  ir::Match match() {
    ir::Match match;
    if (one_in(3))
      match.in = one_in(2) ? ir::InterfaceSet::of({{"wg", true}, {"eth0", false}})
                           : ir::InterfaceSet::except({{"eth", true}, {"wg7", false}});
    if (one_in(4))
      match.states = {static_cast<ir::ConntrackState>(below(5)),
                      static_cast<ir::ConntrackState>(below(5))};
    if (one_in(3)) match.source.v4 = set<Ipv4>(0xC0000200U, 8);
    if (one_in(3)) match.destination.v4 = set<Ipv4>(0xC6336400U, 4);
    if (one_in(4)) match.source.v6 = {};
    if (one_in(4)) match.source.v4 = {};
    if (one_in(4)) match.destination.v6 = set<Ipv6>(u128{0x20010db8} << 96U, 4);
    if (one_in(5)) match.users = set<OwnerId>(0, 4);
    if (one_in(10)) match.groups = set<OwnerId>(0, 4);
    if (one_in(10)) match.profiles = {static_cast<ir::Profile>(below(3))};
    if (one_in(10)) match.program = one_in(2) ? "a.exe" : "b.exe";
    if (one_in(10)) match.windows_service = one_in(2) ? "a.exe" : "b.exe";
    if (one_in(6))
      match.predicates.push_back({"p" + std::to_string(below(3)), ir::OpaqueMatch{"x"}});
    ir::restrict_families(match, FamilySet::all());
    switch (below(5)) {
      case 0:
        match.protocols = ProtocolSet::of(protocol::tcp);
        match.destination_ports = set<Port>(0, 12);
        break;
      case 1:
        match.protocols =
            ProtocolSet{{protocol::tcp, protocol::tcp}, {protocol::udp, protocol::udp}};
        match.source_ports = set<Port>(0, 6);
        match.destination_ports = set<Port>(0, 12);
        break;
      case 2: {
        const auto family = one_in(2) ? Family::ipv4 : Family::ipv6;
        if (!match.families.contains(family)) break;
        ir::restrict_families(match, {family});
        match.protocols =
            ProtocolSet::of(family == Family::ipv4 ? protocol::icmp : protocol::icmpv6);
        match.icmp = set<IcmpTypeCode>(0, 700);
        break;
      }
      case 3: match.protocols = ~ProtocolSet::of(protocol::udp); break;
      default: break;
    }
    return match;
  }

  std::vector<ir::Rule> rules(const std::vector<std::string>& chains) {
    std::vector<ir::Rule> rules;
    for (auto n = 1 + below(7); n > 0; --n) {
      ir::Rule rule;
      rule.match = match();
      if (rule.match.families.empty()) continue;
      if (one_in(5)) rule.effects.log = "l" + std::to_string(below(3));
      if (one_in(5)) rule.effects.count = "c" + std::to_string(below(3));
      switch (below(8)) {
        case 0:
        case 1: rule.verdict = ir::Verdict::accept(); break;
        case 2: rule.verdict = ir::Verdict::drop(); break;
        case 3:
          rule.verdict = ir::Verdict::rejected(one_in(2) ? ir::RejectKind::tcp_reset
                                                         : ir::RejectKind::port_unreachable);
          break;
        case 4: rule.verdict.kind = ir::VerdictKind::return_; break;
        case 5: rule.verdict = ir::Verdict::next(); break;
        default:
          if (chains.empty()) break;
          rule.verdict.kind = one_in(2) ? ir::VerdictKind::jump : ir::VerdictKind::go_to;
          rule.verdict.chain = chains[below(static_cast<std::uint32_t>(chains.size()))];
      }
      rules.push_back(std::move(rule));
    }
    return rules;
  }

  std::mt19937 engine_;
};

}  // namespace firewright::semantics
