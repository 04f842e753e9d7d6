// Sets of packets in the words of those who wrote the policies.
//
// Names first (zones, groups, services), then prefixes and ports, then ranges, and "any except X"
// or "X except Y" where that is shorter. What is said is exact, but for one thing: packets that
// open a connection or belong to none are what everybody speaks of, so that a box of just these
// states names no state, and one of all interfaces but loopback names no interface.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/analysis/vocabulary.h"
#include "compiler/semantics/boxes.h"

namespace firewright::analysis {

// "office, 192.0.2.0/24 except 192.0.2.7". Without items: any.
struct Words {
  std::vector<std::string> items;
  std::vector<std::string> except;
  bool literal = false;  // an item is an address or a prefix: its family can be seen

  [[nodiscard]] bool any() const { return items.empty() && except.empty(); }
};
// At most six items a list; of a longer one the first five "and 7 more".
[[nodiscard]] std::string to_text(const Words& words);

[[nodiscard]] Words say_addresses(const Vocabulary& vocabulary, const AddressSet& set,
                                  FamilySet families);
[[nodiscard]] Words say_interfaces(const Vocabulary& vocabulary, const ir::InterfaceSet& set,
                                   std::span<const ir::InterfacePattern> except);
// Protocols, ports and ICMP types of a match: "ssh, tcp/8000-8080".
[[nodiscard]] Words say_service(const Vocabulary& vocabulary, const ir::Match& match);
// Somebody's text between backticks; none that it holds ends them early.
[[nodiscard]] std::string quoted(std::string_view text);
// "`ssh` (10/minute, burst 5, per source)"
[[nodiscard]] std::string say_predicate(const ir::Predicate& predicate);

struct BoxWords {
  std::string direction;  // "inbound"
  std::string family;     // "ipv4", where nothing else tells; else empty
  Words service, from, to, in, out;
  std::vector<std::string> further;  // "established", "user 1000", "over the limit ...", ...

  // "inbound ssh from any except office to 192.0.2.10 in wan; user 1000"
  [[nodiscard]] std::string sentence() const;
};
// One box, or two that say one thing of ICMP in both families.
[[nodiscard]] BoxWords say(const Vocabulary& vocabulary, ir::Hook hook,
                           std::span<const semantics::Box> boxes);

// Each box by itself, but the ICMP and the ICMPv6 half of the same types by name together.
[[nodiscard]] std::vector<std::vector<semantics::Box>> with_twins(
    std::vector<semantics::Box> boxes);

}  // namespace firewright::analysis
