#include "backends/nftables/structure.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "backends/nftables/join.h"
#include "compiler/ir/hash.h"

namespace firewright::nftables {
namespace {

using Side = Tuples::Side;

// As many rules as a person still reads, and a packet passes in the time of one lookup or two.
constexpr std::size_t readable_rules = 8;
// A list longer than this is looked up by prefix length, if it has no more of these than that.
constexpr std::size_t long_list = 1024;
constexpr std::size_t most_lengths = 24;

struct Prefix {
  u128 value = 0;
  unsigned bits = 0;
};

template <class T>
void append_prefixes(const IntervalSet<T>& set, std::vector<Prefix>& out) {
  constexpr unsigned width = sizeof(typename IntervalSet<T>::Raw) * 8;
  for (const auto& interval : set.intervals()) {
    u128 first = interval.first.value;
    const u128 last = interval.last.value;
    for (;;) {
      // The largest block that begins here and does not reach beyond the end.
      unsigned free = 0;
      while (free < width && (first >> free & 1U) == 0 &&
             (free + 1 >= 128 ? last == ~u128{0} && first == 0
                              : first + ((u128{1} << (free + 1)) - 1) <= last))
        ++free;
      out.push_back({first, width - free});
      const u128 end = free >= 128 ? ~u128{0} : first + ((u128{1} << free) - 1);
      if (end == last) break;
      first = end + 1;
    }
  }
}

unsigned bytes_of(Side side, Family family) {
  switch (side) {
    case Side::source:
    case Side::destination: return family == Family::ipv4 ? 4 : 16;
    case Side::source_port:
    case Side::destination_port: return 2;
  }
  return 0;
}

void append_key(std::string& keys, u128 value, unsigned bytes) {
  while (bytes-- > 0) keys += static_cast<char>(static_cast<unsigned char>(value >> (8 * bytes)));
}

// What of a match becomes keys.
class Fields {
 public:
  explicit Fields(const ir::Match& match) : match_(match) {
    family_ = match.families.contains(Family::ipv4) ? Family::ipv4 : Family::ipv6;
    const bool v4 = family_ == Family::ipv4;
    const bool one_family =
        match.families.contains(Family::ipv4) != match.families.contains(Family::ipv6);
    const auto is_all = [&](const AddressSet& set) {
      return v4 ? set.v4.is_all() : set.v6.is_all();
    };
    if (!match.icmp.is_all()) return;
    if (one_family && !is_all(match.source)) sides_.push_back(Side::source);
    if (one_family && !is_all(match.destination)) sides_.push_back(Side::destination);
    if (!match.source_ports.is_all()) sides_.push_back(Side::source_port);
    if (!match.destination_ports.is_all()) sides_.push_back(Side::destination_port);
  }

  [[nodiscard]] const std::vector<Side>& sides() const { return sides_; }
  [[nodiscard]] Family family() const { return family_; }

  [[nodiscard]] std::vector<Prefix> prefixes(Side side) const {
    std::vector<Prefix> result;
    const auto addresses = [&](const AddressSet& set) {
      if (family_ == Family::ipv4)
        append_prefixes(set.v4, result);
      else
        append_prefixes(set.v6, result);
    };
    switch (side) {
      case Side::source: addresses(match_.source); break;
      case Side::destination: addresses(match_.destination); break;
      case Side::source_port: append_prefixes(match_.source_ports, result); break;
      case Side::destination_port: append_prefixes(match_.destination_ports, result); break;
    }
    return result;
  }

  // The match without them.
  [[nodiscard]] ir::Match rest(const std::vector<Side>& sides) const {
    auto rest = match_;
    const auto all = [&](AddressSet& set) {
      if (family_ == Family::ipv4)
        set.v4 = Ipv4Set::all();
      else
        set.v6 = Ipv6Set::all();
    };
    for (const auto side : sides) switch (side) {
        case Side::source: all(rest.source); break;
        case Side::destination: all(rest.destination); break;
        case Side::source_port: rest.source_ports = PortSet::all(); break;
        case Side::destination_port: rest.destination_ports = PortSet::all(); break;
      }
    return rest;
  }

 private:
  const ir::Match& match_;
  Family family_ = Family::ipv4;
  std::vector<Side> sides_;
};

// Keys by the lengths of their parts.
using Lengths = std::vector<unsigned>;
using KeysByLengths = std::map<Lengths, std::string>;

// Adds every combination of the prefixes.
void add_keys(const std::vector<std::vector<Prefix>>& lists, const std::vector<Side>& sides,
              Family family, KeysByLengths& out) {
  std::vector<std::size_t> at(lists.size(), 0);
  Lengths lengths(lists.size());
  for (bool more = true; more;) {
    for (std::size_t i = 0; i < lists.size(); ++i) lengths[i] = lists[i][at[i]].bits;
    auto& keys = out[lengths];
    for (std::size_t i = 0; i < lists.size(); ++i)
      append_key(keys, lists[i][at[i]].value, bytes_of(sides[i], family));
    more = false;
    for (std::size_t i = lists.size(); i-- > 0 && !more;) {
      more = ++at[i] < lists[i].size();
      if (!more) at[i] = 0;
    }
  }
}

void sort_keys(std::string& keys, std::size_t width) {
  std::vector<std::string_view> views;
  views.reserve(keys.size() / width);
  bool sorted = true;
  for (std::size_t at = 0; at < keys.size(); at += width) {
    views.emplace_back(keys.data() + at, width);
    sorted = sorted && (views.size() < 2 || views[views.size() - 2] < views.back());
  }
  if (sorted) return;
  std::sort(views.begin(), views.end());
  views.erase(std::unique(views.begin(), views.end()), views.end());
  std::string result;
  result.reserve(views.size() * width);
  for (const auto view : views) result += view;
  keys = std::move(result);
}

class Structuring {
 public:
  Structuring(std::vector<MergedRule>& rules, std::size_t begin, backend::NftablesLayout layout)
      : rules_(rules),
        begin_(begin),
        most_(layout == backend::NftablesLayout::structured ? 1 : readable_rules) {}

  void run() {
    if (rules_.size() - begin_ > most_) {
      part_families();
      join_addresses();
      group();
    }
    look_long_lists_up();
  }

 private:
  // One family each, where addresses are named: they have nothing in common.
  void part_families() {
    const auto is_both = [](const MergedRule& rule) {
      const auto& match = rule.rule.match;
      return match.families.is_all() && !(match.source.is_all() && match.destination.is_all());
    };
    const auto first = rules_.begin() + static_cast<std::ptrdiff_t>(begin_);
    if (std::none_of(first, rules_.end(), is_both)) return;
    std::vector<MergedRule> parted;
    for (auto at = begin_; at < rules_.size(); ++at) {
      auto& rule = rules_[at];
      if (!is_both(rule)) {
        parted.push_back(std::move(rule));
        continue;
      }
      for (const auto family : {Family::ipv4, Family::ipv6}) {
        auto one = rule;
        ir::restrict_families(one.rule.match, {family});
        if (!one.rule.match.families.empty()) parted.push_back(std::move(one));
      }
    }
    replace(std::move(parted));
  }

  void join_addresses() {
    join(rules_, begin_, [](ir::Match& match) -> auto& { return match.source.v4; });
    join(rules_, begin_, [](ir::Match& match) -> auto& { return match.source.v6; });
    join(rules_, begin_, [](ir::Match& match) -> auto& { return match.destination.v4; });
    join(rules_, begin_, [](ir::Match& match) -> auto& { return match.destination.v6; });
    join(rules_, begin_, [](ir::Match& match) -> auto& { return match.destination_ports; });
  }

  // Rules that restrict the same fields, and are the same in all others.
  struct Group {
    std::vector<Side> sides;
    ir::Match rest;
    std::vector<std::size_t> places;
  };

  std::vector<Group> groups() const {
    std::vector<Group> groups;
    std::unordered_multimap<std::size_t, std::size_t> by_hash;
    for (auto at = begin_; at < rules_.size(); ++at) {
      const Fields fields(rules_[at].rule.match);
      if (fields.sides().empty()) continue;
      auto rest = fields.rest(fields.sides());
      const auto hash = ir::hash(rest);
      const auto [first, last] = by_hash.equal_range(hash);
      const auto found = std::find_if(first, last, [&](const auto& entry) {
        const auto& group = groups[entry.second];
        return group.sides == fields.sides() && group.rest == rest;
      });
      if (found != last) {
        groups[found->second].places.push_back(at);
        continue;
      }
      by_hash.emplace(hash, groups.size());
      groups.push_back({.sides = fields.sides(), .rest = std::move(rest), .places = {at}});
    }
    return groups;
  }

  void group() {
    std::vector<std::vector<MergedRule>> instead(rules_.size() - begin_);
    std::vector<bool> gone(rules_.size() - begin_, false);
    for (const auto& [sides, rest, places] : groups()) {
      if (places.size() <= most_) continue;
      auto lookups = look_up(places);
      if (lookups.empty()) continue;
      for (const auto place : places) gone[place - begin_] = true;
      instead[places.front() - begin_] = std::move(lookups);
    }
    std::vector<MergedRule> all;
    for (auto at = begin_; at < rules_.size(); ++at) {
      if (!gone[at - begin_]) all.push_back(std::move(rules_[at]));
      std::move(instead[at - begin_].begin(), instead[at - begin_].end(), std::back_inserter(all));
    }
    replace(std::move(all));
  }

  // Nothing: rules are cheaper.
  std::vector<MergedRule> look_up(const std::vector<std::size_t>& places) {
    const auto sides = Fields(rules_[places.front()].rule.match).sides();
    const auto family = Fields(rules_[places.front()].rule.match).family();
    KeysByLengths keys;
    std::size_t said = 0;
    std::size_t made = 0;
    for (const auto place : places) {
      const Fields fields(rules_[place].rule.match);
      std::vector<std::vector<Prefix>> lists;
      std::size_t product = 1;
      for (const auto side : sides) {
        lists.push_back(fields.prefixes(side));
        said += lists.back().size();
        product *= lists.back().size();
      }
      // Every combination of long lists would be more keys than they are worth.
      made += product;
      if (made > 8 * said + 4096) return {};
      add_keys(lists, sides, family, keys);
    }
    if (keys.size() >= places.size()) return {};
    std::vector<std::string> labels;
    for (const auto place : places)
      std::move(rules_[place].labels.begin(), rules_[place].labels.end(),
                std::back_inserter(labels));
    return lookups(rules_[places.front()].rule, labels, sides, std::move(keys));
  }

  static std::vector<MergedRule> lookups(const ir::Rule& first,
                                         const std::vector<std::string>& labels,
                                         const std::vector<Side>& sides, KeysByLengths keys) {
    const Fields fields(first.match);
    std::size_t width = 0;
    for (const auto side : sides) width += bytes_of(side, fields.family());
    std::vector<MergedRule> result;
    for (auto& [lengths, bytes] : keys) {
      MergedRule lookup{.rule = first, .labels = labels, .tuples = Tuples{}};
      lookup.rule.match = fields.rest(sides);
      for (std::size_t i = 0; i < sides.size(); ++i)
        lookup.tuples->parts.push_back({sides[i], lengths[i]});
      sort_keys(bytes, width);
      lookup.tuples->keys = std::move(bytes);
      result.push_back(std::move(lookup));
    }
    return result;
  }

  // A long list of prefixes in a rule of its own.
  void look_long_lists_up() {
    const auto first = rules_.begin() + static_cast<std::ptrdiff_t>(begin_);
    if (std::none_of(first, rules_.end(),
                     [](const MergedRule& rule) { return has_long_list(rule.rule.match); }))
      return;
    std::vector<MergedRule> all;
    for (auto at = begin_; at < rules_.size(); ++at) {
      auto lookups = look_list_up(rules_[at]);
      if (lookups.empty()) lookups.push_back(std::move(rules_[at]));
      std::move(lookups.begin(), lookups.end(), std::back_inserter(all));
    }
    replace(std::move(all));
  }

  // An interval is at least one prefix, and at most two for each bit of an address.
  static bool has_long_list(const ir::Match& match) {
    constexpr std::size_t most_prefixes = 256;
    const auto is_long = [](const auto& set) {
      return set.intervals().size() * most_prefixes > long_list;
    };
    return is_long(match.source.v4) || is_long(match.source.v6) || is_long(match.destination.v4) ||
           is_long(match.destination.v6);
  }

  static std::vector<MergedRule> look_list_up(const MergedRule& merged) {
    if (merged.tuples || !has_long_list(merged.rule.match)) return {};
    std::vector<MergedRule> result;
    bool found = false;
    for (const auto family : merged.rule.match.families) {
      auto one = merged;
      ir::restrict_families(one.rule.match, {family});
      auto lookups = look_list_up(one.rule, one.labels, family);
      found = found || !lookups.empty();
      if (lookups.empty()) lookups.push_back(std::move(one));
      std::move(lookups.begin(), lookups.end(), std::back_inserter(result));
    }
    if (!found) result.clear();
    return result;
  }

  static std::vector<MergedRule> look_list_up(const ir::Rule& rule,
                                              const std::vector<std::string>& labels,
                                              Family family) {
    const Fields fields(rule.match);
    for (const auto side : fields.sides()) {
      if (side != Side::source && side != Side::destination) continue;
      auto list = fields.prefixes(side);
      if (list.size() <= long_list) continue;
      const bool addresses = std::ranges::all_of(
          list, [&](const Prefix& prefix) { return prefix.bits == 8 * bytes_of(side, family); });
      if (addresses) continue;  // hashed already
      KeysByLengths keys;
      add_keys({std::move(list)}, {side}, family, keys);
      if (keys.size() <= most_lengths) return lookups(rule, labels, {side}, std::move(keys));
    }
    return {};
  }

  void replace(std::vector<MergedRule> by) {
    rules_.resize(begin_);
    std::move(by.begin(), by.end(), std::back_inserter(rules_));
  }

  std::vector<MergedRule>& rules_;
  std::size_t begin_;
  std::size_t most_;
};

}  // namespace

void structure(std::vector<MergedRule>& rules, std::size_t begin, backend::NftablesLayout layout) {
  if (layout != backend::NftablesLayout::readable) Structuring(rules, begin, layout).run();
}

}  // namespace firewright::nftables
