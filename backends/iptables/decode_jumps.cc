#include "backends/iptables/decode_jumps.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace firewright::iptables::decoder {
namespace {

using Named = std::pair<std::string_view, std::size_t>;

std::vector<std::vector<std::size_t>> edges(std::span<const JumpingChain> chains) {
  std::vector<Named> index;
  for (std::size_t i = 0; i < chains.size(); ++i) index.emplace_back(chains[i].name, i);
  std::sort(index.begin(), index.end());
  std::vector<std::vector<std::size_t>> result(chains.size());
  for (std::size_t i = 0; i < chains.size(); ++i) {
    for (const auto& name : chains[i].to) {
      const auto found =
          std::lower_bound(index.begin(), index.end(), Named(name, 0),
                           [](const Named& a, const Named& b) { return a.first < b.first; });
      if (found != index.end() && found->first == name) result[i].push_back(found->second);
    }
    std::sort(result[i].begin(), result[i].end());
    result[i].erase(std::unique(result[i].begin(), result[i].end()), result[i].end());
  }
  return result;
}

}  // namespace

// Depth first, without recursion: a file may nest as deep as it has chains.
void check_circles(std::span<const JumpingChain> chains, Report& report) {
  const auto next = edges(chains);
  constexpr unsigned unknown = 0, open = 1, first_depth = 2;
  std::vector<unsigned> state(chains.size(), unknown);    // done: its depth from `first_depth` on
  std::vector<std::pair<std::size_t, std::size_t>> path;  // chain, and how many jumps are done
  for (std::size_t start = 0; start < chains.size(); ++start) {
    if (state[start] != unknown) continue;
    state[start] = open;
    path.assign(1, {start, 0});
    while (!path.empty()) {
      auto& [chain, done] = path.back();
      if (done < next[chain].size()) {
        const auto to = next[chain][done++];
        if (state[to] == open) {
          report.say(Kind::artifact_conflict, chains[to].declared,
                     {"the chain `" + chains[to].name + "` jumps to itself, by way of `" +
                      chains[chain].name + "`"});
          return;
        }
        if (state[to] == unknown) {
          state[to] = open;
          path.emplace_back(to, 0);
        }
        continue;
      }
      unsigned depth = first_depth;
      for (const auto to : next[chain]) depth = std::max(depth, state[to] + 1);
      if (depth > first_depth + deepest_jump) {
        report.syntax(chains[chain].declared,
                      "chains that jump more than " + std::to_string(deepest_jump) + " deep");
        return;
      }
      state[chain] = depth;
      path.pop_back();
    }
  }
}

}  // namespace firewright::iptables::decoder
