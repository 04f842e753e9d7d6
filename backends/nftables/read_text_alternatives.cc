#include "backends/nftables/read_text_alternatives.h"

#include <algorithm>
#include <iterator>

namespace firewright::nftables::script {
namespace {

template <class T>
IntervalSet<T> values(const Condition& condition) {
  using Raw = decltype(T{}.value);
  std::vector<Interval<T>> intervals;
  intervals.reserve(condition.ranges.size());
  for (const auto& range : condition.ranges)
    intervals.push_back({T{static_cast<Raw>(range.first)}, T{static_cast<Raw>(range.last)}});
  IntervalSet<T> set(std::move(intervals));
  return condition.negated ? ~set : set;
}

bool holds(const Condition& condition, std::uint32_t value) {
  const bool inside = std::any_of(condition.ranges.begin(), condition.ranges.end(),
                                  [&](Range r) { return r.first <= value && value <= r.last; });
  return inside != condition.negated;
}

FamilySet families(const Condition& condition, std::uint32_t ipv4, std::uint32_t ipv6) {
  FamilySet set;
  if (holds(condition, ipv4)) set.insert(Family::ipv4);
  if (holds(condition, ipv6)) set.insert(Family::ipv6);
  return set;
}

// Exactly one of the bits is set in each packet.
ir::StateSet states(const Condition& condition) {
  ir::StateSet set;
  using enum ir::ConntrackState;
  if (holds(condition, 1)) set.insert(invalid);
  if (holds(condition, 2)) set.insert(established);
  if (holds(condition, 4)) set.insert(related);
  if (holds(condition, 8)) set.insert(fresh);
  if (holds(condition, 64)) set.insert(untracked);
  return set;
}

const ProtocolSet& protocols_with_ports() {
  static const ProtocolSet set = [] {
    ProtocolSet all;
    for (unsigned p = 0; p < 256; ++p) {
      const Protocol candidate{static_cast<std::uint8_t>(p)};
      if (has_ports(candidate)) all = all | ProtocolSet::of(candidate);
    }
    return all;
  }();
  return set;
}

bool has_one_protocol_with_ports(const ir::Match& match) {
  const auto& intervals = match.protocols.intervals();
  return intervals.size() == 1 && intervals[0].first == intervals[0].last &&
         has_ports(intervals[0].first);
}

// The interfaces of both. No value: they are no list of names and no complement of one.
std::optional<ir::InterfaceSet> intersection(const ir::InterfaceSet& a, const ir::InterfaceSet& b) {
  if (a.is_any()) return b;
  if (b.is_any()) return a;
  if (a.complemented() && b.complemented()) {
    auto both = a.patterns();
    both.insert(both.end(), b.patterns().begin(), b.patterns().end());
    return ir::InterfaceSet::except(std::move(both));
  }
  const auto contains = [](const ir::InterfacePattern& outer, const ir::InterfacePattern& inner) {
    return outer.wildcard ? inner.name.starts_with(outer.name) : outer == inner;
  };
  std::vector<ir::InterfacePattern> both;
  if (a.complemented() || b.complemented()) {
    const auto& listed = a.complemented() ? b : a;
    const auto& left_out = a.complemented() ? a : b;
    for (const auto& pattern : listed.patterns()) {
      bool kept = true;
      for (const auto& out : left_out.patterns()) {
        if (contains(out, pattern))
          kept = false;
        else if (contains(pattern, out))
          return std::nullopt;
      }
      if (kept) both.push_back(pattern);
    }
    return ir::InterfaceSet::of(std::move(both));
  }
  for (const auto& one : a.patterns())
    for (const auto& other : b.patterns()) {
      if (contains(one, other))
        both.push_back(other);
      else if (contains(other, one))
        both.push_back(one);
    }
  return ir::InterfaceSet::of(std::move(both));
}

}  // namespace

ir::Predicate opaque_predicate(std::string text) {
  return {.instance = "opaque", .test = ir::OpaqueMatch{std::move(text)}};
}

Alternatives::Alternatives(FamilySet families) : matches_(1) {
  if (!families.is_all()) ir::restrict_families(matches_[0], families);
}

template <class Narrow>
void Alternatives::each(const Narrow& narrow) {
  std::erase_if(matches_, [&](ir::Match& match) { return !narrow(match); });
}

void Alternatives::restrict_families(FamilySet families) {
  each([&](ir::Match& match) {
    if (families.contains(Family::ipv4) && families.contains(Family::ipv6)) return true;
    ir::restrict_families(match, families);
    return !match.families.empty();
  });
}

void Alternatives::restrict_protocols(const ProtocolSet& protocols) {
  each([&](ir::Match& match) {
    match.protocols = match.protocols.is_all() ? protocols : match.protocols & protocols;
    return !match.protocols.empty();
  });
}

void Alternatives::require(const ir::Predicate& predicate) {
  for (auto& match : matches_) match.predicates.push_back(predicate);
}

void Alternatives::replace(const std::vector<std::string>& instances,
                           const std::function<ir::OpaqueMatch(const ir::Predicate&)>& by) {
  for (auto& match : matches_)
    for (auto& predicate : match.predicates)
      if (std::find(instances.begin(), instances.end(), predicate.instance) != instances.end())
        predicate.test = by(predicate);
}

void Alternatives::unite(std::vector<Alternatives> parts) {
  matches_.clear();
  for (auto& part : parts)
    matches_.insert(matches_.end(), std::make_move_iterator(part.matches_.begin()),
                    std::make_move_iterator(part.matches_.end()));
}

void Alternatives::add_opaque(ir::Match match, const Condition& condition,
                              std::vector<ir::Match>& into) {
  if (!opaque_) opaque_ = condition.text();
  match.predicates.push_back(opaque_predicate(*opaque_));
  into.push_back(std::move(match));
}

std::optional<std::string> Alternatives::restrict(const Condition& condition) {
  switch (condition.field) {
    case Field::nf_proto: restrict_families(families(condition, 2, 10)); break;
    case Field::ether_type: restrict_families(families(condition, 0x0800, 0x86dd)); break;
    case Field::ip_protocol:
    case Field::l4_protocol: restrict_protocols(values<Protocol>(condition)); break;
    case Field::in: interface(condition, &ir::Match::in); break;
    case Field::out: interface(condition, &ir::Match::out); break;
    case Field::source:
    case Field::destination: addresses(condition); break;
    case Field::source_port:
    case Field::destination_port: ports(condition); break;
    case Field::icmp_type:
    case Field::icmp_code: icmp(condition); break;
    case Field::user: owners(condition, &ir::Match::users); break;
    case Field::group: owners(condition, &ir::Match::groups); break;
    case Field::state: {
      const auto set = states(condition);
      each([&](ir::Match& match) {
        match.states = match.states & set;
        return !match.states.empty();
      });
      break;
    }
    case Field::ip6_next_header:
    case Field::opaque: {
      std::vector<ir::Match> all;
      for (auto& match : matches_) add_opaque(std::move(match), condition, all);
      matches_ = std::move(all);
      break;
    }
  }
  return std::exchange(opaque_, std::nullopt);
}

// Where a protocol has no ports, nft looks at whatever bytes stand there.
void Alternatives::ports(const Condition& condition) {
  const auto set = values<Port>(condition);
  const auto side = condition.field == Field::source_port ? &ir::Match::source_ports
                                                          : &ir::Match::destination_ports;
  const auto narrow = [&](ir::Match& match) {
    match.*side = (match.*side).is_all() ? set : match.*side & set;
    return !(match.*side).empty();
  };
  if (std::all_of(matches_.begin(), matches_.end(), has_one_protocol_with_ports)) {
    each(narrow);
    return;
  }
  const auto& with_ports = protocols_with_ports();
  std::vector<ir::Match> kept;
  for (auto& match : matches_) {
    if (const auto rest = match.protocols - with_ports; !rest.empty()) {
      ir::Match other = match;
      other.protocols = rest;
      add_opaque(std::move(other), condition, kept);
      match.protocols = match.protocols & with_ports;
    }
    if (!match.protocols.empty() && narrow(match)) kept.push_back(std::move(match));
  }
  matches_ = std::move(kept);
}

// ICMP of the other family: bytes that the model does not look at.
void Alternatives::icmp(const Condition& condition) {
  const bool v4 = condition.type == Datatype::icmp_type || condition.type == Datatype::icmp_code;
  const FamilySet own{v4 ? Family::ipv4 : Family::ipv6};
  const auto protocol = ProtocolSet::of(v4 ? protocol::icmp : protocol::icmpv6);
  std::vector<Interval<IcmpTypeCode>> intervals;
  for (const auto& range : condition.ranges) {
    const auto first = static_cast<unsigned>(range.first);
    const auto last = static_cast<unsigned>(range.last);
    const auto add = [&](unsigned low, unsigned high) {
      intervals.push_back({IcmpTypeCode{static_cast<std::uint16_t>(low)},
                           IcmpTypeCode{static_cast<std::uint16_t>(high)}});
    };
    if (condition.field == Field::icmp_type)
      add(first << 8U, last << 8U | 0xffU);
    else
      for (unsigned type = 0; type < 256; ++type) add(type << 8U | first, type << 8U | last);
  }
  IcmpSet set(std::move(intervals));
  if (condition.negated) set = ~set;
  restrict_protocols(protocol);
  std::vector<ir::Match> kept;
  for (auto& match : matches_) {
    if (const auto others = match.families - own; !others.empty()) {
      ir::Match other = match;
      ir::restrict_families(other, others);
      if (!other.families.empty()) add_opaque(std::move(other), condition, kept);
      ir::restrict_families(match, own);
    }
    match.icmp = match.icmp & set;
    if (!match.families.empty() && !match.icmp.empty()) kept.push_back(std::move(match));
  }
  matches_ = std::move(kept);
}

void Alternatives::interface(const Condition& condition, ir::InterfaceSet ir::Match::* side) {
  std::vector<ir::InterfacePattern> patterns;
  for (const auto& range : condition.ranges) patterns.push_back(interface_pattern(range));
  const auto set = condition.negated ? ir::InterfaceSet::except(std::move(patterns))
                                     : ir::InterfaceSet::of(std::move(patterns));
  std::vector<ir::Match> kept;
  for (auto& match : matches_) {
    auto both = intersection(match.*side, set);
    if (!both) {
      add_opaque(std::move(match), condition, kept);
      continue;
    }
    match.*side = std::move(*both);
    if (!(match.*side).empty()) kept.push_back(std::move(match));
  }
  matches_ = std::move(kept);
}

// A packet that no socket sent has no owner and matches nothing, not even every number.
void Alternatives::owners(const Condition& condition, OwnerSet ir::Match::* side) {
  const auto set = values<OwnerId>(condition);
  std::vector<ir::Match> kept;
  for (auto& match : matches_) {
    if (set.is_all()) {
      add_opaque(std::move(match), condition, kept);
      continue;
    }
    match.*side = match.*side & set;
    if (!(match.*side).empty()) kept.push_back(std::move(match));
  }
  matches_ = std::move(kept);
}

void Alternatives::addresses(const Condition& condition) {
  const auto side = condition.field == Field::source ? &ir::Match::source : &ir::Match::destination;
  const bool v4 = condition.type == Datatype::ipv4;
  Ipv4Set set4;
  Ipv6Set set6;
  if (v4)
    set4 = values<Ipv4>(condition);
  else
    set6 = values<Ipv6>(condition);
  each([&](ir::Match& match) {
    if (v4)
      (match.*side).v4 = (match.*side).v4.is_all() ? set4 : (match.*side).v4 & set4;
    else
      (match.*side).v6 = (match.*side).v6.is_all() ? set6 : (match.*side).v6 & set6;
    ir::restrict_families(match, {v4 ? Family::ipv4 : Family::ipv6});
    return !match.families.empty();
  });
}

}  // namespace firewright::nftables::script
