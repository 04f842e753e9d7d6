// One nftables table as values to compare, read from a dump of the kernel or from a batch that
// makes the table. Every definition is in canonical form.
//
// Holds views into the bytes it was read from. Refuses what it cannot take apart, and batches that
// do more than delete the table and make it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/host/canonical.h"
#include "backends/host/dump.h"
#include "backends/host/remembered.h"

namespace firewright::host {

struct RuleModel {
  std::uint64_t handle = 0;  // 0 in a batch
  std::string definition;
  References references;
  // The definition and what its anonymous sets hold; empty: the definition alone is all.
  std::string with_sets;
  [[nodiscard]] std::string_view key() const { return with_sets.empty() ? definition : with_sets; }
};

struct ChainModel {
  std::string name;
  std::string definition;               // without the policy
  std::optional<std::uint32_t> policy;  // of a base chain
  bool bound = false;                   // belongs to the rule that jumps to it
  std::vector<RuleModel> rules;
};

struct ObjectModel {
  ObjectName name;
  std::string definition;
};

struct Element {
  std::size_t offset = 0;  // of its canonical form in SetModel::bytes
  std::uint32_t length = 0;
  bool is_end = false;  // of an interval
};

struct SetModel {
  std::string name;  // a batch's anonymous sets have none of their own
  std::string definition;
  std::uint32_t flags = 0;
  std::uint32_t size = 0;         // 0: not declared
  std::uint32_t object_type = 0;  // of a map to objects
  std::string_view timeout;
  // Sorted, but for sets of concatenated intervals, in which the first of several counts.
  std::vector<Element> elements;
  std::string bytes;
  // Of a large set, from a batch: its lists of elements as they were, not taken apart. Then
  // `elements` is empty.
  ElementLists lists;
  std::vector<ObjectName> objects;  // that elements refer to

  [[nodiscard]] bool anonymous() const;
  [[nodiscard]] bool intervals() const;
  [[nodiscard]] bool is_map() const;
  // Packets or time change what it holds.
  [[nodiscard]] bool living() const;
  [[nodiscard]] bool is_empty() const { return elements.empty() && lists.empty(); }
  [[nodiscard]] std::string_view bytes_of(const Element& element) const {
    return std::string_view(bytes).substr(element.offset, element.length);
  }
};

// The order of elements: by key, and where an interval ends before one that begins there.
[[nodiscard]] int compare_elements(const SetModel& a, const Element& x, const SetModel& b,
                                   const Element& y);

struct TableModel {
  bool exists = false;
  bool owned = false;  // by a program that runs; nobody else may change it
  std::string definition;
  std::vector<ChainModel> chains;
  std::vector<ObjectModel> objects;
  std::vector<SetModel> sets;
};

// Whether two sets are known to hold the same without taking their lists apart.
[[nodiscard]] bool have_same_lists(const SetModel& a, const SetModel& b);
// Turns `lists` into `elements`. False: something in them is not understood.
[[nodiscard]] bool take_apart(SetModel& set);

// A rule that no packet gets past: accept, drop or reject, and nothing else.
[[nodiscard]] bool decides_everything(const RuleModel& rule);

// Whose messages of other tables are passed over. Named sets and objects get their new names, if
// they have one; `recalled` is what a dump does not say again. No value: `error` says why.
[[nodiscard]] std::optional<TableModel> read_table(std::string_view messages,
                                                   const TableName& table, std::string& error,
                                                   const NewNames& names = {},
                                                   const ElementsOfSets& recalled = {});

}  // namespace firewright::host
