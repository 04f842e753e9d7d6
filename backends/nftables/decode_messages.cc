#include "backends/nftables/decode_messages.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace firewright::nftables::netlink {
namespace {

// Messages of newer kernels than the headers here: "destroy" is "delete", but nothing need be
// there.
constexpr std::uint8_t destroy_table = 26;
constexpr std::uint8_t destroy_chain = 27;
constexpr std::uint8_t destroy_rule = 28;
constexpr std::uint8_t destroy_set = 29;
constexpr std::uint8_t destroy_elements = 30;
constexpr std::uint8_t destroy_object = 31;
constexpr std::uint8_t destroy_flow_table = 32;

struct Message {
  std::string_view whole;
  std::string_view attributes;
  std::uint8_t kind = 0;  // NFT_MSG_*
  std::uint8_t family = 0;
  std::uint16_t flags = 0;
};

template <class Entry>
Entry* by_handle(const std::vector<std::unique_ptr<Entry>>& entries, std::uint64_t handle) {
  for (const auto& entry : entries)
    if (handle != 0 && entry->handle == handle) return entry.get();
  return nullptr;
}

template <class Entry>
void drop_entry(std::vector<std::unique_ptr<Entry>>& entries, const Entry* entry) {
  std::erase_if(entries, [&](const auto& owned) { return owned.get() == entry; });
}

template <class Key, class Entry, class Less>
void drop_from(std::map<Key, Entry*, Less>& map, const Entry* entry) {
  std::erase_if(map, [&](const auto& item) { return item.second == entry; });
}

class Execution {
 public:
  explicit Execution(Artifact& artifact) : artifact_(artifact) {}

  std::optional<Tables> run() {
    frames();
    if (artifact_.failed()) return std::nullopt;
    return std::move(tables_);
  }

 private:
  // --- from bytes to messages

  void frames() {
    std::string_view rest = artifact_.bytes();
    bool in_batch = false;
    std::string_view begin;
    while (!rest.empty() && !artifact_.failed()) {
      nlmsghdr header;
      if (rest.size() < sizeof header) return artifact_.truncated(rest, "a message");
      std::memcpy(&header, rest.data(), sizeof header);
      if (header.nlmsg_len < sizeof header)
        return artifact_.syntax(rest.substr(0, sizeof header), "a message shorter than its header");
      if (header.nlmsg_len > rest.size()) return artifact_.truncated(rest, "a message");
      const auto whole = rest.substr(0, header.nlmsg_len);
      rest.remove_prefix(
          std::min(rest.size(), (std::size_t{header.nlmsg_len} + 3U) & ~std::size_t{3}));
      if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0)
        return artifact_.conflict(whole, "the ruleset changed while it was dumped");
      switch (header.nlmsg_type) {
        case NLMSG_NOOP:
        case NLMSG_DONE: continue;
        case NFNL_MSG_BATCH_BEGIN:
        case NFNL_MSG_BATCH_END: {
          const bool begins = header.nlmsg_type == NFNL_MSG_BATCH_BEGIN;
          if (begins == in_batch)
            return artifact_.conflict(
                whole, begins ? "a transaction within a transaction" : "the end of no transaction");
          in_batch = begins;
          begin = whole;
          continue;
        }
        default: message(header, whole);
      }
    }
    // The kernel takes a transaction without an end back.
    if (in_batch && !artifact_.failed()) artifact_.truncated(begin, "a transaction");
  }

  void message(const nlmsghdr& header, std::string_view whole) {
    constexpr std::size_t head = sizeof(nlmsghdr) + sizeof(nfgenmsg);
    if (header.nlmsg_type >> 8U != NFNL_SUBSYS_NFTABLES || whole.size() < head)
      return artifact_.kind(whole, "message of type " + std::to_string(header.nlmsg_type),
                            "it is none of nftables");
    Message message{.whole = whole,
                    .attributes = whole.substr(head),
                    .kind = static_cast<std::uint8_t>(header.nlmsg_type),
                    .family = static_cast<std::uint8_t>(whole[sizeof(nlmsghdr)]),
                    .flags = header.nlmsg_flags};
    switch (message.kind) {
      case NFT_MSG_NEWTABLE: return new_table(message);
      case NFT_MSG_NEWCHAIN: return new_chain(message);
      case NFT_MSG_NEWRULE: return new_rule(message);
      case NFT_MSG_NEWSET: return new_set(message);
      case NFT_MSG_NEWSETELEM: return change_elements(message, /*remove=*/false);
      case NFT_MSG_NEWOBJ: return new_object(message);
      case NFT_MSG_DELTABLE: return delete_table(message, /*must_exist=*/true);
      case destroy_table: return delete_table(message, false);
      case NFT_MSG_DELCHAIN: return delete_chain(message, true);
      case destroy_chain: return delete_chain(message, false);
      case NFT_MSG_DELRULE: return delete_rule(message, true);
      case destroy_rule: return delete_rule(message, false);
      case NFT_MSG_DELSET: return delete_set(message, true);
      case destroy_set: return delete_set(message, false);
      case NFT_MSG_DELSETELEM:
      case destroy_elements: return change_elements(message, /*remove=*/true);
      case NFT_MSG_DELOBJ: return delete_object(message, true);
      case destroy_object: return delete_object(message, false);
      case NFT_MSG_NEWGEN:
      case NFT_MSG_NEWFLOWTABLE:
      case NFT_MSG_DELFLOWTABLE:
      case destroy_flow_table: return;
      default: artifact_.unknown(whole, "nftables message of type " + std::to_string(message.kind));
    }
  }

  template <std::size_t last>
  bool sound(const Message& message, const AttributeTable<last>& attributes) {
    if (attributes.damaged()) artifact_.syntax(message.whole, "a broken attribute");
    return !attributes.damaged();
  }

  // --- tables

  TableEntry* find_table(std::uint8_t family, std::string_view name) {
    if (last_table_ != nullptr && last_table_->family == family && last_table_->name == name)
      return last_table_;
    for (const auto& table : tables_)
      if (table->family == family && table->name == name) return last_table_ = table.get();
    return nullptr;
  }

  TableEntry* table_of(const Message& message, std::string_view name) {
    auto* table = find_table(message.family, name);
    if (table == nullptr) artifact_.undefined(message.whole, "table", name);
    return table;
  }

  void new_table(const Message& message) {
    const AttributeTable<NFTA_TABLE_MAX> attributes(message.attributes);
    if (!sound(message, attributes)) return;
    if (!attributes.has(NFTA_TABLE_NAME)) return artifact_.syntax(message.whole, "a table unnamed");
    auto* table = find_table(message.family, attributes.text(NFTA_TABLE_NAME));
    if (table == nullptr) {
      tables_.push_back(std::make_unique<TableEntry>());
      table = tables_.back().get();
      table->name = attributes.text(NFTA_TABLE_NAME);
      table->family = message.family;
      table->message = message.whole;
    }
    if (attributes.has(NFTA_TABLE_FLAGS))
      table->dormant = (attributes.u32(NFTA_TABLE_FLAGS).value_or(0) & NFT_TABLE_F_DORMANT) != 0;
    table->handle = attributes.u64(NFTA_TABLE_HANDLE).value_or(table->handle);
  }

  void delete_table(const Message& message, bool must_exist) {
    const AttributeTable<NFTA_TABLE_MAX> attributes(message.attributes);
    if (!sound(message, attributes)) return;
    last_table_ = nullptr;
    last_chain_table_ = nullptr;
    const bool all = !attributes.has(NFTA_TABLE_NAME) && !attributes.has(NFTA_TABLE_HANDLE);
    const auto gone = std::erase_if(tables_, [&](const auto& table) {
      if (message.family != NFPROTO_UNSPEC && table->family != message.family) return false;
      if (all) return true;
      if (attributes.has(NFTA_TABLE_NAME)) return table->name == attributes.text(NFTA_TABLE_NAME);
      return table->handle != 0 && table->handle == attributes.u64(NFTA_TABLE_HANDLE);
    });
    if (gone == 0 && must_exist && !all)
      artifact_.undefined(message.whole, "table", attributes.text(NFTA_TABLE_NAME));
  }

  // --- chains

  void new_chain(const Message& message) {
    const AttributeTable<NFTA_CHAIN_MAX> attributes(message.attributes);
    if (!sound(message, attributes)) return;
    auto* table = table_of(message, attributes.text(NFTA_CHAIN_TABLE));
    if (table == nullptr) return;
    const auto handle = attributes.u64(NFTA_CHAIN_HANDLE).value_or(0);
    const auto id = attributes.u32(NFTA_CHAIN_ID).value_or(0);
    // The kernel names the chains of `jump { ... }` when it takes them.
    const bool named = attributes.has(NFTA_CHAIN_NAME) &&
                       attributes.text(NFTA_CHAIN_NAME).find('%') == std::string_view::npos;
    if (!named && handle == 0 && id == 0) return artifact_.syntax(message.whole, "a chain unnamed");
    auto* chain = named ? table->find_chain(attributes.text(NFTA_CHAIN_NAME), 0)
                        : by_handle(table->chains, handle);
    if (chain == nullptr) {
      chain = table->chains.emplace_back(std::make_unique<ChainEntry>()).get();
      chain->name =
          named ? std::string(attributes.text(NFTA_CHAIN_NAME)) : "__chain%" + std::to_string(id);
      chain->message = message.whole;
      table->chain_by_name.emplace(chain->name, chain);
    }
    chain->handle = handle;
    if (id != 0) {
      chain->id = id;
      if (!table->chain_by_id.emplace(id, chain).second && table->chain_by_id.at(id) != chain)
        return artifact_.conflict(message.whole, "two chains have the same number");
    }
    if (const auto policy = attributes.u32(NFTA_CHAIN_POLICY)) {
      if (*policy != NF_DROP && *policy != NF_ACCEPT)
        return artifact_.unknown(message.whole, "policy " + std::to_string(*policy));
      chain->drops = *policy == NF_DROP;
    }
    if (attributes.has(NFTA_CHAIN_HOOK)) hook(message, attributes, *chain);
  }

  void hook(const Message& message, const AttributeTable<NFTA_CHAIN_MAX>& attributes,
            ChainEntry& chain) {
    const AttributeTable<NFTA_HOOK_MAX> place(attributes[NFTA_CHAIN_HOOK]);
    const auto number = place.u32(NFTA_HOOK_HOOKNUM);
    const auto priority = place.u32(NFTA_HOOK_PRIORITY);
    if (place.damaged() || !number || !priority)
      return artifact_.syntax(message.whole, "a hook without its number and priority");
    if (!chain.base) chain.registered = base_chains_++;
    chain.base = true;
    chain.hook = *number;
    chain.priority = static_cast<std::int32_t>(*priority);
    chain.type = attributes.has(NFTA_CHAIN_TYPE) ? attributes.text(NFTA_CHAIN_TYPE) : "filter";
  }

  ChainEntry* chain_of(const Message& message, TableEntry& table, std::string_view name,
                       std::uint32_t id) {
    if (last_chain_table_ == &table && last_chain_ == name && id == 0) return last_chain_entry_;
    auto* chain = table.find_chain(name, id);
    if (chain == nullptr) {
      artifact_.undefined(message.whole, "chain", name);
      return nullptr;
    }
    if (id == 0) {
      last_chain_table_ = &table;
      last_chain_ = chain->name;
      last_chain_entry_ = chain;
    }
    return chain;
  }

  void delete_chain(const Message& message, bool must_exist) {
    const AttributeTable<NFTA_CHAIN_MAX> attributes(message.attributes);
    if (!sound(message, attributes)) return;
    auto* table = table_of(message, attributes.text(NFTA_CHAIN_TABLE));
    if (table == nullptr) return;
    auto* chain = attributes.has(NFTA_CHAIN_NAME)
                      ? table->find_chain(attributes.text(NFTA_CHAIN_NAME), 0)
                      : by_handle(table->chains, attributes.u64(NFTA_CHAIN_HANDLE).value_or(0));
    if (chain == nullptr) {
      if (must_exist) artifact_.undefined(message.whole, "chain", attributes.text(NFTA_CHAIN_NAME));
      return;
    }
    last_chain_table_ = nullptr;
    drop_from(table->chain_by_name, chain);
    drop_from(table->chain_by_id, chain);
    drop_entry(table->chains, chain);
  }

  // --- rules

  void new_rule(const Message& message) {
    const AttributeTable<NFTA_RULE_MAX> attributes(message.attributes);
    if (!sound(message, attributes)) return;
    if (attributes.foreign().data() != nullptr)
      return artifact_.unknown(attributes.foreign(), "attribute of a rule");
    auto* table = table_of(message, attributes.text(NFTA_RULE_TABLE));
    if (table == nullptr) return;
    auto* chain = chain_of(message, *table, attributes.text(NFTA_RULE_CHAIN),
                           attributes.u32(NFTA_RULE_CHAIN_ID).value_or(0));
    if (chain == nullptr) return;
    const RuleEntry rule{.message = message.whole,
                         .expressions = attributes[NFTA_RULE_EXPRESSIONS],
                         .user_data = attributes[NFTA_RULE_USERDATA],
                         .handle = attributes.u64(NFTA_RULE_HANDLE).value_or(0),
                         .id = attributes.u32(NFTA_RULE_ID).value_or(0)};
    auto& rules = chain->rules;
    if ((message.flags & NLM_F_REPLACE) != 0) {
      const auto old = find_rule(rules, rule.handle, 0);
      if (old == rules.end()) return artifact_.undefined(message.whole, "rule", "to replace");
      *old = rule;
      return;
    }
    const bool behind = (message.flags & NLM_F_APPEND) != 0;
    const auto position = attributes.u64(NFTA_RULE_POSITION).value_or(0);
    const auto position_id = attributes.u32(NFTA_RULE_POSITION_ID).value_or(0);
    if (position == 0 && position_id == 0) {
      rules.insert(behind ? rules.end() : rules.begin(), rule);
      return;
    }
    auto place = find_rule(rules, position, position_id);
    if (place == rules.end())
      return artifact_.undefined(message.whole, "rule", behind ? "to follow" : "to precede");
    rules.insert(behind ? place + 1 : place, rule);
  }

  static std::vector<RuleEntry>::iterator find_rule(std::vector<RuleEntry>& rules,
                                                    std::uint64_t handle, std::uint32_t id) {
    const auto is_it = [&](const RuleEntry& rule) {
      return (handle != 0 && rule.handle == handle) || (id != 0 && rule.id == id);
    };
    if (!rules.empty() && is_it(rules.back())) return rules.end() - 1;
    return std::find_if(rules.begin(), rules.end(), is_it);
  }

  void delete_rule(const Message& message, bool must_exist) {
    const AttributeTable<NFTA_RULE_MAX> attributes(message.attributes);
    if (!sound(message, attributes)) return;
    auto* table = table_of(message, attributes.text(NFTA_RULE_TABLE));
    if (table == nullptr) return;
    if (!attributes.has(NFTA_RULE_CHAIN)) {
      for (const auto& chain : table->chains) chain->rules.clear();
      return;
    }
    auto* chain = chain_of(message, *table, attributes.text(NFTA_RULE_CHAIN), 0);
    if (chain == nullptr) return;
    if (!attributes.has(NFTA_RULE_HANDLE) && !attributes.has(NFTA_RULE_ID)) {
      chain->rules.clear();
      return;
    }
    const auto rule = find_rule(chain->rules, attributes.u64(NFTA_RULE_HANDLE).value_or(0),
                                attributes.u32(NFTA_RULE_ID).value_or(0));
    if (rule != chain->rules.end())
      chain->rules.erase(rule);
    else if (must_exist)
      artifact_.undefined(message.whole, "rule", "to delete");
  }

  // --- sets and objects

  void new_set(const Message& message) {
    const AttributeTable<NFTA_SET_MAX> attributes(message.attributes);
    if (!sound(message, attributes)) return;
    auto* table = table_of(message, attributes.text(NFTA_SET_TABLE));
    if (table == nullptr) return;
    const auto key_length = attributes.u32(NFTA_SET_KEY_LEN);
    if (!attributes.has(NFTA_SET_NAME) || !key_length || *key_length == 0 || *key_length > 64)
      return artifact_.syntax(message.whole, "a set without a name or a length of its keys");
    const auto name = attributes.text(NFTA_SET_NAME);
    // The kernel gives sets their numbers when it takes them.
    const bool pattern = name.find('%') != std::string_view::npos;
    if (!pattern && table->find_set(name, 0) != nullptr) return;
    auto* set = table->sets.emplace_back(std::make_unique<SetEntry>()).get();
    set->name = name;
    set->message = message.whole;
    set->handle = attributes.u64(NFTA_SET_HANDLE).value_or(0);
    set->id = attributes.u32(NFTA_SET_ID).value_or(0);
    set->flags = attributes.u32(NFTA_SET_FLAGS).value_or(0);
    set->key_length = *key_length;
    set->data_type = attributes.u32(NFTA_SET_DATA_TYPE).value_or(0);
    set->data_length = attributes.u32(NFTA_SET_DATA_LEN).value_or(0);
    set->object_type = attributes.u32(NFTA_SET_OBJ_TYPE).value_or(0);
    set->timeout = attributes.u64(NFTA_SET_TIMEOUT).value_or(0);
    set->one_expression = attributes.has(NFTA_SET_EXPR);
    set->expressions = attributes[set->one_expression ? NFTA_SET_EXPR : NFTA_SET_EXPRESSIONS];
    if (!pattern) table->set_by_name.emplace(set->name, set);
    if (set->id != 0 && !table->set_by_id.emplace(set->id, set).second)
      artifact_.conflict(message.whole, "two sets have the same number");
  }

  void change_elements(const Message& message, bool remove) {
    const AttributeTable<NFTA_SET_ELEM_LIST_MAX> attributes(message.attributes);
    if (!sound(message, attributes)) return;
    auto* table = table_of(message, attributes.text(NFTA_SET_ELEM_LIST_TABLE));
    if (table == nullptr) return;
    const auto name = attributes.text(NFTA_SET_ELEM_LIST_SET);
    auto* set = table->find_set(name, attributes.u32(NFTA_SET_ELEM_LIST_SET_ID).value_or(0));
    if (set == nullptr) return artifact_.undefined(message.whole, "set", name);
    const auto list = attributes[NFTA_SET_ELEM_LIST_ELEMENTS];
    if (remove && list.empty()) set->changes.clear();
    if (!list.empty()) set->changes.push_back({.remove = remove, .list = list});
  }

  void delete_set(const Message& message, bool must_exist) {
    const AttributeTable<NFTA_SET_MAX> attributes(message.attributes);
    if (!sound(message, attributes)) return;
    auto* table = table_of(message, attributes.text(NFTA_SET_TABLE));
    if (table == nullptr) return;
    auto* set = attributes.has(NFTA_SET_NAME)
                    ? table->find_set(attributes.text(NFTA_SET_NAME), 0)
                    : by_handle(table->sets, attributes.u64(NFTA_SET_HANDLE).value_or(0));
    if (set == nullptr) {
      if (must_exist) artifact_.undefined(message.whole, "set", attributes.text(NFTA_SET_NAME));
      return;
    }
    drop_from(table->set_by_name, set);
    drop_from(table->set_by_id, set);
    drop_entry(table->sets, set);
  }

  void new_object(const Message& message) {
    const AttributeTable<NFTA_OBJ_MAX> attributes(message.attributes);
    if (!sound(message, attributes)) return;
    auto* table = table_of(message, attributes.text(NFTA_OBJ_TABLE));
    if (table == nullptr) return;
    const auto type = attributes.u32(NFTA_OBJ_TYPE);
    if (!attributes.has(NFTA_OBJ_NAME) || !type)
      return artifact_.syntax(message.whole, "an object without a name and type");
    const auto key = std::pair(std::string(attributes.text(NFTA_OBJ_NAME)), *type);
    auto& object = table->object_by_name[key];
    if (object == nullptr)
      object = table->objects.emplace_back(std::make_unique<ObjectEntry>()).get();
    *object = {.name = key.first,
               .message = message.whole,
               .data = attributes[NFTA_OBJ_DATA],
               .handle = attributes.u64(NFTA_OBJ_HANDLE).value_or(0),
               .type = *type};
  }

  void delete_object(const Message& message, bool must_exist) {
    const AttributeTable<NFTA_OBJ_MAX> attributes(message.attributes);
    if (!sound(message, attributes)) return;
    auto* table = table_of(message, attributes.text(NFTA_OBJ_TABLE));
    if (table == nullptr) return;
    const auto handle = attributes.u64(NFTA_OBJ_HANDLE).value_or(0);
    const auto gone = std::erase_if(table->object_by_name, [&](const auto& item) {
      if (handle != 0) return item.second->handle == handle;
      return item.first.first == attributes.text(NFTA_OBJ_NAME) &&
             item.first.second == attributes.u32(NFTA_OBJ_TYPE);
    });
    if (gone == 0 && must_exist)
      artifact_.undefined(message.whole, "object", attributes.text(NFTA_OBJ_NAME));
  }

  Artifact& artifact_;
  Tables tables_;
  std::size_t base_chains_ = 0;
  // What the last message was about: rules come in long rows.
  TableEntry* last_table_ = nullptr;
  const TableEntry* last_chain_table_ = nullptr;
  std::string last_chain_;
  ChainEntry* last_chain_entry_ = nullptr;
};

}  // namespace

std::optional<Tables> execute_messages(Artifact& artifact) { return Execution(artifact).run(); }

}  // namespace firewright::nftables::netlink
