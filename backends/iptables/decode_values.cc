#include "backends/iptables/decode_values.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "backends/iptables/decode_names.h"

namespace firewright::iptables::decoder {
namespace {

constexpr std::size_t multiport_slots = 15;
constexpr std::size_t interface_max = 15;  // IFNAMSIZ without its NUL
// A mask with this many scattered bits is cut into 4096 intervals.
constexpr int scattered_bits_max = 12;

// The items between commas. An empty item is one, too.
template <class F>
bool for_each_item(std::string_view list, const F& take) {
  for (;;) {
    const auto comma = list.find(',');
    if (!take(list.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

// Missing parts of a network's address are zero: "10/8" (inet_makeaddr of old; libxtables has it
// still).
std::optional<Ipv4> v4_of(std::string_view text, bool complete) {
  std::uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    const auto dot = text.find('.');
    const auto octet = number(text.substr(0, dot), 255);
    if (!octet) return std::nullopt;
    value |= *octet << (24 - 8 * part);
    if (dot == std::string_view::npos)
      return part == 3 || !complete ? std::optional(Ipv4{value}) : std::nullopt;
    text.remove_prefix(dot + 1);
  }
  return std::nullopt;
}

template <class A>
std::optional<A> address_of(std::string_view text, bool complete);
template <>
std::optional<Ipv4> address_of(std::string_view text, bool complete) {
  return v4_of(text, complete);
}
template <>
std::optional<Ipv6> address_of(std::string_view text, bool) {
  return parse_ipv6(text);
}

template <class A>
constexpr unsigned width = sizeof(A::value) * 8;

// "24", "255.255.255.0", "ffff:ffff::"
template <class A>
std::optional<A> mask_of(std::string_view text) {
  using Raw = decltype(A::value);
  if (const auto length = number(text, width<A>)) {
    if (*length == 0) return A{0};
    return A{static_cast<Raw>(static_cast<Raw>(~Raw{0}) << (width<A> - *length))};
  }
  return address_of<A>(text, true);
}

template <class Raw>
int bits_of(Raw value) {
  int count = 0;
  for (; value != 0; value = static_cast<Raw>(value & (value - 1))) ++count;
  return count;
}

// Every address that is `network` in the bits of `mask`. False: too many intervals.
template <class A>
bool add_masked(std::vector<Interval<A>>& intervals, A network, A mask) {
  using Raw = decltype(A::value);
  // The lowest bits that are free are one interval.
  Raw low = 0;
  while (low != static_cast<Raw>(~Raw{0}) && (mask.value & (low + 1)) == 0)
    low = static_cast<Raw>(low << 1U | 1U);
  const Raw scattered = static_cast<Raw>(~mask.value & ~low);
  if (bits_of(scattered) > scattered_bits_max) return false;
  const Raw base = network.value & mask.value;
  Raw subset = 0;
  do {
    const Raw first = base | subset;
    intervals.push_back({A{first}, A{static_cast<Raw>(first | low)}});
    subset = static_cast<Raw>((subset - scattered) & scattered);
  } while (subset != 0);
  return true;
}

template <class A>
std::optional<std::variant<IntervalSet<A>, Text>> masked(std::string_view list) {
  std::vector<Interval<A>> intervals;
  std::string texts;
  const bool fine = for_each_item(list, [&](std::string_view item) {
    const auto slash = item.find('/');
    const bool alone = slash == std::string_view::npos;
    const auto address = address_of<A>(item.substr(0, slash), alone);
    const auto mask =
        alone ? std::optional(IntervalSet<A>::max()) : mask_of<A>(item.substr(slash + 1));
    if (!address || !mask) return false;
    if (!add_masked(intervals, *address, *mask)) texts = list;
    return true;
  });
  if (!fine) return std::nullopt;
  if (!texts.empty()) return Text{std::move(texts)};
  return IntervalSet<A>(std::move(intervals));
}

template <class A>
std::optional<IntervalSet<A>> ranged(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = address_of<A>(text.substr(0, dash), true);
  const auto last =
      dash == std::string_view::npos ? first : address_of<A>(text.substr(dash + 1), true);
  if (!first || !last || *last < *first) return std::nullopt;
  return IntervalSet<A>{{*first, *last}};
}

struct NamedState {
  std::string_view name;
  ir::ConntrackState state;
};
constexpr NamedState named_states[] = {
    {"NEW", ir::ConntrackState::fresh},           {"ESTABLISHED", ir::ConntrackState::established},
    {"RELATED", ir::ConntrackState::related},     {"INVALID", ir::ConntrackState::invalid},
    {"UNTRACKED", ir::ConntrackState::untracked},
};

AddressSet of_family(Ipv4Set set) { return {.v4 = std::move(set), .v6 = {}}; }
AddressSet of_family(Ipv6Set set) { return {.v4 = {}, .v6 = std::move(set)}; }

template <class A>
std::optional<std::variant<AddressSet, Text>> masked_of_family(std::string_view list) {
  auto read = masked<A>(list);
  if (!read) return std::nullopt;
  if (auto* text = std::get_if<Text>(&*read)) return std::move(*text);
  return of_family(std::get<IntervalSet<A>>(std::move(*read)));
}

}  // namespace

std::optional<std::variant<AddressSet, Text>> addresses_of(std::string_view list, Family family) {
  return family == Family::ipv4 ? masked_of_family<Ipv4>(list) : masked_of_family<Ipv6>(list);
}

std::optional<AddressSet> address_range_of(std::string_view text, Family family) {
  if (family == Family::ipv4) {
    if (auto set = ranged<Ipv4>(text)) return of_family(std::move(*set));
  } else {
    if (auto set = ranged<Ipv6>(text)) return of_family(std::move(*set));
  }
  return std::nullopt;
}

std::optional<Interval<Port>> port_range_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) {
    const auto port = port_of(text);
    if (!port) return std::nullopt;
    return Interval<Port>{*port, *port};
  }
  const auto low = text.substr(0, colon);
  const auto high = text.substr(colon + 1);
  const auto first = low.empty() ? std::optional(PortSet::min()) : port_of(low);
  const auto last = high.empty() ? std::optional(PortSet::max()) : port_of(high);
  if (!first || !last || *last < *first) return std::nullopt;
  return Interval<Port>{*first, *last};
}

std::optional<PortSet> port_list_of(std::string_view text) {
  std::vector<Interval<Port>> intervals;
  std::size_t slots = 0;
  const bool fine = for_each_item(text, [&](std::string_view item) {
    const auto range = port_range_of(item);
    if (!range) return false;
    intervals.push_back(*range);
    slots += item.find(':') == std::string_view::npos ? 1 : 2;
    return slots <= multiport_slots;
  });
  if (!fine) return std::nullopt;
  return PortSet(std::move(intervals));
}

std::optional<OwnerSet> owners_of(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = number(text.substr(0, dash), OwnerSet::max().value);
  const auto last =
      dash == std::string_view::npos ? first : number(text.substr(dash + 1), OwnerSet::max().value);
  if (!first || !last || *last < *first) return std::nullopt;
  return OwnerSet{{OwnerId{*first}, OwnerId{*last}}};
}

std::optional<ir::InterfaceSet> interfaces_of(std::string_view text) {
  if (text.size() > interface_max) return std::nullopt;
  if (text.empty() || text == "+") return ir::InterfaceSet::any();
  const bool wildcard = text.back() == '+';
  if (wildcard) text.remove_suffix(1);
  return ir::InterfaceSet::of({{.name = std::string(text), .wildcard = wildcard}});
}

std::optional<States> states_of(std::string_view text, bool with_translation) {
  States states;
  const bool fine = for_each_item(text, [&](std::string_view item) {
    for (const auto& named : named_states)
      if (same_name(named.name, item)) {
        states.set.insert(named.state);
        return true;
      }
    if (!with_translation || (!same_name(item, "SNAT") && !same_name(item, "DNAT"))) return false;
    states.translated = true;
    return true;
  });
  if (!fine) return std::nullopt;
  return states;
}

AddressSet others(const AddressSet& set, Family family) {
  if (family == Family::ipv4) return {.v4 = ~set.v4, .v6 = {}};
  return {.v4 = {}, .v6 = ~set.v6};
}

}  // namespace firewright::iptables::decoder
