#include "tests/backends/iptables/large_program.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/backends/iptables/build_program.h"

namespace firewright::iptables::test {
namespace {

bool chance(Random& random, unsigned percent) { return below(random, 100) < percent; }

// Near one another, so that neighbours share prefixes of all lengths, and at both ends.
template <class A>
A address(Random& random, decltype(A::value) base) {
  using Raw = decltype(A::value);
  switch (below(random, 12)) {
    case 0: return A{static_cast<Raw>(below(random, 3))};
    case 1: return A{static_cast<Raw>(~Raw{0} - below(random, 3))};
    case 2: return A{static_cast<Raw>(base + below(random, 0x10000))};
    default: return A{static_cast<Raw>(base + below(random, 600))};
  }
}

template <class A>
Interval<A> item(Random& random, decltype(A::value) base) {
  using Raw = decltype(A::value);
  const auto first = address<A>(random, base);
  const auto kind = below(random, 10);
  if (kind < 6) return {first, first};
  if (kind < 8) {  // a range
    const A last{static_cast<Raw>(first.value + below(random, 40))};
    return last < first ? Interval<A>{first, first} : Interval<A>{first, last};
  }
  const auto rest = static_cast<Raw>((Raw{1} << below(random, 10)) - 1);  // a prefix
  return {A{static_cast<Raw>(first.value & ~rest)}, A{static_cast<Raw>(first.value | rest)}};
}

template <class A>
IntervalSet<A> items(Random& random, decltype(A::value) base) {
  std::vector<Interval<A>> list;
  const auto count = chance(random, 85) ? 1 + below(random, 2) : 1 + below(random, 60);
  for (unsigned i = 0; i < count; ++i) list.push_back(item<A>(random, base));
  const IntervalSet<A> set(std::move(list));
  return chance(random, 4) ? ~set : set;
}

AddressSet addresses(Random& random, FamilySet families) {
  AddressSet set;
  if (families.contains(Family::ipv4)) set.v4 = items<Ipv4>(random, 0xc0000200U);
  if (families.contains(Family::ipv6))
    set.v6 = items<Ipv6>(random, static_cast<u128>(0x20010db800000000ULL) << 64U);
  return set;
}

struct Style {
  unsigned sources = 0;       // percent of the rules that name some
  unsigned destinations = 0;  // likewise
  unsigned plain = 0;         // percent of the rules that test nothing else but one TCP port
};

ir::Match match(Random& random, const Style& style) {
  ir::Match match;
  if (chance(random, 60))
    ir::restrict_families(match, {chance(random, 60) ? Family::ipv4 : Family::ipv6});
  if (chance(random, style.sources)) match.source = addresses(random, match.families);
  if (chance(random, style.destinations)) match.destination = addresses(random, match.families);
  match.protocols = ProtocolSet::of(protocol::tcp);
  match.destination_ports = PortSet::of(Port{static_cast<std::uint16_t>(20 + below(random, 9))});
  if (chance(random, style.plain)) return match;
  if (chance(random, 30)) match.protocols = ProtocolSet::of(protocol::udp);
  if (chance(random, 10)) match.protocols = match.protocols | ProtocolSet::of(protocol::sctp);
  if (chance(random, 20)) {
    std::vector<unsigned> many;
    for (unsigned i = 0; i < 1 + below(random, 40); ++i) many.push_back(below(random, 5000));
    match.destination_ports = ports(std::move(many));
  }
  if (chance(random, 20)) match.destination_ports = PortSet::all();
  if (chance(random, 10)) match.source_ports = ports({below(random, 65536)});
  if (chance(random, 20)) match.in = interfaces({chance(random, 50) ? "eth0" : "wg*"});
  if (chance(random, 20)) match.states = ir::StateSet{ir::ConntrackState::fresh};
  return match;
}

ir::Rule rule(Random& random, const Style& style, const ir::Verdict& verdict, unsigned number) {
  ir::Rule rule;
  rule.match = match(random, style);
  rule.verdict = verdict;
  rule.origin = {.kind = ir::OriginKind::exception,
                 .label = "exception " + std::to_string(number),
                 .reason = {},
                 .span = {}};
  if (chance(random, 2)) rule.effects.log = "log: ";
  if (chance(random, 2)) rule.effects.count = "exception-" + std::to_string(number);
  return rule;
}

}  // namespace

ir::Program large_program(Random& random) {
  ir::Program program;
  for (const auto hook : {ir::Hook::inbound, ir::Hook::forward}) {
    std::vector<ir::Rule> rules;
    for (const auto& verdict : {ir::Verdict::drop(), ir::Verdict::accept()}) {
      const Style style{.sources = below(random, 101),
                        .destinations = chance(random, 50) ? 0 : below(random, 101),
                        .plain = below(random, 101)};
      const auto count = below(random, 90);
      for (unsigned i = 0; i < count; ++i)
        rules.push_back(rule(random, style, verdict, static_cast<unsigned>(rules.size())));
    }
    rules.push_back(default_rule(ir::Verdict::drop()));
    program.chains.push_back(chain(hook, ir::VerdictKind::drop, std::move(rules)));
  }
  return program;
}

ir::Program one_by_one(unsigned count) {
  std::vector<ir::Rule> rules;
  for (unsigned i = 0; i < count; ++i)
    rules.push_back(allow("rule " + std::to_string(i))
                        .from({"10." + std::to_string(i >> 16U) + '.' +
                               std::to_string(i >> 8U & 0xffU) + '.' + std::to_string(i & 0xffU)})
                        .tcp({1024 + 7 * i % 60'000}));
  return inbound(std::move(rules));
}

}  // namespace firewright::iptables::test
