#include "backends/nftables/decode_worlds.h"

#include <algorithm>

#include "backends/nftables/decode_interfaces.h"

namespace firewright::nftables::netlink {
namespace {

struct Place {
  Field field;
  unsigned index;
};

std::optional<Place> network_place(unsigned offset, const ir::Match& match) {
  if (match.families == FamilySet{Family::ipv4}) {
    if (offset == 9) return Place{Field::protocol, 0};
    if (offset >= 12 && offset < 16) return Place{Field::source4, offset - 12};
    if (offset >= 16 && offset < 20) return Place{Field::destination4, offset - 16};
  } else if (match.families == FamilySet{Family::ipv6}) {
    if (offset == 6) return Place{Field::next_header, 0};
    if (offset >= 8 && offset < 24) return Place{Field::source6, offset - 8};
    if (offset >= 24 && offset < 40) return Place{Field::destination6, offset - 24};
  }
  return std::nullopt;
}

bool all_have_ports(const ProtocolSet& protocols) {
  for (const auto& interval : protocols.intervals())
    for (unsigned p = interval.first.value; p <= interval.last.value; ++p)
      if (!has_ports(Protocol{static_cast<std::uint8_t>(p)})) return false;
  return !protocols.empty();
}

bool is_icmp(const ir::Match& match) {
  if (match.families == FamilySet{Family::ipv4})
    return match.protocols == ProtocolSet::of(protocol::icmp);
  return match.families == FamilySet{Family::ipv6} &&
         match.protocols == ProtocolSet::of(protocol::icmpv6);
}

std::optional<Place> transport_place(unsigned offset, const ir::Match& match) {
  if (offset >= 4) return std::nullopt;
  if (all_have_ports(match.protocols))
    return offset < 2 ? Place{Field::source_port, offset}
                      : Place{Field::destination_port, offset - 2};
  if (offset < 2 && is_icmp(match)) return Place{Field::icmp, offset};
  return std::nullopt;
}

std::optional<Place> place_of(const Byte& byte, const ir::Match& match) {
  switch (byte.kind) {
    case Byte::Kind::field: return Place{static_cast<Field>(byte.source), byte.index};
    case Byte::Kind::network: return network_place(byte.index, match);
    case Byte::Kind::transport: return transport_place(byte.index, match);
    case Byte::Kind::unset:
    case Byte::Kind::constant:
    case Byte::Kind::opaque: return std::nullopt;
  }
  return std::nullopt;
}

// Only neighbouring bytes may be one component: the kernel compares them as one.
bool append(Component& component, std::size_t at, unsigned index, const Byte& byte) {
  for (std::size_t i = 0; i < component.count; ++i)
    if (component.index[i] == index) return false;
  if (component.count == component.at.size()) return false;
  if (component.count > 0 && component.at[component.count - 1U] + 1U != at) return false;
  component.at[component.count] = static_cast<std::uint8_t>(at);
  component.index[component.count] = static_cast<std::uint8_t>(index);
  component.mask[component.count] = byte.mask;
  component.flip[component.count] = byte.flip;
  ++component.count;
  return true;
}

template <class T>
void intersect(IntervalSet<T>& set, const Ranges& values, bool negated) {
  using Raw = decltype(T{}.value);
  std::vector<Interval<T>> intervals;
  intervals.reserve(values.size());
  for (const auto& range : values)
    intervals.push_back({T{static_cast<Raw>(range.first)}, T{static_cast<Raw>(range.last)}});
  IntervalSet<T> narrowed(std::move(intervals));
  if (negated) narrowed = ~narrowed;
  set = set.is_all() ? std::move(narrowed) : set & narrowed;
}

Narrowed narrow_families(ir::Match& match, const Ranges& values, bool negated, u128 v4, u128 v6) {
  FamilySet families;
  if (contains(values, v4) != negated) families.insert(Family::ipv4);
  if (contains(values, v6) != negated) families.insert(Family::ipv6);
  if (families != match.families) ir::restrict_families(match, families);
  return Narrowed::yes;
}

Narrowed narrow_states(ir::Match& match, const Ranges& values, bool negated) {
  for (const auto state : ir::StateSet::all()) {
    u128 bit = 0;
    switch (state) {
      case ir::ConntrackState::invalid: bit = 1; break;
      case ir::ConntrackState::established: bit = 2; break;
      case ir::ConntrackState::related: bit = 4; break;
      case ir::ConntrackState::fresh: bit = 8; break;
      case ir::ConntrackState::untracked: bit = 64; break;
    }
    if (contains(values, bit) == negated) match.states.erase(state);
  }
  return Narrowed::yes;
}

Narrowed narrow_interfaces(ir::InterfaceSet& set, const std::optional<ir::InterfaceSet>& other) {
  const auto both = other ? intersection(set, *other) : std::nullopt;
  if (!both) return Narrowed::opaquely;
  set = *both;
  return Narrowed::yes;
}

// The loopback interface is the first of each namespace.
std::optional<ir::InterfaceSet> interface_of_index(const Ranges& values, bool negated) {
  if (values.empty()) return negated ? ir::InterfaceSet::any() : ir::InterfaceSet::of({});
  if (values != Ranges{{1, 1}}) return std::nullopt;
  return negated ? ir::InterfaceSet::except({{"lo", false}})
                 : ir::InterfaceSet::of({{"lo", false}});
}

Narrowed narrow_owners(OwnerSet& set, const Ranges& values, bool negated) {
  intersect(set, values, negated);
  // "Any owner" is not "any packet".
  return set.is_all() ? Narrowed::opaquely : Narrowed::yes;
}

Narrowed narrow_next_header(ir::Match& match, const Ranges& values, bool negated) {
  // net/ipv6/exthdrs_core.c: ipv6_ext_hdr()
  constexpr u128 extensions[] = {0, 43, 44, 51, 59, 60};
  const bool only_protocols =
      !negated && std::none_of(std::begin(extensions), std::end(extensions),
                               [&](u128 header) { return contains(values, header); });
  if (!only_protocols) return Narrowed::opaquely;
  intersect(match.protocols, values, false);
  add_opaque(match, "no IPv6 extension headers");
  return Narrowed::yes;
}

std::string mask_text(std::span<const Byte> bytes) {
  std::string masks;
  std::string flips;
  bool masked = false;
  bool flipped = false;
  for (const auto& byte : bytes) {
    masks += static_cast<char>(byte.mask);
    flips += static_cast<char>(byte.flip);
    masked = masked || byte.mask != 0xff;
    flipped = flipped || byte.flip != 0;
  }
  return (masked ? " & " + hex(masks) : "") + (flipped ? " ^ " + hex(flips) : "");
}

// The field that all these bytes together are.
std::optional<Field> whole_field(std::span<const Byte> bytes, const ir::Match& match) {
  const auto place = place_of(bytes.front(), match);
  if (!place || bytes.size() != bytes_of(place->field)) return std::nullopt;
  for (const auto& byte : bytes) {
    const auto other = place_of(byte, match);
    if (!other || other->field != place->field) return std::nullopt;
  }
  return place->field;
}

std::string source_text(std::span<const Byte> bytes, const ir::Match& match,
                        const std::vector<std::string>& opaque) {
  const auto& first = bytes.front();
  const auto& last = bytes.back();
  if (const auto field = whole_field(bytes, match)) return std::string(name_of(*field));
  const auto header = [&](const char* name) {
    const auto [low, high] = std::minmax(first.index, last.index);
    return std::string(name) + "," + std::to_string(low * 8U) + "," +
           std::to_string((high - low + 1U) * 8U);
  };
  switch (first.kind) {
    case Byte::Kind::field: return std::string(name_of(static_cast<Field>(first.source)));
    case Byte::Kind::network: return header("@nh");
    case Byte::Kind::transport: return header("@th");
    case Byte::Kind::opaque:
      return first.source < opaque.size() ? opaque[first.source] : std::string("?");
    case Byte::Kind::unset:
    case Byte::Kind::constant: return {};
  }
  return {};
}

}  // namespace

namespace {

// Whether all bytes could be looked into.
bool resolve_into(std::span<const Byte> bytes, const ir::Match& match, Row& row) {
  bool all = true;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const auto& byte = bytes[at];
    if (byte.kind == Byte::Kind::constant) {
      row.constants.emplace_back(at, byte.flip);
      continue;
    }
    const auto place = place_of(byte, match);
    if (!place) {
      all = false;
      continue;
    }
    auto component = std::find_if(row.components.begin(), row.components.end(),
                                  [&](const Component& c) { return c.field == place->field; });
    if (component == row.components.end()) {
      row.components.push_back({.field = place->field});
      component = row.components.end() - 1;
    }
    all = append(*component, at, place->index, byte) && all;
  }
  return all;
}

}  // namespace

std::optional<Row> resolve(std::span<const Byte> bytes, const ir::Match& match) {
  Row row;
  if (!resolve_into(bytes, match, row)) return std::nullopt;
  return row;
}

Row resolve_some(std::span<const Byte> bytes, const ir::Match& match) {
  Row row;
  (void)resolve_into(bytes, match, row);
  return row;
}

std::optional<std::pair<ProtocolSet, ProtocolSet>> split_protocols(std::span<const Byte> bytes,
                                                                   const ir::Match& match) {
  const bool any = std::any_of(bytes.begin(), bytes.end(), [](const Byte& byte) {
    return byte.kind == Byte::Kind::transport && byte.index < 4;
  });
  if (!any || all_have_ports(match.protocols)) return std::nullopt;
  const ProtocolSet ported{{protocol::tcp, protocol::tcp},
                           {protocol::udp, protocol::udp},
                           {protocol::dccp, protocol::dccp},
                           {protocol::sctp, protocol::sctp},
                           {protocol::udplite, protocol::udplite}};
  auto with = match.protocols & ported;
  if (with.empty()) return std::nullopt;
  return std::pair{std::move(with), match.protocols - ported};
}

Narrowed narrow(ir::Match& match, Field field, const Ranges& values, bool negated) {
  switch (field) {
    case Field::nfproto: return narrow_families(match, values, negated, 2, 10);
    case Field::ethertype: return narrow_families(match, values, negated, 0x0800, 0x86dd);
    case Field::protocol: intersect(match.protocols, values, negated); break;
    case Field::in_name: return narrow_interfaces(match.in, interfaces(values, negated));
    case Field::out_name: return narrow_interfaces(match.out, interfaces(values, negated));
    case Field::in_index: return narrow_interfaces(match.in, interface_of_index(values, negated));
    case Field::out_index: return narrow_interfaces(match.out, interface_of_index(values, negated));
    case Field::state: return narrow_states(match, values, negated);
    case Field::user: return narrow_owners(match.users, values, negated);
    case Field::group: return narrow_owners(match.groups, values, negated);
    case Field::source4: intersect(match.source.v4, values, negated); break;
    case Field::destination4: intersect(match.destination.v4, values, negated); break;
    case Field::source6: intersect(match.source.v6, values, negated); break;
    case Field::destination6: intersect(match.destination.v6, values, negated); break;
    case Field::source_port: intersect(match.source_ports, values, negated); break;
    case Field::destination_port: intersect(match.destination_ports, values, negated); break;
    case Field::icmp: intersect(match.icmp, values, negated); break;
    case Field::next_header: return narrow_next_header(match, values, negated);
  }
  return Narrowed::yes;
}

bool is_empty(const ir::Match& match) {
  const auto no_addresses = [&](const AddressSet& set) {
    return (match.families.contains(Family::ipv4) && set.v4.empty()) ||
           (match.families.contains(Family::ipv6) && set.v6.empty());
  };
  return match.families.empty() || match.in.empty() || match.out.empty() || match.states.empty() ||
         match.protocols.empty() || match.source_ports.empty() || match.destination_ports.empty() ||
         match.icmp.empty() || match.users.empty() || match.groups.empty() ||
         no_addresses(match.source) || no_addresses(match.destination);
}

void add_predicate(ir::Match& match, ir::Predicate predicate) {
  auto& all = match.predicates;
  if (std::find(all.begin(), all.end(), predicate) == all.end())
    all.push_back(std::move(predicate));
}

void add_opaque(ir::Match& match, const std::string& text) {
  add_predicate(match, {.instance = "opaque", .test = ir::OpaqueMatch{text}});
}

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text = "0x";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4U];
    text += digits[byte & 0xfU];
  }
  return text;
}

std::string describe(std::span<const Byte> bytes, const ir::Match& match,
                     const std::vector<std::string>& opaque) {
  std::string text;
  for (std::size_t begin = 0; begin < bytes.size();) {
    std::size_t end = begin + 1;
    const auto& first = bytes[begin];
    while (end < bytes.size() && bytes[end].kind == first.kind &&
           bytes[end].source == first.source &&
           (bytes[end].index == bytes[end - 1].index + 1 ||
            bytes[end].index + 1 == bytes[end - 1].index))
      ++end;
    const bool constant = first.kind == Byte::Kind::constant || first.kind == Byte::Kind::unset;
    // Zeros that fill a register say nothing.
    if (!constant) {
      if (!text.empty()) text += " . ";
      const auto run = bytes.subspan(begin, end - begin);
      text += source_text(run, match, opaque) + mask_text(run);
    }
    begin = end;
  }
  return text.empty() ? "a constant" : text;
}

}  // namespace firewright::nftables::netlink
