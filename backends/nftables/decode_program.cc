#include "backends/nftables/decode_program.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "backends/nftables/decode_messages.h"
#include "backends/nftables/decode_names.h"
#include "backends/nftables/decode_run.h"
#include "backends/nftables/decode_sets.h"

namespace firewright::nftables::netlink {
namespace {

FamilySet families_of(std::uint8_t family) {
  switch (family) {
    case NFPROTO_INET: return FamilySet::all();
    case NFPROTO_IPV4: return {Family::ipv4};
    case NFPROTO_IPV6: return {Family::ipv6};
    default: return {};
  }
}

std::optional<ir::Hook> hook_of(const ChainEntry& chain) {
  constexpr std::int32_t conntrack = -200;  // NF_IP_PRI_CONNTRACK
  if (chain.type != "filter") return std::nullopt;
  switch (chain.hook) {
    case NF_INET_LOCAL_IN: return ir::Hook::inbound;
    case NF_INET_FORWARD: return ir::Hook::forward;
    case NF_INET_LOCAL_OUT:
      return chain.priority > conntrack ? std::optional(ir::Hook::outbound) : std::nullopt;
    default: return std::nullopt;
  }
}

// The comment in a rule's user data: type, length and value, the first type being the comment.
std::string_view comment_of(std::string_view user_data) {
  constexpr char comment = 0;
  while (user_data.size() >= 2) {
    const auto length = static_cast<unsigned char>(user_data[1]);
    if (user_data.size() - 2 < length) return {};
    if (user_data[0] == comment) return until_zero(user_data.substr(2, length));
    user_data.remove_prefix(2U + length);
  }
  return {};
}

class Decoder {
 public:
  Decoder(Artifact& artifact, const Tables& tables)
      : artifact_(artifact), tables_(tables), sets_(artifact) {}

  std::optional<ir::Program> decode() {
    choose_chains();
    mark_filled_sets();
    std::vector<const TableEntry*> used;
    for (const auto& base : bases_)
      if (std::find(used.begin(), used.end(), base.table) == used.end()) used.push_back(base.table);
    Names names(used);
    Surroundings around{.artifact = artifact_, .sets = sets_, .names = names, .reached = {}};
    around.reached = [&](const ChainEntry& chain) { reach(chain); };
    for (const auto& base : bases_) {
      table_ = base.table;
      if (!chain(around, *base.chain, base.hook)) return std::nullopt;
      // Chains of a table are reached from its own rules only.
      while (next_ < reached_.size())
        if (!chain(around, *reached_[next_++], std::nullopt)) return std::nullopt;
    }
    if (!sound_jumps()) return std::nullopt;
    return std::move(program_);
  }

 private:
  struct Base {
    const TableEntry* table;
    const ChainEntry* chain;
    ir::Hook hook;
  };

  void choose_chains() {
    for (const auto& table : tables_) {
      if (table->dormant) continue;
      const bool filters = !families_of(table->family).empty();
      for (const auto& chain : table->chains) {
        if (!chain->base) continue;
        if (const auto hook = filters ? hook_of(*chain) : std::nullopt)
          bases_.push_back({table.get(), chain.get(), *hook});
        else if (!chain->rules.empty() || chain->drops)
          artifact_.not_compared(chain->message, "chain `" + chain->name + "` of table `" +
                                                     table->name + "`, of type " + chain->type);
      }
    }
    std::stable_sort(bases_.begin(), bases_.end(), [](const Base& a, const Base& b) {
      if (a.hook != b.hook) return a.hook < b.hook;
      if (a.chain->priority != b.chain->priority) return a.chain->priority < b.chain->priority;
      return a.chain->registered > b.chain->registered;
    });
  }

  // Only sets that packets may fill are asked after.
  void mark_filled_sets() {
    for (const auto& table : tables_) {
      const bool any = std::any_of(table->sets.begin(), table->sets.end(), [](const auto& set) {
        return (set->flags & NFT_SET_EVAL) != 0;
      });
      if (!any) continue;
      for (const auto& chain : table->chains)
        for (const auto& rule : chain->rules) mark_filled_sets(*table, rule);
    }
  }
  static void mark_filled_sets(const TableEntry& table, const RuleEntry& rule) {
    Attributes expressions(rule.expressions);
    while (const auto expression = expressions.next()) {
      const AttributeTable<NFTA_EXPR_MAX> parts(expression->value);
      if (parts.text(NFTA_EXPR_NAME) != "dynset") continue;
      const AttributeTable<NFTA_DYNSET_MAX> attributes(parts[NFTA_EXPR_DATA]);
      auto* set = table.find_set(attributes.text(NFTA_DYNSET_SET_NAME),
                                 attributes.u32(NFTA_DYNSET_SET_ID).value_or(0));
      if (set != nullptr) set->filled_by_packets = true;
    }
  }

  void reach(const ChainEntry& chain) {
    if (known_.emplace(&chain, true).second) reached_.push_back(&chain);
  }

  bool chain(Surroundings& around, const ChainEntry& entry, std::optional<ir::Hook> hook) {
    ir::Chain chain{.name = around.names.chain(*table_, entry),
                    .hook = hook,
                    .policy = entry.drops ? ir::VerdictKind::drop : ir::VerdictKind::accept,
                    .rules = {}};
    const auto families = families_of(table_->family);
    if (hook && entry.drops && !families.is_all()) chain.rules.push_back(other_family(entry));
    chain.rules.reserve(chain.rules.size() + entry.rules.size());
    std::size_t number = 0;
    for (const auto& rule : entry.rules) {
      const auto numbered = std::to_string(++number);
      const auto stem = chain.name + "-" + numbered;
      const auto comment = comment_of(rule.user_data);
      const RulePlace place{
          .table = *table_,
          .message = rule.message,
          .families = families,
          .stem = stem,
          .origin = {.kind = ir::OriginKind::decoded,
                     .label = comment.empty() ? chain.name + " " + numbered : std::string(comment),
                     .reason = {},
                     .span = artifact_.span(rule.message)}};
      if (!Run(around, place, chain.rules).run(rule.expressions)) return false;
    }
    program_.chains.push_back(std::move(chain));
    return true;
  }

  [[nodiscard]] ir::Rule other_family(const ChainEntry& entry) const {
    ir::Rule rule;
    ir::restrict_families(rule.match, FamilySet::all() - families_of(table_->family));
    rule.verdict = ir::Verdict::accept();
    rule.origin = {.kind = ir::OriginKind::decoded,
                   .label = entry.name + " is of one family",
                   .reason = {},
                   .span = artifact_.span(entry.message)};
    return rule;
  }

  // The kernel takes no circles, and no jumps deeper than this.
  bool sound_jumps() {
    constexpr std::size_t deepest = 16;  // NFT_JUMP_STACK_SIZE
    std::map<std::string_view, std::size_t> index;
    for (std::size_t i = 0; i < program_.chains.size(); ++i) index[program_.chains[i].name] = i;
    std::vector<std::vector<std::size_t>> targets(program_.chains.size());
    std::vector<std::size_t> incoming(program_.chains.size(), 0);
    for (std::size_t i = 0; i < program_.chains.size(); ++i) {
      for (const auto& rule : program_.chains[i].rules)
        if (!rule.verdict.chain.empty()) targets[i].push_back(index.at(rule.verdict.chain));
      std::sort(targets[i].begin(), targets[i].end());
      targets[i].erase(std::unique(targets[i].begin(), targets[i].end()), targets[i].end());
      for (const auto target : targets[i]) ++incoming[target];
    }
    std::vector<std::size_t> ready;
    std::vector<std::size_t> depth(program_.chains.size(), 0);
    for (std::size_t i = 0; i < incoming.size(); ++i)
      if (incoming[i] == 0) ready.push_back(i);
    for (std::size_t done = 0; done < ready.size(); ++done)
      for (const auto target : targets[ready[done]]) {
        depth[target] = std::max(depth[target], depth[ready[done]] + 1);
        if (--incoming[target] == 0) ready.push_back(target);
      }
    const auto place = artifact_.bytes().substr(0, 0);
    if (ready.size() < program_.chains.size()) {
      artifact_.conflict(place, "chains jump in a circle");
      return false;
    }
    if (std::any_of(depth.begin(), depth.end(), [](std::size_t d) { return d > deepest; })) {
      artifact_.conflict(place, "chains jump deeper than the kernel follows");
      return false;
    }
    return true;
  }

  Artifact& artifact_;
  const Tables& tables_;
  SetReader sets_;
  std::vector<Base> bases_;
  const TableEntry* table_ = nullptr;
  std::map<const ChainEntry*, bool> known_;
  std::vector<const ChainEntry*> reached_;
  std::size_t next_ = 0;
  ir::Program program_;
};

}  // namespace

std::optional<ir::Program> decode_messages(const Sources& sources, FileId file, Sink& sink) {
  Artifact artifact(sources.file(file).text(), file, sink);
  if (artifact.bytes().size() >= std::numeric_limits<std::uint32_t>::max()) {
    artifact.kind({}, "file of more than 4 GiB", "places in it could not be named");
    return std::nullopt;
  }
  const auto tables = execute_messages(artifact);
  if (!tables) return std::nullopt;
  return Decoder(artifact, *tables).decode();
}

}  // namespace firewright::nftables::netlink
