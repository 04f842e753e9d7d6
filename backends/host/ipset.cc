#include "backends/host/ipset.h"

#include <poll.h>

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

#include "backends/host/outcome.h"
#include "backends/host/process.h"

namespace firewright::host {
namespace {

// "fw-net6-port-0123456789abcdef"
constexpr std::string_view kinds[] = {"fw-ip4-",       "fw-ip6-",      "fw-net4-",
                                      "fw-net6-",      "fw-ip4-port-", "fw-ip6-port-",
                                      "fw-net4-port-", "fw-net6-port-"};
constexpr std::size_t digits = 16;

// nf_tables lets go of what rules referred to a moment after they are gone.
constexpr int patience = 25;
constexpr int moment = 20;  // milliseconds

template <class F>
void for_each_line(std::string_view text, const F& take) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    take(line);
  }
}

// The word at a place, counted from 0.
std::string_view word(std::string_view line, int place) {
  for (;; --place) {
    const auto end = line.find(' ');
    if (place == 0) return line.substr(0, end);
    if (end == std::string_view::npos) return {};
    line.remove_prefix(end + 1);
  }
}

struct OwnSets {
  std::map<std::string, std::unordered_set<std::string_view>, std::less<>> elements;
  std::string creates, adds;  // the lines
};

OwnSets own_sets(std::string_view text) {
  OwnSets own;
  auto last = own.elements.end();
  for_each_line(text, [&](std::string_view line) {
    const auto name = word(line, 1);
    if (line.starts_with("create ") && is_own_set(name)) {
      last = own.elements.try_emplace(std::string(name)).first;
      own.creates.append(line) += '\n';
    } else if (line.starts_with("add ")) {
      if (last == own.elements.end() || last->first != name) last = own.elements.find(name);
      if (last == own.elements.end()) return;
      last->second.insert(word(line, 2));
      own.adds.append(line) += '\n';
    }
  });
  return own;
}

std::optional<std::set<std::string, std::less<>>> names_of(const std::string& ipset,
                                                           Result& result) {
  const auto finished = run({ipset, "list", "-name"}, {});
  result = judge(ipset, finished);
  if (!result.ok()) return std::nullopt;
  std::set<std::string, std::less<>> names;
  for_each_line(finished.out, [&](std::string_view line) { names.emplace(line); });
  return names;
}

// What is in a set of ours, and should not be.
std::string removals(const std::string& name, const std::unordered_set<std::string_view>& elements,
                     const std::string& ipset) {
  std::string text;
  const auto finished = run({ipset, "save", name}, {});
  for_each_line(finished.out, [&](std::string_view line) {
    if (!line.starts_with("add ") || elements.contains(word(line, 2))) return;
    text.append("del ").append(name) += ' ';
    text.append(word(line, 2)) += '\n';
  });
  return text;
}

}  // namespace

bool is_own_set(std::string_view name) {
  return std::ranges::any_of(kinds, [&](std::string_view kind) {
    return name.size() == kind.size() + digits && name.starts_with(kind) &&
           name.find_first_not_of("0123456789abcdef", kind.size()) == std::string_view::npos;
  });
}

std::set<std::string> sets_in(std::string_view rules) {
  constexpr std::string_view option = " --match-set ";
  std::set<std::string> names;
  for (auto at = rules.find(option); at != std::string_view::npos; at = rules.find(option, at)) {
    at += option.size();
    names.emplace(rules.substr(at, rules.find_first_of(" \n", at) - at));
  }
  return names;
}

std::set<std::string> own_sets_in(std::string_view rules) {
  auto names = sets_in(rules);
  std::erase_if(names, [](const std::string& name) { return !is_own_set(name); });
  return names;
}

bool has_sets(const std::string& ipset) {
  Result ignored;
  const auto names = names_of(ipset, ignored);
  return names && !names->empty();
}

LoadedSets load_sets(std::string_view text, bool only_names, const std::string& ipset) {
  LoadedSets loaded;
  const auto own = own_sets(text);
  if (own.elements.empty()) return loaded;
  const auto before = names_of(ipset, loaded.result);
  if (!before) return loaded;
  std::string commands;
  for (const auto& [name, elements] : own.elements) {
    if (!before->contains(name))
      loaded.made.push_back(name);
    else if (!only_names)
      commands += removals(name, elements, ipset);
  }
  commands += own.creates;
  if (!only_names) commands += own.adds;
  loaded.result = judge(ipset, run({ipset, "restore", "-exist"}, commands));
  if (!loaded.result.ok()) destroy_sets(std::exchange(loaded.made, {}), ipset);
  return loaded;
}

void destroy_sets(const std::vector<std::string>& names, const std::string& ipset) {
  auto left = names;
  for (int i = 0; i < patience && !left.empty(); ++i) {
    if (i > 0) (void)poll(nullptr, 0, moment);
    std::erase_if(left,
                  [&](const std::string& name) { return run({ipset, "destroy", name}, {}).ok(); });
  }
}

void destroy_other_sets(std::string_view text, const std::string& ipset) {
  Result ignored;
  const auto names = names_of(ipset, ignored);
  if (!names) return;
  const auto own = own_sets(text);
  std::vector<std::string> others;
  for (const auto& name : *names)
    if (is_own_set(name) && !own.elements.contains(name)) others.push_back(name);
  destroy_sets(others, ipset);
}

std::optional<std::string> save_sets(const std::set<std::string>& names, std::string& error,
                                     const std::string& ipset) {
  std::string text;
  for (const auto& name : names) {
    auto finished = run({ipset, "save", name}, {});
    if (const auto result = judge(ipset, finished); !result.ok()) {
      error = result.error;
      return std::nullopt;
    }
    text += finished.out;
  }
  return text;
}

}  // namespace firewright::host
