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

// The chain that a line "-A CHAIN ... -j TARGET" jumps or goes to, if it is one of ours.
std::string_view own_target(const Words& words) {
  if (words.size() < 4 || words[0] != "-A" || !is_own(words.back())) return {};
  const auto option = words[words.size() - 2];
  return option == "-j" || option == "-g" ? words.back() : std::string_view{};
}

// The chains of coexist mode that built-in ones jump to. What else of ours a built-in chain leads
// to, belongs to a built-in chain that is ours.
bool is_base(std::string_view chain) {
  if (!is_own(chain)) return false;
  chain.remove_prefix(own_prefix.size());
  return chain == "input" || chain == "forward" || chain == "output";
}

using Names = std::set<std::string, std::less<>>;

// What is known of the filter table that is loaded.
struct Loaded {
  Names own_chains;
  std::map<std::string, unsigned, std::less<>>
      plain_jumps;  // "INPUT -j firewright-input" -> how many
  // Own chains by the chains that lead to them, in another way than such a jump.
  std::map<std::string, std::vector<std::string>, std::less<>> leads_to;
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
    const auto target = own_target(words);
    if (target.empty()) continue;
    if (is_base(target) && !is_own(words[1]) && words.size() == 4 && words[2] == "-j")
      ++loaded.plain_jumps[std::string(words[1]) + " -j " + std::string(target)];
    else
      loaded.leads_to[std::string(words[1])].emplace_back(target);
  }
  return loaded;
}

// Our chains that packets get to from these ones.
Names own_chains_reached(const Loaded& loaded, std::vector<std::string> from) {
  Names reached;
  while (!from.empty()) {
    const auto chain = std::move(from.back());
    from.pop_back();
    if (const auto found = loaded.leads_to.find(chain); found != loaded.leads_to.end())
      for (const auto& target : found->second)
        if (reached.emplace(target).second) from.push_back(target);
  }
  return reached;
}

// What the file empties leads nowhere any more.
Names used_by_built_in(const Loaded& loaded, const Names& emptied) {
  std::vector<std::string> from;
  for (const auto* chain : {"INPUT", "FORWARD", "OUTPUT"})
    if (!emptied.contains(chain)) from.emplace_back(chain);
  return own_chains_reached(loaded, std::move(from));
}

Names jumped_to_by_others(const Loaded& loaded, const Names& emptied) {
  Names chains;
  for (const auto& [from, targets] : loaded.leads_to)
    if (!is_own(from) && !emptied.contains(from)) chains.insert(targets.begin(), targets.end());
  return chains;
}

// Own chains that the file does not know any more: emptied all, then deleted all, since they may
// jump to one another.
std::string removals(const Loaded& loaded, const Names& declared, const Names& emptied) {
  const auto used = used_by_built_in(loaded, emptied);
  const auto needed = jumped_to_by_others(loaded, emptied);
  std::vector<std::string> stale;
  for (const auto& chain : loaded.own_chains)
    if (!declared.contains(chain) && !used.contains(chain)) stale.push_back(chain);

  std::string text;
  for (const auto& chain : stale) text += "-F " + chain + '\n';
  for (const auto& [jump, times] : loaded.plain_jumps)
    if (!declared.contains(jump.substr(jump.rfind(' ') + 1)) &&
        !emptied.contains(jump.substr(0, jump.find(' '))))
      for (unsigned i = 0; i < times; ++i) text += "-D " + jump + '\n';
  for (const auto& chain : stale)
    if (!needed.contains(chain)) text += "-X " + chain + '\n';
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
  Names declared, emptied;
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
  const auto loaded = read(saved);
  const auto used = used_by_built_in(loaded, {});
  std::vector<std::string> bases;
  for (const auto& chain : loaded.own_chains)
    if (is_base(chain)) bases.push_back(chain);
  const auto below = own_chains_reached(loaded, bases);
  const auto own = chains_of(saved, [&](std::string_view chain) {
    return is_base(chain) || below.contains(chain) || (is_own(chain) && !used.contains(chain));
  });
  std::string text = "*filter\n";
  for (const auto& [name, policy] : own.declared) text += ":" + name + " - [0:0]\n";
  text += own.rules;
  for (const auto& [jump, times] : loaded.plain_jumps) text += "-I " + jump + '\n';
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
  const auto reached = own_chains_reached(read(saved), {built_in.begin(), built_in.end()});
  const auto found = chains_of(saved, [&](std::string_view chain) {
    return reached.contains(chain) || std::ranges::find(built_in, chain) != built_in.end();
  });
  std::string text = "*filter\n";
  for (const auto& chain : built_in) {
    const auto policy = found.declared.find(chain);
    text += ":" + chain + " " +
            (policy == found.declared.end() ? std::string("ACCEPT") : policy->second) + " [0:0]\n";
  }
  for (const auto& chain : reached) text += ":" + chain + " - [0:0]\n";
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
