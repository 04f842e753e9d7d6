#include "compiler/analysis/outside.h"

#include <algorithm>
#include <string_view>

namespace firewright::analysis {
namespace {

constexpr std::string_view outside_words[] = {"wan",    "internet",  "external", "outside",
                                              "public", "untrusted", "uplink",   "world"};

constexpr u128 size_of(u128 first, u128 last) { return first > last ? 0 : last - first + 1; }

bool leads_outside(const std::string& zone) {
  return std::ranges::any_of(outside_words, [&](std::string_view word) {
    return zone == word || zone.starts_with(std::string(word) + "-") ||
           zone.ends_with("-" + std::string(word));
  });
}

}  // namespace

u128 public_size(Family family) {
  return family == Family::ipv4 ? size_of(public4.first.value, public4.last.value)
                                : size_of(public6.first.value, public6.last.value);
}

u128 public_part(Family family, u128 first, u128 last) {
  const u128 low = family == Family::ipv4 ? public4.first.value : public6.first.value;
  const u128 high = family == Family::ipv4 ? public4.last.value : public6.last.value;
  return size_of(std::max(first, low), std::min(last, high));
}

u128 public_size(const AddressSet& set, Family family) {
  u128 sum = 0;
  if (family == Family::ipv4)
    for (const auto& i : set.v4.intervals())
      sum += public_part(family, i.first.value, i.last.value);
  else
    for (const auto& i : set.v6.intervals())
      sum += public_part(family, i.first.value, i.last.value);
  return sum;
}

bool is_any_source(Family family, u128 sources) { return sources >= public_size(family) / 2; }

std::vector<ir::InterfacePattern> outside_interfaces(const policy::Policy& policy) {
  std::vector<ir::InterfacePattern> patterns;
  for (const auto& [name, zone] : policy.zones) {
    if (!leads_outside(name)) continue;
    for (const auto& [interface, span] : zone.interfaces) {
      const bool wildcard = interface.ends_with('*');
      patterns.push_back({.name = interface.substr(0, interface.size() - (wildcard ? 1 : 0)),
                          .wildcard = wildcard});
    }
  }
  return patterns;
}

}  // namespace firewright::analysis
