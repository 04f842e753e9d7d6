// Runs: neighbouring rules of the same verdict, without effect and without state, so that no order
// among them can be told.
//
// A short run is written rule by rule. Of a long one, the rules that name sources or destinations
// become trees: a packet's address is looked up first, and only the rules that name it are asked
// about the rest. Addresses of different rules that overlap, such as a network and a host in it, go
// to different trees, since a tree can find one line only.
//
// Where there may be sets, rules that differ in addresses, protocols and ports only become one rule
// that looks into a set of pairs, and trees are left for what is not of that kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "backends/iptables/rules.h"
#include "backends/iptables/tree.h"

namespace firewright::iptables {

// An exception that rejects is a reset for TCP and another rejection for the rest, so that many of
// them are no run. The same with all resets first, which are one, where that comes to the same and
// there are many; nothing: it changes nothing.
[[nodiscard]] std::optional<std::vector<ir::Rule>> resets_first(const std::vector<ir::Rule>& rules);

// Rules that are no part of a run are runs of one.
[[nodiscard]] std::vector<std::span<const MergedRule>> runs_of(std::span<const MergedRule> rules);

class RunWriter {
 public:
  RunWriter(RuleWriter& writer, ir::Hook hook) : writer_(writer), hook_(hook) {}

  // The run's lines, for whatever chain; the chains that they jump to are made.
  [[nodiscard]] std::vector<Line> lines(std::span<const MergedRule> run);

 private:
  using Rules = std::vector<const MergedRule*>;
  // What is asked once the address is known.
  struct Rest {
    Line line;
    LineMatch common;  // what all of it asks
  };
  template <class A>
  struct Place {
    Interval<A> addresses;
    std::size_t rest = 0;  // in rests_
  };
  template <class A>
  using Places = std::vector<Place<A>>;

  [[nodiscard]] std::vector<Line> flat(const Rules& rules);
  [[nodiscard]] std::vector<Line> flat(std::span<const MergedRule> rules);
  template <class A>
  [[nodiscard]] std::vector<Line> by_address(Rules rules);
  // The lines for those rules that differ in addresses, protocols and ports only, of which sets are
  // made; they are taken out of `rules`.
  template <class A>
  [[nodiscard]] std::vector<Line> crowds(Rules& rules, bool source);
  template <class A>
  [[nodiscard]] std::vector<Line> crowd(const Rules& rules, bool source);
  template <class A>
  [[nodiscard]] std::vector<Line> by_trees(const Rules& rules);
  template <class A>
  [[nodiscard]] std::vector<Line> searched(const Rules& rules, bool source);
  template <class A>
  [[nodiscard]] Places<A> places(const Rules& rules, bool source, std::vector<Rest>& rests);
  template <class A>
  [[nodiscard]] static Line line_of(const Place<A>& place, const std::vector<Rest>& rests,
                                    bool source);
  template <class A>
  void append_layer(std::vector<Line>& lines, const Places<A>& layer,
                    const std::vector<Rest>& rests, bool source);
  [[nodiscard]] std::vector<Rest> rest_of(std::vector<MergedRule> rules);

  RuleWriter& writer_;
  ir::Hook hook_;
};

}  // namespace firewright::iptables
