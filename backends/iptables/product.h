// An IR match as iptables can test it: what one line tests at once, times lists of alternatives.
//
// The product is exact: a packet matches the IR's match exactly if it matches, in one of the
// products, the fixed part and one alternative of each choice. Alternatives of one choice are
// disjoint, and so are the products of one match, so that no packet is counted or logged twice.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "backends/iptables/line.h"
#include "compiler/ir/program.h"

namespace firewright::iptables {

// Longer lists than this are not written one line after another, but as a tree (see tree.h).
inline constexpr std::size_t longest_flat_list = 16;

// Which slots of a line say an address.
struct AddressSlots {
  std::string LineMatch::* prefix;
  std::string LineMatch::* range;
  std::string prefix_option;
  std::string range_option;
};
[[nodiscard]] const AddressSlots& address_slots(bool source);
// And a port, by the protocol's own match or by multiport.
struct PortSlots {
  std::string LineMatch::* port;
  std::string LineMatch::* multiport;
  std::string port_option;
  std::string multiport_option;
};

// The test for these addresses.
template <class A>
[[nodiscard]] LineMatch address_test(Interval<A> addresses, const AddressSlots& slots);

struct Choice {
  std::string what;  // "from", "to", "in", ...: for the name of a chain
  // Match one of these, or, when `except`, none of them.
  std::vector<LineMatch> alternatives;
  bool except = false;
  // A long list of addresses instead of alternatives.
  std::variant<std::monostate, Ipv4Set, Ipv6Set> addresses;
  bool source = false;  // of the long list
  // Ascending alternatives of a long list of ports, and the ports that they lie between.
  std::vector<Interval<Port>> spans;
  const PortSlots* span_slots = nullptr;

  [[nodiscard]] std::size_t size() const;
};

struct Product {
  LineMatch fixed;
  std::vector<Choice> choices;
};

// Empty where the match holds for no packet of that family and hook.
[[nodiscard]] std::vector<Product> products(const ir::Match& match, ir::Hook hook, Family family);

// Whether the set is one test of a line, if need be a negated one. An empty set is none.
template <class A>
[[nodiscard]] bool is_one_test(const IntervalSet<A>& set);

// Whether an ICMP set can be told apart: the kernel takes type 255 of `--icmp-type` for "any type"
// (icmp_type_code_match() in net/netfilter/xt_tcpudp.c), so that in IPv4 only all codes of 255
// together can be said, by exclusion of all other types.
[[nodiscard]] bool can_say(const IcmpSet& set, Family family);

}  // namespace firewright::iptables
