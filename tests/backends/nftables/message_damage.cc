#include "tests/backends/nftables/message_damage.h"

#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <iterator>

namespace firewright::test {
namespace {

// Counters that every rule may have and nobody reads.
Node anonymous_counter() {
  return nest(NFTA_LIST_ELEM,
              {text(NFTA_EXPR_NAME, "counter"),
               nest(NFTA_EXPR_DATA, {u64(NFTA_COUNTER_BYTES, 7), u64(NFTA_COUNTER_PACKETS, 1)})});
}

template <class Change>
MessageDamage each_message(std::string name, int kind, Change change) {
  return {std::move(name), [kind, change](Messages& messages) {
            std::vector<Action> actions;
            for (auto& message : messages)
              if (!message.is_frame() && message.kind() == kind)
                actions.push_back([&message, change] { change(message); });
            return actions;
          }};
}

void erase_attribute(Message& message, std::uint16_t type) {
  std::erase_if(message.attributes, [&](const Node& node) { return node.type == type; });
}

}  // namespace

std::string Expression::name() const {
  const auto* name = node().find(NFTA_EXPR_NAME);
  return name == nullptr ? "" : name->bytes.substr(0, name->bytes.find('\0'));
}

Node* Expression::attribute(std::uint16_t type) const {
  auto* data = node().find(NFTA_EXPR_DATA);
  return data == nullptr ? nullptr : data->find(type);
}

Expression Expression::neighbour(int step, const std::string& wanted) const {
  const auto place = static_cast<std::ptrdiff_t>(index) + step;
  if (place < 0 || static_cast<std::size_t>(place) >= list->size()) return {};
  const Expression other{rule, list, static_cast<std::size_t>(place)};
  return other.name() == wanted ? other : Expression{};
}

std::vector<Expression> expressions(Messages& messages, const std::string& name) {
  std::vector<Expression> found;
  for (auto& message : messages) {
    if (message.is_frame() || message.kind() != NFT_MSG_NEWRULE) continue;
    auto* list = message.find(NFTA_RULE_EXPRESSIONS);
    if (list == nullptr) continue;
    for (std::size_t i = 0; i < list->children.size(); ++i) {
      const Expression expression{&message, &list->children, i};
      if (name.empty() || expression.name() == name) found.push_back(expression);
    }
  }
  return found;
}

std::string* value_of(const Expression& expression, std::uint16_t attribute) {
  auto* nested = expression.attribute(attribute);
  auto* value = nested == nullptr ? nullptr : nested->find(NFTA_DATA_VALUE);
  return value == nullptr ? nullptr : &value->bytes;
}

std::vector<MessageDamage> message_damages() {
  auto all = damages_of_values();
  auto more = damages_of_structure();
  std::move(more.begin(), more.end(), std::back_inserter(all));
  return all;
}

std::vector<MessageDamage> message_rewordings() {
  std::vector<MessageDamage> all;
  all.push_back(each_message("comments gone", NFT_MSG_NEWRULE, [](Message& message) {
    erase_attribute(message, NFTA_RULE_USERDATA);
  }));
  all.push_back(each_message("a comment more", NFT_MSG_NEWRULE, [](Message& message) {
    erase_attribute(message, NFTA_RULE_USERDATA);
    message.attributes.push_back(raw(NFTA_RULE_USERDATA, std::string("\0\5note\0", 7)));
  }));
  all.push_back(each_message("a counter in front", NFT_MSG_NEWRULE, [](Message& message) {
    auto* list = message.find(NFTA_RULE_EXPRESSIONS);
    if (list != nullptr) list->children.insert(list->children.begin(), anonymous_counter());
  }));
  all.push_back(each_message("sizes not declared", NFT_MSG_NEWSET,
                             [](Message& message) { erase_attribute(message, NFTA_SET_DESC); }));
  all.push_back(each_message("user data of sets gone", NFT_MSG_NEWSET, [](Message& message) {
    erase_attribute(message, NFTA_SET_USERDATA);
  }));
  all.push_back(each_message("elements in another order", NFT_MSG_NEWSETELEM, [](Message& message) {
    auto* list = message.find(NFTA_SET_ELEM_LIST_ELEMENTS);
    if (list != nullptr) std::reverse(list->children.begin(), list->children.end());
  }));
  all.push_back(each_message("elements said twice", NFT_MSG_NEWSETELEM, [](Message& message) {
    auto* list = message.find(NFTA_SET_ELEM_LIST_ELEMENTS);
    if (list == nullptr) return;
    const auto again = list->children;
    list->children.insert(list->children.end(), again.begin(), again.end());
  }));
  all.push_back({"a rule made and deleted", [](Messages& messages) {
                   std::vector<Action> actions;
                   for (std::size_t i = 0; i < messages.size(); ++i)
                     if (!messages[i].is_frame() && messages[i].kind() == NFT_MSG_NEWRULE)
                       actions.push_back([&messages, i] {
                         Message made = messages[i];
                         std::erase_if(made.attributes, [](const Node& node) {
                           return node.type == NFTA_RULE_EXPRESSIONS;
                         });
                         made.attributes.push_back(u32(NFTA_RULE_ID, 77));
                         Message gone = made;
                         gone.type =
                             static_cast<std::uint16_t>((made.type & 0xff00) | NFT_MSG_DELRULE);
                         gone.flags = 0;
                         messages.insert(messages.end() - 1, {made, gone});
                       });
                   return actions;
                 }});
  return all;
}

}  // namespace firewright::test
