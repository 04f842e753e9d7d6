#include "compiler/semantics/box_fields.h"

#include <algorithm>
#include <array>

namespace firewright::semantics {
namespace {

using Kind = Space::Name::Kind;

constexpr u128 no_owner = u128{1} << 32U;

std::vector<bool> included(const std::vector<Space::Name>& names, const RankRanges& ranges) {
  std::vector<bool> in(names.size());
  for (const auto& [first, last] : ranges)
    for (auto rank = first; rank <= last; ++rank) in[rank] = true;
  return in;
}

RankRanges to_ranges(const std::vector<bool>& in) {
  RankRanges ranges;
  for (std::uint32_t rank = 0; rank < in.size(); ++rank) {
    if (!in[rank]) continue;
    if (!ranges.empty() && ranges.back().second + 1 == rank)
      ranges.back().second = rank;
    else
      ranges.emplace_back(rank, rank);
  }
  return ranges;
}

// Whether region or name `inner` lies in the wildcard `outer`.
bool beneath(const Space::Name& inner, const Space::Name& outer) {
  return outer.kind == Kind::wildcard && inner.kind != Kind::other && &inner != &outer &&
         inner.text.starts_with(outer.text);
}

bool beneath_included(const std::vector<Space::Name>& names, const std::vector<bool>& in,
                      std::size_t rank) {
  if (in.back()) return true;  // "other" is above all of them
  for (std::size_t outer = 0; outer < names.size(); ++outer)
    if (in[outer] && beneath(names[rank], names[outer])) return true;
  return false;
}

// A wildcard can be taken out only with all that lies in it.
RankRanges sayable_interfaces(const std::vector<Space::Name>& names, const RankRanges& ranges) {
  auto in = included(names, ranges);
  for (std::size_t out = 0; out < names.size(); ++out) {
    if (in[out] || names[out].kind != Kind::wildcard || !beneath_included(names, in, out)) continue;
    for (std::size_t rank = 0; rank < names.size(); ++rank)
      if (beneath(names[rank], names[out])) in[rank] = false;
  }
  return to_ranges(in);
}

ir::InterfacePattern pattern(const Space::Name& name) {
  return {.name = name.text, .wildcard = name.kind == Kind::wildcard};
}

void interfaces(const std::vector<Space::Name>& names, const RankRanges& ranges,
                ir::InterfaceSet& set, std::vector<ir::InterfacePattern>& except) {
  const auto in = included(names, ranges);
  std::vector<ir::InterfacePattern> patterns;
  for (std::size_t rank = 0; rank + 1 < names.size(); ++rank)
    if (in[rank] != in.back()) patterns.push_back(pattern(names[rank]));
  if (in.back()) {
    set = ir::InterfaceSet::except(std::move(patterns));
    return;
  }
  set = ir::InterfaceSet::of(std::move(patterns));
  for (std::size_t rank = 0; rank + 1 < names.size(); ++rank)
    if (!in[rank] && beneath_included(names, in, rank)) except.push_back(pattern(names[rank]));
}

void one_name(const std::vector<Space::Name>& names, const RankRanges& ranges, std::string& name,
              std::vector<std::string>& except) {
  const auto in = included(names, ranges);
  for (std::size_t rank = 0; rank + 1 < names.size(); ++rank) {
    if (in.back() && !in[rank]) except.push_back(names[rank].text);
    if (!in.back() && in[rank]) name = names[rank].text;
  }
}

template <class T>
IntervalSet<T> numbers(const Space& space, Field field, const RankRanges& ranges) {
  std::vector<Interval<T>> list;
  for (const auto& [first, last] : ranges)
    list.push_back({T{static_cast<decltype(T{}.value)>(space.values(field, first).first)},
                    T{static_cast<decltype(T{}.value)>(space.values(field, last).second)}});
  return IntervalSet<T>(std::move(list));
}

template <class E>
EnumSet<E> members(const RankRanges& ranges) {
  EnumSet<E> set;
  for (const auto& [first, last] : ranges)
    for (auto rank = first; rank <= last; ++rank) set.insert(static_cast<E>(rank));
  return set;
}

void owners(const Space& space, Field field, const RankRanges& ranges, OwnerSet& set,
            OwnersBeyond& beyond) {
  std::vector<Interval<OwnerId>> list;
  bool nobody = false;
  for (const auto& [first, last] : ranges) {
    const auto low = space.values(field, first).first;
    auto high = space.values(field, last).second;
    if (high >= no_owner) {
      nobody = true;
      if (low >= no_owner) continue;
      high = no_owner - 1;
    }
    list.push_back(
        {OwnerId{static_cast<std::uint32_t>(low)}, OwnerId{static_cast<std::uint32_t>(high)}});
  }
  const OwnerSet somebody(std::move(list));
  if (nobody) {
    beyond.except = ~somebody;
    return;
  }
  set = somebody;
  beyond.somebody = somebody.is_all();
}

bool owned_by(const OwnersBeyond& beyond, const std::optional<OwnerId>& owner) {
  return owner ? !beyond.except.contains(*owner) : !beyond.somebody;
}

bool none_matches(const std::vector<ir::InterfacePattern>& patterns, const std::string& name) {
  return std::none_of(patterns.begin(), patterns.end(),
                      [&](const auto& pattern) { return pattern.matches(name); });
}

}  // namespace

bool is_full(const Space& space, std::uint32_t level, const RankRanges& ranges) {
  return ranges.size() == 1 && ranges[0].first == 0 && ranges[0].second == space.last_rank(level);
}

RankRanges intersection(const RankRanges& a, const RankRanges& b) {
  RankRanges result;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    const auto first = std::max(i->first, j->first);
    const auto last = std::min(i->second, j->second);
    if (first <= last) {
      if (!result.empty() && result.back().second + 1 == first)
        result.back().second = last;
      else
        result.emplace_back(first, last);
    }
    if (i->second < j->second)
      ++i;
    else
      ++j;
  }
  return result;
}

RankRanges difference(const RankRanges& a, const RankRanges& b) {
  RankRanges result;
  auto j = b.begin();
  for (auto [first, last] : a) {
    while (j != b.end() && j->second < first) ++j;
    for (auto k = j; k != b.end() && k->first <= last; ++k) {
      if (k->first > first) result.emplace_back(first, k->first - 1);
      first = k->second + 1;
    }
    if (first <= last) result.emplace_back(first, last);
  }
  return result;
}

RankRanges sayable(const Space& space, std::uint32_t level, const RankRanges& ranges) {
  const auto field = space.field(level);
  if (!field || !Space::is_name(*field)) return ranges;
  const auto& names = space.names(*field);
  if (*field == Field::in || *field == Field::out) return sayable_interfaces(names, ranges);
  if (ranges.back().second + 1 == names.size()) return ranges;
  return {{ranges[0].first, ranges[0].first}};
}

RankRanges port_protocols(const Space& space) {
  RankRanges ranges;
  const auto last = space.last_rank(space.level(Field::protocol));
  for (std::uint32_t rank = 0; rank <= last; ++rank) {
    const auto [low, high] = space.values(Field::protocol, rank);
    bool ports = true;
    for (auto value = low; value <= high && ports; ++value)
      ports = has_ports(Protocol{static_cast<std::uint8_t>(value)});
    if (ports) ranges.emplace_back(rank, rank);
  }
  return ranges;
}

double fraction(const Space& space, std::uint32_t level, std::uint32_t first, std::uint32_t last) {
  const auto field = space.field(level);
  const auto count = [](u128 low, u128 high) { return static_cast<double>(high - low) + 1; };
  const auto end = space.last_rank(level);
  if (!field || Space::is_name(*field)) return count(first, last) / count(0, end);
  return count(space.values(*field, first).first, space.values(*field, last).second) /
         count(0, space.values(*field, end).second);
}

double fraction(const Space& space, std::uint32_t level, const RankRanges& ranges) {
  double sum = 0;
  for (const auto& [first, last] : ranges) sum += fraction(space, level, first, last);
  return sum;
}

void describe(const Space& space, Box& box) {
  const auto of = [&](Field field) -> const RankRanges& { return box.ranks[space.level(field)]; };
  auto& match = box.match;
  match.families = members<Family>(of(Field::family));
  interfaces(space.names(Field::in), of(Field::in), match.in, box.in_except);
  interfaces(space.names(Field::out), of(Field::out), match.out, box.out_except);
  match.profiles = members<ir::Profile>(of(Field::profile));
  match.states = members<ir::ConntrackState>(of(Field::state));
  match.protocols = numbers<Protocol>(space, Field::protocol, of(Field::protocol));
  match.source_ports = numbers<Port>(space, Field::source_port, of(Field::source_port));
  match.destination_ports =
      numbers<Port>(space, Field::destination_port, of(Field::destination_port));
  match.icmp = numbers<IcmpTypeCode>(space, Field::icmp, of(Field::icmp));
  match.source = {.v4 = numbers<Ipv4>(space, Field::source4, of(Field::source4)),
                  .v6 = numbers<Ipv6>(space, Field::source6, of(Field::source6))};
  match.destination = {.v4 = numbers<Ipv4>(space, Field::destination4, of(Field::destination4)),
                       .v6 = numbers<Ipv6>(space, Field::destination6, of(Field::destination6))};
  ir::restrict_families(match, match.families);
  owners(space, Field::user, of(Field::user), match.users, box.users);
  owners(space, Field::group, of(Field::group), match.groups, box.groups);
  one_name(space.names(Field::program), of(Field::program), match.program, box.programs_except);
  one_name(space.names(Field::windows_service), of(Field::windows_service), match.windows_service,
           box.services_except);
  box.share = static_cast<double>(match.families.size()) / FamilySet::count;
  for (std::uint32_t level = 0; level < box.ranks.size(); ++level) {
    if (level == space.level(Field::family) || is_full(space, level, box.ranks[level])) continue;
    box.share *= fraction(space, level, box.ranks[level]);
    if (level < field_count) continue;
    const bool holds = box.ranks[level][0].first == 1;
    (holds ? match.predicates : box.without).push_back(space.predicate(level));
  }
}

bool contains(const Box& box, const ir::Packet& packet, const ir::PredicateValue& holds) {
  const auto named = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return ir::matches(box.match, packet, holds) && none_matches(box.in_except, packet.in) &&
         none_matches(box.out_except, packet.out) && owned_by(box.users, packet.user) &&
         owned_by(box.groups, packet.group) && !named(box.programs_except, packet.program) &&
         !named(box.services_except, packet.windows_service) &&
         std::none_of(box.without.begin(), box.without.end(), holds);
}

Node to_node(Diagrams& diagrams, const Space& space, const Box& box) {
  std::array<Node, FamilySet::count> by_family{};
  std::vector<Edge> edges;
  const auto none = Diagrams::leaf(0);
  for (std::uint32_t family = 0; family < by_family.size(); ++family) {
    by_family[family] = none;
    if (!box.match.families.contains(static_cast<Family>(family))) continue;
    auto node = Diagrams::leaf(1);
    for (auto level = static_cast<std::uint32_t>(box.ranks.size()); level-- > 0;) {
      const auto field = space.field(level);
      if (field == Field::family) continue;
      const bool other4 = field == Field::source4 || field == Field::destination4;
      const bool other6 = field == Field::source6 || field == Field::destination6;
      if (family == 0 ? other6 : other4) continue;
      if (is_full(space, level, box.ranks[level])) continue;
      edges.clear();
      std::uint32_t next = 0;
      for (const auto& [first, last] : box.ranks[level]) {
        if (first > next) edges.push_back({first - 1, none});
        edges.push_back({last, node});
        next = last + 1;
      }
      if (next <= space.last_rank(level)) edges.push_back({space.last_rank(level), none});
      node = diagrams.make(level, edges);
    }
    by_family[family] = node;
  }
  const Edge root[] = {{0, by_family[0]}, {1, by_family[1]}};
  return diagrams.make(space.level(Field::family), root);
}

}  // namespace firewright::semantics
