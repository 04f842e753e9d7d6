// What the things of a ruleset are called in the program that it is decoded to.
//
// Chains keep their names; with several tables the table's stands in front. Instances of buckets
// are the names of limits and sets, or made of the rule's place, and hold letters, digits and '-'
// only. A counter "count-ssh" counts under "ssh", which is how the encoder here names them; any
// other under its own name.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "backends/nftables/decode_tables.h"
#include "compiler/ir/program.h"

namespace firewright::nftables::netlink {

class Names {
 public:
  // `tables` are those whose chains are decoded.
  explicit Names(const std::vector<const TableEntry*>& tables);

  [[nodiscard]] std::string chain(const TableEntry& table, const ChainEntry& chain) const;
  // An instance that nothing else has, like `wanted`.
  [[nodiscard]] std::string instance(std::string_view wanted);
  // The same one for the same object.
  [[nodiscard]] const std::string& instance_of(const void* object, std::string_view name);
  [[nodiscard]] const std::string& count_of(const TableEntry& table, const ObjectEntry& counter);
  // The predicate for a set with a bucket for each source. Sets "x-v4" and "x-v6" of the same
  // buckets are one: their sources never meet. None: the set's buckets have other parameters
  // elsewhere.
  [[nodiscard]] std::optional<ir::Predicate> per_source(const TableEntry& table,
                                                        const SetEntry& set, Family family,
                                                        const ir::Predicate& wanted);

 private:
  struct Pair {
    const SetEntry* v4 = nullptr;
    const SetEntry* v6 = nullptr;
    ir::Predicate predicate;
  };

  std::map<const TableEntry*, std::string> prefixes_;
  std::set<std::string, std::less<>> taken_;
  std::map<const void*, std::string> instances_;
  std::map<const ObjectEntry*, std::string> counts_;
  std::set<std::string, std::less<>> taken_counts_;
  std::map<std::pair<const TableEntry*, std::string>, Pair> pairs_;
  std::map<const SetEntry*, ir::Predicate> per_source_;
};

}  // namespace firewright::nftables::netlink
