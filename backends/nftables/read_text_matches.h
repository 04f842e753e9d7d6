// One match of a rule: `tcp dport { 22, 80 }`, `ip saddr . tcp dport @allowed`, `ct state new`,
// `meta mark vmap { 1 : accept }`.
//
// Adds what nft adds by itself, as version 1.0.6 does it: `tcp dport` makes sure of TCP, `ip saddr`
// of IPv4, `icmp type` of ICMP and, where nothing above has named the family or the protocol, of
// IPv4. `meta l4proto icmp icmp type 8` therefore looks at IPv6 packets of protocol 1 as well. A
// negation keeps what was added. Matches that contradict each other in this are refused, as nft
// refuses them.
//
// `ct state a,b` tests whether one of the bits is set, `ct state { a, b }`, `== a` and `!= a`
// compare the whole value. In the model, as in the kernel, exactly one bit is set.
//
// Opaque: everything with `|` or `^`, `&` where it is no mask of an address's or port's leading
// bits, negated concatenations, and what read_text_selectors.h
// says. A set that packets fill is opaque, and so is a condition on what `numgen` says; if rules of
// the script itself change the set, or numbers are random, each place has a condition of its own.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/nftables/read_text_alternatives.h"
#include "backends/nftables/read_text_cursor.h"
#include "backends/nftables/read_text_declarations.h"
#include "backends/nftables/read_text_selectors.h"
#include "backends/nftables/read_text_tree.h"

namespace firewright::nftables::script {

// What a verdict map does with the packets that it matches.
struct MapPart {
  Alternatives packets;
  ir::Verdict verdict;
};

// The matches of one rule so far. Functions give false when they have reported an error.
class Matches {
 public:
  // `place` names the rule, for conditions that are its own.
  Matches(Declarations& declarations, const TableTree& table, Cursor& cursor,
          std::function<std::string()> place);

  [[nodiscard]] bool read();  // a match, or a verdict map, at the cursor
  // Those of one or more selectors in `add @set { ... }`; what nft adds for them.
  [[nodiscard]] bool read_key(std::vector<Selector>& key);
  // What an answer of `reject` makes sure of.
  [[nodiscard]] bool narrow_to(Family family, Span span);
  [[nodiscard]] bool narrow_to(Protocol protocol, Span span);
  // A bucket: a condition with a memory of the packets that reach it. One that conditions follow
  // remembers others too, and becomes opaque.
  void require_bucket(const ir::Predicate& predicate);
  [[nodiscard]] bool require_opaque(const std::string& text, bool own_to_this_place);

  [[nodiscard]] const Alternatives& packets() const { return packets_; }
  // For the rule's end: nothing is asked any more.
  [[nodiscard]] std::vector<ir::Match> take() { return packets_.take(); }
  // Set when the last match was a verdict map: it ends the rule.
  [[nodiscard]] std::optional<std::vector<MapPart>>& map() { return map_; }
  [[nodiscard]] std::optional<Protocol> known_protocol() const { return protocol_; }

 private:
  enum class Operator {
    implied,
    equal,
    not_equal,
    less,
    greater,
    less_equal,
    greater_equal,
    clear
  };

  [[nodiscard]] bool read_match();
  // Runs `narrow`, and looks what it does to the buckets before it.
  template <class Narrow>
  [[nodiscard]] bool behind_buckets(const Narrow& narrow);
  [[nodiscard]] bool read_selectors(std::vector<Selector>& selectors, bool with_masks);
  [[nodiscard]] bool need(const Selector& selector);
  [[nodiscard]] bool need_family(Family family, Span span);
  [[nodiscard]] bool need_protocol(Protocol protocol, Span span);
  [[nodiscard]] Operator take_operator();
  [[nodiscard]] bool read_operand(const std::vector<Selector>& selectors);
  [[nodiscard]] bool read_single(const Selector& selector, Operator op);
  [[nodiscard]] bool read_set(const std::vector<Selector>& selectors, Operator op);
  [[nodiscard]] bool read_map(const std::vector<Selector>& selectors);
  [[nodiscard]] bool read_opaque(const std::vector<Selector>& selectors);
  [[nodiscard]] bool read_opaque_map(const std::vector<Selector>& selectors);
  [[nodiscard]] bool opaque_part(Cursor& cursor, const std::string& text,
                                 std::vector<MapPart>& parts);
  [[nodiscard]] bool take_new_value();
  [[nodiscard]] bool take_operand();
  [[nodiscard]] bool take_primary();

  // The elements at the cursor, `{ ... }` or `@name`. No value: an error was reported, or, with
  // `opaque` set, the set has none that could be known.
  [[nodiscard]] const Elements* elements(const std::vector<Selector>& selectors, bool is_map,
                                         Elements& own, bool& opaque);
  [[nodiscard]] bool states(const Selector& selector, Operator op);
  [[nodiscard]] bool apply(Alternatives& packets, const Selector& selector, bool negated,
                           std::span<const Range> ranges);
  [[nodiscard]] bool apply_boxes(Alternatives& packets, const std::vector<Selector>& selectors,
                                 const Elements& elements, std::vector<std::uint32_t> chosen);
  void learn(const Selector& selector, std::span<const Range> ranges);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool spend(std::size_t products);
  [[nodiscard]] bool afford(const Selector& selector, std::size_t ranges);

  Declarations& declarations_;
  const TableTree& table_;
  Cursor& cursor_;
  std::function<std::string()> place_;
  Alternatives packets_;
  std::optional<std::vector<MapPart>> map_;
  std::uint32_t begin_ = 0;           // of the match under way
  std::uint32_t behind_ = 0;          // its left-hand side
  std::string left_;                  // that side, canonical
  std::size_t opaque_bytes_ = 0;      // of all conditions of a product
  std::vector<std::string> buckets_;  // instances that nothing has narrowed since
  // What nft knows of the packet by now.
  std::optional<Family> family_;
  std::optional<Protocol> protocol_;
  bool several_protocols_ = false;
};

[[nodiscard]] FamilySet families_of(TableFamily family);

}  // namespace firewright::nftables::script
