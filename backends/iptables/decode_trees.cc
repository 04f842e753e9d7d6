#include "backends/iptables/decode_trees.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace firewright::iptables::decoder {
namespace {

// A chain that several lead to is written out for each of them; together they may become so many
// times as long.
constexpr std::size_t longer = 2;
constexpr std::size_t always_fine = 1000;

constexpr std::size_t nowhere = ~std::size_t{0};

enum class Axis : std::uint8_t { source, destination };
constexpr std::array axes{Axis::source, Axis::destination};

AddressSet& along(ir::Match& match, Axis axis) {
  return axis == Axis::source ? match.source : match.destination;
}

class Trees {
 public:
  explicit Trees(std::vector<ir::Chain> chains)
      : chains_(std::move(chains)), facts_(chains_.size()) {
    std::unordered_map<std::string_view, std::size_t> index;
    for (std::size_t i = 0; i < chains_.size(); ++i) index.emplace(chains_[i].name, i);
    for (std::size_t i = 0; i < chains_.size(); ++i)
      for (const auto& rule : chains_[i].rules) {
        ++rules_;
        Way way;
        if (const auto found = index.find(rule.verdict.chain); found != index.end()) {
          way.to = found->second;
          ++facts_[way.to].led_to;
        }
        way.by = axis_of(rule);
        facts_[i].ways.push_back(way);
      }
  }

  std::vector<ir::Chain> written_out() {
    for (const auto axis : axes) {
      mark_branches(axis);
      for (std::size_t i = 0; i < chains_.size(); ++i)
        if (facts_[i].branches && !facts_[i].is_branch && fits(i, axis) &&
            facts_[i].length <= rules_ * longer + always_fine)
          write_out(i, axis);
      forget();
    }
    std::vector<ir::Chain> result;
    for (std::size_t i = 0; i < chains_.size(); ++i)
      if (chains_[i].hook || facts_[i].led_to == 0 || facts_[i].taken < facts_[i].led_to)
        result.push_back(std::move(chains_[i]));
    return result;
  }

 private:
  enum class Fit : std::uint8_t { unknown, yes, no };
  // Where a rule leads to.
  struct Way {
    std::size_t to = nowhere;
    std::optional<Axis> by;  // the address alone, by `goto`
  };
  struct Facts {
    std::vector<Way> ways;   // of each rule
    std::size_t led_to = 0;  // by so many rules
    std::size_t taken = 0;   // of these, written out
    // Along the axis that is looked at:
    bool branches = false;   // has a rule that goes on by the address alone
    bool is_branch = false;  // such a rule goes on here
    Fit fit = Fit::unknown;
    std::size_t length = 0;  // written out
  };

  [[nodiscard]] static std::optional<Axis> axis_of(const ir::Rule& rule) {
    if (rule.verdict.kind != ir::VerdictKind::go_to || !rule.effects.empty()) return std::nullopt;
    ir::Match any;
    ir::restrict_families(any, rule.match.families);
    for (const auto axis : axes) {
      auto other = rule.match;
      along(other, axis) = along(any, axis);
      if (other == any) return axis;
    }
    return std::nullopt;
  }

  void mark_branches(Axis axis) {
    for (auto& facts : facts_)
      for (const auto& way : facts.ways) {
        if (way.to == nowhere || way.by != axis) continue;
        facts.branches = true;
        facts_[way.to].is_branch = true;
      }
  }

  void forget() {
    for (auto& facts : facts_) {
      facts.branches = facts.is_branch = false;
      facts.fit = Fit::unknown;
      facts.length = 0;
    }
  }

  // Whether the chain, and all that it goes on in, does nothing but that and what may stand in any
  // chain.
  bool fits(std::size_t chain, Axis axis) {
    auto& facts = facts_[chain];
    if (facts.fit != Fit::unknown) return facts.fit == Fit::yes;
    facts.fit = Fit::no;
    for (std::size_t k = 0; k < chains_[chain].rules.size(); ++k) {
      const auto& rule = chains_[chain].rules[k];
      if (rule.verdict.kind == ir::VerdictKind::return_) return false;
      if (rule.verdict.kind != ir::VerdictKind::go_to) {
        ++facts.length;
        continue;
      }
      const auto& way = facts.ways[k];
      if (way.to == nowhere || way.by != axis || !fits(way.to, axis)) return false;
      facts.length += facts_[way.to].length;
    }
    facts.fit = Fit::yes;
    return true;
  }

  void write_out(std::size_t root, Axis axis) {
    std::vector<ir::Rule> rules;
    std::vector<Way> ways;
    rules.reserve(facts_[root].length);
    ways.reserve(facts_[root].length);
    append(root, axis, AddressSet::all(), false, rules, ways);
    chains_[root].rules = std::move(rules);
    facts_[root].ways = std::move(ways);
  }

  // The chain's rules for the addresses `left`. Where it is needed again, they are copied.
  void append(std::size_t chain, Axis axis, AddressSet left, bool needed_again,
              std::vector<ir::Rule>& rules, std::vector<Way>& ways) {
    auto& list = chains_[chain].rules;
    for (std::size_t k = 0; k < list.size(); ++k) {
      const auto way = facts_[chain].ways[k];
      const auto here =
          left.is_all() ? along(list[k].match, axis) : along(list[k].match, axis) & left;
      if (list[k].verdict.kind == ir::VerdictKind::go_to) {
        const bool again = needed_again || facts_[way.to].led_to > 1;
        if (!needed_again) ++facts_[way.to].taken;
        if (!here.empty()) append(way.to, axis, here, again, rules, ways);
        left = left - here;
        continue;
      }
      if (here.empty()) continue;
      rules.push_back(needed_again ? list[k] : std::move(list[k]));
      along(rules.back().match, axis) = here;
      ways.push_back(way);
      if (needed_again && way.to != nowhere) ++facts_[way.to].led_to;
    }
    if (needed_again) return;
    list = {};
    facts_[chain].ways = {};
  }

  std::vector<ir::Chain> chains_;
  std::vector<Facts> facts_;
  std::size_t rules_ = 0;
};

}  // namespace

std::vector<ir::Chain> without_trees(std::vector<ir::Chain> chains) {
  return Trees(std::move(chains)).written_out();
}

}  // namespace firewright::iptables::decoder
