// Boolean functions of packets: diagrams whose leaves are 0 and 1.
#pragma once

#include "compiler/semantics/diagram.h"

namespace firewright::semantics {

class Booleans {
 public:
  explicit Booleans(Diagrams& diagrams)
      : diagrams_(diagrams),
        both_(diagrams.new_operation()),
        either_(diagrams.new_operation()),
        without_(diagrams.new_operation()) {}

  static constexpr Node none = Diagrams::leaf(0);
  static constexpr Node all = Diagrams::leaf(1);

  [[nodiscard]] Node both(Node a, Node b) const {
    return diagrams_.combine(both_, a, b, [](Node x, Node y) -> std::optional<Node> {
      if (x == none || y == none) return none;
      if (x == all || x == y) return y;
      if (y == all) return x;
      return std::nullopt;
    });
  }
  [[nodiscard]] Node either(Node a, Node b) const {
    return diagrams_.combine(either_, a, b, [](Node x, Node y) -> std::optional<Node> {
      if (x == all || y == all) return all;
      if (x == none || x == y) return y;
      if (y == none) return x;
      return std::nullopt;
    });
  }
  // What is in `a` and not in `b`.
  [[nodiscard]] Node without(Node a, Node b) const {
    return diagrams_.combine(without_, a, b, [](Node x, Node y) -> std::optional<Node> {
      if (x == none || y == all || x == y) return none;
      if (y == none) return x;
      return std::nullopt;
    });
  }
  [[nodiscard]] Node opposite(Node a) const { return without(all, a); }

 private:
  Diagrams& diagrams_;
  std::uint32_t both_, either_, without_;
};

}  // namespace firewright::semantics
