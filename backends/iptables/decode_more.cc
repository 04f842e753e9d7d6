// Rules that differ in their addresses only, held in little memory.
#include <utility>

#include "backends/iptables/decode_table.h"

namespace firewright::iptables::decoder {
namespace {

AddressSet& side(ir::Match& match, bool source) {
  return source ? match.source : match.destination;
}

// What a rule without a comment is called.
std::string label_of(std::string_view chain, std::size_t number) {
  return std::string(chain) + ' ' + std::to_string(number);
}

// Whether the addresses of one side are all that tells the rules apart.
bool differ_in(const ir::Rule& a, ir::Rule& b, bool source) {
  const auto own =
      std::exchange(side(b.match, source), source ? a.match.source : a.match.destination);
  const bool same = a.match == b.match;
  side(b.match, source) = own;
  return same;
}

}  // namespace

// A rule that has just been added, and is like the last one that is kept whole.
void TableReader::shorten(Chain& chain, Added& added) {
  if (added.count != 1 || chain.rules.size() < 2 || chain.rules.size() != added.first + 1U) return;
  const auto like = added.first - 1;
  const auto& before = chain.rules[like];
  auto& rule = chain.rules.back();
  if (rule.verdict.kind != before.verdict.kind || !rule.verdict.chain.empty() ||
      rule.verdict != before.verdict || !rule.effects.empty() || !before.effects.empty() ||
      !rule.match.predicates.empty() || rule.origin.label != label_of(chain.name, chain.lines))
    return;
  for (const bool source : {true, false}) {
    if (!differ_in(before, rule, source)) continue;
    added = {.first = static_cast<std::uint32_t>(chain.more.size()), .count = one_more};
    chain.more.push_back({.addresses = std::move(side(rule.match, source)),
                          .source = source,
                          .like = like,
                          .number = static_cast<std::uint32_t>(chain.lines),
                          .line = rule.origin.span});
    chain.rules.pop_back();
    return;
  }
}

std::vector<ir::Rule> TableReader::rules_of(const Chain& chain, const Added& added) {
  if (added.count != one_more) {
    const auto begin = chain.rules.begin() + added.first;
    return {begin, begin + added.count};
  }
  const auto& more = chain.more[added.first];
  std::vector<ir::Rule> rules{chain.rules[more.like]};
  side(rules.front().match, more.source) = more.addresses;
  rules.front().origin.label = label_of(chain.name, more.number);
  rules.front().origin.span = more.line;
  return rules;
}

// Neighbours that are alike but for their addresses are one rule: no order among them can be told.
std::vector<ir::Rule> TableReader::united(Chain& chain) {
  std::vector<ir::Rule> rules;
  for (std::size_t i = 0; i < chain.order.size();) {
    auto these = rules_of(chain, chain.order[i]);
    const auto like = chain.order[i].first;
    const bool whole = chain.order[i].count == 1;
    std::optional<bool> source;
    std::vector<Interval<Ipv4>> v4;
    std::vector<Interval<Ipv6>> v6;
    for (++i; whole && i < chain.order.size() && chain.order[i].count == one_more; ++i) {
      const auto& more = chain.more[chain.order[i].first];
      if (more.like != like || (source && *source != more.source)) break;
      source = more.source;
      v4.insert(v4.end(), more.addresses.v4.intervals().begin(),
                more.addresses.v4.intervals().end());
      v6.insert(v6.end(), more.addresses.v6.intervals().begin(),
                more.addresses.v6.intervals().end());
    }
    if (source) {
      auto& set = side(these.front().match, *source);
      set = set | AddressSet{.v4 = Ipv4Set(std::move(v4)), .v6 = Ipv6Set(std::move(v6))};
    }
    for (auto& rule : these) rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace firewright::iptables::decoder
