// Programs as the lowering makes them, for the tests here.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "backends/backend.h"
#include "compiler/ir/program.h"

namespace firewright::netsh::test {

inline backend::Options approximating() {
  backend::Options options;
  options.approximate = true;
  return options;
}
inline backend::Options other_rules(bool disable) {
  backend::Options options;
  options.netsh_disable_others = disable;
  return options;
}

inline ir::Rule rule(ir::OriginKind kind, ir::Match match, ir::Verdict verdict,
                     std::string label = {}) {
  return {.match = std::move(match),
          .effects = {},
          .verdict = std::move(verdict),
          .origin = {.kind = kind, .label = std::move(label), .reason = {}, .span = {}}};
}

inline ir::Rule exception(ir::Match match, ir::Verdict verdict, std::string label) {
  return rule(ir::OriginKind::exception, std::move(match), std::move(verdict), std::move(label));
}

inline Interval<IcmpTypeCode> types(unsigned first, unsigned last) {
  return {IcmpTypeCode{static_cast<std::uint16_t>(first << 8U)},
          IcmpTypeCode{static_cast<std::uint16_t>(last << 8U | 255U)}};
}

inline ir::Match icmp(Family family, IcmpSet set = IcmpSet::all()) {
  ir::Match match;
  match.protocols = ProtocolSet::of(family == Family::ipv4 ? protocol::icmp : protocol::icmpv6);
  match.icmp = std::move(set);
  ir::restrict_families(match, {family});
  return match;
}

inline ir::Match tcp(std::vector<Interval<Port>> ports) {
  ir::Match match;
  match.protocols = ProtocolSet::of(protocol::tcp);
  match.destination_ports = PortSet(std::move(ports));
  return match;
}
inline ir::Match tcp(std::uint16_t port) { return tcp({{Port{port}, Port{port}}}); }
inline ir::Match udp(std::uint16_t port) {
  ir::Match match = tcp(port);
  match.protocols = ProtocolSet::of(protocol::udp);
  return match;
}

// One item, of the family it belongs to.
inline AddressSet address(std::string_view item) {
  AddressSet set;
  const auto parsed = parse_address_item(item);
  if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed.value)) set.v4 = Ipv4Set{*v4};
  if (const auto* v6 = std::get_if<Interval<Ipv6>>(&parsed.value)) set.v6 = Ipv6Set{*v6};
  return set;
}
inline AddressSet addresses(const std::vector<std::string>& items) {
  AddressSet set;
  for (const auto& item : items) set = set | address(item);
  return set;
}

inline ir::Match from(ir::Match match, AddressSet set) {
  match.source = std::move(set);
  ir::restrict_families(match, match.families);
  return match;
}
inline ir::Match to(ir::Match match, AddressSet set) {
  match.destination = std::move(set);
  ir::restrict_families(match, match.families);
  return match;
}

inline std::vector<ir::Rule> baseline(ir::Hook hook) {
  using ir::ConntrackState;
  using ir::OriginKind;
  std::vector<ir::Rule> rules;
  const auto lo = ir::InterfaceSet::of({{.name = "lo", .wildcard = false}});
  if (hook != ir::Hook::forward) {
    ir::Match loopback;
    (hook == ir::Hook::inbound ? loopback.in : loopback.out) = lo;
    rules.push_back(rule(OriginKind::loopback, loopback, ir::Verdict::accept()));
  }
  ir::Match replies;
  replies.states = {ConntrackState::established, ConntrackState::related};
  rules.push_back(rule(OriginKind::established, replies, ir::Verdict::accept()));
  rules.push_back(rule(OriginKind::icmp_errors,
                       icmp(Family::ipv4, IcmpSet{types(3, 3), types(11, 12)}),
                       ir::Verdict::accept()));
  rules.push_back(rule(OriginKind::icmp_errors, icmp(Family::ipv6, IcmpSet{types(1, 4)}),
                       ir::Verdict::accept()));
  if (hook != ir::Hook::forward)
    rules.push_back(rule(OriginKind::neighbour_discovery,
                         icmp(Family::ipv6, IcmpSet{types(130, 136), types(143, 143)}),
                         ir::Verdict::accept()));
  if (hook != ir::Hook::outbound) {
    ir::Match invalid;
    invalid.states = {ConntrackState::invalid};
    rules.push_back(rule(OriginKind::drop_invalid, invalid, ir::Verdict::drop()));
  }
  return rules;
}

// Baseline, the exceptions as they are given, and the default.
inline ir::Chain chain(ir::Hook hook, const std::vector<ir::Rule>& exceptions, bool accepts) {
  ir::Chain result;
  result.name = std::string(ir::to_string(hook));
  result.hook = hook;
  result.policy = accepts ? ir::VerdictKind::accept : ir::VerdictKind::drop;
  if (!accepts || !exceptions.empty()) result.rules = baseline(hook);
  result.rules.insert(result.rules.end(), exceptions.begin(), exceptions.end());
  result.rules.push_back(rule(ir::OriginKind::default_verdict, {},
                              accepts ? ir::Verdict::accept() : ir::Verdict::drop()));
  return result;
}

// Denies the rest of inbound, lets everything out, forwards nothing.
inline ir::Program server(const std::vector<ir::Rule>& inbound,
                          const std::vector<ir::Rule>& outbound = {},
                          bool outbound_accepts = true) {
  return {.chains = {chain(ir::Hook::inbound, inbound, false),
                     chain(ir::Hook::outbound, outbound, outbound_accepts),
                     chain(ir::Hook::forward, {}, false)}};
}

}  // namespace firewright::netsh::test
