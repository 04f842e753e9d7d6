#include "backends/nftables/decode_names.h"

#include <linux/netfilter.h>

#include <algorithm>

namespace firewright::nftables::netlink {
namespace {

std::string_view family_text(std::uint8_t family) {
  switch (family) {
    case NFPROTO_INET: return "inet";
    case NFPROTO_IPV4: return "ip";
    case NFPROTO_IPV6: return "ip6";
    default: return "other";
  }
}

// "x" of "x-v4", "x_v4" or "x4".
std::string_view stem(std::string_view name, Family family) {
  const char digit = family == Family::ipv4 ? '4' : '6';
  if (name.size() < 2 || name.back() != digit) return name;
  name.remove_suffix(1);
  if (name.size() > 2 && name.back() == 'v' &&
      (name[name.size() - 2] == '-' || name[name.size() - 2] == '_'))
    name.remove_suffix(2);
  return name;
}

}  // namespace

Names::Names(const std::vector<const TableEntry*>& tables) {
  for (const auto* table : tables) {
    std::string& prefix = prefixes_[table];
    if (tables.size() < 2) continue;
    const bool alone = std::none_of(tables.begin(), tables.end(), [&](const auto* other) {
      return other != table && other->name == table->name;
    });
    if (!alone) prefix = std::string(family_text(table->family)) + " ";
    prefix += table->name + "/";
  }
}

std::string Names::chain(const TableEntry& table, const ChainEntry& chain) const {
  const auto prefix = prefixes_.find(&table);
  return (prefix == prefixes_.end() ? std::string() : prefix->second) + chain.name;
}

std::string Names::instance(std::string_view wanted) {
  std::string name;
  for (const char c : wanted) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += plain ? c : '-';
  }
  if (name.empty()) name = "limit";
  std::string unique = name;
  for (unsigned n = 2; !taken_.insert(unique).second; ++n) unique = name + "-" + std::to_string(n);
  return unique;
}

const std::string& Names::instance_of(const void* object, std::string_view name) {
  auto& known = instances_[object];
  if (known.empty()) known = instance(name);
  return known;
}

const std::string& Names::count_of(const TableEntry& table, const ObjectEntry& counter) {
  auto& known = counts_[&counter];
  if (!known.empty()) return known;
  constexpr std::string_view marker = "count-";
  const auto prefix = prefixes_.find(&table);
  std::string name = prefix == prefixes_.end() ? std::string() : prefix->second;
  const bool marked = counter.name.starts_with(marker) && counter.name.size() > marker.size();
  name += marked ? counter.name.substr(marker.size()) : counter.name;
  // No name of a counter has a blank.
  while (!taken_counts_.insert(name).second) name = "counter " + name;
  known = name;
  return known;
}

std::optional<ir::Predicate> Names::per_source(const TableEntry& table, const SetEntry& set,
                                               Family family, const ir::Predicate& wanted) {
  if (const auto known = per_source_.find(&set); known != per_source_.end()) {
    if (known->second.test != wanted.test) return std::nullopt;
    return known->second;
  }
  auto& pair = pairs_[{&table, std::string(stem(set.name, family))}];
  auto& mine = family == Family::ipv4 ? pair.v4 : pair.v6;
  const bool first = pair.v4 == nullptr && pair.v6 == nullptr;
  ir::Predicate predicate = wanted;
  if (first) {
    predicate.instance = instance(stem(set.name, family));
    pair.predicate = predicate;
    mine = &set;
  } else if (mine == nullptr && pair.predicate.test == wanted.test) {
    predicate = pair.predicate;
    mine = &set;
  } else {
    predicate.instance = instance(set.name);
  }
  per_source_.emplace(&set, predicate);
  return predicate;
}

}  // namespace firewright::nftables::netlink
