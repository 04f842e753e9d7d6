// Random flat programs over few values, and all packets that can tell two of them apart: an oracle
// for what is worked out by diagrams.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "compiler/ir/evaluate.h"
#include "compiler/ir/program.h"

namespace firewright::analysis {

class SmallPrograms {
 public:
  explicit SmallPrograms(unsigned seed) : engine_(seed) {}

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

  // Exceptions of one or two rules each, as the lowering makes them, between a baseline rule and a
  // default.
  ir::Program program() {
    ir::Chain chain;
    chain.name = "inbound";
    chain.hook = ir::Hook::inbound;
    chain.policy = ir::VerdictKind::drop;
    if (one_in(2)) {
      ir::Rule established;
      established.match.states = {ir::ConntrackState::established};
      established.verdict = ir::Verdict::accept();
      established.origin.kind = ir::OriginKind::established;
      chain.rules.push_back(established);
    }
    for (std::uint32_t e = 0, count = 2 + below(5); e < count; ++e) exception(chain, e);
    if (one_in(2)) {
      ir::Rule log;
      log.effects.log = "denied";
      log.verdict = ir::Verdict::next();
      log.origin.kind = ir::OriginKind::default_log;
      chain.rules.push_back(log);
    }
    ir::Rule last;
    last.verdict = one_in(4) ? ir::Verdict::accept() : ir::Verdict::drop();
    last.origin.kind = ir::OriginKind::default_verdict;
    chain.rules.push_back(last);
    return {.chains = {chain}};
  }

  ir::Match match() {
    ir::Match match;
    if (one_in(3)) match.source.v4 = addresses();
    if (one_in(5)) match.source.v6 = {};
    if (one_in(5)) match.states = {ir::ConntrackState::fresh};
    if (one_in(4)) match.in = ir::InterfaceSet::of({{.name = "eth0", .wildcard = false}});
    ir::restrict_families(match, FamilySet::all());
    if (one_in(2)) {
      match.protocols = ProtocolSet::of(protocol::tcp);
      const auto low = below(4);
      match.destination_ports = PortSet{{port(low), port(low + below(4 - low))}};
    }
    return match;
  }

 private:
  void exception(ir::Chain& chain, std::uint32_t number) {
    ir::Rule rule;
    rule.origin = {.kind = ir::OriginKind::exception,
                   .label = "e" + std::to_string(number),
                   .reason = {},
                   .span = {.file = FileId{0}, .begin = number, .end = number + 1}};
    const auto verdict = below(5);
    rule.verdict = verdict < 3    ? ir::Verdict::accept()
                   : verdict == 3 ? ir::Verdict::drop()
                                  : ir::Verdict::rejected(ir::RejectKind::tcp_reset);
    if (one_in(4)) rule.effects.log = "l" + std::to_string(below(2));
    if (one_in(6)) rule.effects.count = "c" + std::to_string(number);
    for (auto n = 1 + below(2); n > 0; --n) {
      rule.match = match();
      if (one_in(5))
        rule.match.predicates.push_back(
            {"p" + std::to_string(below(2)), ir::OpaqueMatch{.text = "x"}});
      if (!rule.effects.empty() && one_in(2)) {
        auto effects = rule;
        effects.verdict = ir::Verdict::next();
        chain.rules.push_back(effects);
      }
      chain.rules.push_back(rule);
    }
  }

  Ipv4Set addresses() {
    const auto low = below(4);
    return Ipv4Set{{address(low), address(low + below(4 - low))}};
  }

 public:
  static Ipv4 address(std::uint32_t n) { return Ipv4{0xC0000200U + n}; }
  static Port port(std::uint32_t n) { return Port{static_cast<std::uint16_t>(20 + n)}; }

 private:
  std::mt19937 engine_;
};

// A packet of every kind that a SmallPrograms can tell apart.
inline std::vector<ir::Packet> all_small_packets() {
  std::vector<ir::Packet> packets;
  for (const auto* in : {"eth0", "eth1"})
    for (const auto state :
         {ir::ConntrackState::fresh, ir::ConntrackState::established, ir::ConntrackState::related})
      for (std::uint32_t source = 0; source <= 5; ++source)
        for (std::uint32_t port = 0; port <= 5; ++port) {
          ir::Packet packet;
          packet.in = in;
          packet.state = state;
          if (source < 5) {
            packet.source = SmallPrograms::address(source);
            packet.destination = Ipv4{0xC633640A};
          } else {
            packet.source = Ipv6{1};
            packet.destination = Ipv6{2};
          }
          packet.protocol = port < 5 ? protocol::tcp : protocol::udp;
          packet.destination_port = SmallPrograms::port(port);
          packets.push_back(packet);
        }
  return packets;
}

inline ir::PredicateValue predicates(std::uint32_t bits) {
  return [bits](const ir::Predicate& p) {
    return (bits >> static_cast<unsigned>(p.instance[1] - '0') & 1U) != 0;
  };
}

// Verdict and effects in words.
inline std::vector<std::string> outcome(const ir::Program& program, const ir::Packet& packet,
                                        const ir::PredicateValue& holds) {
  const auto decision = ir::evaluate(program, packet, holds);
  if (!decision) return {"nothing"};
  std::vector<std::string> words;
  for (const auto* rule : decision->effects) {
    if (rule->effects.log) words.push_back("log " + *rule->effects.log);
    if (rule->effects.count) words.push_back("count " + *rule->effects.count);
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  words.push_back(to_string(decision->verdict));
  return words;
}

}  // namespace firewright::analysis
