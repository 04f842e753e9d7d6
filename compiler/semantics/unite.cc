#include "compiler/semantics/unite.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace firewright::semantics {
namespace {

class Uniter {
 public:
  Uniter(Diagrams& diagrams, const Space& space, Family family, Node yes)
      : diagrams_(diagrams),
        space_(space),
        family_(family),
        yes_(yes),
        either_(diagrams.new_operation()) {}

  using Matches = std::span<const ir::Match*>;

  // All matches are equal in the fields before `level`.
  Node below(std::uint32_t level, Matches matches) {
    if (matches.size() == 1)
      return space_.from_level(level, diagrams_, *matches[0], family_,
                               space_.under_predicates(diagrams_, *matches[0], yes_));
    for (; level < field_count && !diagrams_.exhausted(); ++level) {
      const auto field = *space_.field(level);
      if (field == Field::family) continue;
      if (std::ranges::any_of(
              matches, [&](const auto* match) { return Space::restricts(*match, family_, field); }))
        return at(level, field, matches);
    }
    std::vector<Node> ends;
    for (const auto* match : matches)
      ends.push_back(space_.under_predicates(diagrams_, *match, yes_));
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    return join(std::move(ends));
  }

 private:
  // Matches that allow the same ranks of a field.
  struct Group {
    Space::Ranges ranks;
    const ir::Match* match = nullptr;
  };
  struct Piece {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    Node child{};
  };

  Node at(std::uint32_t level, Field field, Matches matches) {
    const auto last = space_.last_rank(level);
    std::vector<Group> entries;
    entries.reserve(matches.size());
    for (const auto* match : matches) {
      auto ranks = space_.allowed(*match, family_, field);
      entries.push_back({ranks ? std::move(*ranks) : Space::Ranges{{0, last}}, match});
    }
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Group& a, const Group& b) { return a.ranks < b.ranks; });
    for (std::size_t i = 0; i < entries.size(); ++i) matches[i] = entries[i].match;
    std::vector<Piece> pieces;
    std::vector<std::pair<const Space::Ranges*, Node>> groups;
    for (std::size_t begin = 0; begin < entries.size();) {
      auto end = begin + 1;
      while (end < entries.size() && entries[end].ranks == entries[begin].ranks) ++end;
      const auto child = below(level + 1, matches.subspan(begin, end - begin));
      groups.emplace_back(&entries[begin].ranks, child);
      for (const auto& [first, until] : entries[begin].ranks)
        pieces.push_back({first, until, child});
      begin = end;
    }
    std::sort(pieces.begin(), pieces.end(),
              [](const Piece& a, const Piece& b) { return a.first < b.first; });
    const bool apart =
        std::adjacent_find(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
          return a.last >= b.first;
        }) == pieces.end();
    if (apart) return in_one_go(level, last, pieces);
    std::vector<Node> nodes;
    nodes.reserve(groups.size());
    for (const auto& [ranks, child] : groups)
      nodes.push_back(space_.restrict(diagrams_, field, *ranks, child));
    return join(std::move(nodes));
  }

  Node in_one_go(std::uint32_t level, std::uint32_t last, const std::vector<Piece>& pieces) {
    constexpr auto none = Diagrams::leaf(0);
    std::vector<Edge> edges;
    edges.reserve(pieces.size() * 2 + 1);
    std::uint32_t next = 0;
    for (const auto& piece : pieces) {
      if (piece.first > next) edges.push_back({piece.first - 1, none});
      edges.push_back({piece.last, piece.child});
      next = piece.last + 1;
    }
    if (next <= last) edges.push_back({last, none});
    return diagrams_.make(level, edges);
  }

  Node join(std::vector<Node> nodes) {
    if (nodes.empty()) return Diagrams::leaf(0);
    while (nodes.size() > 1) {
      std::size_t kept = 0;
      for (std::size_t i = 0; i < nodes.size(); i += 2)
        nodes[kept++] = i + 1 < nodes.size() ? either(nodes[i], nodes[i + 1]) : nodes[i];
      nodes.resize(kept);
    }
    return nodes.front();
  }

  Node either(Node a, Node b) {
    return diagrams_.combine(either_, a, b, [&](Node x, Node y) -> std::optional<Node> {
      if (x == yes_ || y == yes_) return yes_;
      if (x == Diagrams::leaf(0) || x == y) return y;
      if (y == Diagrams::leaf(0)) return x;
      return std::nullopt;
    });
  }

  Diagrams& diagrams_;
  const Space& space_;
  Family family_;
  Node yes_;
  std::uint32_t either_;
};

}  // namespace

Node unite(Diagrams& diagrams, const Space& space, std::span<const ir::Match* const> matches,
           Node yes) {
  std::array<Node, 2> by_family{Diagrams::leaf(0), Diagrams::leaf(0)};
  std::vector<const ir::Match*> of_family;
  for (const auto family : {Family::ipv4, Family::ipv6}) {
    of_family.clear();
    for (const auto* match : matches)
      if (match->families.contains(family)) of_family.push_back(match);
    if (of_family.empty()) continue;
    Uniter uniter(diagrams, space, family, yes);
    by_family[static_cast<std::size_t>(family)] = uniter.below(0, of_family);
  }
  const Edge edges[] = {{0, by_family[0]}, {1, by_family[1]}};
  return diagrams.make(space.level(Field::family), edges);
}

}  // namespace firewright::semantics
