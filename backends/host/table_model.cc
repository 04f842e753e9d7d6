#include "backends/host/table_model.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <set>
#include <utility>

#include "backends/host/attributes.h"

namespace firewright::host {
namespace {

constexpr std::uint32_t table_owner = 0x2;  // NFT_TABLE_F_OWNER, which old headers lack

// The first attribute of every message names its table.
static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 &&
              NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1 && NFTA_OBJ_TABLE == 1);

std::uint32_t number(std::string_view attributes, std::uint16_t type) {
  const auto value = find_attribute(attributes, type);
  return value ? big_endian_u32(*value).value_or(0) : 0;
}
std::string_view text(std::string_view attributes, std::uint16_t type) {
  return text_of(find_attribute(attributes, type).value_or(std::string_view{}));
}

std::uint64_t handle_of(std::string_view attributes) {
  const auto value = find_attribute(attributes, NFTA_RULE_HANDLE);
  std::uint64_t handle = 0;
  if (!value || value->size() != sizeof handle) return 0;
  for (const char byte : *value) handle = handle << 8U | static_cast<unsigned char>(byte);
  return handle;
}

class Reader final : private SetDirectory {
 public:
  Reader(const TableName& table, std::string& error, const NewNames& names,
         const ElementsOfSets& recalled)
      : table_(table), error_(error), names_(names), recalled_(recalled) {}

  std::optional<TableModel> read(std::string_view messages) {
    MessageReader reader(messages);
    while (const auto message = reader.next())
      if (!take(*message)) return refuse(message->type);
    if (reader.damaged()) return refuse("they are cut off");
    if (!settle_elements()) return refuse("an element is not understood");
    for (const auto& [chain, attributes] : rules_)
      if (!rule(model_.chains[chain], attributes)) return refuse("a rule is not understood");
    return std::move(model_);
  }

 private:
  std::nullopt_t refuse(const std::string& why) {
    error_ = "messages of table `" + table_.second + "`: " + why;
    return std::nullopt;
  }
  std::nullopt_t refuse(std::uint16_t type) {
    return refuse("one of type " + std::to_string(type & 0xffU) + " is not understood");
  }

  bool take(const NetfilterMessage& message) {
    if (message.type == NFNL_MSG_BATCH_BEGIN || message.type == NFNL_MSG_BATCH_END) return true;
    if (message.type >> 8U != NFNL_SUBSYS_NFTABLES) return false;
    const auto kind = message.type & 0xffU;
    if (kind == NFT_MSG_NEWGEN) return true;
    if (message.family != table_.first || text(message.attributes, 1) != table_.second) return true;
    const auto attributes = message.attributes;
    if (kind == NFT_MSG_NEWTABLE) return table(attributes);
    if (kind == NFT_MSG_DELTABLE) return forget();
    if (!model_.exists) return false;
    switch (kind) {
      case NFT_MSG_NEWCHAIN: return chain(attributes);
      case NFT_MSG_NEWOBJ: return object(attributes);
      case NFT_MSG_NEWSET: return set(attributes);
      case NFT_MSG_NEWSETELEM: return elements(message);
      case NFT_MSG_NEWRULE: return later(message);
      default: return false;
    }
  }

  bool forget() {
    model_ = {};
    rules_.clear();
    chains_.clear();
    objects_.clear();
    sets_.clear();
    set_ids_.clear();
    told_.clear();
    return true;
  }

  bool table(std::string_view attributes) {
    std::string definition;
    if (!canonical(Shape::table, attributes, {}, definition)) return false;
    if (model_.exists) return definition == model_.definition;
    model_.exists = true;
    model_.owned = (number(attributes, NFTA_TABLE_FLAGS) & table_owner) != 0;
    model_.definition = std::move(definition);
    return true;
  }

  [[nodiscard]] std::string new_name(const std::string& name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? name : found->second;
  }

  bool chain(std::string_view attributes) {
    ChainModel chain;
    chain.name = text(attributes, NFTA_CHAIN_NAME);
    if (chain.name.empty()) return false;
    if (!chains_.emplace(chain.name, model_.chains.size()).second) return false;
    if (!canonical(Shape::chain, attributes, {}, chain.definition)) return false;
    chain.bound = (number(attributes, NFTA_CHAIN_FLAGS) & NFT_CHAIN_BINDING) != 0;
    if (find_attribute(attributes, NFTA_CHAIN_HOOK)) {
      const auto policy = find_attribute(attributes, NFTA_CHAIN_POLICY);
      chain.policy = policy ? big_endian_u32(*policy) : std::uint32_t{NF_ACCEPT};
      if (!chain.policy) return false;
    }
    model_.chains.push_back(std::move(chain));
    return true;
  }

  bool object(std::string_view attributes) {
    ObjectModel object;
    object.name = ObjectName(number(attributes, NFTA_OBJ_TYPE), text(attributes, NFTA_OBJ_NAME));
    if (object.name.second.empty() || !objects_.emplace(object.name, 0).second) return false;
    CanonicalContext context;
    context.object_type = object.name.first;
    if (!canonical(Shape::object, attributes, context, object.definition)) return false;
    object.name.second = new_name(object.name.second);
    model_.objects.push_back(std::move(object));
    return true;
  }

  bool set(std::string_view attributes) {
    SetModel set;
    set.name = text(attributes, NFTA_SET_NAME);
    set.flags = number(attributes, NFTA_SET_FLAGS);
    set.object_type = number(attributes, NFTA_SET_OBJ_TYPE);
    set.timeout = find_attribute(attributes, NFTA_SET_TIMEOUT).value_or(std::string_view{});
    if (const auto description = find_attribute(attributes, NFTA_SET_DESC))
      set.size = number(*description, NFTA_SET_DESC_SIZE);
    if (set.name.empty() || !canonical(Shape::set, attributes, {}, set.definition)) return false;
    const auto index = model_.sets.size();
    if (const auto id = number(attributes, NFTA_SET_ID); id != 0)
      if (!set_ids_.emplace(id, index).second) return false;
    // In a batch an anonymous set has a pattern of a name, which many share.
    const bool pattern = set.name.find('%') != std::string::npos;
    if (!pattern && !sets_.emplace(set.name, index).second) return false;
    set.name = new_name(set.name);
    model_.sets.push_back(std::move(set));
    return true;
  }

  std::optional<std::size_t> index(std::string_view name, std::optional<std::uint32_t> id) const {
    if (const auto found = sets_.find(name); found != sets_.end()) return found->second;
    if (!id) return std::nullopt;
    const auto found = set_ids_.find(*id);
    return found == set_ids_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::optional<NamedSet> find(std::string_view name,
                                             std::optional<std::uint32_t> id) const override {
    const auto found = index(name, id);
    if (!found) return std::nullopt;
    const auto& set = model_.sets[*found];
    return NamedSet{.index = *found,
                    .anonymous = set.anonymous(),
                    .is_map = set.is_map(),
                    .name = set.name,
                    .timeout = set.timeout};
  }

  bool elements(const NetfilterMessage& message) {
    std::optional<std::uint32_t> id;
    if (const auto value = find_attribute(message.attributes, NFTA_SET_ELEM_LIST_SET_ID))
      id = big_endian_u32(*value);
    const auto found = index(text(message.attributes, NFTA_SET_ELEM_LIST_SET), id);
    if (!found) return false;
    auto& set = model_.sets[*found];
    set.lists.push_back(find_attribute(message.attributes, NFTA_SET_ELEM_LIST_ELEMENTS)
                            .value_or(std::string_view{}));
    // What the kernel says of elements is not what it is told to make them.
    if ((message.flags & NLM_F_CREATE) == 0) told_.insert(*found);
    return true;
  }

  // What is large, and simple, stays as it is until somebody has to know.
  bool settle_elements() {
    for (std::size_t i = 0; i < model_.sets.size(); ++i) {
      auto& set = model_.sets[i];
      if (const auto found = recalled_.find(set.name); found != recalled_.end())
        set.lists.insert(set.lists.end(), found->second.begin(), found->second.end());
      std::size_t bytes = 0;
      for (const auto list : set.lists) bytes += list.size();
      const bool simple = !set.anonymous() && !set.living() && set.object_type == 0;
      const bool stays = bytes >= large_set && simple && !told_.contains(i);
      if (!stays && !take_apart(set)) return false;
    }
    return true;
  }

  // Sets are whole only at the end.
  bool later(const NetfilterMessage& message) {
    const auto chain = chains_.find(text(message.attributes, NFTA_RULE_CHAIN));
    if (chain == chains_.end()) return false;
    const bool in_batch = (message.flags & NLM_F_CREATE) != 0;
    const bool at_the_end = (message.flags & NLM_F_APPEND) != 0 &&
                            !find_attribute(message.attributes, NFTA_RULE_POSITION) &&
                            !find_attribute(message.attributes, NFTA_RULE_POSITION_ID);
    if (in_batch && !at_the_end) return false;
    rules_.emplace_back(chain->second, message.attributes);
    return true;
  }

  bool rule(ChainModel& chain, std::string_view attributes) {
    RuleModel rule;
    rule.handle = handle_of(attributes);
    rule.definition.reserve(attributes.size());
    CanonicalContext context;
    context.sets = this;
    context.references = &rule.references;
    context.objects = &names_;
    if (!canonical(Shape::rule, attributes, context, rule.definition)) return false;
    for (const auto i : rule.references.anonymous) {
      const auto& set = model_.sets[i];
      if (rule.with_sets.empty()) rule.with_sets = rule.definition;
      put_part(rule.with_sets, set.definition);
      put_u32(rule.with_sets, 0, static_cast<std::uint32_t>(set.elements.size()));
      for (const auto& element : set.elements) put_part(rule.with_sets, set.bytes_of(element));
    }
    chain.rules.push_back(std::move(rule));
    return true;
  }

  // With its length, so that two parts are not taken for two others.
  static void put_part(std::string& out, std::string_view bytes) {
    const auto length = static_cast<std::uint32_t>(bytes.size());
    out.append(host::bytes_of(length));
    out.append(bytes);
  }

  const TableName& table_;
  std::string& error_;
  const NewNames& names_;
  const ElementsOfSets& recalled_;
  TableModel model_;
  std::vector<std::pair<std::size_t, std::string_view>> rules_;
  std::map<std::string, std::size_t, std::less<>> chains_;
  std::map<ObjectName, std::size_t> objects_;
  std::map<std::string, std::size_t, std::less<>> sets_;
  std::map<std::uint32_t, std::size_t> set_ids_;
  std::set<std::size_t> told_;  // sets with elements that a dump tells
};

bool take_apart(SetModel& set, std::string_view attributes) {
  const auto begin = set.bytes.size();
  CanonicalContext context;
  context.element_timeout = set.timeout;
  if (!canonical(Shape::element, attributes, context, set.bytes)) return false;
  const auto flags = number(attributes, NFTA_SET_ELEM_FLAGS);
  set.elements.push_back({.offset = begin,
                          .length = static_cast<std::uint32_t>(set.bytes.size() - begin),
                          .is_end = (flags & NFT_SET_ELEM_INTERVAL_END) != 0});
  if (const auto object = find_attribute(attributes, NFTA_SET_ELEM_OBJREF))
    set.objects.emplace_back(set.object_type, text_of(*object));
  return true;
}

void sort_elements(SetModel& set) {
  const auto has_last_key = [&](const Element& element) {
    return find_attribute(set.bytes_of(element), NFTA_SET_ELEM_KEY_END).has_value();
  };
  if (set.intervals() && std::any_of(set.elements.begin(), set.elements.end(), has_last_key))
    return;
  const auto less = [&](const Element& x, const Element& y) {
    return compare_elements(set, x, set, y) < 0;
  };
  if (!std::is_sorted(set.elements.begin(), set.elements.end(), less))
    std::sort(set.elements.begin(), set.elements.end(), less);
  if (set.intervals()) return;
  // A hashed set that grows while it is dumped tells some of its elements twice.
  const auto same = [&](const Element& x, const Element& y) {
    return set.bytes_of(x) == set.bytes_of(y);
  };
  set.elements.erase(std::unique(set.elements.begin(), set.elements.end(), same),
                     set.elements.end());
}

}  // namespace

bool have_same_lists(const SetModel& a, const SetModel& b) {
  return !a.lists.empty() && a.lists == b.lists;
}

bool take_apart(SetModel& set) {
  for (const auto list : std::exchange(set.lists, {})) {
    AttributeReader reader(list);
    while (const auto attribute = reader.next())
      if (attribute->type != NFTA_LIST_ELEM || !take_apart(set, attribute->value)) return false;
    if (reader.damaged()) return false;
  }
  sort_elements(set);
  return true;
}

bool SetModel::anonymous() const { return (flags & NFT_SET_ANONYMOUS) != 0; }
bool SetModel::intervals() const { return (flags & NFT_SET_INTERVAL) != 0; }
bool SetModel::is_map() const { return (flags & NFT_SET_MAP) != 0; }
bool SetModel::living() const { return (flags & (NFT_SET_EVAL | NFT_SET_TIMEOUT)) != 0; }

int compare_elements(const SetModel& a, const Element& x, const SetModel& b, const Element& y) {
  const auto first = a.bytes_of(x);
  const auto second = b.bytes_of(y);
  AttributeReader of_first(first);
  AttributeReader of_second(second);
  const auto key = of_first.next();
  const auto other = of_second.next();
  if (key && other && key->type == NFTA_SET_ELEM_KEY && other->type == NFTA_SET_ELEM_KEY)
    if (const int order = key->value.compare(other->value); order != 0) return order;
  if (x.is_end != y.is_end) return x.is_end ? -1 : 1;
  return first.compare(second);
}

bool decides_everything(const RuleModel& rule) {
  const auto expressions = find_attribute(rule.definition, NFTA_RULE_EXPRESSIONS);
  if (!expressions) return false;
  AttributeReader reader(*expressions);
  const auto only = reader.next();
  if (!only || reader.next()) return false;
  const auto name = text(only->value, NFTA_EXPR_NAME);
  if (name == "reject") return true;
  if (name != "immediate") return false;
  const auto data = find_attribute(only->value, NFTA_EXPR_DATA);
  const auto value = data ? find_attribute(*data, NFTA_IMMEDIATE_DATA) : std::nullopt;
  const auto verdict = value ? find_attribute(*value, NFTA_DATA_VERDICT) : std::nullopt;
  if (!verdict) return false;
  // Zero is drop, and left out in the canonical form.
  const auto code = find_attribute(*verdict, NFTA_VERDICT_CODE);
  const auto number = code ? big_endian_u32(*code) : std::uint32_t{NF_DROP};
  return number == std::uint32_t{NF_DROP} || number == std::uint32_t{NF_ACCEPT};
}

std::optional<TableModel> read_table(std::string_view messages, const TableName& table,
                                     std::string& error, const NewNames& names,
                                     const ElementsOfSets& recalled) {
  return Reader(table, error, names, recalled).read(messages);
}

}  // namespace firewright::host
