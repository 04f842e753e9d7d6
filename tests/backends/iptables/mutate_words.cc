#include "tests/backends/iptables/mutate_words.h"

#include <algorithm>

#include "compiler/net/address_set.h"

namespace firewright::iptables::test::damage {

std::string joined(const Words& words) {
  std::string line;
  for (const auto& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

bool is_rule(const std::string& line) { return line.starts_with("-A "); }
std::string chain_of(const std::string& line) { return words_of(line).at(1); }

MutantKind each_rule(std::string name, std::function<std::vector<Words>(const Words&)> change) {
  return {std::move(name), [change = std::move(change)](const FileLines& lines) {
            std::vector<FileLines> result;
            for (std::size_t i = 0; i < lines.size(); ++i) {
              if (!is_rule(lines[i])) continue;
              const auto words = words_of(lines[i]);
              for (const auto& changed : change(words)) {
                if (changed == words) continue;
                result.push_back(lines);
                result.back()[i] = joined(changed);
              }
            }
            return result;
          }};
}

std::optional<std::size_t> place_of(const Words& words, const std::string& word) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<std::size_t>(found - words.begin());
}

MutantKind value_of(std::string name, Values options,
                    std::function<Values(const std::string&)> change) {
  return each_rule(std::move(name), [=](const Words& words) {
    std::vector<Words> result;
    for (const auto& option : options)
      if (const auto at = place_of(words, option))
        for (const auto& value : change(words[*at + 1])) {
          result.push_back(words);
          result.back()[*at + 1] = value;
        }
    return result;
  });
}

MutantKind option_for(std::string name, std::vector<std::pair<std::string, std::string>> pairs) {
  return each_rule(std::move(name), [=](const Words& words) {
    std::vector<Words> result;
    for (const auto& [from, to] : pairs)
      if (const auto at = place_of(words, from)) {
        result.push_back(words);
        result.back()[*at] = to;
      }
    return result;
  });
}

MutantKind without(std::string name, std::vector<Words> patterns) {
  return each_rule(std::move(name), [=](const Words& words) {
    std::vector<Words> result;
    for (const auto& pattern : patterns)
      for (std::size_t i = 2; i + pattern.size() <= words.size(); ++i) {
        bool fits = true;
        for (std::size_t j = 0; j < pattern.size(); ++j)
          fits = fits && (pattern[j] == "*" || pattern[j] == words[i + j]);
        if (!fits) continue;
        const auto first = words[i - 1] == "!" ? i - 1 : i;
        Words rest(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(first));
        rest.insert(rest.end(), words.begin() + static_cast<std::ptrdiff_t>(i + pattern.size()),
                    words.end());
        result.push_back(std::move(rest));
      }
    return result;
  });
}

MutantKind target_for(std::string name, const std::string& from, const Words& to) {
  return each_rule(std::move(name), [=](const Words& words) {
    std::vector<Words> result;
    const auto at = place_of(words, "-j");
    if (!at || words[*at + 1] != from) return result;
    result.emplace_back(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(*at));
    result.back().insert(result.back().end(), to.begin(), to.end());
    return result;
  });
}

// --- values

Values plus(const std::string& text, int difference, const std::string& from) {
  // The last number behind `from`, or the whole.
  const auto at = from.empty() ? std::string::npos : text.find(from);
  const auto start = at == std::string::npos ? 0 : at + from.size();
  if (!from.empty() && at == std::string::npos) return {};
  const auto digits = text.substr(start);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return {};
  return {text.substr(0, start) + std::to_string(std::stoll(digits) + difference)};
}

Values longer_prefix(const std::string& text, int difference) {
  const auto slash = text.find('/');
  const bool v6 = text.find(':') != std::string::npos;
  const int length =
      slash == std::string::npos ? (v6 ? 128 : 32) : std::stoi(text.substr(slash + 1));
  const int other = length + difference;
  if (other < 0 || other > (v6 ? 128 : 32)) return {};
  return {text.substr(0, slash) + "/" + std::to_string(other)};
}

// One more in the last place of an address.
std::string next_address(const std::string& text, int difference) {
  if (const auto v4 = parse_ipv4(text))
    return to_string(
        Ipv4{static_cast<std::uint32_t>(v4->value + static_cast<unsigned>(difference))});
  if (const auto v6 = parse_ipv6(text))
    return to_string(Ipv6{difference < 0 ? v6->value - static_cast<unsigned>(-difference)
                                         : v6->value + static_cast<unsigned>(difference)});
  return text;
}

Values other_network(const std::string& text) {
  const auto slash = text.find('/');
  const auto address = text.substr(0, slash);
  const auto rest = slash == std::string::npos ? "" : text.substr(slash);
  if (address.find(':') != std::string::npos) return {"2001:db8:ffff::1" + rest};
  return {"198.51.100.255" + rest};
}

Values range_end(const std::string& text, bool first, int difference) {
  const auto dash = text.find('-');
  if (dash == std::string::npos) return {};
  const auto low = text.substr(0, dash);
  const auto high = text.substr(dash + 1);
  return {(first ? next_address(low, difference) : low) + "-" +
          (first ? high : next_address(high, difference))};
}

Values items(const std::string& list) {
  Values result(1);
  for (const char c : list)
    if (c == ',')
      result.emplace_back();
    else
      result.back() += c;
  return result;
}

std::string list_of(const std::vector<std::string>& items) {
  std::string list;
  for (const auto& item : items) list += (list.empty() ? "" : ",") + item;
  return list;
}

Values without_item(const std::string& list, bool last) {
  auto all = items(list);
  if (all.size() < 2) return {};
  all.erase(last ? all.end() - 1 : all.begin());
  return {list_of(all)};
}

Values other_item(const std::string& list, const std::string& from, const std::string& to) {
  auto all = items(list);
  for (auto& item : all)
    if (item == from) item = to;
  return {list_of(all)};
}

Values other_type(const std::string& type) {
  if (type == "echo-request") return {"echo-reply"};
  if (type == "destination-unreachable") return {"time-exceeded"};
  if (type.find('/') == std::string::npos &&
      type.find_first_not_of("0123456789") != std::string::npos)
    return {"200"};
  return plus(type, 1, type.find('/') == std::string::npos ? "" : "/");
}

Values faster(const std::string& rate) {
  const auto slash = rate.find('/');
  return {std::to_string(2 * std::stoul(rate.substr(0, slash))) + rate.substr(slash)};
}

Values other_unit(const std::string& rate) {
  const auto slash = rate.find('/');
  return {rate.substr(0, slash) + (rate.substr(slash) == "/minute" ? "/hour" : "/minute")};
}

Values other_prefix(const std::string& text) {
  if (text == "\"\"") return {"\"x\""};
  return {"\"x" + text.substr(text.starts_with('"') ? 2 : 1)};
}

static const Values matches_with_negation{
    "-s",          "-d",          "-i",          "-o",           "-p",
    "--sport",     "--dport",     "--sports",    "--dports",     "--ctstate",
    "--src-range", "--dst-range", "--icmp-type", "--icmpv6-type"};

std::vector<Words> negated(const Words& words) {
  std::vector<Words> result;
  for (const auto& option : matches_with_negation) {
    const auto at = place_of(words, option);
    if (!at || words[*at - 1] == "!") continue;
    result.push_back(words);
    result.back().insert(result.back().begin() + static_cast<std::ptrdiff_t>(*at), "!");
  }
  return result;
}

std::vector<Words> not_negated(const Words& words) {
  std::vector<Words> result;
  for (std::size_t i = 0; i < words.size(); ++i)
    if (words[i] == "!") {
      result.push_back(words);
      result.back().erase(result.back().begin() + static_cast<std::ptrdiff_t>(i));
    }
  return result;
}

}  // namespace firewright::iptables::test::damage
