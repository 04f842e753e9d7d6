#include "backends/iptables/update.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "backends/iptables/table.h"

namespace firewright::iptables {
namespace {

using Words = std::vector<std::string_view>;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

// Splitting at blanks takes quoted texts apart, which does no harm: nothing that is looked for
// below stands behind a quoted text.
Words words_of(std::string_view line) {
  Words words;
  while (!line.empty()) {
    const auto end = line.find(' ');
    if (end != 0) words.push_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return words;
}

bool is_own(std::string_view chain) { return chain.starts_with(own_prefix); }

// What is known of the filter table that is loaded.
struct Loaded {
  std::set<std::string, std::less<>> own_chains;
  std::map<std::string, unsigned, std::less<>>
      plain_jumps;  // "INPUT -j firewright-input" -> how many
  std::set<std::string, std::less<>> jumped_to_by_others;  // in another way than a plain jump
};

Loaded read(std::string_view saved) {
  Loaded loaded;
  bool in_filter = false;
  for (const auto line : lines_of(saved)) {
    if (line.starts_with('*')) in_filter = line == "*filter";
    if (!in_filter) continue;
    auto words = words_of(line);
    // With --counters, each rule begins with "[packets:bytes]".
    if (!words.empty() && words.front().starts_with('[')) words.erase(words.begin());
    if (line.starts_with(':') && is_own(line.substr(1)))
      loaded.own_chains.emplace(words.front().substr(1));
    if (words.size() < 4 || words[0] != "-A" || is_own(words[1])) continue;
    const auto target = words.back();
    const auto option = words[words.size() - 2];
    if (!is_own(target) || (option != "-j" && option != "-g")) continue;
    if (words.size() == 4 && option == "-j")
      ++loaded.plain_jumps[std::string(words[1]) + " -j " + std::string(target)];
    else
      loaded.jumped_to_by_others.emplace(target);
  }
  return loaded;
}

// Own chains that the file does not know any more: emptied all, then deleted all, since they may
// jump to one another.
// What the file empties itself holds no jump any more.
std::string removals(const Loaded& loaded, const std::set<std::string, std::less<>>& declared,
                     const std::set<std::string, std::less<>>& emptied) {
  std::vector<std::string> stale;
  for (const auto& chain : loaded.own_chains)
    if (!declared.contains(chain)) stale.push_back(chain);

  std::string text;
  for (const auto& chain : stale) text += "-F " + chain + '\n';
  for (const auto& [jump, times] : loaded.plain_jumps)
    if (!declared.contains(jump.substr(jump.rfind(' ') + 1)) &&
        !emptied.contains(jump.substr(0, jump.find(' '))))
      for (unsigned i = 0; i < times; ++i) text += "-D " + jump + '\n';
  for (const auto& chain : stale)
    if (!loaded.jumped_to_by_others.contains(chain)) text += "-X " + chain + '\n';
  return text;
}

// Some chains of a saved filter table.
struct Chains {
  std::map<std::string, std::string> declared;  // with their policies; "-": none
  std::string rules;                            // without counters
};

template <class Wanted>
Chains chains_of(std::string_view saved, const Wanted& wanted) {
  Chains chains;
  bool in_filter = false;
  for (auto line : lines_of(saved)) {
    if (line.starts_with('*')) in_filter = line == "*filter";
    if (!in_filter) continue;
    if (line.starts_with('[')) line.remove_prefix(std::min(line.size(), line.find(' ') + 1));
    const auto words = words_of(line);
    if (words.size() < 2) continue;
    if (line.starts_with(':') && wanted(words[0].substr(1)))
      chains.declared.emplace(words[0].substr(1), words[1]);
    if (words[0] == "-A" && wanted(words[1])) chains.rules += std::string(line) + '\n';
  }
  return chains;
}

}  // namespace

bool needs_noflush(const ir::Program& program, const backend::Options& options) {
  return options.iptables_coexist || managed_chains(program).size() < 3;
}

std::string update(std::string_view file, std::string_view saved) {
  const auto loaded = read(saved);
  std::set<std::string, std::less<>> declared, emptied;
  std::string text;
  for (const auto line : lines_of(file)) {
    if (line.starts_with("-F ")) emptied.emplace(line.substr(3));
    if (line.starts_with(':')) declared.emplace(words_of(line).front().substr(1));
    if (line == "COMMIT") text += removals(loaded, declared, emptied);
    if (line.starts_with("-I ")) {
      const auto known = loaded.plain_jumps.find(line.substr(3));
      const unsigned times = known == loaded.plain_jumps.end() ? 0 : known->second;
      for (unsigned i = 1; i < times; ++i) text += "-D " + std::string(line.substr(3)) + '\n';
      if (times > 0) continue;
    }
    text += std::string(line) + '\n';
  }
  return text;
}

std::string own_part(std::string_view saved) {
  const auto own = chains_of(saved, is_own);
  std::string text = "*filter\n";
  for (const auto& [name, policy] : own.declared) text += ":" + name + " - [0:0]\n";
  text += own.rules;
  for (const auto& [jump, times] : read(saved).plain_jumps) text += "-I " + jump + '\n';
  return text + "COMMIT\n";
}

std::string own_jumps(std::string_view saved, std::span<const std::string> from) {
  std::string text;
  for (const auto& [jump, times] : read(saved).plain_jumps)
    if (std::ranges::find(from, jump.substr(0, jump.find(' '))) != from.end())
      text += "-I " + jump + '\n';
  return text;
}

std::string built_in_part(std::string_view saved, std::span<const std::string> built_in,
                          std::string_view jumps) {
  const auto found = chains_of(saved, [&](std::string_view chain) {
    return std::ranges::find(built_in, chain) != built_in.end();
  });
  std::string text = "*filter\n";
  for (const auto& chain : built_in) {
    const auto policy = found.declared.find(chain);
    text += ":" + chain + " " +
            (policy == found.declared.end() ? std::string("ACCEPT") : policy->second) + " [0:0]\n";
  }
  for (const auto& chain : built_in) text += "-F " + chain + '\n';
  return text.append(found.rules).append(jumps) + "COMMIT\n";
}

std::vector<std::string> managed_chains(const ir::Program& program) {
  std::vector<std::string> chains;
  for (const auto& [hook, chain] : {std::pair{ir::Hook::inbound, "INPUT"},
                                    {ir::Hook::forward, "FORWARD"},
                                    {ir::Hook::outbound, "OUTPUT"}})
    if (program.find(hook) != nullptr) chains.emplace_back(chain);
  return chains;
}

}  // namespace firewright::iptables
