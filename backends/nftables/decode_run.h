// One rule of the kernel, run without a packet: expression by expression, over worlds (see
// decode_worlds.h), to rules of the IR.
//
// Conditions that are not looked into become opaque predicates and a note: bytes that are no field
// of the IR, `meta mark` and its like, routes, sockets, options. What changes packets or hands them
// elsewhere (nat, queue, marks, ...) is an error, and so are the expressions that iptables-nft
// writes, whose rules are read through iptables-save. Left out, since they decide nothing:
// anonymous counters, `last`, tracing, and changes of the MSS, DSCP, priority, helper and security
// mark. `add @set { ... }` without a limit counts under its own text.
//
// Limits. A limit is true while it has tokens only for the packets that reach it; where conditions
// follow it, it spends tokens on others too, and is opaque. So are limits "over" a rate, by bytes,
// and quotas, each for itself. An element of a dynamic set that may be forgotten before its bucket
// is full again is no bucket for each source either.
#pragma once

#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/nftables/decode_attributes.h"
#include "backends/nftables/decode_names.h"
#include "backends/nftables/decode_sets.h"
#include "backends/nftables/decode_tables.h"
#include "backends/nftables/decode_worlds.h"

namespace firewright::nftables::netlink {

// What runs of rules share.
struct Surroundings {
  Artifact& artifact;
  SetReader& sets;
  Names& names;
  // A chain that a rule jumps to.
  std::function<void(const ChainEntry&)> reached;
};

struct RulePlace {
  const TableEntry& table;
  std::string_view message;
  FamilySet families;     // of the table
  std::string_view stem;  // for instances of buckets: "input-3"
  ir::Origin origin;
};

class Run {
 public:
  Run(Surroundings& around, const RulePlace& place, std::vector<ir::Rule>& out);
  // False: an error was reported.
  [[nodiscard]] bool run(std::string_view expressions);

 private:
  struct Expression {
    std::string_view name;
    std::string_view data;
    std::string_view whole;
  };
  using Test = decltype(ir::Predicate::test);
  template <std::size_t last>
  using Attributes = AttributeTable<last>;

  static constexpr std::size_t most_worlds = 500'000;

  [[nodiscard]] static std::optional<Expression> expression_of(const Attribute& attribute);
  bool execute(const Expression& expression);

  // --- worlds and what is written for them (decode_run.cc)
  // Changes each world in place, or adds others; drops the empty ones.
  template <class Step>
  bool each_world(const Step& step);
  // As each_world, for a step that narrows.
  template <class Step>
  bool each_world_narrowed(const Step& step);
  void flush(World& world);
  // A verdict other than `next` ends the world.
  void write(World& world, ir::Verdict verdict);
  bool decide(World& world, const KernelVerdict& verdict, std::string_view place);
  void end(World& world) { world.match.families = {}; }
  bool opaque(World& world, std::string_view place, const std::string& text);
  bool add_bucket(World& world, std::string_view place, ir::Predicate predicate);

  template <std::size_t last>
  bool sound(const Expression& expression, const AttributeTable<last>& attributes);
  bool incomplete(const Expression& expression);
  bool unknown(const Expression& expression);
  // Reads a register in a world; reports if there is nothing in it.
  std::optional<std::span<const Byte>> source(const World& world, const Expression& expression,
                                              std::optional<std::uint32_t> number,
                                              std::size_t length);

  // --- loads (decode_loads.cc)
  bool payload(const Expression& expression);
  bool meta(const Expression& expression);
  bool ct(const Expression& expression);
  bool exthdr(const Expression& expression);
  bool other_load(const Expression& expression);
  bool immediate(const Expression& expression);
  bool bitwise(const Expression& expression);
  bool byteorder(const Expression& expression);
  bool load(const Expression& expression, std::optional<std::uint32_t> number,
            const std::vector<Byte>& bytes);
  bool load_opaque(const Expression& expression, std::optional<std::uint32_t> number,
                   std::size_t length, const std::string& text);
  std::vector<Byte> opaque_bytes(std::size_t length, const std::string& text);

  // --- conditions (decode_conditions.cc)
  bool split_by_ports(std::optional<std::uint32_t> number, std::size_t length);
  bool cmp(const Expression& expression);
  bool range(const Expression& expression);
  bool lookup(const Expression& expression);
  // Follows a lookup in each world; `found` gets a world and a group of the map.
  template <class Found>
  bool look_up_in(const Expression& expression, const SetEntry& set, const Contents& contents,
                  std::optional<std::uint32_t> number, bool inverted, const Found& found);
  // The lower half of a range that begins at 0, which says no more than the upper half behind it.
  [[nodiscard]] bool begins_range(std::uint32_t op, std::string_view data,
                                  std::optional<std::uint32_t> number) const;
  bool compare(World& world, std::vector<World>& more, const Expression& expression,
               std::span<const Byte> bytes, std::uint32_t op, std::string_view data);
  bool in_range(World& world, const Expression& expression, std::span<const Byte> bytes,
                const Ranges& values, bool negated, const std::string& text);
  const SetEntry* set_of(const Expression& expression, std::string_view name, std::uint32_t id);

  // --- statements (decode_statements.cc)
  bool counter(const Expression& expression);
  bool limit(const Expression& expression);
  bool connlimit(const Expression& expression);
  bool quota(const Expression& expression);
  bool log(const Expression& expression);
  bool reject(const Expression& expression);
  bool objref(const Expression& expression);
  bool dynset(const Expression& expression);
  bool use_object(World& world, const Expression& expression, std::uint32_t type,
                  std::string_view name);
  bool reject_world(World& world, const Expression& expression, std::uint32_t type,
                    std::uint8_t code);
  std::optional<Test> limit_test(const Expression& expression, std::string_view data);
  std::optional<Test> connlimit_test(const Expression& expression, std::string_view data);
  std::optional<Test> quota_test(const Expression& expression, std::string_view data);
  std::optional<Test> any_test(const Expression& expression);
  bool per_source(World& world, const Expression& expression, const SetEntry& set, bool update,
                  std::uint64_t timeout, std::span<const Byte> key, const Test& test);

  Artifact& artifact_;
  Surroundings& around_;
  const RulePlace& place_;
  std::vector<ir::Rule>& out_;
  std::vector<World> worlds_;
  std::optional<Expression> next_;  // behind the one that is executed
  std::vector<std::string> opaque_values_;
};

template <class Step>
bool Run::each_world(const Step& step) {
  std::vector<World> more;
  for (auto& world : worlds_)
    if (!step(world, more)) return false;
  if (worlds_.size() + more.size() > most_worlds) {
    artifact_.unknown(place_.message,
                      "rule of more than " + std::to_string(most_worlds) + " products");
    return false;
  }
  const auto empty = [](const World& world) { return is_empty(world.match); };
  std::erase_if(worlds_, empty);
  std::erase_if(more, empty);
  if (worlds_.empty())
    worlds_ = std::move(more);
  else
    std::move(more.begin(), more.end(), std::back_inserter(worlds_));
  return true;
}

template <class Step>
bool Run::each_world_narrowed(const Step& step) {
  return each_world([&](World& world, std::vector<World>& more) {
    flush(world);
    if (world.buckets.empty()) return step(world, more);
    const auto before = world.match;
    const auto old_size = more.size();
    if (!step(world, more)) return false;
    const auto spent_on_others = [&](World& narrowed) {
      if (narrowed.match == before) return;
      for (const auto index : std::exchange(narrowed.buckets, {})) {
        auto& predicate = narrowed.match.predicates[index];
        ir::Match limit;
        limit.predicates.push_back(predicate);
        const auto text = "a limit before other conditions: " + ir::to_text(limit);
        predicate.test = ir::OpaqueMatch{text};
        artifact_.opaque(place_.message, text);
      }
    };
    spent_on_others(world);
    for (auto i = old_size; i < more.size(); ++i) spent_on_others(more[i]);
    return true;
  });
}

template <std::size_t last>
bool Run::sound(const Expression& expression, const AttributeTable<last>& attributes) {
  if (attributes.damaged()) {
    artifact_.syntax(expression.whole,
                     "a broken attribute of `" + std::string(expression.name) + "`");
    return false;
  }
  if (attributes.foreign().data() == nullptr) return true;
  artifact_.unknown(attributes.foreign(), "attribute of " + std::string(expression.name));
  return false;
}

}  // namespace firewright::nftables::netlink
