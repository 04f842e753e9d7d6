#include "tests/backends/nftables/programs.h"

#include <random>
#include <utility>

namespace firewright::test {
namespace {

void allow_items(const std::vector<std::string>& items, AddressSet& set) {
  set = {};
  for (const auto& item : items) {
    const auto parsed = parse_address_item(item);
    if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed.value))
      set.v4 = set.v4 | Ipv4Set{*v4};
    else
      set.v6 = set.v6 | Ipv6Set{std::get<Interval<Ipv6>>(parsed.value)};
  }
}

ir::Rule baseline(ir::OriginKind kind, ir::Match match, ir::Verdict verdict) {
  return {
      .match = std::move(match),
      .effects = {},
      .verdict = std::move(verdict),
      .origin = {.kind = kind, .label = std::string(to_string(kind)), .reason = {}, .span = {}}};
}

ir::Match icmp_types(Family family, std::vector<std::uint8_t> types) {
  ir::Match match;
  ir::restrict_families(match, {family});
  match.protocols = ProtocolSet::of(family == Family::ipv4 ? protocol::icmp : protocol::icmpv6);
  match.icmp = {};
  for (const auto type : types) {
    const auto low = static_cast<std::uint16_t>(type << 8U);
    match.icmp = match.icmp | IcmpSet{{IcmpTypeCode{low},
                                       IcmpTypeCode{static_cast<std::uint16_t>(low | 0xffU)}}};
  }
  return match;
}

// A policy's dice. std::uniform_int_distribution differs between libraries; this does not.
class Dice {
 public:
  explicit Dice(std::uint32_t seed) : engine_(seed) {}
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_()) % n; }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  std::uint32_t bits() { return static_cast<std::uint32_t>(engine_()); }

 private:
  std::mt19937 engine_;
};

template <class T>
IntervalSet<T> some(Dice& dice, std::uint32_t most) {
  using Raw = decltype(T{}.value);
  std::vector<Interval<T>> intervals;
  for (std::uint32_t i = 0; i <= dice.below(most); ++i) {
    const auto first = static_cast<Raw>(dice.bits());
    const auto width = dice.one_in(2) ? Raw{0} : static_cast<Raw>(dice.bits() % 300);
    const auto last = static_cast<Raw>(first + width);
    intervals.push_back({T{first}, T{last < first ? first : last}});
  }
  if (dice.one_in(12))
    intervals.push_back({IntervalSet<T>::min(), T{static_cast<Raw>(dice.below(5))}});
  if (dice.one_in(12))
    intervals.push_back(
        {T{static_cast<Raw>(IntervalSet<T>::max().value - dice.below(5))}, IntervalSet<T>::max()});
  IntervalSet<T> set(std::move(intervals));
  return dice.one_in(8) && !(~set).empty() ? ~set : set;
}

template <class A, class Raw>
IntervalSet<A> some_addresses(Dice& dice, Raw base, unsigned bits) {
  std::vector<Interval<A>> intervals;
  for (std::uint32_t i = 0; i <= dice.below(dice.one_in(4) ? 20 : 3); ++i) {
    const unsigned host_bits = dice.one_in(3) ? 0 : dice.below(bits / 2);
    const Raw hosts = (Raw{1} << host_bits) - 1;
    const Raw address = (base + (Raw{dice.bits()} << (bits / 4))) & ~hosts;
    intervals.push_back({A{address}, A{static_cast<Raw>(address | hosts)}});
    if (dice.one_in(5))
      intervals.back().last = A{static_cast<Raw>(intervals.back().last.value + dice.below(3))};
    if (intervals.back().last < intervals.back().first)
      intervals.back().last = intervals.back().first;
  }
  if (dice.one_in(15)) intervals.push_back({IntervalSet<A>::max(), IntervalSet<A>::max()});
  IntervalSet<A> set(std::move(intervals));
  return dice.one_in(8) ? ~set : set;
}

ir::InterfaceSet some_interfaces(Dice& dice) {
  const std::vector<ir::InterfacePattern> all{
      {"eth0", false}, {"eth1", false}, {"wg", true}, {"br-lan", false}, {"veth", true}};
  std::vector<ir::InterfacePattern> chosen;
  for (const auto& pattern : all)
    if (dice.one_in(3)) chosen.push_back(pattern);
  if (chosen.empty()) chosen.push_back(all[dice.below(5)]);
  return dice.one_in(4) ? ir::InterfaceSet::except(std::move(chosen))
                        : ir::InterfaceSet::of(std::move(chosen));
}

void random_layer4(Dice& dice, ir::Match& match) {
  const std::vector<Protocol> with_ports{protocol::tcp, protocol::udp, protocol::sctp,
                                         protocol::dccp, protocol::udplite};
  switch (dice.below(5)) {
    case 0:
    case 1: {
      match.protocols = ProtocolSet::of(with_ports[dice.below(dice.one_in(3) ? 5 : 2)]);
      if (dice.one_in(4))
        match.protocols = match.protocols | ProtocolSet::of(with_ports[dice.below(5)]);
      if (!dice.one_in(6)) match.destination_ports = some<Port>(dice, 4);
      if (dice.one_in(5)) match.source_ports = some<Port>(dice, 2);
      return;
    }
    case 2: {
      const Family family = dice.one_in(2) ? Family::ipv4 : Family::ipv6;
      ir::restrict_families(match, {family});
      match.protocols = ProtocolSet::of(family == Family::ipv4 ? protocol::icmp : protocol::icmpv6);
      std::vector<Interval<IcmpTypeCode>> types;
      for (std::uint32_t i = 0; i <= dice.below(4); ++i) {
        const auto low = static_cast<std::uint16_t>(dice.below(256) << 8U);
        const auto code = static_cast<std::uint16_t>(low + dice.below(20));
        types.push_back(dice.one_in(3) ? Interval<IcmpTypeCode>{{code}, {code}}
                                       : Interval<IcmpTypeCode>{
                                             {low}, {static_cast<std::uint16_t>(low | 0xffU)}});
      }
      match.icmp = IcmpSet(std::move(types));
      return;
    }
    case 3: match.protocols = some<Protocol>(dice, 3); return;
    default: return;
  }
}

ir::Match random_match(Dice& dice, ir::Hook hook) {
  ir::Match match;
  random_layer4(dice, match);
  if (dice.one_in(5) && match.families.is_all())
    ir::restrict_families(match, {dice.one_in(2) ? Family::ipv4 : Family::ipv6});
  if (dice.one_in(3) && match.families.contains(Family::ipv4))
    match.source.v4 = some_addresses<Ipv4, std::uint32_t>(dice, 0xc0000200, 32);
  if (dice.one_in(3) && match.families.contains(Family::ipv6))
    match.source.v6 = some_addresses<Ipv6, u128>(dice, u128{0x20010db8} << 96U, 128);
  if (dice.one_in(6) && match.families.contains(Family::ipv4))
    match.destination.v4 = some_addresses<Ipv4, std::uint32_t>(dice, 0x0a000000, 32);
  if (dice.one_in(6) && match.families.contains(Family::ipv6))
    match.destination.v6 = some_addresses<Ipv6, u128>(dice, u128{0xfd} << 120U, 128);
  if (hook != ir::Hook::outbound && dice.one_in(5)) match.in = some_interfaces(dice);
  if (hook != ir::Hook::inbound && dice.one_in(5)) match.out = some_interfaces(dice);
  if (hook == ir::Hook::outbound && dice.one_in(5)) match.users = some<OwnerId>(dice, 3);
  if (hook == ir::Hook::outbound && dice.one_in(8)) match.groups = some<OwnerId>(dice, 3);
  if (dice.one_in(5)) {
    match.states = {};
    for (const auto state : ir::StateSet::all())
      if (dice.one_in(2)) match.states.insert(state);
    if (match.states.empty()) match.states.insert(ir::ConntrackState::fresh);
  }
  return match;
}

ir::Verdict random_verdict(Dice& dice, ir::Match& match) {
  switch (dice.below(6)) {
    case 0: return ir::Verdict::drop();
    case 1: {
      const bool tcp_only = match.protocols == ProtocolSet::of(protocol::tcp);
      if (tcp_only && dice.one_in(2)) return ir::Verdict::rejected(ir::RejectKind::tcp_reset);
      if (match.families == FamilySet{Family::ipv4} && dice.one_in(2))
        return ir::Verdict::rejected(ir::RejectKind::host_prohibited);
      if (match.families == FamilySet{Family::ipv6} && dice.one_in(2))
        return ir::Verdict::rejected(ir::RejectKind::policy_fail);
      const ir::RejectKind both[] = {
          ir::RejectKind::port_unreachable, ir::RejectKind::host_unreachable,
          ir::RejectKind::net_unreachable, ir::RejectKind::admin_prohibited};
      return ir::Verdict::rejected(both[dice.below(4)]);
    }
    default: return ir::Verdict::accept();
  }
}

void random_limits(Dice& dice, const std::string& instance, ir::Match& match) {
  const bool per_source = dice.one_in(2);
  if (!dice.one_in(3))
    match.predicates.push_back(
        {.instance = instance,
         .test = ir::RateLimit{.packets = 1 + dice.below(100),
                               .unit = static_cast<ir::TimeUnit>(dice.below(4)),
                               .burst = 1 + dice.below(50),
                               .per_source = per_source}});
  if (match.predicates.empty() || dice.one_in(3))
    match.predicates.push_back({.instance = instance,
                                .test = ir::ConnectionLimit{.connections = 1 + dice.below(100),
                                                            .per_source = per_source}});
}

std::vector<ir::Rule> random_rules(Dice& dice, ir::Hook hook) {
  std::vector<ir::Rule> rules;
  for (std::uint32_t i = 0; i < 1 + dice.below(8); ++i) {
    const std::string name = std::string(to_string(hook)) + "-" + std::to_string(i);
    ir::Rule rule = allow("rule " + name, random_match(dice, hook));
    rule.verdict = random_verdict(dice, rule.match);
    if (dice.one_in(6)) rule.effects.log = dice.one_in(4) ? "" : "fw " + name + ": ";
    if (dice.one_in(6)) rule.effects.count = name;
    if (rule.verdict == ir::Verdict::accept() && dice.one_in(4))
      random_limits(dice, name, rule.match);
    if (!rule.effects.empty() && dice.one_in(4)) rule.verdict = ir::Verdict::next();
    rules.push_back(rule);
    if (dice.one_in(3)) {  // a second product of the same exception
      const auto predicates = rule.match.predicates;
      rule.match = random_match(dice, hook);
      rule.match.predicates = predicates;
      if (rule.verdict.kind == ir::VerdictKind::reject)
        rule.verdict = ir::Verdict::rejected(ir::RejectKind::port_unreachable);
      rules.push_back(rule);
    }
  }
  return rules;
}

}  // namespace

ir::Rule allow(std::string label, ir::Match match) {
  return {
      .match = std::move(match),
      .effects = {},
      .verdict = ir::Verdict::accept(),
      .origin = {
          .kind = ir::OriginKind::exception, .label = std::move(label), .reason = {}, .span = {}}};
}

ir::Match tcp(std::uint16_t port) {
  ir::Match match;
  match.protocols = ProtocolSet::of(protocol::tcp);
  match.destination_ports = PortSet::of(Port{port});
  return match;
}

ir::Match udp(std::uint16_t port) {
  ir::Match match = tcp(port);
  match.protocols = ProtocolSet::of(protocol::udp);
  return match;
}

ir::Match with_source(ir::Match match, std::vector<std::string> items) {
  allow_items(items, match.source);
  ir::restrict_families(match, match.source.families());
  return match;
}

ir::Match with_destination(ir::Match match, std::vector<std::string> items) {
  allow_items(items, match.destination);
  ir::restrict_families(match, match.destination.families());
  return match;
}

ir::Match fresh_with(ir::Match match, std::vector<ir::Predicate> predicates) {
  match.states = {ir::ConntrackState::fresh};
  match.predicates = std::move(predicates);
  return match;
}

ir::Program program(std::vector<ir::Rule> rules, ir::Hook hook) {
  rules.push_back(baseline(ir::OriginKind::default_verdict, {}, ir::Verdict::drop()));
  ir::Chain chain{.name = std::string(to_string(hook)),
                  .hook = hook,
                  .policy = ir::VerdictKind::drop,
                  .rules = std::move(rules)};
  return {.chains = {std::move(chain)}};
}

ir::Program web_server() {
  ir::Match loopback;
  loopback.in = ir::InterfaceSet::of({{"lo", false}});
  ir::Match established;
  established.states = {ir::ConntrackState::established, ir::ConntrackState::related};
  ir::Match invalid;
  invalid.states = {ir::ConntrackState::invalid};
  auto result = program({
      baseline(ir::OriginKind::loopback, loopback, ir::Verdict::accept()),
      baseline(ir::OriginKind::established, established, ir::Verdict::accept()),
      baseline(ir::OriginKind::icmp_errors, icmp_types(Family::ipv4, {3, 11, 12}),
               ir::Verdict::accept()),
      baseline(ir::OriginKind::icmp_errors, icmp_types(Family::ipv6, {1, 2, 3, 4}),
               ir::Verdict::accept()),
      baseline(ir::OriginKind::neighbour_discovery,
               icmp_types(Family::ipv6, {130, 131, 132, 133, 134, 135, 136, 143}),
               ir::Verdict::accept()),
      baseline(ir::OriginKind::drop_invalid, invalid, ir::Verdict::drop()),
      allow("ssh", tcp(22)),
      allow("http", tcp(80)),
      allow("https", tcp(443)),
      allow("ping", icmp_types(Family::ipv4, {8})),
      allow("ping", icmp_types(Family::ipv6, {128})),
  });
  result.chains.push_back(
      {.name = "forward",
       .hook = ir::Hook::forward,
       .policy = ir::VerdictKind::drop,
       .rules = {baseline(ir::OriginKind::default_verdict, {}, ir::Verdict::drop())}});
  result.chains.push_back(
      {.name = "outbound",
       .hook = ir::Hook::outbound,
       .policy = ir::VerdictKind::accept,
       .rules = {baseline(ir::OriginKind::default_verdict, {}, ir::Verdict::accept())}});
  return result;
}

ir::Program many_things() {
  ir::Match established;
  established.states = {ir::ConntrackState::established, ir::ConntrackState::related};
  ir::Match invalid;
  invalid.states = {ir::ConntrackState::invalid};
  const auto rate = [](const char* name, bool per_source) {
    return ir::Predicate{
        name,
        ir::RateLimit{
            .packets = 10, .unit = ir::TimeUnit::minute, .burst = 20, .per_source = per_source}};
  };
  const auto connections = [](const char* name, bool per_source) {
    return ir::Predicate{name, ir::ConnectionLimit{.connections = 50, .per_source = per_source}};
  };
  auto web = allow("web", fresh_with(tcp(80), {connections("web", false)}));
  web.effects = {.log = "web: ", .count = "web"};
  auto web_too = web;
  web_too.match = fresh_with(udp(443), web.match.predicates);
  auto ping = allow("ping", fresh_with(icmp_types(Family::ipv4, {8}), {rate("ping", false)}));
  auto ping_too = allow("ping", fresh_with(icmp_types(Family::ipv6, {128}), {rate("ping", false)}));
  auto mail = allow(
      "mail", fresh_with(with_source(tcp(25), {"192.0.2.0/24"}), {connections("mail", true)}));
  ir::Match outside = tcp(0);
  outside.destination_ports = ~PortSet{{Port{1000}, Port{2000}}};
  auto reject = allow("no", with_source(outside, {"198.51.100.4-198.51.100.9", "2001:db8::/32"}));
  reject.verdict = ir::Verdict::rejected(ir::RejectKind::port_unreachable);
  auto reset = allow("reset", tcp(113));
  reset.verdict = ir::Verdict::rejected(ir::RejectKind::tcp_reset);
  auto log = allow("log", {});
  log.effects.log = "denied: ";
  log.verdict = ir::Verdict::next();
  return program({baseline(ir::OriginKind::established, established, ir::Verdict::accept()),
                  baseline(ir::OriginKind::drop_invalid, invalid, ir::Verdict::drop()),
                  allow("ssh", fresh_with(tcp(22), {rate("ssh", true)})), web, web_too, ping,
                  ping_too, mail, reject, reset, log});
}

ir::Program random_program(std::uint32_t seed) {
  Dice dice(seed);
  ir::Program result;
  for (const auto hook : {ir::Hook::inbound, ir::Hook::forward, ir::Hook::outbound}) {
    auto chain = program(random_rules(dice, hook), hook).chains[0];
    result.chains.push_back(std::move(chain));
  }
  return result;
}

namespace {

// Prefixes of few lengths, as people write them.
template <class A, class Raw>
IntervalSet<A> prefixes(Dice& dice, Raw base, unsigned step) {
  std::vector<Interval<A>> intervals;
  for (std::uint32_t i = 0; i <= dice.below(3); ++i) {
    const Raw hosts = (Raw{1} << (dice.below(3) * step)) - 1;
    const Raw address = (base + (Raw{dice.bits() % 4096} << (2 * step))) & ~hosts;
    intervals.push_back({A{address}, A{static_cast<Raw>(address | hosts)}});
    if (dice.one_in(40)) intervals.back().last = A{static_cast<Raw>(address + hosts + 3)};
  }
  return IntervalSet<A>(std::move(intervals));
}

PortSet few_ports(Dice& dice) {
  const auto first = static_cast<std::uint16_t>(16 * dice.below(4000));
  const auto last = static_cast<std::uint16_t>(first + (dice.one_in(4) ? 15 : 0));
  return PortSet{{Port{first}, Port{last}}};
}

}  // namespace

ir::Program crowd(std::uint32_t seed) {
  Dice dice(seed);
  std::vector<ir::Rule> rules;
  const auto fields = 1 + dice.below(15);  // which of them the exceptions name
  const auto count = 20 + dice.below(60);
  const bool denies = dice.one_in(3);
  for (std::uint32_t i = 0; i < count; ++i) {
    ir::Match match;
    match.protocols = ProtocolSet::of(dice.one_in(3) ? protocol::udp : protocol::tcp);
    if (dice.one_in(5)) match.protocols = match.protocols | ProtocolSet::of(protocol::udp);
    FamilySet families = FamilySet::all();
    const auto addresses = [&](AddressSet& set) {
      set.v4 = prefixes<Ipv4>(dice, std::uint32_t{0x0a000000}, 5);
      set.v6 = prefixes<Ipv6>(dice, u128{0x20010db8} << 96U, 16);
      if (dice.one_in(3)) families = {dice.one_in(2) ? Family::ipv4 : Family::ipv6};
    };
    const auto said = dice.one_in(8) ? 1 + dice.below(15) : fields;
    if ((said & 1U) != 0) addresses(match.source);
    if ((said & 2U) != 0) addresses(match.destination);
    if ((said & 4U) != 0) match.destination_ports = few_ports(dice);
    if ((said & 8U) != 0) match.source_ports = few_ports(dice);
    if (!families.is_all()) ir::restrict_families(match, families);
    auto rule = allow("exception " + std::to_string(i), match);
    if (denies && i < count / 2) rule.verdict = ir::Verdict::drop();
    rules.push_back(std::move(rule));
  }
  return program(std::move(rules));
}

}  // namespace firewright::test
