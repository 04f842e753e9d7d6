// The packets that a rule matches so far: one or more products of sets.
//
// Most matches narrow every product. One that is no product makes several of each, and one that the
// model cannot say (an ICMP type of a packet that is not ICMP for the model) leaves a product with
// an opaque condition. Products that hold no packet are dropped.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backends/nftables/read_text_selectors.h"
#include "backends/nftables/read_text_values.h"
#include "compiler/ir/program.h"

namespace firewright::nftables::script {

// Ranges of a field and what they stand for. `text` gives the match as an opaque condition, for the
// packets of which the model does not know the field; it is seldom asked.
struct Condition {
  Field field{};
  Datatype type{};
  bool negated = false;
  std::span<const Range> ranges;
  std::function<std::string()> text;
};

class Alternatives {
 public:
  explicit Alternatives(FamilySet families);

  void restrict_families(FamilySet families);
  void restrict_protocols(const ProtocolSet& protocols);
  // Gives the text of the opaque condition that it had to add, if any.
  [[nodiscard]] std::optional<std::string> restrict(const Condition& condition);
  void require(const ir::Predicate& predicate);
  // Makes the conditions of these instances others: opaque ones.
  void replace(const std::vector<std::string>& instances,
               const std::function<ir::OpaqueMatch(const ir::Predicate&)>& by);

  [[nodiscard]] const std::vector<ir::Match>& matches() const { return matches_; }
  [[nodiscard]] std::vector<ir::Match> take() { return std::move(matches_); }
  // Everything that one of the parts matches.
  void unite(std::vector<Alternatives> parts);

 private:
  template <class Narrow>
  void each(const Narrow& narrow);  // narrow(match) gives false if nothing is left
  void ports(const Condition& condition);
  void icmp(const Condition& condition);
  void interface(const Condition& condition, ir::InterfaceSet ir::Match::* side);
  void owners(const Condition& condition, OwnerSet ir::Match::* side);
  void addresses(const Condition& condition);
  void add_opaque(ir::Match match, const Condition& condition, std::vector<ir::Match>& into);

  std::vector<ir::Match> matches_;
  std::optional<std::string> opaque_;
};

[[nodiscard]] ir::Predicate opaque_predicate(std::string text);

}  // namespace firewright::nftables::script
