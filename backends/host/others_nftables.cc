// Reads the address translation of nftables from a dump: chains, sets, and the rules in them.
#include "backends/host/others_nftables.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <utility>

namespace firewright::host {
namespace {

using nat::chain_of_verdict;
using nat::Element;
using nat::get;
using nat::get_number;
using nat::get_text;
using nat::Name;
using nat::SetContent;

// As the kernel compares them: bytes without a sign.
bool by_key(const Element& a, const Element& b) {
  return std::lexicographical_compare(
      a.key.begin(), a.key.end(), b.key.begin(), b.key.end(),
      [](char x, char y) { return static_cast<unsigned char>(x) < static_cast<unsigned char>(y); });
}

std::string_view family_name(unsigned family) {
  switch (family) {
    case NFPROTO_INET: return "inet";
    case NFPROTO_IPV4: return "ip";
    case NFPROTO_IPV6: return "ip6";
    default: return {};  // bridge, arp and netdev translate nothing
  }
}

class Tables {
 public:
  void take(const NetfilterMessage& message) {
    if (message.type >> 8U != NFNL_SUBSYS_NFTABLES) return;
    const auto family = family_name(message.family);
    if (family.empty()) return;
    const auto attributes = message.attributes;
    static_assert(NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 && NFTA_SET_TABLE == 1 &&
                  NFTA_SET_ELEM_LIST_TABLE == 1);
    const auto table = std::string(family) + " " + get_text(attributes, NFTA_CHAIN_TABLE);
    switch (message.type & 0xffU) {
      case NFT_MSG_NEWCHAIN: take_chain(table, attributes); break;
      case NFT_MSG_NEWSET: {
        const auto flags = get_number(attributes, NFTA_SET_FLAGS);
        sets_[{table, get_text(attributes, NFTA_SET_NAME)}].intervals =
            (flags & NFT_SET_INTERVAL) != 0;
        break;
      }
      case NFT_MSG_NEWSETELEM: take_elements(table, attributes); break;
      case NFT_MSG_NEWRULE:
        rules_.push_back({.family = message.family,
                          .table = table,
                          .chain = get_text(attributes, NFTA_RULE_CHAIN),
                          .expressions = std::string(get(attributes, NFTA_RULE_EXPRESSIONS))});
        break;
      default: break;
    }
  }

  // Sets may come behind the rules that use them.
  std::vector<NatTable> finish() {
    // The kernel lists hashed elements in no order.
    for (auto& [name, set] : sets_)
      std::stable_sort(set.elements.begin(), set.elements.end(), by_key);
    for (const auto& rule : rules_) {
      auto& chain = tables_[rule.table].chains[rule.chain];
      for (auto& part : read_nat_rule(rule.family, rule.table, rule.expressions, sets_))
        chain.push_back(std::move(part));
    }
    std::vector<NatTable> list;
    for (auto& [name, table] : tables_) {
      if (table.prerouting.empty()) continue;
      table.name = name;
      list.push_back(std::move(table));
    }
    return list;
  }

 private:
  struct RuleBytes {
    unsigned family;
    std::string table, chain, expressions;
  };

  void take_chain(const std::string& table, std::string_view attributes) {
    const auto hook = get(attributes, NFTA_CHAIN_HOOK);
    if (hook.empty() || get_text(attributes, NFTA_CHAIN_TYPE) != "nat") return;
    if (get_number(hook, NFTA_HOOK_HOOKNUM) == NF_INET_PRE_ROUTING)
      tables_[table].prerouting.push_back(get_text(attributes, NFTA_CHAIN_NAME));
  }

  void take_elements(const std::string& table, std::string_view attributes) {
    auto& set = sets_[{table, get_text(attributes, NFTA_SET_ELEM_LIST_SET)}];
    AttributeReader reader(get(attributes, NFTA_SET_ELEM_LIST_ELEMENTS));
    while (const auto attribute = reader.next()) {
      const auto value = attribute->value;
      Element element;
      element.key = get(get(value, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
      element.key_end = get(get(value, NFTA_SET_ELEM_KEY_END), NFTA_DATA_VALUE);
      element.data = get(get(value, NFTA_SET_ELEM_DATA), NFTA_DATA_VALUE);
      element.chain = chain_of_verdict(get(value, NFTA_SET_ELEM_DATA));
      element.ends_interval =
          (get_number(value, NFTA_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END) != 0;
      if (!element.key.empty()) set.elements.push_back(std::move(element));
    }
  }

  std::map<Name, SetContent> sets_;
  std::map<std::string, NatTable> tables_;
  std::vector<RuleBytes> rules_;
};

}  // namespace

std::vector<NatTable> nat_tables_of_nftables(std::string_view messages) {
  Tables tables;
  MessageReader reader(messages);
  while (const auto message = reader.next()) tables.take(*message);
  return tables.finish();
}

}  // namespace firewright::host
