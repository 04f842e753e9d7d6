#include "compiler/report/relative.h"

#include <algorithm>
#include <set>

#include "compiler/semantics/boolean.h"
#include "compiler/semantics/box_fields.h"

namespace firewright::report {
namespace {

using semantics::Booleans;
using semantics::Diagrams;
using semantics::Field;
using semantics::Node;
using semantics::RankRanges;
using semantics::Space;

// The ranks of one level that some packet of a set has.
class Presence {
 public:
  Presence(const Diagrams& diagrams, const Space& space, std::uint32_t level)
      : diagrams_(diagrams), level_(level), found_(space.last_rank(level) + 1) {}

  RankRanges of(Node set) {
    visit(set);
    RankRanges ranges;
    for (std::uint32_t rank = 0; rank < found_.size(); ++rank) {
      if (!found_[rank]) continue;
      if (!ranges.empty() && ranges.back().second + 1 == rank)
        ranges.back().second = rank;
      else
        ranges.emplace_back(rank, rank);
    }
    return ranges;
  }

 private:
  void visit(Node node) {
    if (node == Booleans::none || full_) return;
    if (diagrams_.level(node) > level_) {
      full_ = true;
      found_.assign(found_.size(), true);
      return;
    }
    if (!seen_.insert(node).second) return;
    std::uint32_t first = 0;
    for (const auto& edge : diagrams_.edges(node)) {
      if (diagrams_.level(node) < level_)
        visit(edge.child);
      else if (edge.child != Booleans::none)
        for (auto rank = first; rank <= edge.last; ++rank) found_[rank] = true;
      first = edge.last + 1;
    }
  }

  const Diagrams& diagrams_;
  std::uint32_t level_;
  std::vector<bool> found_;
  std::set<Node> seen_;
  bool full_ = false;
};

Node of_family(Diagrams& diagrams, const Space& space, Node set, Family family) {
  ir::Match match;
  ir::restrict_families(match, {family});
  return Booleans(diagrams).both(set, space.match(diagrams, match));
}

bool holds(const RankRanges& whole, const RankRanges& part) {
  return semantics::intersection(whole, part) == part;
}

}  // namespace

Relative::Relative(Diagrams& diagrams, const Space& space, Node set)
    : space_(space), present_(semantics::field_count) {
  const auto ask = [&](Field field, Node of) {
    const auto level = space.level(field);
    present_[level] = Presence(diagrams, space, level).of(of);
  };
  for (const auto field : {Field::in, Field::out, Field::profile, Field::user, Field::group})
    ask(field, set);
  const auto four = of_family(diagrams, space, set, Family::ipv4);
  const auto six = of_family(diagrams, space, set, Family::ipv6);
  if (four != Booleans::none) families_.insert(Family::ipv4);
  if (six != Booleans::none) families_.insert(Family::ipv6);
  for (const auto field : {Field::source4, Field::destination4}) ask(field, four);
  for (const auto field : {Field::source6, Field::destination6}) ask(field, six);
}

semantics::Box Relative::of(const semantics::Box& box) const {
  semantics::Box relative;
  relative.ranks = box.ranks;
  for (std::uint32_t level = 0; level < present_.size(); ++level) {
    const auto& present = present_[level];
    if (present.empty()) continue;
    auto& ranks = relative.ranks[level];
    if (holds(ranks, present))
      ranks = {{0, space_.last_rank(level)}};
    else if (auto left = semantics::intersection(ranks, present); !left.empty())
      ranks = std::move(left);
  }
  describe(space_, relative);
  relative.match.states = {ir::ConntrackState::fresh, ir::ConntrackState::untracked};
  return relative;
}

}  // namespace firewright::report
