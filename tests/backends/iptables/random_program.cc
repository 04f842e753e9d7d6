#include "tests/backends/iptables/random_program.h"

#include <string>
#include <vector>

#include "tests/backends/iptables/build_program.h"

namespace firewright::iptables::test {
namespace {

const std::vector<std::string> interface_names{"lo", "eth0", "eth1", "wg0", "wg1", "w"};

bool chance(Random& random, unsigned percent) { return below(random, 100) < percent; }

ir::InterfaceSet random_interfaces(Random& random) {
  const std::vector<std::string> patterns{"lo", "eth0", "eth1", "eth*", "wg*", "wg0", "w"};
  std::vector<std::string> chosen;
  for (unsigned i = 0; i <= below(random, 3); ++i)
    chosen.push_back(patterns[below(random, static_cast<unsigned>(patterns.size()))]);
  return chance(random, 40) ? interfaces_except(chosen) : interfaces(chosen);
}

// Values near the ends and at a few places in between, so that sets and packets meet.
unsigned port_value(Random& random) {
  switch (below(random, 4)) {
    case 0: return below(random, 3);
    case 1: return 65535 - below(random, 3);
    default: return 20 + below(random, 70);
  }
}

PortSet random_ports(Random& random) {
  std::vector<std::pair<unsigned, unsigned>> ranges;
  const auto count = 1 + below(random, chance(random, 20) ? 40 : 3);
  for (unsigned i = 0; i < count; ++i) {
    const auto first = port_value(random);
    ranges.emplace_back(first,
                        std::min(65535U, first + (chance(random, 60) ? 0 : below(random, 9))));
  }
  const auto set = port_ranges(std::move(ranges));
  return chance(random, 15) ? ~set : set;
}

std::uint32_t v4_value(Random& random) {
  switch (below(random, 6)) {
    case 0: return below(random, 2);
    case 1: return 0xffffffffU - below(random, 2);
    default: return 0xc0000200U + below(random, 80);
  }
}

u128 v6_value(Random& random) {
  const u128 site = static_cast<u128>(0x20010db800000000ULL) << 64U;
  switch (below(random, 6)) {
    case 0: return below(random, 2);
    case 1: return ~static_cast<u128>(0) - below(random, 2);
    case 2: return site + (static_cast<u128>(below(random, 4)) << 64U);
    default: return site + below(random, 80);
  }
}

template <class A, class Value>
IntervalSet<A> random_addresses(Random& random, Value value) {
  std::vector<Interval<A>> list;
  const auto count = 1 + below(random, chance(random, 25) ? 30 : 3);
  for (unsigned i = 0; i < count; ++i) {
    const A first{value(random)};
    const auto length = static_cast<decltype(A::value)>(chance(random, 50) ? 0U : below(random, 8));
    const A last{static_cast<decltype(A::value)>(first.value + length)};
    list.push_back(last < first ? Interval<A>{first, first} : Interval<A>{first, last});
  }
  const IntervalSet<A> set(std::move(list));
  return chance(random, 15) ? ~set : set;
}

AddressSet random_address_set(Random& random, FamilySet families) {
  AddressSet set;
  if (families.contains(Family::ipv4)) set.v4 = random_addresses<Ipv4>(random, v4_value);
  if (families.contains(Family::ipv6)) set.v6 = random_addresses<Ipv6>(random, v6_value);
  return set;
}

IcmpSet random_icmp(Random& random) {
  std::vector<Interval<IcmpTypeCode>> list;
  for (unsigned i = 0; i <= below(random, 3); ++i) {
    const auto type = below(random, 14);
    const auto first =
        static_cast<std::uint16_t>(type << 8U | (chance(random, 50) ? 0 : below(random, 4)));
    const auto last = static_cast<std::uint16_t>((first & 0xffU) == 0 && chance(random, 60)
                                                     ? (type + below(random, 3)) << 8U | 0xffU
                                                     : first + below(random, 3));
    list.push_back({IcmpTypeCode{first}, IcmpTypeCode{last}});
  }
  const IcmpSet set(std::move(list));
  return chance(random, 20) ? ~set : set;
}

const std::vector<Protocol> protocols{protocol::tcp,    protocol::udp,     protocol::icmp,
                                      protocol::icmpv6, protocol::sctp,    protocol::gre,
                                      protocol::esp,    protocol::udplite, protocol::dccp,
                                      Protocol{0},      Protocol{255}};

Protocol random_protocol(Random& random) {
  return protocols[below(random, static_cast<unsigned>(protocols.size()))];
}

void add_transport(Random& random, ir::Match& match) {
  switch (below(random, 5)) {
    case 0: return;
    case 1: {
      ProtocolSet set = ProtocolSet::of(random_protocol(random));
      for (unsigned i = 0; i < below(random, 3); ++i)
        set = set | ProtocolSet::of(random_protocol(random));
      match.protocols = chance(random, 30) ? ~set : set;
      return;
    }
    case 2: {
      const bool v4 = chance(random, 50);
      ir::restrict_families(match, {v4 ? Family::ipv4 : Family::ipv6});
      match.protocols = ProtocolSet::of(v4 ? protocol::icmp : protocol::icmpv6);
      match.icmp = random_icmp(random);
      return;
    }
    default:
      match.protocols = ProtocolSet::of(chance(random, 70)   ? protocol::tcp
                                        : chance(random, 70) ? protocol::udp
                                                             : protocol::udplite);
      if (chance(random, 15)) match.protocols = match.protocols | ProtocolSet::of(protocol::sctp);
      if (chance(random, 10)) match.protocols = match.protocols | ProtocolSet::of(protocol::dccp);
      if (chance(random, 80)) match.destination_ports = random_ports(random);
      if (chance(random, 25)) match.source_ports = random_ports(random);
  }
}

class Generator {
 public:
  explicit Generator(Random& random) : random_(random) {}

  ir::Program program() {
    ir::Program program;
    for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward}) {
      if (chance(random_, 15)) continue;
      const bool drops = chance(random_, 60);
      std::vector<ir::Rule> rules;
      for (unsigned i = 0; i < 1 + below(random_, 8); ++i) add_rules(rules, hook);
      if (chance(random_, 80))
        rules.push_back(default_rule(drops ? ir::Verdict::drop() : ir::Verdict::accept()));
      program.chains.push_back(
          chain(hook, drops ? ir::VerdictKind::drop : ir::VerdictKind::accept, std::move(rules)));
    }
    return program;
  }

 private:
  ir::Match match(ir::Hook hook) {
    ir::Match match;
    if (chance(random_, 30))
      ir::restrict_families(match, {chance(random_, 50) ? Family::ipv4 : Family::ipv6});
    if (hook != ir::Hook::outbound && chance(random_, 30)) match.in = random_interfaces(random_);
    if (hook != ir::Hook::inbound && chance(random_, 30)) match.out = random_interfaces(random_);
    if (chance(random_, 20))
      match.states = ir::StateSet{static_cast<ir::ConntrackState>(below(random_, 5)),
                                  static_cast<ir::ConntrackState>(below(random_, 5))};
    if (chance(random_, 10)) match.states = ir::StateSet::all() - match.states;
    if (match.states.empty()) match.states = ir::StateSet::all();
    if (chance(random_, 35)) match.source = random_address_set(random_, match.families);
    if (chance(random_, 25)) match.destination = random_address_set(random_, match.families);
    add_transport(random_, match);
    if (hook == ir::Hook::outbound && chance(random_, 30))
      match.users =
          OwnerSet{{OwnerId{0}, OwnerId{below(random_, 3)}}, {OwnerId{1000}, OwnerId{1001}}};
    if (hook == ir::Hook::outbound && chance(random_, 15))
      match.groups = OwnerSet{{OwnerId{5}, OwnerId{5 + below(random_, 3)}}};
    return match;
  }

  ir::Verdict verdict(const ir::Match& match) {
    switch (below(random_, 5)) {
      case 0: return ir::Verdict::drop();
      case 1:
        return ir::Verdict::rejected(match.protocols == ProtocolSet::of(protocol::tcp)
                                         ? ir::RejectKind::tcp_reset
                                         : ir::RejectKind::port_unreachable);
      case 2: return ir::Verdict::next();
      default: return ir::Verdict::accept();
    }
  }

  void add_rules(std::vector<ir::Rule>& rules, ir::Hook hook) {
    ++number_;
    ir::Rule rule;
    rule.match = match(hook);
    rule.verdict = verdict(rule.match);
    rule.origin = {.kind = ir::OriginKind::exception,
                   .label = "exception " + std::to_string(number_) + " \"\\'!-j %é",
                   .reason = {},
                   .span = {}};
    if (chance(random_, 20)) rule.effects.log = "log " + std::to_string(number_) + ": ";
    if (chance(random_, 20)) rule.effects.count = "exception-" + std::to_string(number_);
    if (chance(random_, 20)) add_limit(rule);
    rules.push_back(rule);
    // Another part of the same exception, which shares its limit.
    if (!rule.match.predicates.empty() && chance(random_, 50)) {
      auto other = match(hook);
      if (rule.verdict == ir::Verdict::rejected(ir::RejectKind::tcp_reset)) return;
      ir::restrict_families(other, rule.match.families);
      if (other.families != rule.match.families) return;
      if (!ir::valid(other)) return;
      other.predicates = rule.match.predicates;
      rule.match = other;
      rules.push_back(rule);
    }
  }

  // Numbers that divide a million, so that every rate can be said.
  void add_limit(ir::Rule& rule) {
    const auto name = "exception-" + std::to_string(number_);
    const bool per_source = rule.match.families.is_all() || chance(random_, 50);
    if (chance(random_, 60))
      rule.match.predicates.push_back(
          rate(name, 1 + number_, ir::TimeUnit::minute, 1 + below(random_, 20), per_source));
    if (rule.match.predicates.empty() || chance(random_, 30))
      rule.match.predicates.push_back(connections(name, 1000 + number_, per_source));
  }

  Random& random_;
  unsigned number_ = 0;
};

}  // namespace

unsigned below(Random& random, unsigned count) { return static_cast<unsigned>(random() % count); }

ir::Program random_program(Random& random) { return Generator(random).program(); }

namespace {

// Fields that have nothing to do with any rule.
ir::Packet any_packet(Random& random, ir::Hook hook) {
  ir::Packet packet;
  packet.hook = hook;
  const auto name = [&] {
    return interface_names[below(random, static_cast<unsigned>(interface_names.size()))];
  };
  if (hook != ir::Hook::outbound) packet.in = name();
  if (hook != ir::Hook::inbound) packet.out = name();
  packet.state = static_cast<ir::ConntrackState>(below(random, 5));
  if (chance(random, 50)) {
    packet.source = Ipv4{v4_value(random)};
    packet.destination = Ipv4{v4_value(random)};
  } else {
    packet.source = Ipv6{v6_value(random)};
    packet.destination = Ipv6{v6_value(random)};
  }
  packet.protocol = chance(random, 50) ? protocol::tcp : random_protocol(random);
  packet.source_port = Port{static_cast<std::uint16_t>(port_value(random))};
  packet.destination_port = Port{static_cast<std::uint16_t>(port_value(random))};
  packet.icmp = IcmpTypeCode{static_cast<std::uint16_t>(
      (chance(random, 10) ? 255U : below(random, 16)) << 8U | below(random, 6))};
  if (hook == ir::Hook::outbound && chance(random, 70)) {
    packet.user = OwnerId{chance(random, 50) ? below(random, 4) : 999 + below(random, 4)};
    packet.group = OwnerId{4 + below(random, 5)};
  }
  return packet;
}

// An end of an interval of the set, or its neighbour.
template <class T>
void move_to(Random& random, const IntervalSet<T>& set, T& value) {
  if (set.is_all() || set.empty() || chance(random, 10)) return;
  const auto& interval =
      set.intervals()[below(random, static_cast<unsigned>(set.intervals().size()))];
  value = chance(random, 50) ? interval.first : interval.last;
  using Raw = decltype(value.value);
  if (chance(random, 10)) value.value = static_cast<Raw>(value.value + 1);
  if (chance(random, 10)) value.value = static_cast<Raw>(value.value - 1);
}

void move_to(Random& random, const ir::InterfaceSet& set, std::string& name) {
  if (set.patterns().empty() || chance(random, 20) || (set.complemented() && chance(random, 70)))
    return;
  const auto& pattern = set.patterns()[below(random, static_cast<unsigned>(set.patterns().size()))];
  name = pattern.wildcard ? pattern.name + "7" : pattern.name;
}

}  // namespace

ir::Packet random_packet(Random& random, const ir::Program& program) {
  auto packet = any_packet(random, static_cast<ir::Hook>(below(random, 3)));
  const auto* chain = program.find(packet.hook);
  if (chain != nullptr && !chain->rules.empty()) {
    const auto& match =
        chain->rules[below(random, static_cast<unsigned>(chain->rules.size()))].match;
    if (packet.hook != ir::Hook::outbound) move_to(random, match.in, packet.in);
    if (packet.hook != ir::Hook::inbound) move_to(random, match.out, packet.out);
    for (const auto state : match.states)
      if (chance(random, 50)) packet.state = state;
    move_to(random, match.protocols, packet.protocol);
    move_to(random, match.source_ports, packet.source_port);
    move_to(random, match.destination_ports, packet.destination_port);
    move_to(random, match.icmp, packet.icmp);
    if (chance(random, 20)) packet.icmp.value &= 0xff00U;
    if (match.families == FamilySet{Family::ipv6} ||
        (match.families.is_all() && chance(random, 50))) {
      Ipv6 source{v6_value(random)}, destination{v6_value(random)};
      move_to(random, match.source.v6, source);
      move_to(random, match.destination.v6, destination);
      packet.source = source;
      packet.destination = destination;
    } else {
      Ipv4 source{v4_value(random)}, destination{v4_value(random)};
      move_to(random, match.source.v4, source);
      move_to(random, match.destination.v4, destination);
      packet.source = source;
      packet.destination = destination;
    }
  }
  if (!has_ports(packet.protocol)) packet.source_port = packet.destination_port = Port{0};
  if (packet.protocol != protocol::icmp && packet.protocol != protocol::icmpv6)
    packet.icmp = IcmpTypeCode{0};
  return packet;
}

}  // namespace firewright::iptables::test
