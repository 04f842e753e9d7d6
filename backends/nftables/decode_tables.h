// What stands in the kernel after a batch, or stood there for a dump: tables with their chains,
// rules, sets and objects, not yet looked into. All views point into the artifact's file.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace firewright::nftables::netlink {

struct RuleEntry {
  std::string_view message;
  std::string_view expressions;  // NFTA_RULE_EXPRESSIONS
  std::string_view user_data;
  std::uint64_t handle = 0;  // 0: not known
  std::uint32_t id = 0;      // 0: none
};

struct ChainEntry {
  std::string name;
  std::string_view message;
  std::uint64_t handle = 0;
  std::uint32_t id = 0;
  bool base = false;
  std::string type;
  std::uint32_t hook = 0;
  std::int32_t priority = 0;
  bool drops = false;          // policy
  std::size_t registered = 0;  // how many base chains were there before
  std::vector<RuleEntry> rules;
};

// Elements that come or go, in the order of the messages.
struct ElementChange {
  bool remove = false;
  std::string_view list;  // NFTA_SET_ELEM_LIST_ELEMENTS; removed without one: all
};

struct SetEntry {
  std::string name;  // of an anonymous set in a batch a pattern, "__set%d"
  std::string_view message;
  std::uint64_t handle = 0;
  std::uint32_t id = 0;
  std::uint32_t flags = 0;  // NFT_SET_*
  std::uint32_t key_length = 0;
  std::uint32_t data_type = 0;
  std::uint32_t data_length = 0;
  std::uint32_t object_type = 0;
  std::uint64_t timeout = 0;     // in milliseconds; 0: none
  std::string_view expressions;  // a list, or with `one_expression` a single one
  bool one_expression = false;
  std::vector<ElementChange> changes;
  bool filled_by_packets = false;
};

struct ObjectEntry {
  std::string name;
  std::string_view message;
  std::string_view data;
  std::uint64_t handle = 0;
  std::uint32_t type = 0;
};

// Entries stay where they are, in the order in which they were made.
struct TableEntry {
  std::string name;
  std::string_view message;
  std::uint8_t family = 0;
  std::uint64_t handle = 0;
  bool dormant = false;
  std::vector<std::unique_ptr<ChainEntry>> chains;
  std::vector<std::unique_ptr<SetEntry>> sets;
  std::vector<std::unique_ptr<ObjectEntry>> objects;
  std::map<std::string, ChainEntry*, std::less<>> chain_by_name;
  std::map<std::string, SetEntry*, std::less<>> set_by_name;
  std::map<std::uint32_t, ChainEntry*> chain_by_id;
  std::map<std::uint32_t, SetEntry*> set_by_id;
  std::map<std::pair<std::string, std::uint32_t>, ObjectEntry*, std::less<>> object_by_name;

  // By name, or where a batch has not named it yet, by the number it has there. Null: there is
  // none.
  [[nodiscard]] SetEntry* find_set(std::string_view set, std::uint32_t id) const {
    if (const auto found = set_by_name.find(set); found != set_by_name.end()) return found->second;
    const auto found = set_by_id.find(id);
    return id == 0 || found == set_by_id.end() ? nullptr : found->second;
  }
  [[nodiscard]] ChainEntry* find_chain(std::string_view chain, std::uint32_t id) const {
    if (const auto found = chain_by_name.find(chain); found != chain_by_name.end())
      return found->second;
    const auto found = chain_by_id.find(id);
    return id == 0 || found == chain_by_id.end() ? nullptr : found->second;
  }
};

using Tables = std::vector<std::unique_ptr<TableEntry>>;

}  // namespace firewright::nftables::netlink
