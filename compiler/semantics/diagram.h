// Interval decision diagrams: functions from packets to small numbers, each stored once.
//
// A node looks at one field and has a child for each of a list of disjoint intervals that cover the
// field's whole domain. Fields come in one order on every path, neighbouring intervals have
// different children, no node has a single child, and equal nodes are the same node. So two
// functions are equal exactly when they are the same Node.
//
// The domains are ranks 0, 1, 2, ... (see Space, which knows what they stand for). Nothing is freed
// before the whole Diagrams goes; the budget bounds what it may take.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace firewright::semantics {

enum class Node : std::uint32_t {};  // a leaf's number, or an inner node

struct Edge {
  std::uint32_t last = 0;  // inclusive; the interval begins after the edge before
  Node child{};
  bool operator==(const Edge&) const = default;
};

// Eight edges a node are in it too; the default is under 2 GB. Functions that hang on more than
// 5,000 predicates at once are beyond every budget.
struct Budget {
  std::size_t nodes = 8'000'000;
  std::chrono::milliseconds time{60'000};
};

class Diagrams {
 public:
  explicit Diagrams(Budget budget = {});

  [[nodiscard]] static constexpr Node leaf(std::uint32_t value) { return Node{value | leaf_bit}; }
  [[nodiscard]] static constexpr bool is_leaf(Node node) {
    return (static_cast<std::uint32_t>(node) & leaf_bit) != 0;
  }
  [[nodiscard]] static constexpr std::uint32_t value(Node leaf) {
    return static_cast<std::uint32_t>(leaf) & ~leaf_bit;
  }
  // The place of the node's field in the order; behind all fields for a leaf.
  [[nodiscard]] std::uint32_t level(Node node) const {
    return is_leaf(node) ? leaf_level : nodes_[index(node)].level;
  }
  // Valid until the next node is made.
  [[nodiscard]] std::span<const Edge> edges(Node node) const {
    const auto& entry = nodes_[index(node)];
    return {edges_.data() + entry.first_edge, entry.edge_count};
  }

  // Where an inner node goes with a rank of its field.
  [[nodiscard]] Node child(Node node, std::uint32_t rank) const {
    return std::ranges::lower_bound(edges(node), rank, {}, &Edge::last)->child;
  }

  // The node with these edges: the last one must end at the domain's last rank. Joins neighbours
  // with the same child.
  [[nodiscard]] Node make(std::uint32_t level, std::span<const Edge> edges);

  // Combines two functions leaf by leaf. `leaves(a, b)` is asked first at every step, and may
  // answer for inner nodes too; it must answer for two leaves. Results are remembered under
  // `operation`: distinct functions need distinct numbers.
  template <class Leaves>
  [[nodiscard]] Node combine(std::uint32_t operation, Node a, Node b, const Leaves& leaves);
  // Replaces leaves, `leaf(value) -> Node`.
  template <class Leaf>
  [[nodiscard]] Node map(std::uint32_t operation, Node a, const Leaf& leaf);

  // A number for combine and map that nobody has used.
  [[nodiscard]] std::uint32_t new_operation() { return ++operations_; }

  // True once the budget is used up. From then on every result is meaningless.
  [[nodiscard]] bool exhausted() const { return exhausted_; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  // Inner nodes that can be reached from `root`.
  [[nodiscard]] std::size_t size(Node root) const;

  static constexpr std::uint32_t leaf_level = 0xffffffff;

 private:
  static constexpr std::uint32_t leaf_bit = 0x80000000;
  static constexpr std::size_t index(Node node) { return static_cast<std::size_t>(node); }

  struct Entry {
    std::uint64_t first_edge = 0;
    std::uint32_t edge_count = 0;
    std::uint32_t level = 0;
  };
  struct Cached {
    Node a{};
    Node b{};
    std::uint32_t operation = 0;
    Node result{};
  };

  [[nodiscard]] Cached& cache_slot(std::uint32_t operation, Node a, Node b);
  void grow_tables();
  void check_budget();
  // False when the stack, or the time, would not suffice; then the budget counts as used up.
  [[nodiscard]] bool may_descend();

  Budget budget_;
  std::chrono::steady_clock::time_point deadline_;
  std::vector<Entry> nodes_;
  std::vector<Edge> edges_;
  std::vector<std::uint32_t> unique_;  // open addressing; index + 1, 0 is free
  std::vector<Cached> cache_;          // direct-mapped, forgets
  std::vector<Edge> stack_;            // edges of nodes under way
  std::uint32_t operations_ = 0;
  std::uint32_t depth_ = 0;  // of combine
  std::uint64_t steps_ = 0;
  bool exhausted_ = false;
};

template <class Leaves>
Node Diagrams::combine(std::uint32_t operation, Node a, Node b, const Leaves& leaves) {
  if (const std::optional<Node> known = leaves(a, b)) return *known;
  if (exhausted_ || !may_descend()) return leaf(0);
  if (const auto& hit = cache_slot(operation, a, b);
      hit.operation == operation && hit.a == a && hit.b == b)
    return hit.result;
  ++depth_;
  const auto level_a = level(a);
  const auto level_b = level(b);
  const auto top = level_a < level_b ? level_a : level_b;
  const auto begin = stack_.size();
  // Indices, not references: the edges move when nodes are made below.
  std::size_t i = 0;
  std::size_t j = 0;
  for (;;) {
    const auto edge_a = level_a == top ? edges(a)[i] : Edge{0xffffffff, a};
    const auto edge_b = level_b == top ? edges(b)[j] : Edge{0xffffffff, b};
    const auto last = edge_a.last < edge_b.last ? edge_a.last : edge_b.last;
    const auto child = combine(operation, edge_a.child, edge_b.child, leaves);
    if (stack_.size() > begin && stack_.back().child == child)
      stack_.back().last = last;
    else
      stack_.push_back({last, child});
    const bool end_a = level_a != top || i + 1 == edges(a).size();
    const bool end_b = level_b != top || j + 1 == edges(b).size();
    if (end_a && end_b) break;
    if (level_a == top && edge_a.last == last) ++i;
    if (level_b == top && edge_b.last == last) ++j;
  }
  const auto result = make(top, std::span<const Edge>(stack_).subspan(begin));
  stack_.resize(begin);
  --depth_;
  cache_slot(operation, a, b) = {a, b, operation, result};
  return result;
}

template <class Leaf>
Node Diagrams::map(std::uint32_t operation, Node a, const Leaf& of_leaf) {
  return combine(operation, a, a, [&](Node x, Node) -> std::optional<Node> {
    if (!is_leaf(x)) return std::nullopt;
    return of_leaf(value(x));
  });
}

}  // namespace firewright::semantics
