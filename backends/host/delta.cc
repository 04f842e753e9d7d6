#include "backends/host/delta.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "backends/host/attributes.h"
#include "backends/host/subsequence.h"
#include "backends/host/table_model.h"
#include "backends/host/transaction.h"

namespace firewright::host {
namespace {

// The kernel walks a chain to find each rule that is deleted or inserted before. Past so many steps
// the chain's rules are better all made anew.
constexpr std::size_t most_steps = 100'000'000;

// What becomes of things with names: none on the other side is null.
template <class T>
struct Change {
  const T* before = nullptr;
  const T* after = nullptr;
  bool kept = false;  // as it is, though elements or rules in it may change
};

struct SetChange : Change<SetModel> {
  std::vector<Element> gone, added;
  bool emptied = false;  // `gone` is all of it
};

struct ChainChange : Change<ChainModel> {
  std::vector<std::size_t> gone;  // places in `before`
  struct Insertion {
    std::size_t place = 0;                // in `after`
    std::optional<std::uint64_t> before;  // the kept rule that follows
  };
  std::vector<Insertion> added;
  bool flushed = false;
};

template <class C, class T, class Name>
std::vector<C> pair_up(const std::vector<T>& before, const std::vector<T>& after, Name name) {
  using Key = std::decay_t<decltype(name(before[0]))>;
  std::map<Key, std::size_t> places;
  std::vector<C> changes;
  for (const auto& thing : before) {
    places.emplace(name(thing), changes.size());
    changes.emplace_back().before = &thing;
  }
  for (const auto& thing : after) {
    const auto found = places.find(name(thing));
    if (found == places.end())
      changes.emplace_back().after = &thing;
    else
      changes[found->second].after = &thing;
  }
  return changes;
}

class Planner {
 public:
  Planner(const TableModel& live, const TableModel& wanted) : live_(live), wanted_(wanted) {}

  void plan() {
    plan_objects();
    plan_sets();
    chains_ = pair_up<ChainChange>(live_.chains, wanted_.chains,
                                   [](const ChainModel& c) { return std::string_view(c.name); });
    for (auto& chain : chains_) plan_chain(chain);
  }

  // The kernel does not redefine a table or a chain, and a chain that belongs to a rule goes with
  // it.
  [[nodiscard]] bool impossible() const {
    return live_.definition != wanted_.definition ||
           std::any_of(chains_.begin(), chains_.end(), [](const ChainChange& chain) {
             const bool differs = chain.before != nullptr && chain.after != nullptr && !chain.kept;
             return differs || (chain.before != nullptr && chain.before->bound);
           });
  }

  void write(Transaction& out) const {
    for (const auto& chain : chains_) write_gone_rules(out, chain);
    for (const auto& set : sets_)
      if (set.kept && set.emptied)
        out.flush_set(*set.before);
      else if (set.kept && !set.gone.empty())
        out.delete_elements(*set.before, set.gone);
    for (const auto& set : sets_)
      if (set.before != nullptr && !set.kept) out.delete_set(*set.before);
    for (const auto& chain : chains_)
      if (chain.before != nullptr && !chain.kept) out.delete_chain(*chain.before);
    for (const auto& object : objects_)
      if (object.before != nullptr && !object.kept) out.delete_object(*object.before);

    for (const auto& chain : chains_) write_chain(out, chain);
    for (const auto& object : objects_)
      if (object.after != nullptr && !object.kept) out.new_object(*object.after);
    for (const auto& set : sets_) {
      if (set.after != nullptr && !set.kept) out.new_set(*set.after);
      if (set.kept && !set.added.empty()) out.add_elements(*set.after, set.added);
    }
    for (const auto& chain : chains_)
      for (const auto& [place, before] : chain.added)
        out.new_rule(*chain.after, chain.after->rules[place], wanted_, before);
  }

  // Whether a packet could meet a set that is not there for it yet.
  [[nodiscard]] bool must_prepare() const {
    for (const auto& set : sets_)
      if (set.after != nullptr && !set.kept && is_slow(*set.after)) return true;
    for (const auto& chain : chains_)
      for (const auto& added : chain.added)
        for (const auto set : chain.after->rules[added.place].references.anonymous)
          if (is_slow(wanted_.sets[set])) return true;
    return false;
  }

  // Free names for what is made anew under its old one; none are needed where nothing is.
  [[nodiscard]] NewNames detour() const {
    std::set<std::string, std::less<>> taken;
    for (const auto* table : {&live_, &wanted_}) {
      for (const auto& set : table->sets) taken.insert(set.name);
      for (const auto& object : table->objects) taken.insert(object.name.second);
    }
    NewNames names;
    const auto give = [&](const std::string& name) {
      auto other = name + "-next";
      while (!taken.insert(other).second) other += "-next";
      names.emplace(name, other);
    };
    for (const auto& set : sets_)
      if (set.before != nullptr && set.after != nullptr && !set.kept) give(set.after->name);
    for (const auto& object : objects_)
      if (object.before != nullptr && object.after != nullptr && !object.kept)
        give(object.after->name.second);
    return names;
  }

  // What no packet meets before the next transaction: new sets, objects and chains, and behind a
  // chain's last rule all that is to follow the rules that it keeps at its front. A base chain that
  // is new accepts everything until then.
  void write_preparation(Transaction& out) const {
    for (const auto& chain : chains_)
      if (is_new(chain) && can_come_before(chain)) out.new_chain(*chain.after);
    for (const auto& object : objects_)
      if (is_new(object)) out.new_object(*object.after);
    for (const auto& set : sets_)
      if (is_new(set)) out.new_set(*set.after);
    for (const auto& chain : chains_) {
      if (chain.after == nullptr || !can_come_before(chain)) continue;
      if (is_new(chain) && chain.after->policy) out.accept_all(*chain.after);
      const auto& rules = chain.after->rules;
      if (!chain.added.empty())
        for (auto i = same_at_front(chain); i < rules.size(); ++i)
          out.new_rule(*chain.after, rules[i], wanted_, {});
    }
  }

  [[nodiscard]] std::vector<std::string> new_sets() const {
    std::vector<std::string> names;
    for (const auto& set : sets_)
      if (is_new(set)) names.push_back(set.after->name);
    return names;
  }

  void count(Delta& delta) const {
    for (const auto& chain : chains_) {
      const auto before = chain.before == nullptr ? 0 : chain.before->rules.size();
      delta.gone_rules += chain.gone.size();
      delta.new_rules += chain.added.size();
      delta.kept_rules += before - chain.gone.size();
    }
    for (const auto& set : sets_) {
      delta.kept_sets += set.kept ? 1U : 0U;
      delta.gone_sets += set.before != nullptr && !set.kept ? 1U : 0U;
      delta.new_sets += set.after != nullptr && !set.kept ? 1U : 0U;
      delta.gone_elements += set.gone.size();
      delta.new_elements += set.added.size();
    }
  }

 private:
  template <class C>
  static bool is_new(const C& change) {
    return change.before == nullptr && change.after != nullptr;
  }
  // Plain hashed sets are there at once.
  static bool is_slow(const SetModel& set) {
    return (set.intervals() || set.is_map()) && (set.flags & NFT_SET_EVAL) == 0;
  }

  // Not what refers to things that can only be made when the old ones of the same name have gone,
  // and behind the rules of a chain only where no packet gets there.
  [[nodiscard]] bool can_come_before(const ChainChange& chain) const {
    const auto& rules = chain.after->rules;
    if (std::any_of(rules.begin(), rules.end(),
                    [&](const RuleModel& rule) { return is_touched(rule.references); }))
      return false;
    return is_new(chain) || (chain.kept && !chain.before->rules.empty() &&
                             decides_everything(chain.before->rules.back()));
  }

  static std::size_t same_at_front(const ChainChange& chain) {
    if (is_new(chain)) return 0;
    const auto& before = chain.before->rules;
    const auto& after = chain.after->rules;
    std::size_t count = 0;
    while (count < before.size() && count < after.size() &&
           before[count].key() == after[count].key())
      ++count;
    return count;
  }

  void plan_objects() {
    objects_ = pair_up<Change<ObjectModel>>(live_.objects, wanted_.objects,
                                            [](const ObjectModel& object) { return object.name; });
    for (auto& object : objects_) {
      object.kept = object.before != nullptr && object.after != nullptr &&
                    object.before->definition == object.after->definition;
      if (!object.kept && object.before != nullptr) replaced_objects_.insert(object.before->name);
    }
  }

  void plan_sets() {
    // Anonymous ones come and go with their rules, and have names only in the kernel.
    sets_ = pair_up<SetChange>(live_.sets, wanted_.sets,
                               [](const SetModel& set) { return std::string_view(set.name); });
    std::erase_if(sets_, [](SetChange& set) {
      if (set.before != nullptr && set.before->anonymous()) set.before = nullptr;
      if (set.after != nullptr && set.after->anonymous()) set.after = nullptr;
      return set.before == nullptr && set.after == nullptr;
    });
    for (auto& set : sets_) {
      set.kept = set.before != nullptr && set.after != nullptr && can_be_kept(set);
      if (set.kept) continue;
      set.gone.clear();
      set.added.clear();
      set.emptied = false;
      if (set.before != nullptr) replaced_sets_.insert(set.before->name);
    }
  }

  bool can_be_kept(SetChange& set) const {
    if (!are_defined_alike(*set.before, *set.after)) return false;
    for (const auto& object : set.before->objects)
      if (replaced_objects_.contains(object)) return false;
    compare(set);
    if (set.gone.empty() && set.added.empty()) return true;
    if ((set.before->flags & NFT_SET_CONSTANT) != 0) return false;
    // Of an interval, a start and an end go and come together, and neighbours may touch.
    if (set.before->intervals() && !set.before->living()) {
      set.emptied = !set.before->elements.empty();
      set.gone = set.before->elements;
      set.added = set.after->elements;
    }
    // What goes makes room for what comes only in the next transaction.
    const auto full = (set.emptied ? 0 : set.before->elements.size()) + set.added.size();
    return set.before->size == 0 || full <= set.before->size;
  }

  // How much room a set of single keys was promised is no difference while there is enough.
  static bool are_defined_alike(const SetModel& before, const SetModel& after) {
    if (before.definition == after.definition) return true;
    if (before.intervals() || before.living() || after.intervals() || after.living()) return false;
    return without_room(before.definition) == without_room(after.definition);
  }
  static std::string without_room(std::string_view definition) {
    std::string rest;
    AttributeReader reader(definition);
    while (const auto attribute = reader.next())
      if (attribute->type != NFTA_SET_DESC) put_attribute(rest, attribute->type, attribute->value);
    return rest;
  }

  static void compare(SetChange& set) {
    const auto& before = *set.before;
    const auto& after = *set.after;
    if ((before.flags & NFT_SET_EVAL) != 0) return;
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < before.elements.size() || j < after.elements.size()) {
      const int order = i == before.elements.size()  ? 1
                        : j == after.elements.size() ? -1
                                                     : compare_elements(before, before.elements[i],
                                                                        after, after.elements[j]);
      if (order < 0) set.gone.push_back(before.elements[i]);
      if (order > 0) set.added.push_back(after.elements[j]);
      if (order <= 0) ++i;
      if (order >= 0) ++j;
    }
    // What times out may be gone before it can be deleted.
    if (before.living()) set.gone.clear();
  }

  [[nodiscard]] bool is_touched(const References& references) const {
    const auto set = [&](const std::string& name) { return replaced_sets_.contains(name); };
    const auto object = [&](const ObjectName& name) { return replaced_objects_.contains(name); };
    return std::any_of(references.sets.begin(), references.sets.end(), set) ||
           std::any_of(references.objects.begin(), references.objects.end(), object);
  }

  void plan_chain(ChainChange& chain) {
    if (chain.before != nullptr && chain.after != nullptr)
      chain.kept = chain.before->definition == chain.after->definition &&
                   chain.before->policy.has_value() == chain.after->policy.has_value();
    if (chain.kept) return plan_rules(chain);
    if (chain.before != nullptr) everything(chain.before->rules.size(), chain.gone);
    if (chain.after != nullptr)
      for (std::size_t i = 0; i < chain.after->rules.size(); ++i)
        chain.added.push_back({.place = i, .before = {}});
    chain.flushed = chain.before != nullptr && !chain.before->rules.empty();
  }

  static void everything(std::size_t count, std::vector<std::size_t>& places) {
    places.clear();
    for (std::size_t i = 0; i < count; ++i) places.push_back(i);
  }

  void plan_rules(ChainChange& chain) const {
    const auto& before = chain.before->rules;
    const auto& after = chain.after->rules;
    // A rule that looks into what is made anew is equal to none: no attributes are one byte long.
    std::vector<std::string_view> keys_before;
    std::vector<std::string_view> keys_after;
    for (const auto& rule : before) keys_before.push_back(rule.key());
    for (const auto& rule : after)
      keys_after.push_back(is_touched(rule.references) ? std::string_view("-") : rule.key());
    const auto kept = common_order(keys_before, keys_after);
    std::size_t i = 0;
    std::size_t j = 0;
    for (const auto& [same_before, same_after] : kept) {
      for (; i < same_before; ++i) chain.gone.push_back(i);
      for (; j < same_after; ++j)
        chain.added.push_back({.place = j, .before = before[same_before].handle});
      ++i;
      ++j;
    }
    const auto within = chain.added.size();
    for (; i < before.size(); ++i) chain.gone.push_back(i);
    for (; j < after.size(); ++j) chain.added.push_back({.place = j, .before = {}});
    if ((chain.gone.size() + within) * before.size() > most_steps || kept.empty()) anew(chain);
  }

  static void anew(ChainChange& chain) {
    chain.flushed = !chain.before->rules.empty();
    everything(chain.before->rules.size(), chain.gone);
    chain.added.clear();
    for (std::size_t i = 0; i < chain.after->rules.size(); ++i)
      chain.added.push_back({.place = i, .before = {}});
  }

  static void write_gone_rules(Transaction& out, const ChainChange& chain) {
    if (chain.flushed) return out.flush_chain(*chain.before);
    for (const auto place : chain.gone) out.delete_rule(*chain.before, chain.before->rules[place]);
  }

  static void write_chain(Transaction& out, const ChainChange& chain) {
    if (chain.after == nullptr) return;
    if (!chain.kept)
      out.new_chain(*chain.after);
    else if (chain.before->policy != chain.after->policy)
      out.set_policy(*chain.after);
  }

  const TableModel& live_;
  const TableModel& wanted_;
  std::vector<Change<ObjectModel>> objects_;
  std::vector<SetChange> sets_;
  std::vector<ChainChange> chains_;
  std::set<ObjectName> replaced_objects_;
  std::set<std::string, std::less<>> replaced_sets_;
};

std::size_t rules_of(const TableModel& table) {
  std::size_t rules = 0;
  for (const auto& chain : table.chains) rules += chain.rules.size();
  return rules;
}

std::optional<Delta> finished(Delta result, Transaction& out, std::string& error) {
  result.messages = out.messages();
  auto batch = out.finish();
  if (!batch) {
    error = "an element list is longer than a netlink message can be";
    return std::nullopt;
  }
  result.batch = std::move(*batch);
  return result;
}

// The transaction before, if there has to be one. It need not be possible for all that is wanted:
// then it is as much as it can be.
std::optional<Delta> preparation(const Planner& planner, const TableModel* new_table,
                                 const TableName& table, std::string& error) {
  Delta result;
  result.prepares = true;
  Transaction out(table);
  if (new_table != nullptr) out.new_table(*new_table);
  planner.write_preparation(out);
  result.filled = planner.new_sets();
  return finished(std::move(result), out, error);
}

std::optional<Delta> removal(const TableModel& live, const TableName& table, std::string& error) {
  Delta result;
  Transaction out(table);
  if (live.exists) out.delete_table();
  result.gone_rules = rules_of(live);
  return finished(std::move(result), out, error);
}

// In place of a table that is deleted, or of none.
std::optional<Delta> creation(const TableModel& live, const TableModel& wanted,
                              const TableName& table, std::string& error,
                              const DeltaOptions& options) {
  if (options.prepare && !live.exists) {
    const TableModel nothing;
    Planner planner(nothing, wanted);
    planner.plan();
    if (planner.must_prepare()) return preparation(planner, &wanted, table, error);
  }
  Delta result;
  Transaction out(table);
  if (live.exists) out.delete_table();
  result.whole = live.exists;
  result.gone_rules = rules_of(live);
  out.new_table(wanted);
  const TableModel nothing;
  Planner planner(nothing, wanted);
  planner.plan();
  planner.count(result);
  planner.write(out);
  return finished(std::move(result), out, error);
}

// Sets that both have are taken apart, unless nothing has to be known of their elements.
bool make_comparable(TableModel& live, TableModel& wanted) {
  std::map<std::string_view, SetModel*> by_name;
  for (auto& set : live.sets) by_name.emplace(set.name, &set);
  for (auto& set : wanted.sets) {
    const auto found = by_name.find(set.name);
    if (found == by_name.end() || have_same_lists(*found->second, set)) continue;
    if (!take_apart(*found->second) || !take_apart(set)) return false;
  }
  return true;
}

}  // namespace

std::optional<Delta> delta(std::string_view live, std::string_view wanted, const TableName& table,
                           std::string& error, const DeltaOptions& options) {
  auto is = read_table(live, table, error, {},
                       options.recalled == nullptr ? ElementsOfSets{} : *options.recalled);
  if (!is) return std::nullopt;
  if (is->owned) {
    error = "table `" + table.second + "` belongs to a running program, which alone may change it";
    return std::nullopt;
  }
  if (wanted.empty()) return removal(*is, table, error);
  auto shall = read_table(wanted, table, error, options.names);
  if (!shall) return std::nullopt;
  if (!shall->exists || shall->owned) {
    error = "what is to be loaded makes no table `" + table.second + "`";
    return std::nullopt;
  }
  if (!is->exists) return creation(*is, *shall, table, error, options);
  if (!make_comparable(*is, *shall)) {
    error = "table `" + table.second + "`: an element is not understood";
    return std::nullopt;
  }
  Planner planner(*is, *shall);
  planner.plan();
  Transaction out(table);
  planner.write(out);
  const bool same = out.messages() == 0 && is->definition == shall->definition;
  if (!same && (options.whole || planner.impossible()))
    return creation(*is, *shall, table, error, options);
  if (options.prepare && planner.must_prepare()) {
    if (Delta result; options.names.empty()) {
      result.detour = planner.detour();
      if (!result.detour.empty()) return result;
    }
    auto before = preparation(planner, nullptr, table, error);
    if (!before || !before->empty()) return before;
  }
  Delta result;
  planner.count(result);
  return finished(std::move(result), out, error);
}

}  // namespace firewright::host
