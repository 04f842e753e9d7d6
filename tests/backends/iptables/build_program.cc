#include "tests/backends/iptables/build_program.h"

#include <gtest/gtest.h>

#include <variant>

namespace firewright::iptables::test {
namespace {

AddressSet addresses(const std::vector<std::string>& items) {
  AddressSet set;
  for (const auto& item : items) {
    const auto parsed = parse_address_item(item).value;
    if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed))
      set.v4 = set.v4 | Ipv4Set{*v4};
    else if (const auto* v6 = std::get_if<Interval<Ipv6>>(&parsed))
      set.v6 = set.v6 | Ipv6Set{*v6};
    else
      ADD_FAILURE() << "not an address: " << item;
  }
  return set;
}

std::vector<ir::InterfacePattern> patterns(const std::vector<std::string>& names) {
  std::vector<ir::InterfacePattern> list;
  for (const auto& name : names) {
    const bool wildcard = name.ends_with('*');
    list.push_back(
        {.name = wildcard ? name.substr(0, name.size() - 1) : name, .wildcard = wildcard});
  }
  return list;
}

}  // namespace

Interval<Ipv4> v4(const std::string& text) {
  return std::get<Interval<Ipv4>>(parse_address_item(text).value);
}

Interval<Ipv6> v6(const std::string& text) {
  return std::get<Interval<Ipv6>>(parse_address_item(text).value);
}

PortSet port_ranges(std::vector<std::pair<unsigned, unsigned>> ranges) {
  std::vector<Interval<Port>> list;
  for (const auto& [first, last] : ranges)
    list.push_back(
        {Port{static_cast<std::uint16_t>(first)}, Port{static_cast<std::uint16_t>(last)}});
  return PortSet(std::move(list));
}

PortSet ports(std::vector<unsigned> single) {
  std::vector<std::pair<unsigned, unsigned>> ranges;
  for (const auto port : single) ranges.emplace_back(port, port);
  return port_ranges(std::move(ranges));
}

IcmpSet icmp_types(std::vector<unsigned> types) {
  std::vector<Interval<IcmpTypeCode>> list;
  for (const auto type : types)
    list.push_back({IcmpTypeCode{static_cast<std::uint16_t>(type << 8U)},
                    IcmpTypeCode{static_cast<std::uint16_t>(type << 8U | 0xffU)}});
  return IcmpSet(std::move(list));
}

ir::InterfaceSet interfaces(std::vector<std::string> names) {
  return ir::InterfaceSet::of(patterns(names));
}

ir::InterfaceSet interfaces_except(std::vector<std::string> names) {
  return ir::InterfaceSet::except(patterns(names));
}

ir::Predicate rate(std::string instance, unsigned packets, ir::TimeUnit unit, unsigned burst,
                   bool per_source) {
  return {.instance = std::move(instance),
          .test = ir::RateLimit{
              .packets = packets, .unit = unit, .burst = burst, .per_source = per_source}};
}

ir::Predicate connections(std::string instance, unsigned count, bool per_source) {
  return {.instance = std::move(instance),
          .test = ir::ConnectionLimit{.connections = count, .per_source = per_source}};
}

Exception::Exception(std::string label, ir::Verdict verdict) {
  rule_.verdict = std::move(verdict);
  rule_.origin = {.kind = ir::OriginKind::exception,
                  .label = std::move(label),
                  .reason = {},
                  .span = {.file = FileId{0}, .begin = 1, .end = 2}};
}

Exception& Exception::tcp(std::vector<unsigned> destination) {
  return protocol(protocol::tcp).destination_ports(ports(std::move(destination)));
}
Exception& Exception::udp(std::vector<unsigned> destination) {
  return protocol(protocol::udp).destination_ports(ports(std::move(destination)));
}
Exception& Exception::protocol(Protocol of) { return protocols(ProtocolSet::of(of)); }
Exception& Exception::protocols(ProtocolSet set) {
  rule_.match.protocols = std::move(set);
  return *this;
}
Exception& Exception::destination_ports(PortSet set) {
  rule_.match.destination_ports = std::move(set);
  return *this;
}
Exception& Exception::source_ports(PortSet set) {
  rule_.match.source_ports = std::move(set);
  return *this;
}
Exception& Exception::icmp(Family of, IcmpSet set) {
  family(of);
  protocol(of == Family::ipv4 ? protocol::icmp : protocol::icmpv6);
  rule_.match.icmp = std::move(set);
  return *this;
}
Exception& Exception::family(Family of) {
  ir::restrict_families(rule_.match, {of});
  return *this;
}
Exception& Exception::from(const std::vector<std::string>& items) {
  const auto set = addresses(items);
  rule_.match.source = set;
  ir::restrict_families(rule_.match, set.families());
  return *this;
}
Exception& Exception::to(const std::vector<std::string>& items) {
  const auto set = addresses(items);
  rule_.match.destination = set;
  ir::restrict_families(rule_.match, set.families());
  return *this;
}
Exception& Exception::in(ir::InterfaceSet set) {
  rule_.match.in = std::move(set);
  return *this;
}
Exception& Exception::out(ir::InterfaceSet set) {
  rule_.match.out = std::move(set);
  return *this;
}
Exception& Exception::states(ir::StateSet set) {
  rule_.match.states = set;
  return *this;
}
Exception& Exception::user(unsigned first, unsigned last) {
  rule_.match.users = OwnerSet{{OwnerId{first}, OwnerId{last}}};
  return *this;
}
Exception& Exception::group(unsigned first, unsigned last) {
  rule_.match.groups = OwnerSet{{OwnerId{first}, OwnerId{last}}};
  return *this;
}
Exception& Exception::log(std::string prefix) {
  rule_.effects.log = std::move(prefix);
  return *this;
}
Exception& Exception::count(std::string name) {
  rule_.effects.count = std::move(name);
  return *this;
}
Exception& Exception::limit(ir::Predicate predicate) {
  rule_.match.states = {ir::ConntrackState::fresh};
  rule_.match.predicates.push_back(std::move(predicate));
  return *this;
}
Exception& Exception::at(Span span) {
  rule_.origin.span = span;
  return *this;
}

Exception allow(std::string label) { return {std::move(label), ir::Verdict::accept()}; }
Exception deny(std::string label) { return {std::move(label), ir::Verdict::drop()}; }
Exception reject(std::string label, ir::RejectKind kind) {
  return {std::move(label), ir::Verdict::rejected(kind)};
}

ir::Rule default_rule(ir::Verdict verdict) {
  ir::Rule rule;
  rule.verdict = std::move(verdict);
  rule.origin.kind = ir::OriginKind::default_verdict;
  return rule;
}

ir::Chain chain(ir::Hook hook, ir::VerdictKind policy, std::vector<ir::Rule> rules) {
  return {.name = std::string(to_string(hook)),
          .hook = hook,
          .policy = policy,
          .rules = std::move(rules)};
}

ir::Program inbound(std::vector<ir::Rule> rules) {
  rules.push_back(default_rule(ir::Verdict::drop()));
  return {
      .chains = {
          chain(ir::Hook::inbound, ir::VerdictKind::drop, std::move(rules)),
          chain(ir::Hook::outbound, ir::VerdictKind::accept, {default_rule(ir::Verdict::accept())}),
          chain(ir::Hook::forward, ir::VerdictKind::drop, {default_rule(ir::Verdict::drop())})}};
}

ir::Program outbound(std::vector<ir::Rule> rules) {
  rules.push_back(default_rule(ir::Verdict::accept()));
  return {
      .chains = {
          chain(ir::Hook::inbound, ir::VerdictKind::drop, {default_rule(ir::Verdict::drop())}),
          chain(ir::Hook::outbound, ir::VerdictKind::accept, std::move(rules)),
          chain(ir::Hook::forward, ir::VerdictKind::drop, {default_rule(ir::Verdict::drop())})}};
}

}  // namespace firewright::iptables::test
