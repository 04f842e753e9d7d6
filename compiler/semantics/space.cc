#include "compiler/semantics/space.h"

#include <algorithm>

namespace firewright::semantics {
namespace {

constexpr std::uint32_t family_ranks = 2;
// "nobody": the owner of a packet that no socket sent.
constexpr u128 no_owner = u128{1} << 32U;

constexpr std::size_t at(Field field) { return static_cast<std::size_t>(field); }

// Enums are numeric fields whose ranks are their values.
std::uint32_t enum_size(Field field) {
  switch (field) {
    case Field::family: return family_ranks;
    case Field::profile: return ir::ProfileSet::count;
    case Field::state: return ir::StateSet::count;
    case Field::in:
    case Field::out:
    case Field::protocol:
    case Field::source_port:
    case Field::destination_port:
    case Field::icmp:
    case Field::source4:
    case Field::source6:
    case Field::destination4:
    case Field::destination6:
    case Field::user:
    case Field::group:
    case Field::program:
    case Field::windows_service: return 0;
  }
  return 0;
}

u128 last_value(Field field) {
  switch (field) {
    case Field::family:
    case Field::profile:
    case Field::state: return enum_size(field) - 1;
    case Field::protocol: return 0xff;
    case Field::source_port:
    case Field::destination_port:
    case Field::icmp: return 0xffff;
    case Field::source4:
    case Field::destination4: return 0xffffffff;
    case Field::source6:
    case Field::destination6: return ~u128{0};
    case Field::user:
    case Field::group: return no_owner;
    case Field::in:
    case Field::out:
    case Field::program:
    case Field::windows_service: return 0;  // names, not numbers
  }
  return 0;
}

template <class E>
std::vector<std::pair<std::uint32_t, std::uint32_t>> enum_ranges(EnumSet<E> set) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
  for (const auto member : set) {
    const auto rank = static_cast<std::uint32_t>(member);
    if (!ranges.empty() && ranges.back().second + 1 == rank)
      ranges.back().second = rank;
    else
      ranges.emplace_back(rank, rank);
  }
  return ranges;
}

}  // namespace

// Addresses of IPv6 need more than 32 bits, and so does "nobody" among the owners.
struct Space::AllBoundaries {
  std::array<Boundaries<std::uint32_t>, field_count> narrow;
  std::array<Boundaries<u128>, field_count> wide;

  static bool is_wide(Field field) { return last_value(field) > 0xffffffff; }
  void add(Field field, u128 start) {
    if (is_wide(field))
      wide[at(field)].add(start);
    else
      narrow[at(field)].add(static_cast<std::uint32_t>(start));
  }
  template <class T>
  void add(Field field, const IntervalSet<T>& set) {
    if (is_wide(field))
      wide[at(field)].add(set);
    else if constexpr (sizeof(T) <= sizeof(std::uint32_t))
      narrow[at(field)].add(set);
  }
  Starts take(Field field) {
    return is_wide(field) ? Starts(wide[at(field)].take()) : Starts(narrow[at(field)].take());
  }
};

// Fields whose ranks stand for names and regions of names, not for numbers.
bool Space::is_name(Field field) {
  return field == Field::in || field == Field::out || field == Field::program ||
         field == Field::windows_service;
}

Space::Space(std::span<const ir::Program* const> programs, FieldOrder order) {
  order_levels(order);
  AllBoundaries boundaries;
  for (std::size_t i = 0; i < field_count; ++i) {
    const auto field = static_cast<Field>(i);
    boundaries.add(field, 0);
    for (std::uint32_t rank = 1; rank < enum_size(field); ++rank) boundaries.add(field, rank);
  }
  for (const auto* program : programs) collect(*program, boundaries);
  for (const auto field : {Field::user, Field::group}) boundaries.add(field, no_owner);
  for (std::size_t i = 0; i < field_count; ++i) {
    const auto field = static_cast<Field>(i);
    starts_[i] = boundaries.take(field);
    last_values_[i] = last_value(field);
  }
  const auto rank = [&](Field field, auto& sets) {
    sets.give_ranges([&](const auto& set) { return ranges(field, set); });
  };
  rank(Field::source4, sources4_);
  rank(Field::source6, sources6_);
  rank(Field::destination4, destinations4_);
  rank(Field::destination6, destinations6_);
  std::sort(predicates_.begin(), predicates_.end());
  predicates_.erase(std::unique(predicates_.begin(), predicates_.end()), predicates_.end());
  for (auto* list : {&interfaces_, &programs_, &services_}) {
    const auto less = [](const Name& a, const Name& b) {
      return std::tie(a.text, a.kind) < std::tie(b.text, b.kind);
    };
    const auto same = [](const Name& a, const Name& b) {
      return a.text == b.text && a.kind == b.kind;
    };
    std::sort(list->begin(), list->end(), less);
    list->erase(std::unique(list->begin(), list->end(), same), list->end());
    list->push_back({.text = {}, .kind = Name::Kind::other});
  }
}

void Space::order_levels(FieldOrder order) {
  using enum Field;
  static constexpr Field ports[] = {destination_port, source_port};
  static constexpr Field addresses[] = {source4, source6, destination4, destination6};
  std::uint32_t next = 0;
  const auto put = [&](Field field) {
    fields_[next] = field;
    levels_[at(field)] = next++;
  };
  for (const auto field : {family, in, out, profile, state, protocol, icmp}) put(field);
  if (order == FieldOrder::ports_first)
    for (const auto field : ports) put(field);
  for (const auto field : addresses) put(field);
  if (order == FieldOrder::addresses_first)
    for (const auto field : ports) put(field);
  for (const auto field : {user, group, program, windows_service}) put(field);
}

void Space::collect(const ir::Program& program, AllBoundaries& boundaries) {
  const auto cut = [&](Field field, const auto& set) {
    if (!set.is_all()) boundaries.add(field, set);
  };
  const auto cut_large = [&](Field field, const auto& set, auto& known) {
    if (!known.is_large(set) || known.add(set)) cut(field, set);
  };
  for (const auto& chain : program.chains)
    for (const auto& rule : chain.rules) {
      const auto& match = rule.match;
      cut(Field::protocol, match.protocols);
      cut(Field::source_port, match.source_ports);
      cut(Field::destination_port, match.destination_ports);
      cut(Field::icmp, match.icmp);
      cut_large(Field::source4, match.source.v4, sources4_);
      cut_large(Field::source6, match.source.v6, sources6_);
      cut_large(Field::destination4, match.destination.v4, destinations4_);
      cut_large(Field::destination6, match.destination.v6, destinations6_);
      cut(Field::user, match.users);
      cut(Field::group, match.groups);
      for (const auto* set : {&match.in, &match.out})
        for (const auto& pattern : set->patterns())
          interfaces_.push_back(
              {.text = pattern.name,
               .kind = pattern.wildcard ? Name::Kind::wildcard : Name::Kind::exact});
      if (!match.program.empty()) programs_.push_back({match.program, Name::Kind::exact});
      if (!match.windows_service.empty())
        services_.push_back({match.windows_service, Name::Kind::exact});
      predicates_.insert(predicates_.end(), match.predicates.begin(), match.predicates.end());
    }
}

const std::vector<Space::Name>& Space::names(Field field) const {
  if (field == Field::program) return programs_;
  return field == Field::windows_service ? services_ : interfaces_;
}

std::uint32_t Space::level(const ir::Predicate& predicate) const {
  const auto found = std::lower_bound(predicates_.begin(), predicates_.end(), predicate);
  return static_cast<std::uint32_t>(field_count +
                                    static_cast<std::size_t>(found - predicates_.begin()));
}

std::optional<Field> Space::field(std::uint32_t level) const {
  if (level >= field_count) return std::nullopt;
  return fields_[level];
}

const ir::Predicate& Space::predicate(std::uint32_t level) const {
  return predicates_[level - field_count];
}

std::uint32_t Space::last_rank(std::uint32_t level) const {
  const auto known = field(level);
  if (!known) return 1;
  const auto ranks = is_name(*known) ? names(*known).size() : starts_[at(*known)].size();
  return static_cast<std::uint32_t>(ranks - 1);
}

std::uint32_t Space::rank_of(Field field, u128 value) const {
  return starts_[at(field)].visit([&](const auto& starts) {
    return static_cast<std::uint32_t>(std::upper_bound(starts.begin(), starts.end(), value) -
                                      starts.begin() - 1);
  });
}

template <class T>
Space::Ranges Space::ranges(Field field, const IntervalSet<T>& set) const {
  return starts_[at(field)].visit([&](const auto& starts) {
    using Raw = typename std::decay_t<decltype(starts)>::value_type;
    Ranges result;
    result.reserve(set.intervals().size());
    // Onwards from the last one found, in steps that double: of a large set the next one is near.
    std::size_t rank = 0;
    const auto seek = [&](Raw value) {
      std::size_t step = 1;
      while (rank + step < starts.size() && starts[rank + step] <= value) {
        rank += step;
        step *= 2;
      }
      const auto begin = starts.begin() + static_cast<std::ptrdiff_t>(rank);
      const auto end =
          starts.begin() + static_cast<std::ptrdiff_t>(std::min(rank + step, starts.size()));
      rank = static_cast<std::size_t>(std::upper_bound(begin, end, value) - starts.begin() - 1);
      return static_cast<std::uint32_t>(rank);
    };
    for (const auto& interval : set.intervals()) {
      const auto first = seek(static_cast<Raw>(interval.first.value));
      result.emplace_back(first, seek(static_cast<Raw>(interval.last.value)));
    }
    return result;
  });
}

template <class T>
Space::Ranges Space::known_ranges(Field field, const IntervalSet<T>& set,
                                  const LargeSets<T>& large) const {
  if (large.is_large(set))
    if (const auto* known = large.ranges(set)) return *known;
  return ranges(field, set);
}

Space::Ranges Space::ranges(Field field, const ir::InterfaceSet& set) const {
  Ranges result;
  const auto& list = names(field);
  for (std::uint32_t rank = 0; rank < list.size(); ++rank) {
    const auto& name = list[rank];
    // A region is matched by exactly the wildcards that its own wildcard begins with, and the names
    // that nothing mentions are matched by no pattern at all.
    const bool matched =
        std::any_of(set.patterns().begin(), set.patterns().end(), [&](const auto& p) {
          if (name.kind == Name::Kind::other) return false;
          if (name.kind == Name::Kind::wildcard && !p.wildcard) return false;
          return p.matches(name.text);
        });
    if (matched != set.complemented()) result.emplace_back(rank, rank);
  }
  return result;
}

Space::Ranges Space::ranges(Field field, const std::string& text) const {
  const auto rank = name_rank(field, text);
  return {{rank, rank}};
}

std::uint32_t Space::name_rank(Field field, const std::string& name) const {
  const auto& list = names(field);
  std::uint32_t best = static_cast<std::uint32_t>(list.size() - 1);
  std::size_t longest = 0;
  for (std::uint32_t rank = 0; rank + 1 < list.size(); ++rank) {
    if (list[rank].kind == Name::Kind::exact && list[rank].text == name) return rank;
    if (list[rank].kind == Name::Kind::wildcard && name.starts_with(list[rank].text) &&
        list[rank].text.size() >= longest) {
      longest = list[rank].text.size();
      best = rank;
    }
  }
  return best;
}

Node Space::restrict(Diagrams& diagrams, Field field, const Ranges& allowed, Node below) const {
  const auto last = last_rank(level(field));
  const auto none = Diagrams::leaf(0);
  std::vector<Edge> edges;
  edges.reserve(2 * allowed.size() + 1);
  std::uint32_t next = 0;
  for (const auto& [first, end] : allowed) {
    if (first > next) edges.push_back({first - 1, none});
    edges.push_back({end, below});
    next = end + 1;
  }
  if (next <= last) edges.push_back({last, none});
  return diagrams.make(level(field), edges);
}

bool Space::restricts(const ir::Match& match, Family family, Field field) {
  const bool v4 = family == Family::ipv4;
  switch (field) {
    case Field::family: return false;
    case Field::in: return !match.in.is_any();
    case Field::out: return !match.out.is_any();
    case Field::profile: return !match.profiles.is_all();
    case Field::state: return !match.states.is_all();
    case Field::protocol: return !match.protocols.is_all();
    case Field::source_port: return !match.source_ports.is_all();
    case Field::destination_port: return !match.destination_ports.is_all();
    case Field::icmp: return !match.icmp.is_all();
    case Field::source4: return v4 && !match.source.v4.is_all();
    case Field::source6: return !v4 && !match.source.v6.is_all();
    case Field::destination4: return v4 && !match.destination.v4.is_all();
    case Field::destination6: return !v4 && !match.destination.v6.is_all();
    case Field::user: return !match.users.is_all();
    case Field::group: return !match.groups.is_all();
    case Field::program: return !match.program.empty();
    case Field::windows_service: return !match.windows_service.empty();
  }
  return false;
}

std::optional<Space::Ranges> Space::allowed(const ir::Match& match, Family family,
                                            Field field) const {
  if (!restricts(match, family, field)) return std::nullopt;
  switch (field) {
    case Field::family: return std::nullopt;
    case Field::in: return ranges(field, match.in);
    case Field::out: return ranges(field, match.out);
    case Field::profile: return enum_ranges(match.profiles);
    case Field::state: return enum_ranges(match.states);
    case Field::protocol: return ranges(field, match.protocols);
    case Field::source_port: return ranges(field, match.source_ports);
    case Field::destination_port: return ranges(field, match.destination_ports);
    case Field::icmp: return ranges(field, match.icmp);
    case Field::source4: return known_ranges(field, match.source.v4, sources4_);
    case Field::source6: return known_ranges(field, match.source.v6, sources6_);
    case Field::destination4: return known_ranges(field, match.destination.v4, destinations4_);
    case Field::destination6: return known_ranges(field, match.destination.v6, destinations6_);
    case Field::user: return ranges(field, match.users);
    case Field::group: return ranges(field, match.groups);
    case Field::program: return ranges(field, match.program);
    case Field::windows_service: return ranges(field, match.windows_service);
  }
  return std::nullopt;
}

Node Space::under_predicates(Diagrams& diagrams, const ir::Match& match, Node yes) const {
  if (match.predicates.empty()) return yes;
  auto predicates = match.predicates;
  std::sort(predicates.begin(), predicates.end());
  predicates.erase(std::unique(predicates.begin(), predicates.end()), predicates.end());
  for (auto it = predicates.rbegin(); it != predicates.rend(); ++it) {
    const Edge edges[] = {{0, Diagrams::leaf(0)}, {1, yes}};
    yes = diagrams.make(level(*it), edges);
  }
  return yes;
}

Node Space::from_level(std::uint32_t level, Diagrams& diagrams, const ir::Match& match,
                       Family family, Node end) const {
  for (std::size_t i = field_count; i-- > level;)  // the last level first
    if (const auto ranks = allowed(match, family, fields_[i]))
      end = restrict(diagrams, fields_[i], *ranks, end);
  return end;
}

Node Space::match(Diagrams& diagrams, const ir::Match& match, Node yes) const {
  const auto end = under_predicates(diagrams, match, yes);
  std::array<Node, family_ranks> by_family{Diagrams::leaf(0), Diagrams::leaf(0)};
  for (const auto family : match.families) {
    by_family[static_cast<std::size_t>(family)] = from_level(0, diagrams, match, family, end);
  }
  const Edge edges[] = {{0, by_family[0]}, {1, by_family[1]}};
  return diagrams.make(level(Field::family), edges);
}

ir::Packet Space::packet(ir::Hook hook, std::span<const std::uint32_t> ranks) const {
  const auto number = [&](Field f) { return values(f, ranks[level(f)]).first; };
  const auto name = [&](Field f) -> std::string {
    const auto& entry = names(f)[ranks[level(f)]];
    if (entry.kind == Name::Kind::exact) return entry.text;
    // Something that the region holds and no name in it is.
    const std::string prefix = entry.kind == Name::Kind::wildcard ? entry.text : "other";
    for (unsigned n = 0;; ++n) {
      auto candidate = prefix + std::to_string(n);
      if (name_rank(f, candidate) == ranks[level(f)]) return candidate;
    }
  };
  ir::Packet packet;
  packet.hook = hook;
  if (hook != ir::Hook::outbound) packet.in = name(Field::in);
  if (hook != ir::Hook::inbound) packet.out = name(Field::out);
  packet.profile = static_cast<ir::Profile>(number(Field::profile));
  packet.state = static_cast<ir::ConntrackState>(number(Field::state));
  if (number(Field::family) == 0) {
    packet.source = Ipv4{static_cast<std::uint32_t>(number(Field::source4))};
    packet.destination = Ipv4{static_cast<std::uint32_t>(number(Field::destination4))};
  } else {
    packet.source = Ipv6{number(Field::source6)};
    packet.destination = Ipv6{number(Field::destination6)};
  }
  packet.protocol = Protocol{static_cast<std::uint8_t>(number(Field::protocol))};
  if (has_ports(packet.protocol)) {
    packet.source_port = Port{static_cast<std::uint16_t>(number(Field::source_port))};
    packet.destination_port = Port{static_cast<std::uint16_t>(number(Field::destination_port))};
  }
  packet.icmp = IcmpTypeCode{static_cast<std::uint16_t>(number(Field::icmp))};
  const auto owner = [&](Field f) -> std::optional<OwnerId> {
    const auto id = number(f);
    if (id == no_owner) return std::nullopt;
    return OwnerId{static_cast<std::uint32_t>(id)};
  };
  packet.user = owner(Field::user);
  packet.group = owner(Field::group);
  packet.program = name(Field::program);
  packet.windows_service = name(Field::windows_service);
  return packet;
}

std::vector<std::uint32_t> Space::ranks(const ir::Packet& packet,
                                        const ir::PredicateValue& holds) const {
  std::vector<std::uint32_t> ranks(field_count + predicates_.size());
  const auto put = [&](Field f, u128 value) { ranks[level(f)] = rank_of(f, value); };
  const bool v4 = packet.family() == Family::ipv4;
  put(Field::family, v4 ? 0 : 1);
  ranks[level(Field::in)] = name_rank(Field::in, packet.in);
  ranks[level(Field::out)] = name_rank(Field::out, packet.out);
  put(Field::profile, static_cast<u128>(packet.profile));
  put(Field::state, static_cast<u128>(packet.state));
  put(Field::protocol, packet.protocol.value);
  put(Field::source_port, packet.source_port.value);
  put(Field::destination_port, packet.destination_port.value);
  put(Field::icmp, packet.icmp.value);
  if (v4) {
    put(Field::source4, std::get<Ipv4>(packet.source).value);
    put(Field::destination4, std::get<Ipv4>(packet.destination).value);
  } else {
    put(Field::source6, std::get<Ipv6>(packet.source).value);
    put(Field::destination6, std::get<Ipv6>(packet.destination).value);
  }
  put(Field::user, packet.user ? u128{packet.user->value} : no_owner);
  put(Field::group, packet.group ? u128{packet.group->value} : no_owner);
  ranks[level(Field::program)] = name_rank(Field::program, packet.program);
  ranks[level(Field::windows_service)] = name_rank(Field::windows_service, packet.windows_service);
  for (std::size_t i = 0; i < predicates_.size(); ++i)
    ranks[field_count + i] = holds(predicates_[i]) ? 1 : 0;
  return ranks;
}

}  // namespace firewright::semantics
