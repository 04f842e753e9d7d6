// An IR match as iptables can test it: what one line tests at once, times lists of alternatives.
//
// The product is exact: a packet matches the IR's match exactly if it matches, in one of the
// products, the fixed part and one alternative of each choice. Alternatives of one choice are
// disjoint, and so are the products of one match, so that no packet is counted or logged twice.
#pragma once

#include <string>
#include <vector>

#include "backends/iptables/line.h"
#include "compiler/ir/program.h"

namespace firewright::iptables {

struct Choice {
  std::string what;  // "from", "to", "in", ...: for the name of a chain
  // Match one of these, or, when `except`, none of them.
  std::vector<LineMatch> alternatives;
  bool except = false;
};

struct Product {
  LineMatch fixed;
  std::vector<Choice> choices;
};

// Empty where the match holds for no packet of that family and hook.
[[nodiscard]] std::vector<Product> products(const ir::Match& match, ir::Hook hook, Family family);

// Whether an ICMP set can be told apart: the kernel takes type 255 of `--icmp-type` for "any type"
// (icmp_type_code_match() in net/netfilter/xt_tcpudp.c), so that in IPv4 only all codes of 255
// together can be said, by exclusion of all other types.
[[nodiscard]] bool can_say(const IcmpSet& set, Family family);

}  // namespace firewright::iptables
