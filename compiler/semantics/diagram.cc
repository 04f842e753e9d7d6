#include "compiler/semantics/diagram.h"

#include <algorithm>

namespace firewright::semantics {
namespace {

constexpr std::size_t first_unique = 1U << 12U;
constexpr std::size_t first_cache = 1U << 12U;
constexpr std::size_t largest_cache = 1U << 22U;
constexpr std::size_t nodes_between_clock_looks = 4096;
constexpr std::size_t edges_a_node = 8;
constexpr std::uint64_t steps_between_clock_looks = std::uint64_t{1} << 18U;
// combine() goes as deep as a path has levels, and predicates have a level each. This deep it takes
// under 4 MB of stack, also with sanitizers.
constexpr std::uint32_t deepest = 5000;

std::uint64_t mix(std::uint64_t h) {  // the finaliser of MurmurHash3
  h ^= h >> 33U;
  h *= 0xff51afd7ed558ccdULL;
  h ^= h >> 33U;
  h *= 0xc4ceb9fe1a85ec53ULL;
  return h ^ h >> 33U;
}

std::uint64_t hash(std::uint32_t level, std::span<const Edge> edges) {
  std::uint64_t h = level + 0x9e3779b97f4a7c15ULL;
  for (const auto& edge : edges)
    h = (h ^ (std::uint64_t{edge.last} << 32U | static_cast<std::uint32_t>(edge.child))) *
            0x9ddfea08eb382d69ULL ^
        h >> 29U;
  return mix(h);
}

}  // namespace

Diagrams::Diagrams(Budget budget)
    : budget_(budget),
      deadline_(std::chrono::steady_clock::now() + budget.time),
      unique_(first_unique),
      cache_(first_cache) {}

Node Diagrams::make(std::uint32_t level, std::span<const Edge> edges) {
  if (edges.size() == 1) return edges[0].child;
  const auto first_edge = edges_.size();
  for (const auto& edge : edges) {
    if (edges_.size() > first_edge && edges_.back().child == edge.child)
      edges_.back().last = edge.last;
    else
      edges_.push_back(edge);
  }
  const std::span<const Edge> added(edges_.data() + first_edge, edges_.size() - first_edge);
  if (added.size() == 1) {
    const auto child = added[0].child;
    edges_.resize(first_edge);
    return child;
  }
  auto slot = hash(level, added) & (unique_.size() - 1);
  for (; unique_[slot] != 0; slot = (slot + 1) & (unique_.size() - 1)) {
    const Node candidate{unique_[slot] - 1};
    if (this->level(candidate) == level && std::ranges::equal(this->edges(candidate), added)) {
      edges_.resize(first_edge);
      return candidate;
    }
  }
  const auto id = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({.first_edge = first_edge,
                    .edge_count = static_cast<std::uint32_t>(added.size()),
                    .level = level});
  unique_[slot] = id + 1;
  if (nodes_.size() * 2 > unique_.size()) grow_tables();
  check_budget();
  return Node{id};
}

void Diagrams::grow_tables() {
  std::vector<std::uint32_t> larger(unique_.size() * 2);
  for (std::uint32_t id = 0; id < nodes_.size(); ++id) {
    auto slot = hash(nodes_[id].level, edges(Node{id})) & (larger.size() - 1);
    while (larger[slot] != 0) slot = (slot + 1) & (larger.size() - 1);
    larger[slot] = id + 1;
  }
  unique_ = std::move(larger);
  if (cache_.size() < largest_cache) cache_.assign(cache_.size() * 2, {});
}

void Diagrams::check_budget() {
  if (nodes_.size() > budget_.nodes || edges_.size() / edges_a_node > budget_.nodes)
    exhausted_ = true;
  if (nodes_.size() % nodes_between_clock_looks == 0 &&
      std::chrono::steady_clock::now() > deadline_)
    exhausted_ = true;
}

bool Diagrams::may_descend() {
  if (depth_ >= deepest) exhausted_ = true;
  if (++steps_ % steps_between_clock_looks == 0 && std::chrono::steady_clock::now() > deadline_)
    exhausted_ = true;
  return !exhausted_;
}

Diagrams::Cached& Diagrams::cache_slot(std::uint32_t operation, Node a, Node b) {
  const auto key =
      (std::uint64_t{static_cast<std::uint32_t>(a)} << 32U | static_cast<std::uint32_t>(b)) +
      operation * 0x9e3779b97f4a7c15ULL;
  return cache_[mix(key) & (cache_.size() - 1)];
}

std::size_t Diagrams::size(Node root) const {
  std::vector<bool> seen(nodes_.size());
  std::vector<Node> open;
  std::size_t count = 0;
  const auto visit = [&](Node node) {
    if (is_leaf(node) || seen[index(node)]) return;
    seen[index(node)] = true;
    ++count;
    open.push_back(node);
  };
  visit(root);
  while (!open.empty()) {
    const auto node = open.back();
    open.pop_back();
    for (const auto& edge : edges(node)) visit(edge.child);
  }
  return count;
}

}  // namespace firewright::semantics
