// An nft script as a tree: tables, and in them chains, sets, maps and named objects.
//
// What stands inside a rule or a set's elements stays a range of tokens; read_text_statements and
// read_text_values look into it when the rule takes part in filtering. Everything is in the order
// in which it was made, since that is the order in which the kernel sees it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/nftables/read_text_tokens.h"
#include "compiler/net/types.h"

namespace firewright::nftables::script {

enum class TableFamily : std::uint8_t { ip, ip6, inet, arp, bridge, netdev };

struct RuleTree {
  TokenRange tokens;
  Span span;
};

// `type filter hook input priority 0`
struct BaseTree {
  std::string_view type;
  std::string_view hook;
  std::int64_t priority = 0;
  std::uint32_t made = 0;  // the how manieth base chain of the script it is
};

struct ChainTree {
  std::string_view name;
  Span span;
  std::optional<BaseTree> base;
  bool drops = false;  // the policy
  Span policy_span;    // where it is said
  std::vector<RuleTree> rules;
  std::vector<RuleTree> inserted;  // stand before `rules`, the last one first
};

// A set or a map; its type is read where it is used.
struct SetTree {
  std::string_view name;
  Span span;
  bool is_map = false;
  TokenRange type;  // of the keys, and of a map behind a colon its data
  bool is_typeof = false;
  bool interval = false;
  bool dynamic = false;                  // as it says itself; see also TableTree::updated
  std::optional<std::uint64_t> timeout;  // seconds
  std::vector<TokenRange> elements;      // without their braces
};

enum class ObjectKind : std::uint8_t { counter, limit, quota, other };
struct ObjectTree {
  ObjectKind kind{};
  std::string_view name;
  Span span;
  TokenRange body;
};

struct TableTree {
  TableFamily family{};
  std::string_view name;
  Span span;
  bool dormant = false;
  std::vector<ChainTree> chains;
  std::vector<SetTree> sets;
  std::vector<ObjectTree> objects;
  std::map<std::string_view, std::size_t> chain_places;
  std::map<std::string_view, std::size_t> set_places;
  std::map<std::pair<ObjectKind, std::string_view>, std::size_t> object_places;
  std::set<std::string_view> updated;  // sets that rules put elements in or take them out of
};

struct Tree {
  std::vector<TableTree> tables;
};

}  // namespace firewright::nftables::script
