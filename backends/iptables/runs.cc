#include "backends/iptables/runs.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace firewright::iptables {
namespace {

// Up to so many rules with long lists of their own are written by themselves, so that their other
// tests come first.
constexpr std::size_t most_long_lists = 8;
// In so many rules there are as many exceptions as a long run has.
constexpr std::size_t many_rejections = 2 * longest_flat_list;
// A layer of fewer addresses needs no tree.
constexpr std::size_t short_layer = 8;
// More pairs of one rule are not made: an address set and a list of ports serve as well.
constexpr std::size_t most_pairs = 16384;
// And with each address of a rule so many ports: wide ranges are better tested as such.
constexpr std::size_t most_ports = 64;
// Addresses that overlap more often than this are written one line after another.
constexpr std::size_t most_layers = 32;

const Ipv4Set& set_of(const AddressSet& set, Ipv4) { return set.v4; }
const Ipv6Set& set_of(const AddressSet& set, Ipv6) { return set.v6; }
Ipv4Set& set_of(AddressSet& set, Ipv4) { return set.v4; }
Ipv6Set& set_of(AddressSet& set, Ipv6) { return set.v6; }

template <class A>
const IntervalSet<A>& addresses(const MergedRule& merged, bool source) {
  const auto& match = merged.rule.match;
  return set_of(source ? match.source : match.destination, A{});
}
template <class A>
IntervalSet<A>& addresses(MergedRule& merged, bool source) {
  auto& match = merged.rule.match;
  return set_of(source ? match.source : match.destination, A{});
}

// Whether the rule names addresses to search for, rather than addresses that it leaves out.
template <class A>
bool names(const MergedRule& merged, bool source) {
  const auto& set = addresses<A>(merged, source);
  return !set.is_all() && (set.intervals().size() != 2 || !is_one_test(set));
}

template <class A>
bool has_long_list(const MergedRule& merged, bool source) {
  return addresses<A>(merged, source).intervals().size() > longest_flat_list;
}

// Rules that agree in all but one set become one. `set` gives it.
template <class Set>
void join(std::vector<MergedRule>& rules, const Set& set) {
  using Values = std::decay_t<decltype(set(rules.front()))>;
  struct Gathered {
    std::size_t place = 0;
    std::vector<Interval<typename Values::Value>> intervals;
    std::set<std::string> labels;
  };
  std::unordered_map<std::string, Gathered> known;
  std::size_t kept = 0;
  for (auto& rule : rules) {
    const auto values = std::exchange(set(rule), Values::all());
    const auto [entry, added] = known.try_emplace(to_text(rule.rule.match));
    auto& [place, intervals, labels] = entry->second;
    intervals.insert(intervals.end(), values.intervals().begin(), values.intervals().end());
    for (const auto& label : rule.labels)
      if (labels.insert(label).second && !added) rules[place].labels.push_back(label);
    if (!added) continue;
    place = kept;
    if (&rules[kept] != &rule) rules[kept] = std::move(rule);
    ++kept;
  }
  rules.resize(kept);
  for (auto& [key, gathered] : known)
    set(rules[gathered.place]) = Values(std::move(gathered.intervals));
}

void join_ports(std::vector<MergedRule>& rules) {
  join(rules, [](MergedRule& rule) -> auto& { return rule.rule.match.destination_ports; });
}

// Whether the rules are few but for the addresses of one side.
template <class A>
bool are_few_but_for(std::span<const MergedRule* const> rules, bool source) {
  std::set<std::string> different;
  for (const auto* rule : rules) {
    auto match = rule->rule.match;
    set_of(source ? match.source : match.destination, A{}) = IntervalSet<A>::all();
    if (different.insert(to_text(match)).second && different.size() > longest_flat_list)
      return false;
  }
  return true;
}

// How many different addresses or ranges the rules name.
template <class A>
std::size_t count_named(std::span<const MergedRule* const> rules, bool source) {
  std::vector<Interval<A>> all;
  for (const auto* rule : rules)
    if (names<A>(*rule, source)) {
      const auto list = addresses<A>(*rule, source).intervals();
      all.insert(all.end(), list.begin(), list.end());
    }
  std::sort(all.begin(), all.end());
  return static_cast<std::size_t>(std::unique(all.begin(), all.end()) - all.begin());
}

// Whether the rule is one of the addresses of that side, of protocols and of ports, as sets of
// pairs have them, and a moderate number of those.
template <class A>
bool fits_pairs(const MergedRule& merged, bool source) {
  const auto& match = merged.rule.match;
  if (!match.source_ports.is_all() || !match.icmp.is_all()) return false;
  std::size_t ports = 0, protocols = 0;
  for (const auto& interval : match.destination_ports.intervals())
    ports += interval.last.value - interval.first.value + std::size_t{1};
  for (const auto& interval : match.protocols.intervals())
    for (unsigned value = interval.first.value; value <= interval.last.value; ++value) {
      if (!has_port_in_sets(Protocol{static_cast<std::uint8_t>(value)})) return false;
      ++protocols;
    }
  const auto each = ports * protocols;
  return each <= most_ports && count_prefixes(addresses<A>(merged, source)) * each <= most_pairs;
}

template <class A>
void append_pairs(const MergedRule& merged, bool source, std::vector<SetPair<A>>& pairs) {
  const auto& match = merged.rule.match;
  for (const auto& range : addresses<A>(merged, source).intervals())
    for (const auto& prefix : to_prefixes(range))
      for (const auto& protocols : match.protocols.intervals())
        for (unsigned protocol = protocols.first.value; protocol <= protocols.last.value;
             ++protocol)
          for (const auto& ports : match.destination_ports.intervals())
            for (unsigned port = ports.first.value; port <= ports.last.value; ++port)
              pairs.push_back({.addresses = prefix,
                               .protocol = Protocol{static_cast<std::uint8_t>(protocol)},
                               .port = Port{static_cast<std::uint16_t>(port)}});
}

bool is_rejection(const ir::Rule& rule) {
  return without_order(rule) && rule.verdict.kind == ir::VerdictKind::reject;
}

// In another way than by a reset.
bool may_reject_tcp(const ir::Rule& rule) {
  return rule.verdict.reject != ir::RejectKind::tcp_reset &&
         rule.match.protocols.contains(protocol::tcp);
}

// Whether all TCP packets of the rule are reset by the one before.
bool is_rest_of(const ir::Rule& rule, const ir::Rule& before) {
  if (before.verdict.reject != ir::RejectKind::tcp_reset) return false;
  auto match = rule.match;
  match.protocols = ProtocolSet::of(protocol::tcp);
  return match == before.match;
}

// What both say of interfaces, protocol and states, where they say the same.
LineMatch common(const LineMatch& a, const LineMatch& b) {
  LineMatch result;
  for (const auto slot :
       {&LineMatch::in, &LineMatch::out, &LineMatch::protocol, &LineMatch::states})
    if (a.*slot == b.*slot) result.*slot = a.*slot;
  return result;
}

}  // namespace

std::optional<std::vector<ir::Rule>> resets_first(const std::vector<ir::Rule>& rules) {
  const auto count = static_cast<std::size_t>(std::ranges::count_if(rules, is_rejection));
  if (count <= many_rejections) return std::nullopt;
  std::vector<ir::Rule> result;
  bool changed = false;
  for (std::size_t begin = 0; begin < rules.size();) {
    auto end = begin;
    while (end < rules.size() && is_rejection(rules[end]) &&
           (!may_reject_tcp(rules[end]) || (end > begin && is_rest_of(rules[end], rules[end - 1]))))
      ++end;
    if (end == begin) ++end;
    const auto list = std::span(rules).subspan(begin, end - begin);
    begin = end;
    if (list.size() <= many_rejections) {
      result.insert(result.end(), list.begin(), list.end());
      continue;
    }
    changed = true;
    for (const bool resets : {true, false})
      for (const auto& rule : list)
        if ((rule.verdict.reject == ir::RejectKind::tcp_reset) == resets) result.push_back(rule);
  }
  if (!changed) return std::nullopt;
  return result;
}

std::vector<std::span<const MergedRule>> runs_of(std::span<const MergedRule> rules) {
  std::vector<std::span<const MergedRule>> runs;
  for (std::size_t begin = 0; begin < rules.size();) {
    auto end = begin + 1;
    while (end < rules.size() && without_order(rules[begin].rule) &&
           without_order(rules[end].rule) && rules[begin].rule.verdict == rules[end].rule.verdict)
      ++end;
    runs.push_back(rules.subspan(begin, end - begin));
    begin = end;
  }
  return runs;
}

std::vector<Line> RunWriter::flat(const Rules& rules) {
  std::vector<Line> result;
  for (const auto* rule : rules) {
    auto lines = writer_.lines(hook_, *rule);
    std::move(lines.begin(), lines.end(), std::back_inserter(result));
  }
  return result;
}

std::vector<Line> RunWriter::flat(std::span<const MergedRule> rules) {
  Rules pointers;
  for (const auto& rule : rules) pointers.push_back(&rule);
  return flat(pointers);
}

std::vector<Line> RunWriter::lines(std::span<const MergedRule> run) {
  if (run.size() <= longest_flat_list) return flat(run);
  const auto family = writer_.family();
  Rules rules;
  for (const auto& merged : run)
    if (merged.rule.match.families.contains(family)) rules.push_back(&merged);
  return family == Family::ipv4 ? by_address<Ipv4>(std::move(rules))
                                : by_address<Ipv6>(std::move(rules));
}

template <class A>
std::vector<Line> RunWriter::by_address(Rules rules) {
  if (rules.size() <= longest_flat_list) return flat(rules);
  // Few rules in truth, with long lists: each has a tree of its own.
  for (const bool source : {true, false}) {
    if (!are_few_but_for<A>(rules, source)) continue;
    std::vector<MergedRule> joined;
    for (const auto* rule : rules) joined.push_back(*rule);
    join(joined, [&](MergedRule& rule) -> auto& { return addresses<A>(rule, source); });
    join_ports(joined);
    return flat(joined);
  }

  if (writer_.sets() == nullptr) return by_trees<A>(rules);
  const bool source = count_named<A>(rules, true) >= count_named<A>(rules, false);
  auto result = crowds<A>(rules, source);
  std::vector<MergedRule> left;
  for (const auto* rule : rules) {
    left.push_back(*rule);
    ir::restrict_families(left.back().rule.match, {writer_.family()});
  }
  for (const bool side : {source, !source})
    join(left, [&](MergedRule& rule) -> auto& { return addresses<A>(rule, side); });
  join_ports(left);
  Rules pointers;
  for (const auto& rule : left) pointers.push_back(&rule);
  auto lines = by_trees<A>(pointers);
  std::move(lines.begin(), lines.end(), std::back_inserter(result));
  return result;
}

template <class A>
std::vector<Line> RunWriter::by_trees(const Rules& rules) {
  if (rules.size() <= longest_flat_list) return flat(rules);
  const auto sources = count_named<A>(rules, true);
  const auto destinations = count_named<A>(rules, false);
  const bool source = sources >= destinations;
  if (std::max(sources, destinations) <= longest_flat_list) return flat(rules);
  const auto long_lists = static_cast<std::size_t>(std::ranges::count_if(
      rules, [&](const MergedRule* rule) { return has_long_list<A>(*rule, source); }));
  const bool by_themselves = long_lists <= most_long_lists;
  Rules sought, rest;
  for (const auto* rule : rules) {
    const bool is_sought =
        names<A>(*rule, source) && !(by_themselves && has_long_list<A>(*rule, source));
    (is_sought ? sought : rest).push_back(rule);
  }
  if (sought.empty()) return flat(rest);
  auto result = searched<A>(sought, source);
  auto lines = by_address<A>(std::move(rest));
  std::move(lines.begin(), lines.end(), std::back_inserter(result));
  return result;
}

template <class A>
std::vector<Line> RunWriter::crowds(Rules& rules, bool source) {
  std::vector<Rules> alike;
  std::unordered_map<std::string, std::size_t> known;
  Rules left;
  for (const auto* rule : rules) {
    if (!names<A>(*rule, source) || !fits_pairs<A>(*rule, source)) {
      left.push_back(rule);
      continue;
    }
    auto match = rule->rule.match;
    ir::restrict_families(match, {writer_.family()});
    set_of(source ? match.source : match.destination, A{}) = IntervalSet<A>::all();
    match.protocols = ProtocolSet::all();
    match.destination_ports = PortSet::all();
    const auto [entry, added] = known.try_emplace(to_text(match), alike.size());
    if (added) alike.emplace_back();
    alike[entry->second].push_back(rule);
  }
  std::vector<Line> result;
  for (const auto& group : alike) {
    if (group.size() <= longest_flat_list) {
      left.insert(left.end(), group.begin(), group.end());
      continue;
    }
    auto lines = crowd<A>(group, source);
    std::move(lines.begin(), lines.end(), std::back_inserter(result));
  }
  rules = std::move(left);
  return result;
}

// One rule for all, with a set of what tells them apart.
template <class A>
std::vector<Line> RunWriter::crowd(const Rules& rules, bool source) {
  std::vector<SetPair<A>> pairs;
  MergedRule whole{.rule = rules.front()->rule, .labels = {}};
  ProtocolSet protocols;
  std::set<std::string> known;
  for (const auto* rule : rules) {
    append_pairs(*rule, source, pairs);
    protocols = protocols | rule->rule.match.protocols;
    for (const auto& label : rule->labels)
      if (known.insert(label).second) whole.labels.push_back(label);
  }
  auto& match = whole.rule.match;
  ir::restrict_families(match, {writer_.family()});
  addresses<A>(whole, source) = IntervalSet<A>::all();
  match.protocols = protocols.is_single() ? protocols : ProtocolSet::all();
  match.destination_ports = PortSet::all();
  auto lines = writer_.lines(hook_, whole);
  if (lines.empty()) return lines;
  const auto test = "-m set --match-set " + writer_.sets()->of_pairs(std::move(pairs)) +
                    (source ? " src,dst" : " dst,dst");
  for (auto& line : lines) line.match.pair_set = test;
  return lines;
}

std::vector<RunWriter::Rest> RunWriter::rest_of(std::vector<MergedRule> rules) {
  join_ports(rules);
  auto lines = this->lines(rules);
  if (lines.empty()) return {};
  Rest rest{.line = lines.front(), .common = lines.front().match};
  for (const auto& line : lines) rest.common = common(rest.common, line.match);
  if (lines.size() > 1) {
    rest.line = {.match = {}, .target = writer_.table().user_chain("rules", lines), .comment = {}};
    rest.line.go_to = true;
  }
  return {rest};
}

// Each address or range with what its rules ask besides; the largest of those that begin alike
// first. Rules that can match nothing have no place.
template <class A>
RunWriter::Places<A> RunWriter::places(const Rules& rules, bool source, std::vector<Rest>& rests) {
  struct Named {
    Interval<A> addresses;
    std::uint32_t rule = 0;
  };
  std::vector<Named> named;
  for (std::uint32_t i = 0; i < rules.size(); ++i)
    for (const auto& interval : addresses<A>(*rules[i], source).intervals())
      named.push_back({interval, i});
  std::ranges::sort(named, [](const Named& a, const Named& b) {
    if (a.addresses.first != b.addresses.first) return a.addresses.first < b.addresses.first;
    if (a.addresses.last != b.addresses.last) return b.addresses.last < a.addresses.last;
    return a.rule < b.rule;
  });

  Places<A> result;
  std::map<std::vector<std::uint32_t>, std::optional<std::size_t>> known;
  for (std::size_t begin = 0, end = 0; begin < named.size(); begin = end) {
    std::vector<std::uint32_t> which;
    for (; end < named.size() && named[end].addresses == named[begin].addresses; ++end)
      which.push_back(named[end].rule);
    const auto [entry, added] = known.try_emplace(which);
    if (added) {
      std::vector<MergedRule> asked;
      for (const auto rule : which) {
        asked.push_back(*rules[rule]);
        ir::restrict_families(asked.back().rule.match, {writer_.family()});
        addresses<A>(asked.back(), source) = IntervalSet<A>::all();
      }
      for (auto& rest : rest_of(std::move(asked))) {
        entry->second = rests.size();
        rests.push_back(std::move(rest));
      }
    }
    if (entry->second) result.push_back({named[begin].addresses, *entry->second});
  }
  return result;
}

template <class A>
std::vector<Line> RunWriter::searched(const Rules& rules, bool source) {
  std::vector<Rest> rests;
  std::vector<Places<A>> layers;
  std::vector<Line> result;
  for (const auto& place : places<A>(rules, source, rests)) {
    const auto layer = std::ranges::find_if(layers, [&](const Places<A>& candidate) {
      return candidate.back().addresses.last < place.addresses.first;
    });
    if (layer != layers.end())
      layer->push_back(place);
    else if (layers.size() < most_layers)
      layers.push_back({place});
    else
      result.push_back(line_of(place, rests, source));
  }
  for (const auto& layer : layers) append_layer(result, layer, rests, source);
  return result;
}

template <class A>
Line RunWriter::line_of(const Place<A>& place, const std::vector<Rest>& rests, bool source) {
  auto line = rests[place.rest].line;
  line.match = both(address_test(place.addresses, address_slots(source)), line.match);
  line.go_to = false;
  return line;
}

// Addresses of one layer are disjoint.
template <class A>
void RunWriter::append_layer(std::vector<Line>& lines, const Places<A>& layer,
                             const std::vector<Rest>& rests, bool source) {
  const auto& slots = address_slots(source);
  if (layer.size() <= short_layer) {
    for (const auto& place : layer) lines.push_back(line_of(place, rests, source));
    return;
  }
  SortedLines<A> sorted;
  auto asked = rests[layer.front().rest].common;
  std::map<std::size_t, AddressLine> open;
  for (const auto& place : layer) {
    const auto& rest = rests[place.rest];
    asked = common(asked, rest.common);
    open.try_emplace(place.rest, rest.line, slots).first->second.add(sorted, place.addresses);
  }
  Line jump;
  jump.match = common(asked, asked);
  jump.target = address_tree(writer_.table(), source ? "from" : "to", sorted, slots);
  lines.push_back(std::move(jump));
}

}  // namespace firewright::iptables
