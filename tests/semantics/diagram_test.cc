#include "compiler/semantics/diagram.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace firewright::semantics {
namespace {

// Three fields of three bits: every function is a table of 512 leaves.
constexpr std::uint32_t domain = 8;
constexpr std::size_t points = domain * domain * domain;
using Table = std::array<std::uint32_t, points>;

Node build(Diagrams& diagrams, const Table& table, std::uint32_t level = 0, std::size_t base = 0) {
  if (level == 3) return Diagrams::leaf(table[base]);
  std::vector<Edge> edges;
  for (std::uint32_t v = 0; v < domain; ++v)
    edges.push_back({v, build(diagrams, table, level + 1, base * domain + v)});
  return diagrams.make(level, edges);
}

std::uint32_t look_up(const Diagrams& diagrams, Node node, std::size_t point) {
  const std::uint32_t fields[] = {static_cast<std::uint32_t>(point / 64),
                                  static_cast<std::uint32_t>(point / 8 % 8),
                                  static_cast<std::uint32_t>(point % 8)};
  while (!Diagrams::is_leaf(node)) {
    const auto value = fields[diagrams.level(node)];
    for (const auto& edge : diagrams.edges(node))
      if (value <= edge.last) {
        node = edge.child;
        break;
      }
  }
  return Diagrams::value(node);
}

// A table with structure: a few boxes, so that nodes are shared and joined.
Table random_table(std::mt19937& random, std::uint32_t leaves) {
  Table table{};
  for (int boxes = 0; boxes < 5; ++boxes) {
    std::array<std::pair<std::size_t, std::size_t>, 3> box;
    for (auto& [low, high] : box) {
      low = random() % 8;
      high = low + random() % (8 - low);
    }
    const auto value = static_cast<std::uint32_t>(random() % leaves);
    for (std::size_t p = 0; p < points; ++p) {
      const std::size_t at[] = {p / 64, p / 8 % 8, p % 8};
      bool inside = true;
      for (std::size_t f = 0; f < 3; ++f)
        inside = inside && at[f] >= box[f].first && at[f] <= box[f].second;
      if (inside) table[p] = value;
    }
  }
  return table;
}

auto both(std::uint32_t (*of)(std::uint32_t, std::uint32_t)) {
  return [of](Node a, Node b) -> std::optional<Node> {
    if (!Diagrams::is_leaf(a) || !Diagrams::is_leaf(b)) return std::nullopt;
    return Diagrams::leaf(of(Diagrams::value(a), Diagrams::value(b)));
  };
}

TEST(Diagrams, EveryOperationAgreesWithTruthTables) {
  std::mt19937 random(5);
  Diagrams diagrams;
  const std::array<std::uint32_t (*)(std::uint32_t, std::uint32_t), 4> operations = {
      [](std::uint32_t a, std::uint32_t b) { return a & b; },
      [](std::uint32_t a, std::uint32_t b) { return a | b; },
      [](std::uint32_t a, std::uint32_t b) { return a & ~b & 3U; },
      [](std::uint32_t a, std::uint32_t b) { return a != 0 ? a : b; }};
  std::array<std::uint32_t, 4> numbers{};
  for (auto& number : numbers) number = diagrams.new_operation();
  for (int round = 0; round < 300; ++round) {
    const auto x = random_table(random, 4);
    const auto y = random_table(random, 4);
    const auto a = build(diagrams, x);
    const auto b = build(diagrams, y);
    for (std::size_t p = 0; p < points; ++p) ASSERT_EQ(look_up(diagrams, a, p), x[p]);
    for (std::size_t o = 0; o < operations.size(); ++o) {
      const auto node = diagrams.combine(numbers[o], a, b, both(operations[o]));
      Table expected{};
      for (std::size_t p = 0; p < points; ++p) expected[p] = operations[o](x[p], y[p]);
      for (std::size_t p = 0; p < points; ++p) ASSERT_EQ(look_up(diagrams, node, p), expected[p]);
      ASSERT_EQ(node, build(diagrams, expected)) << "equal functions are the same node";
    }
  }
}

TEST(Diagrams, TheCacheChangesNothing) {
  std::mt19937 random(6);
  Diagrams diagrams;
  const auto remembered = diagrams.new_operation();
  const auto xor_of = [](std::uint32_t a, std::uint32_t b) { return a ^ b; };
  for (int round = 0; round < 200; ++round) {
    const auto a = build(diagrams, random_table(random, 3));
    const auto b = build(diagrams, random_table(random, 3));
    const auto first = diagrams.combine(remembered, a, b, both(xor_of));
    EXPECT_EQ(diagrams.combine(diagrams.new_operation(), a, b, both(xor_of)), first)
        << "a cold cache";
    EXPECT_EQ(diagrams.combine(remembered, a, b, both(xor_of)), first) << "a warm one";
  }
}

TEST(Diagrams, NodesAreReduced) {
  Diagrams diagrams;
  const auto one = Diagrams::leaf(1);
  const Edge same[] = {{3, one}, {7, one}};
  EXPECT_EQ(diagrams.make(0, same), one);
  const Edge split[] = {{1, one}, {3, one}, {7, Diagrams::leaf(0)}};
  const Edge whole[] = {{3, one}, {7, Diagrams::leaf(0)}};
  EXPECT_EQ(diagrams.make(0, split), diagrams.make(0, whole));
  EXPECT_EQ(diagrams.size(), 1U);
}

TEST(Diagrams, TheSizeOfAFunctionIsWhatItReaches) {
  Diagrams diagrams;
  const std::vector<Edge> shared{{3, Diagrams::leaf(0)}, {7, Diagrams::leaf(1)}};
  const auto low = diagrams.make(1, shared);
  const std::vector<Edge> both{{1, low}, {2, Diagrams::leaf(1)}, {7, low}};
  const auto high = diagrams.make(0, both);
  (void)diagrams.make(2, shared);
  EXPECT_EQ(diagrams.size(high), 2U);
  EXPECT_EQ(diagrams.size(low), 1U);
  EXPECT_EQ(diagrams.size(Diagrams::leaf(1)), 0U);
}

// The work goes as deep as the levels are many, and the stack is only so large.
TEST(Diagrams, TooManyLevelsEndTheWork) {
  Diagrams diagrams;
  auto node = Diagrams::leaf(1);
  for (std::uint32_t level = 10'000; level-- > 0;) {
    const std::vector<Edge> edges{{0, Diagrams::leaf(0)}, {1, node}};
    node = diagrams.make(level, edges);
  }
  ASSERT_FALSE(diagrams.exhausted());
  (void)diagrams.map(diagrams.new_operation(), node,
                     [](std::uint32_t leaf) { return Diagrams::leaf(1 - leaf); });
  EXPECT_TRUE(diagrams.exhausted());
}

TEST(Diagrams, ABudgetEndsTheWork) {
  std::mt19937 random(9);
  Diagrams diagrams({.nodes = 50, .time = std::chrono::hours(1)});
  for (int round = 0; round < 50; ++round) (void)build(diagrams, random_table(random, 4));
  EXPECT_TRUE(diagrams.exhausted());
}

}  // namespace
}  // namespace firewright::semantics
