// Ways to damage a ruleset's netlink messages, for the tests that want it noticed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/backends/nftables/netlink_tree.h"

namespace firewright::test {

// One place of the messages that it was made for, damaged when called.
using Action = std::function<void()>;
struct MessageDamage {
  std::string name;
  std::function<std::vector<Action>(Messages& messages)> places;
};

// Each changes what some ruleset means, or makes it unreadable.
[[nodiscard]] std::vector<MessageDamage> message_damages();
// Each changes how something is said, and never what.
[[nodiscard]] std::vector<MessageDamage> message_rewordings();

// --- what the kinds are made of

// An expression of a rule: `list[index]`.
struct Expression {
  Message* rule = nullptr;
  std::vector<Node>* list = nullptr;
  std::size_t index = 0;

  [[nodiscard]] Node& node() const { return (*list)[index]; }
  [[nodiscard]] std::string name() const;
  [[nodiscard]] Node* attribute(std::uint16_t type) const;  // of the expression's data
  // The expression before or behind it, if it has this name.
  [[nodiscard]] Expression neighbour(int step, const std::string& wanted) const;
  [[nodiscard]] bool exists() const { return list != nullptr; }
};
// Those of a name; of all names if it is empty.
[[nodiscard]] std::vector<Expression> expressions(Messages& messages, const std::string& name);

// The value of a cmp, range or immediate: NFTA_DATA_VALUE within.
[[nodiscard]] std::string* value_of(const Expression& expression, std::uint16_t attribute);

[[nodiscard]] std::vector<MessageDamage> damages_of_values();
[[nodiscard]] std::vector<MessageDamage> damages_of_structure();

}  // namespace firewright::test
