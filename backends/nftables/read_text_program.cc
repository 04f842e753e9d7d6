#include "backends/nftables/read_text_program.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "backends/nftables/read_text_declarations.h"
#include "backends/nftables/read_text_matches.h"
#include "backends/nftables/read_text_statements.h"

namespace firewright::nftables::script {
namespace {

constexpr std::size_t deepest_jump = 16;           // NFT_JUMP_STACK_SIZE
constexpr std::int64_t conntrack_priority = -200;  // NF_IP_PRI_CONNTRACK

std::string_view family_text(TableFamily family) {
  switch (family) {
    case TableFamily::ip: return "ip";
    case TableFamily::ip6: return "ip6";
    case TableFamily::inet: return "inet";
    case TableFamily::arp: return "arp";
    case TableFamily::bridge: return "bridge";
    case TableFamily::netdev: return "netdev";
  }
  return {};
}

std::optional<ir::Hook> hook_of(const TableTree& table, const ChainTree& chain) {
  if (!chain.base || chain.base->type != "filter" || families_of(table.family).empty())
    return std::nullopt;
  if (chain.base->hook == "input") return ir::Hook::inbound;
  if (chain.base->hook == "forward") return ir::Hook::forward;
  if (chain.base->hook == "output" && chain.base->priority > conntrack_priority)
    return ir::Hook::outbound;
  return std::nullopt;
}

class ProgramMaker {
 public:
  ProgramMaker(const Script& script, const Tree& tree, Sink& sink)
      : script_(script), tree_(tree), sink_(sink), declarations_(script, sink) {}

  std::optional<ir::Program> make() {
    const auto errors = sink_.errors();
    find_base_chains();
    choose_names();
    for (std::size_t next = 0; next < chains_.size(); ++next) read(next);
    if (sink_.errors() != errors) return std::nullopt;
    for (const auto& chain : chains_)
      if (chain.tree->base) (void)depth(chain, 0);
    if (sink_.errors() != errors) return std::nullopt;
    return std::move(program_);
  }

 private:
  struct Chain {
    const TableTree* table = nullptr;
    const ChainTree* tree = nullptr;
    std::optional<ir::Hook> hook;
    std::string name;                // in the program
    std::vector<std::size_t> jumps;  // into chains_
    enum class Depth { unknown, open, known } state = Depth::unknown;
    std::size_t depth = 0;
  };

  void find_base_chains() {
    for (const auto& table : tree_.tables) {
      if (table.dormant) continue;
      for (const auto& [name, place] : table.chain_places) {
        const auto& chain = table.chains[place];
        if (!chain.base) continue;
        const auto hook = hook_of(table, chain);
        if (hook)
          chains_.push_back({.table = &table,
                             .tree = &chain,
                             .hook = hook,
                             .name = {},
                             .jumps = {},
                             .state = {},
                             .depth = 0});
        else
          warn_not_compared(table, chain);
      }
    }
    std::sort(chains_.begin(), chains_.end(), [](const Chain& a, const Chain& b) {
      const auto& left = *a.tree->base;
      const auto& right = *b.tree->base;
      return std::tuple(*a.hook, left.priority, right.made) <
             std::tuple(*b.hook, right.priority, left.made);
    });
  }

  void warn_not_compared(const TableTree& table, const ChainTree& chain) {
    if (chain.rules.empty() && chain.inserted.empty() && !chain.drops) return;
    sink_.report(Kind::artifact_not_compared, chain.span,
                 {"the chain `" + std::string(chain.name) + "` of table `" +
                  std::string(family_text(table.family)) + " " + std::string(table.name) + "` (" +
                  std::string(chain.base->type) + ", " + std::string(chain.base->hook) + ")"});
  }

  // Jumps stay inside a table, so the tables of the base chains are all there are.
  void choose_names() {
    std::map<std::string_view, unsigned> namesakes;
    for (const auto& chain : chains_)
      if (prefixes_.try_emplace(chain.table).second) ++namesakes[chain.table->name];
    for (auto& [table, prefix] : prefixes_) {
      if (prefixes_.size() == 1) continue;
      if (namesakes[table->name] > 1) prefix = std::string(family_text(table->family)) + " ";
      prefix += std::string(table->name) + "/";
    }
    for (std::size_t i = 0; i < chains_.size(); ++i) {
      places_[{chains_[i].table, chains_[i].tree->name}] = i;
      chains_[i].name = new_name(chains_[i].table, chains_[i].tree->name);
    }
  }

  // Names may hold a slash themselves.
  [[nodiscard]] std::string new_name(const TableTree* table, std::string_view chain) {
    auto name = prefixes_.at(table) + std::string(chain);
    while (!names_.insert(name).second) name += "'";
    return name;
  }

  // --- a chain's rules

  void read(std::size_t index) {
    const auto& table = *chains_[index].table;
    const auto& tree = *chains_[index].tree;
    ir::Chain chain{.name = chains_[index].name,
                    .hook = chains_[index].hook,
                    .policy = ir::VerdictKind::accept,
                    .rules = {}};
    chain.rules.reserve(tree.rules.size() + tree.inserted.size() + 1);
    std::size_t number = 0;
    const auto one = [&](const RuleTree& rule) {
      const auto first = chain.rules.size();
      const RulePlace place{.table = table, .chain = tree, .number = ++number};
      if (!read_rule(script_, rule, place, declarations_, sink_, chain.rules)) return;
      for (auto i = first; i < chain.rules.size(); ++i)
        target(index, chain.rules[i].verdict, rule.span);
    };
    for (auto rule = tree.inserted.rbegin(); rule != tree.inserted.rend(); ++rule) one(*rule);
    for (const auto& rule : tree.rules) one(rule);
    if (tree.drops) drop_policy(table, tree, chain);
    program_.chains.push_back(std::move(chain));
  }

  // Makes a jump's target known, and gives it its name in the program.
  void target(std::size_t from, ir::Verdict& verdict, Span span) {
    if (verdict.kind != ir::VerdictKind::jump && verdict.kind != ir::VerdictKind::go_to) return;
    const auto& table = *chains_[from].table;
    const auto known = table.chain_places.find(std::string_view(verdict.chain));
    if (known == table.chain_places.end()) {
      sink_.report(Kind::artifact_undefined, span, {"chain", verdict.chain});
      return;
    }
    const auto& chain = table.chains[known->second];
    if (chain.base) {
      sink_.report(Kind::artifact_conflict, span,
                   {"a jump to the base chain `" + verdict.chain + "`"});
      return;
    }
    const auto [place, fresh] =
        places_.try_emplace({&table, std::string_view(chain.name)}, chains_.size());
    if (fresh)
      chains_.push_back({.table = &table,
                         .tree = &chain,
                         .hook = {},
                         .name = new_name(&table, chain.name),
                         .jumps = {},
                         .state = {},
                         .depth = 0});
    auto& jumps = chains_[from].jumps;
    if (jumps.empty() || jumps.back() != place->second) jumps.push_back(place->second);
    verdict.chain = chains_[place->second].name;
  }

  void drop_policy(const TableTree& table, const ChainTree& tree, ir::Chain& chain) {
    const auto families = families_of(table.family);
    if (families.is_all()) {
      chain.policy = ir::VerdictKind::drop;
      return;
    }
    std::vector<ir::Rule> rules;
    for (auto& rule : chain.rules) {
      const auto kind = rule.verdict.kind;
      if (kind == ir::VerdictKind::return_) rule.verdict = ir::Verdict::drop();
      if (kind == ir::VerdictKind::go_to) rule.verdict.kind = ir::VerdictKind::jump;
      rules.push_back(std::move(rule));
      if (kind != ir::VerdictKind::go_to) continue;
      auto back = rules.back();
      back.effects = {};
      back.verdict = ir::Verdict::drop();
      rules.push_back(std::move(back));
    }
    ir::Rule last;
    ir::restrict_families(last.match, families);
    last.verdict = ir::Verdict::drop();
    last.origin.label = std::string(tree.name) + " policy";
    last.origin.span = tree.span;
    rules.push_back(std::move(last));
    chain.rules = std::move(rules);
  }

  // --- jumps

  // How deep the jumps go from here. Circles end at the depth that is refused anyway.
  std::size_t depth(const Chain& chain, std::size_t level) {
    auto& entry = chains_[places_.at({chain.table, std::string_view(chain.tree->name)})];
    if (entry.state == Chain::Depth::known) return entry.depth;
    if (entry.state == Chain::Depth::open) return refuse(entry, "jumps lead back to this chain");
    if (level > deepest_jump) return refuse(entry, "jumps lead deeper than the kernel goes");
    entry.state = Chain::Depth::open;
    std::size_t below = 0;
    for (const auto next : entry.jumps) {
      const auto under = depth(chains_[next], level + 1) + 1;
      if (under > deepest_jump) {
        entry.state = Chain::Depth::known;
        entry.depth = deepest_jump;
        return refuse(entry, "jumps lead deeper than the kernel goes");
      }
      below = std::max(below, under);
    }
    entry.state = Chain::Depth::known;
    entry.depth = below;
    return below;
  }

  std::size_t refuse(const Chain& chain, const char* why) {
    if (!refused_) sink_.report(Kind::artifact_conflict, chain.tree->span, {why});
    refused_ = true;
    return 0;
  }

  const Script& script_;
  const Tree& tree_;
  Sink& sink_;
  Declarations declarations_;
  std::vector<Chain> chains_;  // base chains first, then as they are reached
  std::map<const TableTree*, std::string> prefixes_;
  std::map<std::pair<const TableTree*, std::string_view>, std::size_t> places_;
  std::set<std::string> names_;
  ir::Program program_;
  bool refused_ = false;
};

}  // namespace

std::optional<ir::Program> make_program(const Script& script, const Tree& tree, Sink& sink) {
  return ProgramMaker(script, tree, sink).make();
}

}  // namespace firewright::nftables::script
