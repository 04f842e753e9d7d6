#include "backends/iptables/table.h"

#include <algorithm>
#include <utility>

namespace firewright::iptables {

void Table::declare(std::string chain, std::string policy) {
  index_.emplace(chain, chains_.size());
  chains_.push_back({.name = std::move(chain), .policy = std::move(policy), .rules = {}});
}

void Table::append(const std::string& chain, const Line& line) {
  chains_[index_.at(chain)].rules += "-A " + chain + to_text(line) + '\n';
}

std::string Table::user_chain(const std::string& what, const std::vector<Line>& lines,
                              const std::string& identity) {
  auto content = what + '\n' + identity + '\n';
  for (const auto& line : lines) content += to_text(line) + '\n';
  if (const auto known = by_content_.find(content); known != by_content_.end())
    return known->second;

  auto name = unused_name(what);
  by_content_.emplace(std::move(content), name);
  declare(name, "-");
  for (const auto& line : lines) append(name, line);
  return name;
}

void Table::add_chain(std::string name, std::string rules) {
  declare(std::move(name), "-");
  chains_.back().rules = std::move(rules);
}

std::string Table::unused_name(const std::string& what) {
  // "limit-ssh" is one of a kind and needs no number, "from" is not.
  auto& number = numbers_[what];
  const bool plain = number == 0 && what.find('-') != std::string::npos;
  for (;;) {
    const auto suffix = plain && number == 0 ? "" : '-' + std::to_string(number);
    ++number;
    if (suffix == "-0") continue;
    auto name = std::string(own_prefix) + what;
    name.resize(std::min(name.size(), chain_name_max - suffix.size()));
    name += suffix;
    if (!index_.contains(name)) return name;
  }
}

std::string Table::unused_name(const std::string& chain, const std::string& path) {
  auto name = chain + '-' + path;
  if (name.size() <= chain_name_max && !index_.contains(name)) return name;
  return unused_name("branch");
}

void Table::append_declarations(std::string& text) const {
  for (const auto& chain : chains_) text += ':' + chain.name + ' ' + chain.policy + " [0:0]\n";
}

void Table::append_rules(std::string& text) const {
  std::size_t size = text.size();
  for (const auto& chain : chains_) size += chain.rules.size();
  text.reserve(size + 100);  // and what comes behind
  for (const auto& chain : chains_) text += chain.rules;
}

}  // namespace firewright::iptables
