// Kinds of damage to what holds the expressions: rules, chains, sets and their elements, tables.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <utility>

#include "tests/backends/nftables/message_damage.h"

namespace firewright::test {
namespace {

template <class Change>
MessageDamage each_message(std::string name, int kind, Change change) {
  return {std::move(name), [kind, change](Messages& messages) {
            std::vector<Action> actions;
            for (std::size_t i = 0; i < messages.size(); ++i)
              if (!messages[i].is_frame() && messages[i].kind() == kind)
                actions.push_back([&messages, i, change] { change(messages, i); });
            return actions;
          }};
}

auto at(Messages& messages, std::size_t i) {
  return messages.begin() + static_cast<std::ptrdiff_t>(i);
}

// Expressions from `first` on, `count` of them, gone.
void drop(const Expression& first, std::size_t count) {
  const auto begin = first.list->begin() + static_cast<std::ptrdiff_t>(first.index);
  first.list->erase(begin, begin + static_cast<std::ptrdiff_t>(count));
}

MessageDamage without(std::string name, std::string expression) {
  return {std::move(name), [expression](Messages& messages) {
            std::vector<Action> actions;
            for (const auto& place : expressions(messages, expression))
              actions.push_back([=] { drop(place, 1); });
            return actions;
          }};
}

// A load of a meta key and the comparison behind it.
MessageDamage without_dependency(std::string name, std::uint32_t key) {
  return {
      std::move(name), [key](Messages& messages) {
        std::vector<Action> actions;
        for (const auto& place : expressions(messages, "meta"))
          if (number(*place.attribute(NFTA_META_KEY)) == key && place.neighbour(1, "cmp").exists())
            actions.push_back([=] { drop(place, 2); });
        return actions;
      }};
}

void lost(std::vector<MessageDamage>& all) {
  all.push_back(without("comparison lost", "cmp"));
  all.push_back(without("counter lost", "objref"));
  all.push_back(without("log lost", "log"));
  all.push_back(without("limit lost", "limit"));
  all.push_back(without("limit of each source lost", "dynset"));
  all.push_back(without("limit of connections lost", "connlimit"));
  all.push_back(without("verdict lost", "immediate"));
  all.push_back(without("lookup lost", "lookup"));
  all.push_back(without("answer lost", "reject"));
  all.push_back(without_dependency("family lost", NFT_META_NFPROTO));
  all.push_back(without_dependency("protocol lost", NFT_META_L4PROTO));
  all.push_back(without_dependency("interface lost", NFT_META_IIFNAME));
}

// The codes of all verdicts in rules.
MessageDamage verdict(std::string name, std::uint32_t from, std::uint32_t to) {
  return {std::move(name), [=](Messages& messages) {
            std::vector<Action> actions;
            for (const auto& place : expressions(messages, "immediate")) {
              auto* data = place.attribute(NFTA_IMMEDIATE_DATA);
              auto* nested = data == nullptr ? nullptr : data->find(NFTA_DATA_VERDICT);
              auto* code = nested == nullptr ? nullptr : nested->find(NFTA_VERDICT_CODE);
              if (code != nullptr && number(*code) == from)
                actions.push_back([=] { set_number(*code, to); });
            }
            return actions;
          }};
}

void verdicts(std::vector<MessageDamage>& all) {
  const auto jump = static_cast<std::uint32_t>(NFT_JUMP);
  const auto go_to = static_cast<std::uint32_t>(NFT_GOTO);
  all.push_back(verdict("accept becomes drop", NF_ACCEPT, NF_DROP));
  all.push_back(verdict("drop becomes accept", NF_DROP, NF_ACCEPT));
  all.push_back(
      verdict("accept becomes return", NF_ACCEPT, static_cast<std::uint32_t>(NFT_RETURN)));
  all.push_back(
      verdict("accept becomes continue", NF_ACCEPT, static_cast<std::uint32_t>(NFT_CONTINUE)));
  all.push_back(verdict("drop becomes queue", NF_DROP, NF_QUEUE));
  all.push_back(verdict("jump becomes goto", jump, go_to));
  all.push_back({"jump to another chain", [](Messages& messages) {
                   std::vector<Action> actions;
                   for (const auto& place : expressions(messages, "immediate")) {
                     auto* data = place.attribute(NFTA_IMMEDIATE_DATA);
                     auto* nested = data == nullptr ? nullptr : data->find(NFTA_DATA_VERDICT);
                     auto* chain = nested == nullptr ? nullptr : nested->find(NFTA_VERDICT_CHAIN);
                     if (chain != nullptr)
                       actions.push_back([=] { *chain = text(NFTA_VERDICT_CHAIN, "input"); });
                   }
                   return actions;
                 }});
  all.push_back(
      {"lookup turned round", [](Messages& messages) {
         std::vector<Action> actions;
         for (const auto& place : expressions(messages, "lookup"))
           actions.push_back([=] {
             auto* flags = place.attribute(NFTA_LOOKUP_FLAGS);
             if (flags != nullptr)
               set_number(*flags, number(*flags) ^ 1U);
             else
               place.node().find(NFTA_EXPR_DATA)->children.push_back(u32(NFTA_LOOKUP_FLAGS, 1));
           });
         return actions;
       }});
  all.push_back({"lookup in another set", [](Messages& messages) {
                   std::vector<Action> actions;
                   const auto lookups = expressions(messages, "lookup");
                   for (std::size_t i = 0; i + 1 < lookups.size(); ++i)
                     actions.push_back([a = lookups[i], b = lookups[i + 1]] {
                       *a.attribute(NFTA_LOOKUP_SET) = *b.attribute(NFTA_LOOKUP_SET);
                       *a.attribute(NFTA_LOOKUP_SET_ID) = *b.attribute(NFTA_LOOKUP_SET_ID);
                     });
                   return actions;
                 }});
}

// --- sets

using ElementChange = std::function<void(std::vector<Node>& elements, std::size_t index)>;
MessageDamage each_element(std::string name, std::function<bool(const Node&)> filter,
                           ElementChange change) {
  return {std::move(name), [=](Messages& messages) {
            std::vector<Action> actions;
            for (auto& message : messages) {
              if (message.is_frame() || message.kind() != NFT_MSG_NEWSETELEM) continue;
              auto& elements = message.find(NFTA_SET_ELEM_LIST_ELEMENTS)->children;
              for (std::size_t i = 0; i < elements.size(); ++i)
                if (filter(elements[i]))
                  actions.push_back([&elements, i, change] { change(elements, i); });
            }
            return actions;
          }};
}

void sets(std::vector<MessageDamage>& all) {
  const auto any = [](const Node&) { return true; };
  const auto erase = [](std::vector<Node>& elements, std::size_t i) {
    elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(i));
  };
  all.push_back(each_element("element missing", any, erase));
  all.push_back({"last element missing", [](Messages& messages) {
                   std::vector<Action> actions;
                   for (auto& message : messages)
                     if (!message.is_frame() && message.kind() == NFT_MSG_NEWSETELEM)
                       actions.push_back([&message] {
                         message.find(NFTA_SET_ELEM_LIST_ELEMENTS)->children.pop_back();
                       });
                   return actions;
                 }});
  all.push_back(each_element("key one higher", any, [](std::vector<Node>& elements, std::size_t i) {
    auto& key = elements[i].find(NFTA_SET_ELEM_KEY)->find(NFTA_DATA_VALUE)->bytes;
    key.back() = static_cast<char>(key.back() + 1);
  }));
  all.push_back(each_element(
      "end of an interval lost",
      [](const Node& element) { return element.find(NFTA_SET_ELEM_FLAGS) != nullptr; },
      [](std::vector<Node>& elements, std::size_t i) {
        std::erase_if(elements[i].children,
                      [](const Node& node) { return node.type == NFTA_SET_ELEM_FLAGS; });
      }));
  all.push_back(each_element(
      "start becomes end",
      [](const Node& element) { return element.find(NFTA_SET_ELEM_FLAGS) == nullptr; },
      [](std::vector<Node>& elements, std::size_t i) {
        elements[i].children.push_back(u32(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END));
      }));
  all.push_back(each_element(
      "verdict of an element turned round",
      [](const Node& element) { return element.find(NFTA_SET_ELEM_DATA) != nullptr; },
      [](std::vector<Node>& elements, std::size_t i) {
        auto& code =
            *elements[i].find(NFTA_SET_ELEM_DATA)->find(NFTA_DATA_VERDICT)->find(NFTA_VERDICT_CODE);
        set_number(code, number(code) ^ 1U);
      }));
  all.push_back(
      each_message("intervals lost", NFT_MSG_NEWSET, [](Messages& messages, std::size_t i) {
        auto& flags = *messages[i].find(NFTA_SET_FLAGS);
        set_number(flags, number(flags) ^ NFT_SET_INTERVAL);
      }));
  all.push_back(
      each_message("elements lost", NFT_MSG_NEWSETELEM,
                   [](Messages& messages, std::size_t i) { messages.erase(at(messages, i)); }));
  all.push_back(each_message("set lost", NFT_MSG_NEWSET, [](Messages& messages, std::size_t i) {
    messages.erase(at(messages, i));
  }));
  all.push_back(
      each_message("key of another length", NFT_MSG_NEWSET, [](Messages& messages, std::size_t i) {
        auto& length = *messages[i].find(NFTA_SET_KEY_LEN);
        set_number(length, number(length) + 1);
      }));
  all.push_back({"a bucket forgotten too soon", [](Messages& messages) {
                   std::vector<Action> actions;
                   for (auto& message : messages)
                     if (!message.is_frame() && message.kind() == NFT_MSG_NEWSET &&
                         message.find(NFTA_SET_TIMEOUT) != nullptr)
                       actions.push_back([&message] {
                         *message.find(NFTA_SET_TIMEOUT) = u64(NFTA_SET_TIMEOUT, 1);
                       });
                   return actions;
                 }});
}

// --- rules, chains, tables

void rules(std::vector<MessageDamage>& all) {
  all.push_back(each_message("rule lost", NFT_MSG_NEWRULE, [](Messages& messages, std::size_t i) {
    messages.erase(at(messages, i));
  }));
  all.push_back(each_message("rule without conditions", NFT_MSG_NEWRULE,
                             [](Messages& messages, std::size_t i) {
                               auto& list = messages[i].find(NFTA_RULE_EXPRESSIONS)->children;
                               list.erase(list.begin(), list.end() - 1);
                             }));
  all.push_back(each_message("rule in front of the one before", NFT_MSG_NEWRULE,
                             [](Messages& messages, std::size_t i) {
                               if (messages[i - 1].kind() == NFT_MSG_NEWRULE)
                                 std::swap(messages[i - 1], messages[i]);
                             }));
  all.push_back(each_message("rule in front of all", NFT_MSG_NEWRULE,
                             [](Messages& messages, std::size_t i) { messages[i].flags = 0x400; }));
  all.push_back(
      each_message("rule in another chain", NFT_MSG_NEWRULE, [](Messages& messages, std::size_t i) {
        auto& chain = *messages[i].find(NFTA_RULE_CHAIN);
        chain = text(NFTA_RULE_CHAIN, chain.bytes.starts_with("input") ? "forward" : "input");
      }));
  all.push_back(each_message(
      "rule deleted behind it", NFT_MSG_NEWRULE, [](Messages& messages, std::size_t i) {
        const auto chain = *messages[i].find(NFTA_RULE_CHAIN);
        const auto table = *messages[i].find(NFTA_RULE_TABLE);
        messages.insert(messages.end() - 1, message(NFT_MSG_DELRULE, {table, chain}));
      }));
}

void chains(std::vector<MessageDamage>& all) {
  const auto hooked = [](std::string name, auto change) {
    return MessageDamage{std::move(name), [change](Messages& messages) {
                           std::vector<Action> actions;
                           for (auto& message : messages)
                             if (!message.is_frame() && message.kind() == NFT_MSG_NEWCHAIN &&
                                 message.find(NFTA_CHAIN_HOOK) != nullptr)
                               actions.push_back([&message, change] { change(message); });
                           return actions;
                         }};
  };
  all.push_back(hooked("another hook", [](Message& chain) {
    auto& hook = *chain.find(NFTA_CHAIN_HOOK)->find(NFTA_HOOK_HOOKNUM);
    set_number(hook, number(hook) == NF_INET_LOCAL_IN ? NF_INET_FORWARD : NF_INET_LOCAL_IN);
  }));
  all.push_back(hooked("a hook that is not compared", [](Message& chain) {
    set_number(*chain.find(NFTA_CHAIN_HOOK)->find(NFTA_HOOK_HOOKNUM), NF_INET_PRE_ROUTING);
  }));
  all.push_back(hooked("no longer hooked", [](Message& chain) {
    std::erase_if(chain.attributes, [](const Node& node) { return node.type == NFTA_CHAIN_HOOK; });
  }));
  all.push_back(hooked("another type", [](Message& chain) {
    *chain.find(NFTA_CHAIN_TYPE) = text(NFTA_CHAIN_TYPE, "nat");
  }));
  // Seen only where a packet gets to the end of its chain.
  all.push_back({"the last rule lost and another policy", [](Messages& messages) {
                   std::vector<Action> actions;
                   for (std::size_t i = 0; i < messages.size(); ++i) {
                     if (messages[i].is_frame() || messages[i].kind() != NFT_MSG_NEWCHAIN ||
                         messages[i].find(NFTA_CHAIN_POLICY) == nullptr)
                       continue;
                     const auto name = messages[i].find(NFTA_CHAIN_NAME)->bytes;
                     actions.push_back([&messages, i, name] {
                       auto& policy = *messages[i].find(NFTA_CHAIN_POLICY);
                       set_number(policy, number(policy) ^ 1U);
                       for (auto rule = messages.end(); rule-- != messages.begin();)
                         if (!rule->is_frame() && rule->kind() == NFT_MSG_NEWRULE &&
                             rule->find(NFTA_RULE_CHAIN)->bytes == name) {
                           messages.erase(rule);
                           return;
                         }
                     });
                   }
                   return actions;
                 }});
  all.push_back(each_message("chain lost", NFT_MSG_NEWCHAIN, [](Messages& messages, std::size_t i) {
    messages.erase(at(messages, i));
  }));
}

void tables(std::vector<MessageDamage>& all) {
  const auto once = [](std::string name, std::function<void(Messages&)> change) {
    return MessageDamage{std::move(name), [change](Messages& messages) {
                           return std::vector<Action>{[&messages, change] { change(messages); }};
                         }};
  };
  const auto family = [](std::uint8_t to) {
    return [to](Messages& messages) {
      for (auto& message : messages)
        if (!message.is_frame()) message.family = to;
    };
  };
  all.push_back(once("only IPv4", family(NFPROTO_IPV4)));
  all.push_back(once("only IPv6", family(NFPROTO_IPV6)));
  all.push_back(once("of bridges", family(NFPROTO_BRIDGE)));
  all.push_back(once("switched off", [](Messages& messages) {
    for (auto& message : messages)
      if (!message.is_frame() && message.kind() == NFT_MSG_NEWTABLE)
        if (auto* flags = message.find(NFTA_TABLE_FLAGS)) set_number(*flags, NFT_TABLE_F_DORMANT);
  }));
  all.push_back(once("table deleted at the end", [](Messages& messages) {
    messages.insert(messages.end() - 1, message(NFT_MSG_DELTABLE, {}));
  }));
  all.push_back(once("the end lost", [](Messages& messages) { messages.pop_back(); }));
  all.push_back(once("the end in the middle", [](Messages& messages) {
    messages.erase(messages.begin() + static_cast<std::ptrdiff_t>(messages.size() / 2),
                   messages.end() - 1);
  }));
  all.push_back(
      each_message("table not made", NFT_MSG_NEWTABLE,
                   [](Messages& messages, std::size_t i) { messages.erase(at(messages, i)); }));
}

}  // namespace

std::vector<MessageDamage> damages_of_structure() {
  std::vector<MessageDamage> all;
  lost(all);
  verdicts(all);
  sets(all);
  rules(all);
  chains(all);
  tables(all);
  return all;
}

}  // namespace firewright::test
