#include <algorithm>
#include <limits>

#include "backends/iptables/decode_names.h"
#include "backends/iptables/decode_table.h"

namespace firewright::iptables::decoder {
namespace {

constexpr std::size_t chain_name_max = 28;  // XT_EXTENSION_MAXNAMELEN without its NUL

// Chains of so few rules may come by the hundred thousand.
constexpr std::size_t few = 16;

struct Command {
  std::string_view name;
  char letter;
};
constexpr Command commands[] = {
    {"-A", 'A'},
    {"-I", 'I'},
    {"-D", 'D'},
    {"-F", 'F'},
    {"-X", 'X'},
    {"-N", 'N'},
    {"-P", 'P'},
    {"-Z", 'Z'},
    {"--append", 'A'},
    {"--insert", 'I'},
    {"--delete", 'D'},
    {"--flush", 'F'},
    {"--delete-chain", 'X'},
    {"--new-chain", 'N'},
    {"--policy", 'P'},
    {"--zero", 'Z'},
};

char command_of(const Word& word) {
  for (const auto& command : commands)
    if (command.name == word.text) return command.letter;
  return 0;
}

bool same_rule(const ir::Rule& a, const ir::Rule& b) {
  return a.match == b.match && a.effects == b.effects && a.verdict == b.verdict;
}

}  // namespace

bool is_packet_counters(std::string_view text) {
  if (text.size() < 5 || text.front() != '[' || text.back() != ']') return false;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const auto digits = [](std::string_view part) {
    return !part.empty() &&
           std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  return digits(text.substr(1, colon - 1)) &&
         digits(text.substr(colon + 1, text.size() - colon - 2));
}

TableReader::Chain* TableReader::find(std::string_view name) {
  if (chains_[last_].name == name) return &chains_[last_];
  const auto found = index_.find(name);
  if (found == index_.end()) return nullptr;
  if (auto& left = chains_[last_].rules; left.size() <= few) left.shrink_to_fit();
  last_ = found->second;
  return &chains_[last_];
}

TableReader::Chain* TableReader::need(const Word& name) {
  auto* chain = find(name.text);
  if (chain == nullptr)
    report_.say(Kind::artifact_undefined, report_.span(name),
                {"the chain", std::string(name.text)});
  else
    chain->said = true;
  return chain;
}

std::optional<ir::VerdictKind> TableReader::policy_of(const Word& word) {
  if (word.text == "ACCEPT") return ir::VerdictKind::accept;
  if (word.text == "DROP") return ir::VerdictKind::drop;
  report_.syntax(word, shown(word.text) + " is no policy");
  return std::nullopt;
}

void TableReader::new_chain(const Word& name, Span at) {
  auto text = name.text;
  if (text.starts_with(':')) text.remove_prefix(1);
  if (text.empty() || text.size() > chain_name_max || text.front() == '-' || text.front() == '!' ||
      text.find(' ') != std::string_view::npos || target_named(text) != nullptr ||
      is_other_target(text)) {
    report_.syntax(at, shown(text) + " is no name for a chain");
    return;
  }
  const auto [entry, added] = index_.emplace(text, chains_.size());
  if (!added) {
    auto& diagnostic = report_.say(Kind::artifact_conflict, at,
                                   {"the chain `" + std::string(text) + "` is there twice"});
    diagnostic.labels.push_back({.span = chains_[entry->second].declared, .text = "first here"});
    return;
  }
  chains_.emplace_back();
  chains_.back().name = text;
  chains_.back().declared = at;
  chains_.back().said = true;
}

// ":INPUT DROP [0:0]", ":own-chain - [0:0]"
void TableReader::declare(const Line& line, Words words) {
  const auto at = report_.span(line.begin, line.end());
  const bool counted = words.size() == 3 && is_packet_counters(words[2].text);
  if (!counted && words.size() != 2) {
    report_.syntax(at, "a chain is declared with its policy and its counters");
    return;
  }
  auto* chain = find(words[0].text.substr(1));
  if (chain == nullptr || !chain->hook) {
    if (words[1].text == "-") return new_chain(words[0], at);
    report_.syntax(words[1], "a policy of a chain that is not built in");
    return;
  }
  if (chain->declared.known()) {
    auto& diagnostic = report_.say(Kind::artifact_conflict, at,
                                   {"the chain `" + chain->name + "` is there twice"});
    diagnostic.labels.push_back({.span = chain->declared, .text = "first here"});
    return;
  }
  chain->declared = at;
  chain->said = true;
  if (const auto policy = policy_of(words[1])) chain->policy = policy;
}

void TableReader::command(const Line& line, Words words) {
  const auto at = report_.span(line.begin, line.end());
  const char letter = words.empty() ? '\0' : command_of(words.front());
  if (letter == 0) {
    if (words.empty())
      report_.syntax(at, "a line without a command");
    else
      report_.unknown(words.front(), "a rule begins with `-A CHAIN`");
    return;
  }
  words = words.subspan(1);
  if (letter == 'F') return flush(line, words);
  if (letter == 'Z') return;  // counters
  if (words.empty()) {
    report_.syntax(at, "a command without its chain");
    return;
  }
  if (letter == 'N') {
    if (words.size() == 1) return new_chain(words.front(), at);
    report_.syntax(words[1], "more than a name");
    return;
  }
  if (letter == 'X') return delete_chain(words);
  if (letter == 'P') return set_policy(words);
  auto* chain = need(words.front());
  if (chain == nullptr) return;
  words = words.subspan(1);
  if (letter == 'A') return append(*chain, line, words);
  if (letter == 'I') return insert(*chain, line, words);
  remove(*chain, line, words);
}

std::optional<TableReader::Added> TableReader::add(Chain& chain, const Line& line, Words words) {
  const auto before = chain.rules.size();
  const Place place{.family = family_,
                    .chain = chain.name,
                    .number = ++chain.lines,
                    .line = report_.span(line.begin, line.end())};
  if (!rules_.read(place, words, chain.rules, made_)) return std::nullopt;
  return Added{.first = static_cast<std::uint32_t>(before),
               .count = static_cast<std::uint32_t>(chain.rules.size() - before)};
}

void TableReader::append(Chain& chain, const Line& line, Words words) {
  auto added = add(chain, line, words);
  if (!added) return;
  shorten(chain, *added);
  chain.order.push_back(*added);
}

void TableReader::insert(Chain& chain, const Line& line, Words words) {
  std::size_t place = 1;
  if (!words.empty())
    if (const auto said = number(words.front().text, std::numeric_limits<std::uint32_t>::max())) {
      place = *said;
      if (place == 0 || place > chain.order.size() + 1) {
        report_.syntax(words.front(),
                       "no place in a chain of " + std::to_string(chain.order.size()) + " rules");
        return;
      }
      words = words.subspan(1);
    }
  if (const auto added = add(chain, line, words))
    chain.order.insert(chain.order.begin() + static_cast<std::ptrdiff_t>(place - 1), *added);
}

void TableReader::remove(Chain& chain, const Line& line, Words words) {
  auto found = chain.order.end();
  if (const auto said = words.size() == 1 ? number(words.front().text, 0xffffffff) : std::nullopt) {
    if (*said >= 1 && *said <= chain.order.size())
      found = chain.order.begin() + static_cast<std::ptrdiff_t>(*said - 1);
  } else {
    const auto wanted = add(chain, line, words);
    if (!wanted) return;
    const auto begin = chain.rules.begin();
    const auto rules = rules_of(chain, *wanted);
    found = std::find_if(chain.order.begin(), chain.order.end(), [&](const Added& added) {
      if (added.count == one_more)
        return rules.size() == 1 && same_rule(rules_of(chain, added).front(), rules.front());
      return std::equal(begin + added.first, begin + added.first + added.count, rules.begin(),
                        rules.end(), same_rule);
    });
  }
  if (found == chain.order.end()) {
    report_.say(Kind::artifact_undefined, report_.span(line.begin, line.end()),
                {"the rule to delete,", std::string(line.text)});
    return;
  }
  chain.order.erase(found);
}

// A chain that is not declared stands in the kernel already: emptied, it is as if declared.
void TableReader::flush(const Line& line, Words words) {
  if (words.size() > 1) {
    report_.syntax(words[1], "more than a name");
    return;
  }
  if (!words.empty() && find(words.front().text) == nullptr)
    return new_chain(words.front(), report_.span(line.begin, line.end()));
  for (auto& chain : chains_) {
    if (!words.empty() && chain.name != words.front().text) continue;
    chain.said = chain.said || !words.empty();
    chain.order.clear();
  }
}

void TableReader::delete_chain(Words words) {
  auto* chain = need(words.front());
  if (chain == nullptr) return;
  if (words.size() > 1 || chain->hook || !chain->order.empty()) {
    report_.syntax(words.front(), "only an empty chain that is not built in can be deleted");
    return;
  }
  index_.erase(index_.find(chain->name));
  chain->name.clear();  // not a chain any more
  chain->said = false;
  last_ = 0;
}

void TableReader::set_policy(Words words) {
  auto* chain = need(words.front());
  if (chain == nullptr) return;
  if (words.size() != 2 || !chain->hook) {
    report_.syntax(words.front(), "a policy of a chain that is not built in, or none");
    return;
  }
  if (const auto policy = policy_of(words[1])) chain->policy = policy;
}

}  // namespace firewright::iptables::decoder
