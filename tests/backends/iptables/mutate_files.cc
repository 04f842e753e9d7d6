#include "tests/backends/iptables/mutate_files.h"

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "tests/backends/iptables/mutate_words.h"

namespace firewright::iptables::test::damage {

std::vector<std::size_t> rules_in(const FileLines& lines) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (is_rule(lines[i])) places.push_back(i);
  return places;
}

Files dropped(const FileLines& lines) {
  Files result;
  for (const auto i : rules_in(lines)) {
    result.push_back(lines);
    result.back().erase(result.back().begin() + static_cast<std::ptrdiff_t>(i));
  }
  return result;
}

Files at_the_end(const FileLines& lines, bool top, bool copy) {
  Files result;
  for (const auto i : rules_in(lines)) {
    auto moved = lines;
    if (!copy) moved.erase(moved.begin() + static_cast<std::ptrdiff_t>(i));
    const auto chain = chain_of(lines[i]);
    const auto places = rules_in(moved);
    std::optional<std::size_t> to;
    for (const auto place : places)
      if (chain_of(moved[place]) == chain && (!top || !to)) to = top ? place : place + 1;
    if (!to) continue;
    moved.insert(moved.begin() + static_cast<std::ptrdiff_t>(*to), lines[i]);
    if (moved != lines) result.push_back(std::move(moved));
  }
  return result;
}

Files swapped(const FileLines& lines) {
  Files result;
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    if (!is_rule(lines[i]) || !is_rule(lines[i + 1]) || lines[i] == lines[i + 1]) continue;
    result.push_back(lines);
    std::swap(result.back()[i], result.back()[i + 1]);
  }
  return result;
}

Files other_policy(const FileLines& lines) {
  Files result;
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (const auto& [from, to] :
         {std::pair<std::string, std::string>{" ACCEPT ", " DROP "}, {" DROP ", " ACCEPT "}})
      if (const auto at = lines[i].find(from);
          lines[i].starts_with(':') && at != std::string::npos) {
        result.push_back(lines);
        result.back()[i].replace(at, from.size(), to);
      }
  return result;
}

Files other_chain(const FileLines& lines) {
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"INPUT", "FORWARD"}, {"FORWARD", "OUTPUT"}, {"OUTPUT", "INPUT"}};
  Files result;
  for (const auto i : rules_in(lines))
    for (const auto& [from, to] : pairs) {
      if (chain_of(lines[i]) != from) continue;
      auto words = words_of(lines[i]);
      words[1] = to;
      result.push_back(lines);
      // In front of all, where it decides.
      result.back().erase(result.back().begin() + static_cast<std::ptrdiff_t>(i));
      const auto first = rules_in(result.back());
      result.back().insert(
          result.back().begin() + static_cast<std::ptrdiff_t>(first.empty() ? i : first.front()),
          joined(words));
    }
  return result;
}

Files other_jump(const FileLines& lines) {
  std::vector<std::string> chains;
  for (const auto& line : lines)
    if (line.starts_with(":firewright-")) chains.push_back(words_of(line)[0].substr(1));
  Files result;
  for (const auto i : rules_in(lines)) {
    const auto words = words_of(lines[i]);
    const auto at = place_of(words, "-j");
    if (!at || !words[*at + 1].starts_with("firewright-")) continue;
    for (const auto& chain : chains) {
      if (chain == words[*at + 1]) continue;
      auto other = words;
      other[*at + 1] = chain;
      result.push_back(lines);
      result.back()[i] = joined(other);
      break;
    }
  }
  return result;
}

Files emptied(const FileLines& lines) {
  FileLines rest;
  for (const auto& line : lines)
    if (!is_rule(line)) rest.push_back(line);
  return {rest};
}

Files chain_emptied(const FileLines& lines) {
  std::set<std::string> chains;
  for (const auto i : rules_in(lines)) chains.insert(chain_of(lines[i]));
  Files result;
  for (const auto& chain : chains) {
    result.emplace_back();
    for (const auto& line : lines)
      if (!is_rule(line) || chain_of(line) != chain) result.back().push_back(line);
  }
  return result;
}

Files shared_bucket(const FileLines& lines) {
  Files result;
  std::optional<std::size_t> first;
  for (const auto i : rules_in(lines)) {
    const auto words = words_of(lines[i]);
    const auto at = place_of(words, "--hashlimit-name");
    if (!at) continue;
    if (first) {
      auto other = words;
      const auto wanted = words_of(lines[*first]);
      other[*at + 1] = wanted[*place_of(wanted, "--hashlimit-name") + 1];
      result.push_back(lines);
      result.back()[i] = joined(other);
    }
    first = i;
  }
  return result;
}

Files apart_bucket(const FileLines& lines) {
  Files result;
  for (const auto i : rules_in(lines)) {
    const auto words = words_of(lines[i]);
    const auto at = place_of(words, "-j");
    if (!at || !words[*at + 1].starts_with("firewright-limit-")) continue;
    for (const auto j : rules_in(lines)) {
      if (chain_of(lines[j]) != words[*at + 1]) continue;
      const auto rule = words_of(lines[j]);
      Words whole(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(*at));
      if (const auto comment = place_of(whole, "--comment"))
        whole.erase(whole.begin() + static_cast<std::ptrdiff_t>(*comment - 2),
                    whole.begin() + static_cast<std::ptrdiff_t>(*comment + 2));
      whole.insert(whole.end(), rule.begin() + 2, rule.end());
      result.push_back(lines);
      result.back()[i] = joined(whole);
    }
  }
  return result;
}

}  // namespace firewright::iptables::test::damage
