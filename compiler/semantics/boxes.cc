#include "compiler/semantics/boxes.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "compiler/semantics/boolean.h"
#include "compiler/semantics/box_fields.h"

namespace firewright::semantics {
namespace {

constexpr std::size_t most_to_trim = 64;

struct NodeHash {
  std::size_t operator()(Node node) const { return static_cast<std::size_t>(node); }
};

// A node's share of all packets, looking at the levels from its own on.
class Shares {
 public:
  Shares(const Diagrams& diagrams, const Space& space) : diagrams_(diagrams), space_(space) {}

  double operator()(Node node) {
    if (Diagrams::is_leaf(node)) return node == Booleans::none ? 0 : 1;
    if (const auto known = known_.find(node); known != known_.end()) return known->second;
    double sum = 0;
    std::uint32_t first = 0;
    const auto level = diagrams_.level(node);
    for (const auto& edge : diagrams_.edges(node)) {
      if (edge.child != Booleans::none)
        sum += fraction(space_, level, first, edge.last) * (*this)(edge.child);
      first = edge.last + 1;
    }
    known_.emplace(node, sum);
    return sum;
  }

 private:
  const Diagrams& diagrams_;
  const Space& space_;
  std::unordered_map<Node, double, NodeHash> known_;
};

using Ranks = std::vector<RankRanges>;  // one entry a level

class Cover {
 public:
  Cover(Diagrams& diagrams, const Space& space, const BoxLimits& limits)
      : diagrams_(diagrams),
        booleans_(diagrams),
        space_(space),
        limits_(limits),
        levels_(static_cast<std::uint32_t>(field_count + space.predicate_count())),
        port_protocols_(port_protocols(space)) {}

  Boxes run(Node set, Node free) {
    const auto four = in_family(set, 0);
    const auto six = in_family(set, 1);
    const auto free_four = in_family(free, 0);
    const auto free_six = in_family(free, 1);
    auto found = cover(four, free_four);
    if (four != six || free_four != free_six) {
      for (auto& ranks : found) ranks[space_.level(Field::family)] = {{0, 0}};
      auto more = cover(six, free_six);
      for (auto& ranks : more) ranks[space_.level(Field::family)] = {{1, 1}};
      join(found, std::move(more));
    }
    Boxes result;
    for (auto& ranks : found) {
      Box box;
      box.ranks = std::move(ranks);
      describe(space_, box);
      result.boxes.push_back(std::move(box));
    }
    std::stable_sort(result.boxes.begin(), result.boxes.end(),
                     [](const Box& a, const Box& b) { return a.share > b.share; });
    if (result.boxes.size() > limits_.boxes) result.boxes.resize(limits_.boxes);
    result.rest = booleans_.without(set, free);
    for (const auto& box : result.boxes)
      result.rest = booleans_.without(result.rest, to_node(diagrams_, space_, box));
    return result;
  }

 private:
  // The family is the first field of every order.
  [[nodiscard]] Node in_family(Node set, std::uint32_t rank) const {
    if (diagrams_.level(set) != space_.level(Field::family)) return set;
    return diagrams_.child(set, rank);
  }

  [[nodiscard]] std::vector<Ranks> cover(Node set, Node free) {
    std::vector<Ranks> found;
    auto rest = booleans_.without(set, free);
    const auto allowed = booleans_.either(set, free);
    while (rest != Booleans::none && found.size() < limits_.boxes && !tired()) {
      auto ranks = widest_path(rest);
      widen(ranks, allowed);
      rest = booleans_.without(rest, node_of(ranks));
      found.push_back(std::move(ranks));
    }
    if (!tired()) trim(found, free);
    return found;
  }

  [[nodiscard]] bool tired() const { return visits_ > limits_.visits || diagrams_.exhausted(); }

  // --- the widest path

  struct Best {
    double share = 0;
    Node child{};
  };

  double widest(Node node) {
    if (Diagrams::is_leaf(node)) return node == Booleans::none ? 0 : 1;
    if (const auto known = best_.find(node); known != best_.end()) return known->second.share;
    visits_ += diagrams_.edges(node).size();
    // All edges to one child together.
    std::vector<std::pair<Node, double>> children;
    std::uint32_t first = 0;
    const auto level = diagrams_.level(node);
    for (const auto& edge : diagrams_.edges(node)) {
      if (edge.child != Booleans::none)
        children.emplace_back(edge.child, fraction(space_, level, first, edge.last));
      first = edge.last + 1;
    }
    std::stable_sort(children.begin(), children.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    Best best;
    for (std::size_t i = 0; i < children.size();) {
      const auto child = children[i].first;
      double sum = 0;
      for (; i < children.size() && children[i].first == child; ++i) sum += children[i].second;
      const auto share = sum * widest(child);
      if (share > best.share) best = {share, child};
    }
    best_.emplace(node, best);
    return best.share;
  }

  [[nodiscard]] Ranks widest_path(Node node) {
    Ranks ranks(levels_);
    for (std::uint32_t level = 0; level < levels_; ++level)
      ranks[level] = {{0, space_.last_rank(level)}};
    (void)widest(node);
    while (!Diagrams::is_leaf(node)) {
      const auto child = best_.at(node).child;
      RankRanges leading;
      std::uint32_t first = 0;
      for (const auto& edge : diagrams_.edges(node)) {
        if (edge.child == child) leading.emplace_back(first, edge.last);
        first = edge.last + 1;
      }
      const auto level = diagrams_.level(node);
      ranks[level] = sayable(space_, level, leading);
      node = child;
    }
    return ranks;
  }

  // --- widening: from the last level up, so that what lies below is settled

  void widen(Ranks& ranks, Node set) {
    inside_.clear();
    for (auto level = levels_; level-- > 0;) {
      if (is_full(space_, level, ranks[level])) continue;
      auto wider = slices_inside(set, ranks, level);
      if (level == space_.level(Field::protocol)) wider = with_meaning(std::move(wider), ranks);
      const auto said = sayable(space_, level, wider);
      if (intersection(said, ranks[level]) == ranks[level]) ranks[level] = said;
    }
  }

  // Ports and ICMP types mean something only in their own protocols.
  [[nodiscard]] RankRanges with_meaning(RankRanges wider, const Ranks& ranks) const {
    const auto full = [&](Field field) {
      return is_full(space_, space_.level(field), ranks[space_.level(field)]);
    };
    if (!full(Field::icmp)) return ranks[space_.level(Field::protocol)];
    if (full(Field::source_port) && full(Field::destination_port)) return wider;
    return intersection(wider, port_protocols_);
  }

  // The ranks of the level with which the box, narrowed to them, lies inside the set. `inside_`
  // remembers nodes below the level.
  [[nodiscard]] RankRanges slices_inside(Node set, const Ranks& ranks, std::uint32_t level) {
    RankRanges allowed = {{0, space_.last_rank(level)}};
    std::unordered_set<Node, NodeHash> seen;
    std::vector<Node> open{set};
    while (!open.empty() && !allowed.empty()) {
      const auto node = open.back();
      open.pop_back();
      if (!seen.insert(node).second) continue;
      if (diagrams_.level(node) > level) {
        if (!inside(node, ranks)) return {};
      } else if (diagrams_.level(node) == level) {
        allowed = intersection(allowed, leading_inside(node, ranks));
      } else {
        for_children(node, ranks, [&](Node child) {
          open.push_back(child);
          return true;
        });
      }
    }
    return allowed;
  }

  [[nodiscard]] RankRanges leading_inside(Node node, const Ranks& ranks) {
    RankRanges leading;
    std::uint32_t first = 0;
    for (std::size_t i = 0; i < diagrams_.edges(node).size(); ++i) {
      const auto edge = diagrams_.edges(node)[i];
      ++visits_;
      if (inside(edge.child, ranks)) {
        if (!leading.empty() && leading.back().second + 1 == first)
          leading.back().second = edge.last;
        else
          leading.emplace_back(first, edge.last);
      }
      first = edge.last + 1;
    }
    return leading;
  }

  // The children that the box's ranks lead to, until `visit` says no.
  template <class Visit>
  bool for_children(Node node, const Ranks& ranks, const Visit& visit) {
    const auto edges = diagrams_.edges(node);
    auto edge = edges.begin();
    for (const auto& [first, last] : ranks[diagrams_.level(node)]) {
      edge = std::lower_bound(edge, edges.end(), first,
                              [](const Edge& e, std::uint32_t rank) { return e.last < rank; });
      for (;; ++edge) {
        ++visits_;
        if (!visit(edge->child)) return false;
        if (edge->last >= last) break;
      }
    }
    return true;
  }

  // Whether all of the box that comes to `node` is in the set.
  bool inside(Node node, const Ranks& ranks) {
    if (Diagrams::is_leaf(node)) return node == Booleans::all;
    if (const auto known = inside_.find(node); known != inside_.end()) return known->second;
    const bool all = for_children(node, ranks, [&](Node child) { return inside(child, ranks); });
    inside_.emplace(node, all);
    return all;
  }

  // --- dropping what others cover, and narrowing where that says the rest in fewer words

  void trim(std::vector<Ranks>& found, Node free) {
    if (found.size() < 2 || found.size() > most_to_trim) return;
    std::vector<Node> before{Booleans::none};
    for (const auto& ranks : found)
      before.push_back(booleans_.either(before.back(), node_of(ranks)));
    auto behind = free;
    std::vector<Ranks> kept;
    for (auto i = found.size(); i-- > 0;) {
      auto& ranks = found[i];
      const auto others = booleans_.either(before[i], behind);
      if (booleans_.without(node_of(ranks), others) == Booleans::none) continue;
      for (std::uint32_t level = 0; level < levels_; ++level) trim(ranks, level, others);
      behind = booleans_.either(behind, node_of(ranks));
      kept.push_back(std::move(ranks));
    }
    std::reverse(kept.begin(), kept.end());
    found = std::move(kept);
  }

  void trim(Ranks& ranks, std::uint32_t level, Node others) {
    if (ranks[level].size() < 2) return;
    inside_.clear();
    const auto covered = slices_inside(others, ranks, level);
    const auto left = difference(ranks[level], covered);
    if (left.empty() || left.size() >= ranks[level].size()) return;
    if (sayable(space_, level, left) == left) ranks[level] = left;
  }

  // In one family.
  [[nodiscard]] Node node_of(const Ranks& ranks) {
    auto node = Booleans::all;
    std::vector<Edge> edges;
    for (auto level = levels_; level-- > 0;) {
      if (is_full(space_, level, ranks[level])) continue;
      edges.clear();
      std::uint32_t next = 0;
      for (const auto& [first, last] : ranks[level]) {
        if (first > next) edges.push_back({first - 1, Booleans::none});
        edges.push_back({last, node});
        next = last + 1;
      }
      const auto end = space_.last_rank(level);
      if (next <= end) edges.push_back({end, Booleans::none});
      node = diagrams_.make(level, edges);
    }
    return node;
  }

  // --- both families

  // A box of each family that differ in nothing but addresses, of which both hold many or few, are
  // one box.
  void join(std::vector<Ranks>& four, std::vector<Ranks> six) const {
    for (auto& of_six : six) {
      const auto twin = std::find_if(four.begin(), four.end(),
                                     [&](const Ranks& of_four) { return twins(of_four, of_six); });
      if (twin == four.end()) {
        four.push_back(std::move(of_six));
        continue;
      }
      (*twin)[space_.level(Field::family)] = {{0, 1}};
      for (const auto field : {Field::source6, Field::destination6})
        (*twin)[space_.level(field)] = of_six[space_.level(field)];
    }
  }

  [[nodiscard]] bool twins(const Ranks& four, const Ranks& six) const {
    const auto at = [&](const Ranks& ranks, Field field) -> const RankRanges& {
      return ranks[space_.level(field)];
    };
    if (at(four, Field::family) != RankRanges{{0, 0}}) return false;
    // "Any but these" goes with any.
    const auto wide = [&](const Ranks& ranks, Field field) {
      constexpr double most = 0.5;
      return fraction(space_, space_.level(field), at(ranks, field)) > most;
    };
    const auto alike = [&](Field a, Field b) { return wide(four, a) == wide(six, b); };
    if (!alike(Field::source4, Field::source6)) return false;
    if (!alike(Field::destination4, Field::destination6)) return false;
    for (std::uint32_t level = 0; level < levels_; ++level) {
      const auto field = space_.field(level);
      const bool family = field == Field::family || field == Field::source4 ||
                          field == Field::source6 || field == Field::destination4 ||
                          field == Field::destination6;
      if (!family && four[level] != six[level]) return false;
    }
    return true;
  }

  Diagrams& diagrams_;
  Booleans booleans_;
  const Space& space_;
  BoxLimits limits_;
  std::uint32_t levels_;
  RankRanges port_protocols_;
  std::size_t visits_ = 0;
  std::unordered_map<Node, Best, NodeHash> best_;
  std::unordered_map<Node, bool, NodeHash> inside_;
};

}  // namespace

Boxes boxes(Diagrams& diagrams, const Space& space, Node set, const BoxLimits& limits, Node free) {
  return Cover(diagrams, space, limits).run(set, free);
}

double share(const Diagrams& diagrams, const Space& space, Node set) {
  return Shares(diagrams, space)(set);
}

}  // namespace firewright::semantics
