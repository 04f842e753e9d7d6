#include "compiler/analysis/words.h"

#include <algorithm>
#include <bitset>
#include <optional>

namespace firewright::analysis {
namespace {

using ir::ConntrackState;

constexpr std::size_t most_shown = 6;
// A run of ports that services may share; a longer one is a range that its author meant as one.
constexpr unsigned shortest_range = 5;

struct Said {
  Words words;
  std::size_t cost = 0;  // what there is to read: a range is two things, and "except" is one
};

// --- addresses

constexpr std::size_t most_prefixes = 2;  // of an interval that is said in prefixes

template <class A>
void append_literals(const IntervalSet<A>& set, std::vector<std::string>& items) {
  for (const auto& interval : set.intervals()) {
    const auto prefixes = to_prefixes(interval);
    if (prefixes.size() <= most_prefixes)
      for (const auto& prefix : prefixes) items.push_back(to_string(prefix));
    else
      items.push_back(to_string(interval));
  }
}

template <class A>
std::size_t cost_of_literals(const IntervalSet<A>& set) {
  std::size_t cost = 0;
  for (const auto& interval : set.intervals()) cost += as_prefix(interval) ? 1 : most_prefixes;
  return cost;
}

// Names of groups, and what is left over. The words for that are made only if it is what is said:
// it may be a million addresses.
struct Listed {
  std::vector<std::string> names;
  AddressSet rest;
  [[nodiscard]] std::size_t cost() const {
    return names.size() + cost_of_literals(rest.v4) + cost_of_literals(rest.v6);
  }
};

Words spelled(Listed listed) {
  Words words;
  words.literal = listed.names.empty() || !listed.rest.empty();
  words.items = std::move(listed.names);
  append_literals(listed.rest.v4, words.items);
  append_literals(listed.rest.v6, words.items);
  return words;
}

// Whether `part` lies in `whole`, without making a set of the difference.
template <class A>
bool holds(const IntervalSet<A>& whole, const IntervalSet<A>& part) {
  auto in = whole.intervals().begin();
  const auto end = whole.intervals().end();
  for (const auto& interval : part.intervals()) {
    in = std::lower_bound(in, end, interval.first,
                          [](const Interval<A>& i, A value) { return i.last < value; });
    if (in == end || in->first > interval.first || in->last < interval.last) return false;
  }
  return true;
}

AddressSet narrowed(AddressSet set, FamilySet families) {
  if (!families.contains(Family::ipv4)) set.v4 = {};
  if (!families.contains(Family::ipv6)) set.v6 = {};
  return set;
}

bool lies_in(const AddressSet& whole, const AddressSet& part, FamilySet families) {
  return (!families.contains(Family::ipv4) || holds(whole.v4, part.v4)) &&
         (!families.contains(Family::ipv6) || holds(whole.v6, part.v6));
}

bool speaks_of(const AddressSet& set, FamilySet families) {
  return (families.contains(Family::ipv4) && !set.v4.empty()) ||
         (families.contains(Family::ipv6) && !set.v6.empty());
}

// With names where that is not longer.
Listed listed(const Vocabulary& vocabulary, const AddressSet& set, FamilySet families) {
  Listed plain{.names = {}, .rest = set};
  Listed named = plain;
  for (const auto& group : vocabulary.groups()) {
    if (named.rest.empty()) break;
    if (!speaks_of(group.set, families) || !lies_in(set, group.set, families)) continue;
    auto left = named.rest - group.set;
    if (left == named.rest) continue;
    named.rest = std::move(left);
    named.names.push_back(group.name);
  }
  if (named.names.empty()) return plain;
  // Exactly one of them?
  for (const auto& group : vocabulary.groups())
    if (narrowed(group.set, families) == set) return {.names = {group.name}, .rest = {}};
  std::sort(named.names.begin(), named.names.end());
  return named.cost() <= plain.cost() ? named : plain;
}

// --- interfaces

// Names of zones for what they hold, then what is left.
std::vector<std::string> say_patterns(const Vocabulary& vocabulary,
                                      const std::vector<ir::InterfacePattern>& patterns) {
  std::vector<std::string> items;
  auto rest = patterns;
  for (const auto& zone : vocabulary.zones()) {
    if (zone.interfaces.empty()) continue;
    const auto in = [&](const auto& list) {
      return [&list](const ir::InterfacePattern& p) {
        return std::find(list.begin(), list.end(), p) != list.end();
      };
    };
    if (!std::all_of(zone.interfaces.begin(), zone.interfaces.end(), in(patterns))) continue;
    if (std::erase_if(rest, in(zone.interfaces)) > 0) items.push_back(zone.name);
  }
  for (const auto& pattern : rest) items.push_back(to_string(pattern));
  return items;
}

Words say_profiles(const Vocabulary& vocabulary, ir::ProfileSet set) {
  Words words;
  auto rest = set;
  for (const auto& zone : vocabulary.zones())
    if (!zone.profiles.empty() && (zone.profiles - set).empty() &&
        !(zone.profiles & rest).empty()) {
      rest = rest - zone.profiles;
      words.items.push_back(zone.name);
    }
  for (const auto profile : rest)
    words.items.push_back(std::string(to_string(profile)) + " networks");
  return words;
}

// --- protocols, ports, ICMP types

std::vector<Protocol> members(const ProtocolSet& set) {
  std::vector<Protocol> list;
  for (const auto& interval : set.intervals())
    for (unsigned p = interval.first.value; p <= interval.last.value; ++p)
      list.push_back(Protocol{static_cast<std::uint8_t>(p)});
  return list;
}

std::size_t size(const Interval<Port>& interval) {
  return std::size_t{interval.last.value} - interval.first.value + 1;
}

std::string join(const std::vector<std::string>& items, std::string_view between) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : std::string(between)) + item;
  return text;
}

// "tcp/22,80": one item for a protocol, unless they are many.
void append_ports(const std::vector<Protocol>& protocols, const PortSet& ports,
                  std::vector<std::string>& items) {
  if (ports.empty()) return;
  std::vector<std::string> list;
  for (const auto& interval : ports.intervals()) list.push_back(to_string(interval));
  for (const auto protocol : protocols) {
    const auto prefix = to_string(protocol) + "/";
    if (list.size() <= most_shown)
      items.push_back(prefix + join(list, ","));
    else
      for (const auto& one : list) items.push_back(prefix + one);
  }
}

Said listed(const Vocabulary& vocabulary, const ProtocolSet& protocols, const PortSet& ports) {
  Said said;
  std::bitset<65536> told;
  const auto is_told = [&](const Interval<Port>& interval) {
    for (std::size_t port = interval.first.value; port <= interval.last.value; ++port)
      if (!told[port]) return false;
    return true;
  };
  std::vector<Interval<Port>> of_services;
  for (const auto& service : vocabulary.services()) {
    if (service.protocols != protocols || !holds(ports, service.ports)) continue;
    // Each of its intervals lies in one of these.
    const bool fits =
        std::ranges::all_of(service.ports.intervals(), [&](const Interval<Port>& inner) {
          const auto after =
              std::ranges::upper_bound(ports.intervals(), inner.first, {}, &Interval<Port>::first);
          const auto& outer = *(after - 1);
          return size(outer) < shortest_range || holds(service.ports, PortSet{outer});
        });
    if (!fits || std::ranges::all_of(service.ports.intervals(), is_told)) continue;
    for (const auto& interval : service.ports.intervals()) {
      for (std::size_t port = interval.first.value; port <= interval.last.value; ++port)
        told.set(port);
      of_services.push_back(interval);
    }
    said.words.items.push_back(service.name);
  }
  const auto rest = ports - PortSet(std::move(of_services));
  append_ports(members(protocols), rest, said.words.items);
  said.cost = said.words.items.size() + rest.intervals().size();
  return said;
}

Words say_ports(const Vocabulary& vocabulary, const ir::Match& match) {
  const auto& ports = match.destination_ports;
  auto said = listed(vocabulary, match.protocols, ports);
  const auto others = ~ports;
  if (others.intervals().size() <= ports.intervals().size() && !ports.is_all() && !others.empty() &&
      ports.contains(Port{0}) && ports.contains(PortSet::max())) {
    auto except = listed(vocabulary, match.protocols, others);
    if (except.cost < said.cost + 1) {
      said.words.items.clear();
      for (const auto protocol : members(match.protocols))
        said.words.items.push_back(to_string(protocol));
      said.words.except = std::move(except.words.items);
    }
  }
  return said.words;
}

std::vector<std::string> say_protocols(const ProtocolSet& set) {
  std::vector<std::string> items;
  constexpr std::size_t longest_list = 8;
  for (const auto& interval : set.intervals()) {
    const auto last = unsigned{interval.last.value};
    if (last - interval.first.value >= longest_list) {
      items.push_back("protocols " + std::to_string(interval.first.value) + "-" +
                      std::to_string(last));
      continue;
    }
    for (const auto protocol : members(ProtocolSet{interval})) {
      const auto name = to_string(protocol);
      items.push_back(name[0] >= '0' && name[0] <= '9' ? "protocol " + name : name);
    }
  }
  return items;
}

std::vector<std::string> say_icmp_types(const IcmpSet& set, bool v4) {
  std::vector<std::string> items;
  auto rest = set;
  for (const auto& name : icmp_names()) {
    const auto& codes = v4 ? name.v4 : name.v6;
    if (!codes || !holds(set, IcmpSet{*codes}) || !rest.intersects(IcmpSet{*codes})) continue;
    rest = rest - IcmpSet{*codes};
    items.emplace_back(name.name);
  }
  const auto number = [](IcmpTypeCode v) {
    return std::to_string(v.type()) + "/" + std::to_string(v.code());
  };
  for (const auto& [first, last] : rest.intervals()) {
    if (first.code() == 0 && last.code() == 255)
      items.push_back(first.type() == last.type()
                          ? std::to_string(first.type())
                          : std::to_string(first.type()) + "-" + std::to_string(last.type()));
    else
      items.push_back(first == last ? number(first) : number(first) + "-" + number(last));
  }
  return items;
}

Words say_icmp(const Vocabulary& vocabulary, const ir::Match& match) {
  const bool v4 = match.families.contains(Family::ipv4);
  for (const auto& service : vocabulary.icmp_services())
    if ((v4 ? service.v4 : service.v6) == match.icmp)
      return {.items = {service.name}, .except = {}, .literal = false};
  const std::string name = v4 ? "icmp" : "icmpv6";
  auto items = say_icmp_types(match.icmp, v4);
  auto except = say_icmp_types(~match.icmp, v4);
  Words words;
  auto& chosen = except.size() < items.size() ? except : items;
  for (auto& item : chosen) item.insert(0, name + "/");
  if (&chosen == &except) {
    words.items = {name};
    words.except = std::move(except);
  } else {
    words.items = std::move(items);
  }
  return words;
}

// --- the rest

std::string say_states(ir::StateSet states) {
  const ir::StateSet opening{ConntrackState::fresh, ConntrackState::untracked};
  const ir::StateSet with_invalid = opening | ir::StateSet{ConntrackState::invalid};
  if (states == opening || states == with_invalid) return {};
  if (states.is_all()) return "in any state";
  std::vector<std::string> items;
  for (const auto state : states) items.emplace_back(to_string(state));
  return join(items, " or ");
}

std::string owner_text(const OwnerSet& set) {
  std::vector<std::string> items;
  for (const auto& [first, last] : set.intervals())
    items.push_back(first == last ? std::to_string(first.value)
                                  : std::to_string(first.value) + "-" + std::to_string(last.value));
  return to_text(Words{.items = std::move(items), .except = {}, .literal = true});
}

void say_owners(const std::string& what, const OwnerSet& set, const semantics::OwnersBeyond& beyond,
                std::vector<std::string>& further) {
  if (!set.is_all()) further.push_back(what + " " + owner_text(set));
  if (beyond.somebody) further.push_back("any " + what + ", but not nobody's");
  if (beyond.except.is_all())
    further.push_back("no " + what + "'s");
  else if (!beyond.except.empty())
    further.push_back("not " + what + " " + owner_text(beyond.except));
}

bool is_opaque(const ir::Predicate& predicate) {
  return std::holds_alternative<ir::OpaqueMatch>(predicate.test);
}

// Whether the boxes are the ICMP and the ICMPv6 half of the same types by name.
bool icmp_twins(const semantics::Box& four, const semantics::Box& six) {
  const auto& a = four.match;
  const auto& b = six.match;
  if (a.families != FamilySet{Family::ipv4} || b.families != FamilySet{Family::ipv6}) return false;
  if (a.protocols != ProtocolSet::of(protocol::icmp)) return false;
  if (b.protocols != ProtocolSet::of(protocol::icmpv6)) return false;
  if (a.icmp.is_all() != b.icmp.is_all()) return false;
  if (a.source.v4.is_all() != b.source.v6.is_all()) return false;
  if (a.destination.v4.is_all() != b.destination.v6.is_all()) return false;
  const auto types = say_icmp_types(a.icmp, true);
  if (!a.icmp.is_all() && types != say_icmp_types(b.icmp, false)) return false;
  // A number is not the same type in both.
  for (const auto& type : types)
    if (!a.icmp.is_all() && type[0] >= '0' && type[0] <= '9') return false;
  auto rest = b;  // equal but for what differs between the families
  rest.families = a.families;
  rest.protocols = a.protocols;
  rest.icmp = a.icmp;
  rest.source = a.source;
  rest.destination = a.destination;
  return rest == a && four.in_except == six.in_except && four.out_except == six.out_except &&
         four.users == six.users && four.groups == six.groups && four.without == six.without &&
         four.programs_except == six.programs_except && four.services_except == six.services_except;
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string out = "`";
  for (const char c : text) out += c == '`' ? '\'' : c;
  return out + "`";
}

std::string to_text(const Words& words) {
  const auto list = [](const std::vector<std::string>& items) {
    if (items.size() <= most_shown) return join(items, ", ");
    const std::vector<std::string> shown(items.begin(), items.begin() + most_shown - 1);
    return join(shown, ", ") + " and " + std::to_string(items.size() - shown.size()) + " more";
  };
  if (words.any()) return "any";
  const auto items = words.items.empty() ? "any" : list(words.items);
  return words.except.empty() ? items : items + " except " + list(words.except);
}

Words say_addresses(const Vocabulary& vocabulary, const AddressSet& set, FamilySet families) {
  const auto everything = narrowed(AddressSet::all(), families);
  if (set == everything) return {};
  // Of a large set this is looked at first: all the work below can find nothing shorter.
  constexpr std::size_t large = 32;
  if (set.v4.intervals().size() + set.v6.intervals().size() > large) {
    for (const auto& group : vocabulary.groups())
      if (narrowed(group.set, families) == set)
        return {.items = {group.name}, .except = {}, .literal = false};
    const auto others = everything - set;
    for (const auto& group : vocabulary.groups())
      if (narrowed(group.set, families) == others)
        return {.items = {}, .except = {group.name}, .literal = false};
  }
  auto best = listed(vocabulary, set, families);
  std::optional<Listed> except;
  auto least = best.cost();
  if (least < 3) return spelled(std::move(best));
  const auto try_base = [&](const AddressSet& base, std::vector<std::string> names) {
    auto others = listed(vocabulary, base - set, families);
    const auto cost = names.size() + 1 + others.cost();
    if (cost >= least) return;
    least = cost;
    best = {.names = std::move(names), .rest = {}};
    except = std::move(others);
  };
  try_base(everything, {});
  for (const auto& group : vocabulary.groups())
    if (lies_in(group.set, set, families)) try_base(narrowed(group.set, families), {group.name});
  if (!except) return spelled(std::move(best));
  return {.items = std::move(best.names),
          .except = spelled(std::move(*except)).items,
          .literal = false};
}

Words say_interfaces(const Vocabulary& vocabulary, const ir::InterfaceSet& set,
                     std::span<const ir::InterfacePattern> except) {
  Words words;
  if (set.is_any()) return words;
  if (!set.complemented()) {
    words.items = say_patterns(vocabulary, set.patterns());
    words.except = say_patterns(vocabulary, {except.begin(), except.end()});
    return words;
  }
  auto patterns = set.patterns();
  std::erase(patterns, ir::InterfacePattern{.name = "lo", .wildcard = false});
  words.except = say_patterns(vocabulary, std::move(patterns));
  return words;
}

Words say_service(const Vocabulary& vocabulary, const ir::Match& match) {
  Words words;
  if (!match.icmp.is_all()) {
    words = say_icmp(vocabulary, match);
  } else if (!match.destination_ports.is_all()) {
    words = say_ports(vocabulary, match);
  } else if (!match.protocols.is_all()) {
    words.items = say_protocols(match.protocols);
    auto except = say_protocols(~match.protocols);
    if (except.size() < words.items.size()) {
      words.items.clear();
      words.except = std::move(except);
    }
  }
  return words;
}

std::string say_predicate(const ir::Predicate& predicate) {
  auto text = quoted(predicate.instance) + " (";
  const auto per_source = [](bool per) { return per ? ", per source" : ""; };
  if (const auto* rate = std::get_if<ir::RateLimit>(&predicate.test))
    return text + std::to_string(rate->packets) + "/" + std::string(to_string(rate->unit)) +
           ", burst " + std::to_string(rate->burst) + per_source(rate->per_source) + ")";
  if (const auto* limit = std::get_if<ir::ConnectionLimit>(&predicate.test))
    return text + std::to_string(limit->connections) + " connections" +
           per_source(limit->per_source) + ")";
  return quoted(std::get<ir::OpaqueMatch>(predicate.test).text);
}

std::string BoxWords::sentence() const {
  auto text = direction;
  if (!family.empty()) text += " " + family;
  auto what = to_text(service);
  if (service.items.empty()) what.replace(0, 3, "anything");  // "any"
  text += " " + what;
  const bool sends = direction == "outbound";
  if (!sends || !from.any()) text += " from " + to_text(from);
  if (direction != "inbound" || !to.any()) text += " to " + to_text(to);
  if (!in.any()) text += " in " + to_text(in);
  if (!out.any()) text += " out " + to_text(out);
  for (const auto& more : further) text += "; " + more;
  return text;
}

BoxWords say(const Vocabulary& vocabulary, ir::Hook hook, std::span<const semantics::Box> boxes) {
  const auto& box = boxes[0];
  auto match = box.match;
  BoxWords words;
  words.direction = to_string(hook);
  words.service = say_service(vocabulary, match);
  if (boxes.size() > 1) {  // the other family's addresses
    const auto& other = boxes[1].match;
    match.families = FamilySet::all();
    match.source = match.source | other.source;
    match.destination = match.destination | other.destination;
  }
  words.from = say_addresses(vocabulary, match.source, match.families);
  words.to = say_addresses(vocabulary, match.destination, match.families);
  words.in = say_interfaces(vocabulary, match.in, box.in_except);
  words.out = say_interfaces(vocabulary, match.out, box.out_except);
  if (!match.profiles.is_all()) words.in = say_profiles(vocabulary, match.profiles);
  const bool seen = words.from.literal || words.to.literal;
  if (!match.families.is_all() && !seen) words.family = to_string(*match.families.begin());
  if (!match.source_ports.is_all()) {
    std::vector<std::string> ports;
    for (const auto& interval : match.source_ports.intervals())
      ports.push_back(to_string(interval));
    words.further.push_back(
        "source port " + to_text(Words{.items = std::move(ports), .except = {}, .literal = true}));
  }
  if (const auto states = say_states(match.states); !states.empty())
    words.further.push_back(states);
  say_owners("user", match.users, box.users, words.further);
  say_owners("group", match.groups, box.groups, words.further);
  if (!match.program.empty()) words.further.push_back("program " + quoted(match.program));
  for (const auto& program : box.programs_except)
    words.further.push_back("not program " + quoted(program));
  if (!match.windows_service.empty())
    words.further.push_back("Windows service " + quoted(match.windows_service));
  for (const auto& service : box.services_except)
    words.further.push_back("not Windows service " + quoted(service));
  for (const auto& predicate : match.predicates)
    words.further.push_back(is_opaque(predicate) ? "where " + say_predicate(predicate) + " holds"
                                                 : "within the limit " + say_predicate(predicate));
  for (const auto& predicate : box.without)
    words.further.push_back(is_opaque(predicate)
                                ? "where " + say_predicate(predicate) + " does not hold"
                                : "over the limit " + say_predicate(predicate));
  return words;
}

std::vector<std::vector<semantics::Box>> with_twins(std::vector<semantics::Box> boxes) {
  std::vector<std::vector<semantics::Box>> groups;
  std::vector<bool> taken(boxes.size());
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (taken[i]) continue;
    auto& group = groups.emplace_back();
    for (std::size_t j = i + 1; j < boxes.size() && group.empty(); ++j) {
      if (taken[j]) continue;
      const bool four_first = icmp_twins(boxes[i], boxes[j]);
      if (!four_first && !icmp_twins(boxes[j], boxes[i])) continue;
      taken[j] = true;
      group.push_back(std::move(boxes[four_first ? i : j]));
      group.push_back(std::move(boxes[four_first ? j : i]));
    }
    if (group.empty()) group.push_back(std::move(boxes[i]));
  }
  return groups;
}

}  // namespace firewright::analysis
