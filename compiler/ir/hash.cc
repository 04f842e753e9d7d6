#include "compiler/ir/hash.h"

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

namespace firewright::ir {
namespace {

class Hasher {
 public:
  // One step of splitmix64: what went before decides where the next value lands.
  void add(std::uint64_t value) {
    std::uint64_t mixed = (state_ ^ value) + 0x9e3779b97f4a7c15U;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    state_ = mixed ^ (mixed >> 31U);
  }
  void add(std::string_view text) { add(std::hash<std::string_view>()(text)); }
  // Most sets of most matches hold everything: a bit says so.
  template <class T>
  void add(const IntervalSet<T>& set) {
    everything_ = everything_ << 1U | (set.is_all() ? 1U : 0U);
    if (set.is_all()) return;
    add(set.intervals().size());
    for (const auto& interval : set.intervals()) {
      add_value(interval.first.value);
      add_value(interval.last.value);
    }
  }
  void add(const AddressSet& set) {
    add(set.v4);
    add(set.v6);
  }
  void add(const InterfaceSet& set) {
    everything_ = everything_ << 1U | (set.is_any() ? 1U : 0U);
    if (set.is_any()) return;
    add(set.patterns().size() * 2 + (set.complemented() ? 1U : 0U));
    for (const auto& pattern : set.patterns()) add(pattern.name);
  }
  [[nodiscard]] std::size_t result() {
    add(std::exchange(everything_, 0));
    return static_cast<std::size_t>(state_);
  }

 private:
  template <class Raw>
  void add_value(Raw value) {
    add(static_cast<std::uint64_t>(value));
    if constexpr (sizeof(Raw) > sizeof(std::uint64_t))
      add(static_cast<std::uint64_t>(value >> 64U));
  }
  std::uint64_t state_ = 0;
  std::uint64_t everything_ = 0;
};

}  // namespace

std::size_t hash(const Match& match) {
  Hasher hasher;
  hasher.add(match.families.bits() | match.profiles.bits() << 8U | match.states.bits() << 16U);
  hasher.add(match.in);
  hasher.add(match.out);
  hasher.add(match.protocols);
  hasher.add(match.source_ports);
  hasher.add(match.destination_ports);
  hasher.add(match.icmp);
  hasher.add(match.source);
  hasher.add(match.destination);
  hasher.add(match.users);
  hasher.add(match.groups);
  if (!match.program.empty()) hasher.add(match.program);
  if (!match.windows_service.empty()) hasher.add(match.windows_service);
  // Rare, and many of them rarer: their names tell them apart.
  for (const auto& predicate : match.predicates) hasher.add(predicate.instance);
  return hasher.result();
}

}  // namespace firewright::ir
