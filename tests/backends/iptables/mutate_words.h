// Changes of single rule lines, and of the values in them, for the kinds of damage in mutate.cc.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/backends/iptables/mutate.h"

namespace firewright::iptables::test::damage {

using Values = std::vector<std::string>;

[[nodiscard]] std::string joined(const Words& words);
[[nodiscard]] bool is_rule(const std::string& line);
[[nodiscard]] std::string chain_of(const std::string& line);
[[nodiscard]] std::optional<std::size_t> place_of(const Words& words, const std::string& word);

// A kind that changes one rule line at a time.
[[nodiscard]] MutantKind each_rule(std::string name,
                                   std::function<std::vector<Words>(const Words&)> change);
// The value behind one of the options, changed.
[[nodiscard]] MutantKind value_of(std::string name, std::vector<std::string> options,
                                  std::function<Values(const std::string&)> change);
// An option for another one.
[[nodiscard]] MutantKind option_for(std::string name,
                                    std::vector<std::pair<std::string, std::string>> pairs);
// Without these words, which follow one another ("*": any word), and without a `!` before.
[[nodiscard]] MutantKind without(std::string name, std::vector<Words> patterns);
[[nodiscard]] MutantKind target_for(std::string name, const std::string& from, const Words& to);

// --- values; none: there is nothing to change

// The last number behind `from`, or the whole, plus the difference.
[[nodiscard]] Values plus(const std::string& text, int difference, const std::string& from);
[[nodiscard]] Values longer_prefix(const std::string& text, int difference);
[[nodiscard]] Values other_network(const std::string& text);
[[nodiscard]] Values range_end(const std::string& text, bool first, int difference);
[[nodiscard]] Values items(const std::string& list);
[[nodiscard]] std::string list_of(const Values& items);
[[nodiscard]] Values without_item(const std::string& list, bool last);
[[nodiscard]] Values other_item(const std::string& list, const std::string& from,
                                const std::string& to);
[[nodiscard]] Values other_type(const std::string& type);
[[nodiscard]] Values faster(const std::string& rate);
[[nodiscard]] Values other_unit(const std::string& rate);
[[nodiscard]] Values other_prefix(const std::string& text);
[[nodiscard]] std::vector<Words> negated(const Words& words);
[[nodiscard]] std::vector<Words> not_negated(const Words& words);

}  // namespace firewright::iptables::test::damage
