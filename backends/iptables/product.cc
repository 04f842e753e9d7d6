#include "backends/iptables/product.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace firewright::iptables {
namespace {

// XT_MULTI_PORTS of linux/netfilter/xt_multiport.h.
constexpr unsigned multiport_slots = 15;

LineMatch with(std::string LineMatch::* slot, std::string text) {
  LineMatch match;
  match.*slot = std::move(text);
  return match;
}

// Adds a choice to the product; one alternative alone is no choice.
void add(Product& product, Choice choice) {
  if (choice.alternatives.size() == 1 && !choice.except)
    product.fixed = both(product.fixed, choice.alternatives.front());
  else
    product.choices.push_back(std::move(choice));
}

// --- interfaces

std::string spell(const ir::InterfacePattern& pattern) {
  return pattern.wildcard ? pattern.name + '+' : pattern.name;
}

// Where the hook has no such interface, packets have an empty name there.
bool add_interfaces(Product& product, const ir::InterfaceSet& set, bool exists, std::string what,
                    std::string LineMatch::* slot, const std::string& option) {
  if (!exists) return set.contains("");
  if (set.is_any()) return true;
  if (set.empty()) return false;
  Choice choice;
  choice.what = std::move(what);
  if (set.complemented() && set.patterns().size() == 1) {
    choice.alternatives.push_back(with(slot, "! " + option + ' ' + spell(set.patterns().front())));
  } else {
    choice.except = set.complemented();
    for (const auto& pattern : set.patterns())
      choice.alternatives.push_back(with(slot, option + ' ' + spell(pattern)));
  }
  add(product, std::move(choice));
  return true;
}

// --- addresses

const AddressSlots source_slots{&LineMatch::source, &LineMatch::source_range, "-s", "--src-range"};
const AddressSlots destination_slots{&LineMatch::destination, &LineMatch::destination_range, "-d",
                                     "--dst-range"};

template <class A>
LineMatch spell(Interval<A> interval, const AddressSlots& slots, const std::string& negation) {
  if (const auto prefix = as_prefix(interval))
    return with(slots.prefix, negation + slots.prefix_option + ' ' + to_string(*prefix));
  return with(slots.range, negation + slots.range_option + ' ' + to_string(interval.first) + '-' +
                               to_string(interval.last));
}

// Taking out one address leaves two ranges: say what is taken out, where that is one thing.
template <class A>
bool say_what_is_out(const IntervalSet<A>& set) {
  if (set.intervals().size() > 2) return false;
  const auto rest = ~set;
  return rest.intervals().size() == 1 &&
         (set.intervals().size() == 2 ||
          (!as_prefix(set.intervals()[0]) && as_prefix(rest.intervals()[0])));
}

template <class A>
void add_addresses(Product& product, const IntervalSet<A>& set, std::string what,
                   const AddressSlots& slots) {
  if (set.is_all()) return;
  Choice choice;
  choice.what = std::move(what);
  if (set.intervals().size() > longest_flat_list) {
    choice.addresses = set;
    choice.source = &slots == &source_slots;
    product.choices.push_back(std::move(choice));
    return;
  }
  if (say_what_is_out(set))
    choice.alternatives.push_back(spell((~set).intervals()[0], slots, "! "));
  else
    for (const auto& interval : set.intervals())
      choice.alternatives.push_back(spell(interval, slots, ""));
  add(product, std::move(choice));
}

// --- ports

std::string spell(Interval<Port> interval) {
  if (interval.first == interval.last) return std::to_string(interval.first.value);
  return std::to_string(interval.first.value) + ':' + std::to_string(interval.last.value);
}

const PortSlots source_port_slots{&LineMatch::source_port, &LineMatch::source_multiport, "--sport",
                                  "--sports"};
const PortSlots destination_port_slots{&LineMatch::destination_port,
                                       &LineMatch::destination_multiport, "--dport", "--dports"};

struct PortList {
  std::string text;
  Interval<Port> span;  // from its first port to its last
};

// As many intervals as one multiport holds, comma-separated.
std::vector<PortList> multiport_lists(std::span<const Interval<Port>> intervals) {
  std::vector<PortList> lists;
  unsigned used = multiport_slots;
  for (const auto& interval : intervals) {
    const unsigned slots = interval.first == interval.last ? 1 : 2;
    if (used + slots > multiport_slots) {
      lists.push_back({.text = {}, .span = interval});
      used = 0;
    } else {
      lists.back().text += ',';
    }
    lists.back().text += spell(interval);
    lists.back().span.last = interval.last;
    used += slots;
  }
  return lists;
}

void add_ports(Product& product, const PortSet& set, Protocol of, std::string what,
               const PortSlots& slots) {
  if (set.is_all()) return;
  const auto rest = ~set;
  const bool negate = set.intervals().size() == 2 && rest.intervals().size() == 1;
  const auto& said = negate ? rest : set;
  const std::string negation = negate ? "! " : "";
  Choice choice;
  choice.what = std::move(what);
  // Only tcp and udp have a match of their own everywhere; multiport knows the others too.
  const bool own_match = of == protocol::tcp || of == protocol::udp;
  if (own_match && said.intervals().size() == 1) {
    choice.alternatives.push_back(
        with(slots.port, negation + slots.port_option + ' ' + spell(said.intervals()[0])));
  } else {
    const auto lists = multiport_lists(said.intervals());
    for (const auto& list : lists)
      choice.alternatives.push_back(
          with(slots.multiport, negation + slots.multiport_option + ' ' + list.text));
    if (lists.size() > longest_flat_list) {
      for (const auto& list : lists) choice.spans.push_back(list.span);
      choice.span_slots = &slots;
    }
  }
  // In a chain of its own, each line has to name the protocol again.
  if (choice.alternatives.size() > 1)
    for (auto& alternative : choice.alternatives) alternative.protocol = product.fixed.protocol;
  add(product, std::move(choice));
}

// --- ICMP

struct TypeName {
  unsigned type;
  const char* name;
};

// Names that every iptables has (libxt_icmp.h); other types are written as numbers.
constexpr TypeName icmp_type_names[] = {
    {0, "echo-reply"},           {3, "destination-unreachable"},
    {4, "source-quench"},        {5, "redirect"},
    {8, "echo-request"},         {9, "router-advertisement"},
    {10, "router-solicitation"}, {11, "time-exceeded"},
    {12, "parameter-problem"},   {13, "timestamp-request"},
    {14, "timestamp-reply"},     {17, "address-mask-request"},
    {18, "address-mask-reply"},
};
constexpr TypeName icmpv6_type_names[] = {
    {1, "destination-unreachable"},
    {2, "packet-too-big"},
    {3, "time-exceeded"},
    {4, "parameter-problem"},
    {128, "echo-request"},
    {129, "echo-reply"},
    {133, "router-solicitation"},
    {134, "router-advertisement"},
    {135, "neighbour-solicitation"},
    {136, "neighbour-advertisement"},
    {137, "redirect"},
};

// A type with all its codes, or with one.
struct IcmpCell {
  std::uint8_t type;
  std::optional<std::uint8_t> code;
};

std::vector<IcmpCell> icmp_cells(const IcmpSet& set) {
  std::vector<IcmpCell> cells;
  for (const auto& interval : set.intervals()) {
    unsigned next = interval.first.value;
    while (next <= interval.last.value) {
      const auto type = static_cast<std::uint8_t>(next >> 8U);
      if ((next & 0xffU) == 0 && next + 0xffU <= interval.last.value) {
        cells.push_back({.type = type, .code = std::nullopt});
        next += 0x100U;
      } else {
        cells.push_back({.type = type, .code = static_cast<std::uint8_t>(next & 0xffU)});
        ++next;
      }
    }
  }
  return cells;
}

LineMatch spell(IcmpCell cell, Family family, const std::string& negation) {
  const bool v4 = family == Family::ipv4;
  std::string text = negation + (v4 ? "--icmp-type " : "--icmpv6-type ");
  std::string type = std::to_string(cell.type);
  const std::span<const TypeName> names = v4 ? std::span<const TypeName>(icmp_type_names)
                                             : std::span<const TypeName>(icmpv6_type_names);
  if (!cell.code) {
    for (const auto& entry : names)
      if (entry.type == cell.type) type = entry.name;
  } else {
    type += '/' + std::to_string(*cell.code);
  }
  return with(&LineMatch::icmp, text + type);
}

bool has_any_type(const std::vector<IcmpCell>& cells, Family family) {
  return family == Family::ipv4 &&
         std::any_of(cells.begin(), cells.end(), [](IcmpCell cell) { return cell.type == 255; });
}

void add_icmp(Product& product, const IcmpSet& set, Family family) {
  if (set.is_all()) return;
  auto cells = icmp_cells(set);
  auto rest = icmp_cells(~set);
  const bool by_rest =
      has_any_type(cells, family) || (rest.size() < cells.size() && !has_any_type(rest, family));
  Choice choice;
  choice.what = "icmp";
  choice.except = by_rest && rest.size() > 1;
  const std::string negation = by_rest && !choice.except ? "! " : "";
  for (const auto cell : by_rest ? rest : cells) {
    choice.alternatives.push_back(spell(cell, family, negation));
    choice.alternatives.back().protocol = product.fixed.protocol;
  }
  add(product, std::move(choice));
}

// --- protocols

// The names that iptables itself knows, without /etc/protocols.
std::string spell(Protocol of) {
  if (of == protocol::tcp) return "tcp";
  if (of == protocol::udp) return "udp";
  if (of == protocol::icmp) return "icmp";
  if (of == protocol::icmpv6) return "ipv6-icmp";
  if (of == protocol::esp) return "esp";
  if (of == protocol::ah) return "ah";
  if (of == protocol::sctp) return "sctp";
  if (of == protocol::udplite) return "udplite";
  return std::to_string(of.value);
}

std::vector<Protocol> members(const ProtocolSet& set) {
  std::vector<Protocol> list;
  for (const auto& interval : set.intervals())
    for (unsigned value = interval.first.value; value <= interval.last.value; ++value)
      list.push_back(Protocol{static_cast<std::uint8_t>(value)});
  return list;
}

// One product for each protocol, or one that excludes the others. `-p 0` means any protocol
// (ip_packet_match() in net/ipv4/netfilter/ip_tables.c), so that 0 can be matched by exclusion
// only.
std::vector<Product> by_protocol(const ProtocolSet& set) {
  if (set.is_all()) return {Product{}};
  const auto listed = members(set);
  const auto rest = members(~set);
  const bool exclude = set.contains(Protocol{0});
  std::vector<Product> result;
  if (!exclude) {
    for (const auto of : listed) {
      result.emplace_back();
      result.back().fixed.protocol = "-p " + spell(of);
    }
    return result;
  }
  Product product;
  if (rest.size() == 1) {
    product.fixed.protocol = "! -p " + spell(rest.front());
  } else {
    Choice choice;
    choice.what = "protocol";
    choice.except = true;
    for (const auto of : rest)
      choice.alternatives.push_back(with(&LineMatch::protocol, "-p " + spell(of)));
    product.choices.push_back(std::move(choice));
  }
  return {std::move(product)};
}

// --- the rest

void add_owners(Product& product, const OwnerSet& set, std::string what,
                std::string LineMatch::* slot, const std::string& option) {
  if (set.is_all()) return;
  Choice choice;
  choice.what = std::move(what);
  for (const auto& interval : set.intervals()) {
    auto text = option + ' ' + std::to_string(interval.first.value);
    if (interval.first != interval.last) text += '-' + std::to_string(interval.last.value);
    choice.alternatives.push_back(with(slot, std::move(text)));
  }
  add(product, std::move(choice));
}

std::string spell(ir::ConntrackState state) {
  switch (state) {
    case ir::ConntrackState::fresh: return "NEW";
    case ir::ConntrackState::established: return "ESTABLISHED";
    case ir::ConntrackState::related: return "RELATED";
    case ir::ConntrackState::invalid: return "INVALID";
    case ir::ConntrackState::untracked: return "UNTRACKED";
  }
  return "";
}

std::string spell(ir::StateSet states) {
  const auto rest = ir::StateSet::all() - states;
  const bool negate = rest.size() == 1;
  std::string text = negate ? "! --ctstate " : "--ctstate ";
  bool first = true;
  for (const auto state : negate ? rest : states) {
    if (!first) text += ',';
    text += spell(state);
    first = false;
  }
  return text;
}

bool matches_nothing(const ir::Match& match, Family family) {
  return !match.families.contains(family) || match.states.empty() || match.protocols.empty() ||
         match.source_ports.empty() || match.destination_ports.empty() || match.icmp.empty() ||
         match.users.empty() || match.groups.empty() ||
         (family == Family::ipv4 ? match.source.v4.empty() || match.destination.v4.empty()
                                 : match.source.v6.empty() || match.destination.v6.empty());
}

bool add_rest(Product& product, const ir::Match& match, ir::Hook hook, Family family) {
  const bool has_in = hook != ir::Hook::outbound;
  const bool has_out = hook != ir::Hook::inbound;
  if (!add_interfaces(product, match.in, has_in, "in", &LineMatch::in, "-i")) return false;
  if (!add_interfaces(product, match.out, has_out, "out", &LineMatch::out, "-o")) return false;
  if (family == Family::ipv4) {
    add_addresses(product, match.source.v4, "from", source_slots);
    add_addresses(product, match.destination.v4, "to", destination_slots);
  } else {
    add_addresses(product, match.source.v6, "from", source_slots);
    add_addresses(product, match.destination.v6, "to", destination_slots);
  }
  add_owners(product, match.users, "user", &LineMatch::user, "--uid-owner");
  add_owners(product, match.groups, "group", &LineMatch::group, "--gid-owner");
  if (!match.states.is_all()) product.fixed.states = spell(match.states);
  return true;
}

}  // namespace

std::vector<Product> products(const ir::Match& match, ir::Hook hook, Family family) {
  if (matches_nothing(match, family)) return {};
  auto result = by_protocol(match.protocols);
  const auto protocols = members(match.protocols);
  for (std::size_t i = 0; i < result.size(); ++i) {
    auto& product = result[i];
    add_icmp(product, match.icmp, family);
    // Ports other than all mean that every protocol of the match has ports, so none is excluded.
    add_ports(product, match.source_ports, protocols[i], "sport", source_port_slots);
    add_ports(product, match.destination_ports, protocols[i], "dport", destination_port_slots);
    if (!add_rest(product, match, hook, family)) return {};
  }
  return result;
}

std::size_t Choice::size() const {
  if (const auto* v4 = std::get_if<Ipv4Set>(&addresses)) return v4->intervals().size();
  if (const auto* v6 = std::get_if<Ipv6Set>(&addresses)) return v6->intervals().size();
  return alternatives.size();
}

const AddressSlots& address_slots(bool source) { return source ? source_slots : destination_slots; }

template <class A>
LineMatch address_test(Interval<A> addresses, const AddressSlots& slots) {
  return spell(addresses, slots, "");
}
template LineMatch address_test(Interval<Ipv4> addresses, const AddressSlots& slots);
template LineMatch address_test(Interval<Ipv6> addresses, const AddressSlots& slots);

template <class A>
bool is_one_test(const IntervalSet<A>& set) {
  return set.intervals().size() == 1 || say_what_is_out(set);
}
template bool is_one_test(const Ipv4Set& set);
template bool is_one_test(const Ipv6Set& set);

bool can_say(const IcmpSet& set, Family family) {
  return set.is_all() || !has_any_type(icmp_cells(set), family) ||
         !has_any_type(icmp_cells(~set), family);
}

}  // namespace firewright::iptables
