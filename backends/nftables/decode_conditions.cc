// Expressions that compare what is in registers.
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <utility>

#include "backends/nftables/decode_run.h"

namespace firewright::nftables::netlink {
namespace {

std::string_view op_text(std::uint32_t op) {
  switch (op) {
    case NFT_CMP_EQ: return " == ";
    case NFT_CMP_NEQ: return " != ";
    case NFT_CMP_LT: return " < ";
    case NFT_CMP_LTE: return " <= ";
    case NFT_CMP_GT: return " > ";
    default: return " >= ";
  }
}

// The numbers that compare so with `value`.
Ranges ordered(std::uint32_t op, u128 value, u128 last) {
  switch (op) {
    case NFT_CMP_LT: return value == 0 ? Ranges{} : Ranges{{0, value - 1}};
    case NFT_CMP_LTE: return {{0, value}};
    case NFT_CMP_GT: return value == last ? Ranges{} : Ranges{{value + 1, last}};
    case NFT_CMP_GTE: return {{value, last}};
    default: return {{value, value}};
  }
}

bool constants_differ(const Row& row, std::string_view data) {
  return std::any_of(row.constants.begin(), row.constants.end(), [&](const auto& constant) {
    return static_cast<unsigned char>(data[constant.first]) != constant.second;
  });
}

// The values of each component that equal `data`. None: some cannot be said.
std::optional<Box> equal_values(const Row& row, std::string_view data) {
  Box values;
  for (const auto& component : row.components) {
    const u128 number = number_of(component, data);
    auto of_one = preimage(component, {{number, number}});
    if (!of_one) return std::nullopt;
    values.push_back(std::move(*of_one));
  }
  return values;
}

}  // namespace

// So that ports are looked into where there are ports, whatever the others hold there.
bool Run::split_by_ports(std::optional<std::uint32_t> number, std::size_t length) {
  if (!number) return true;
  return each_world([&](World& world, std::vector<World>& more) {
    const auto bytes = world.registers.read(*number, length);
    auto protocols = bytes ? split_protocols(*bytes, world.match) : std::nullopt;
    if (!protocols) return true;
    World& others = more.emplace_back(world);
    others.match.protocols = std::move(protocols->second);
    world.match.protocols = std::move(protocols->first);
    return true;
  });
}

bool Run::cmp(const Expression& expression) {
  const Attributes<NFTA_CMP_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  const auto number = attributes.u32(NFTA_CMP_SREG);
  const auto op = attributes.u32(NFTA_CMP_OP);
  const AttributeTable<NFTA_DATA_MAX> nested(attributes[NFTA_CMP_DATA]);
  const auto data = nested[NFTA_DATA_VALUE];
  if (!op || *op > NFT_CMP_GTE || data.empty() || data.size() > Registers::size)
    return incomplete(expression);
  if (!split_by_ports(number, data.size())) return false;
  const bool says_nothing = begins_range(*op, data, number);
  return each_world_narrowed([&](World& world, std::vector<World>& more) {
    const auto bytes = source(world, expression, number, data.size());
    if (!bytes) return false;
    return says_nothing || compare(world, more, expression, *bytes, *op, data);
  });
}

bool Run::begins_range(std::uint32_t op, std::string_view data,
                       std::optional<std::uint32_t> number) const {
  if (op != NFT_CMP_GTE || !next_ || next_->name != "cmp" ||
      data.find_first_not_of('\0') != std::string_view::npos)
    return false;
  const Attributes<NFTA_CMP_MAX> attributes(next_->data);
  const auto next_op = attributes.u32(NFTA_CMP_OP);
  const AttributeTable<NFTA_DATA_MAX> nested(attributes[NFTA_CMP_DATA]);
  return !attributes.damaged() && attributes.u32(NFTA_CMP_SREG) == number &&
         (next_op == NFT_CMP_LTE || next_op == NFT_CMP_LT) &&
         nested[NFTA_DATA_VALUE].size() == data.size();
}

bool Run::compare(World& world, std::vector<World>& more, const Expression& expression,
                  std::span<const Byte> bytes, std::uint32_t op, std::string_view data) {
  const auto text = [&] {
    return describe(bytes, world.match, opaque_values_) + std::string(op_text(op)) + hex(data);
  };
  const auto row = resolve(bytes, world.match);
  if (!row) return opaque(world, expression.whole, text());
  if (op != NFT_CMP_EQ && op != NFT_CMP_NEQ) {
    if (row->components.size() != 1 || !row->constants.empty())
      return opaque(world, expression.whole, text());
    const auto& component = row->components[0];
    return in_range(world, expression, bytes,
                    ordered(op, number_of(component, data), largest(component.count)),
                    /*negated=*/false, text());
  }
  const bool differ = constants_differ(*row, data);
  if (op == NFT_CMP_EQ && differ) end(world);
  if (differ) return true;
  const auto values = equal_values(*row, data);
  if (!values) return opaque(world, expression.whole, text());
  if (op == NFT_CMP_EQ) {
    bool exactly = true;
    for (std::size_t i = 0; i < values->size(); ++i)
      exactly =
          narrow(world.match, row->components[i].field, (*values)[i], false) == Narrowed::yes &&
          exactly;
    return exactly || opaque(world, expression.whole, text());
  }
  if (values->empty()) {
    end(world);
    return true;
  }
  // Not equal: the first field differs, or the first is equal and the second differs, ...
  std::vector<World> worlds;
  auto equal_so_far = world.match;
  for (std::size_t i = 0; i < values->size(); ++i) {
    const auto field = row->components[i].field;
    World& differing = worlds.emplace_back(world);
    differing.match = equal_so_far;
    const bool exactly = narrow(differing.match, field, (*values)[i], true) == Narrowed::yes &&
                         (i + 1 == values->size() ||
                          narrow(equal_so_far, field, (*values)[i], false) == Narrowed::yes);
    if (!exactly) return opaque(world, expression.whole, text());
  }
  world = std::move(worlds.front());
  std::move(worlds.begin() + 1, worlds.end(), std::back_inserter(more));
  return true;
}

bool Run::in_range(World& world, const Expression& expression, std::span<const Byte> bytes,
                   const Ranges& values, bool negated, const std::string& text) {
  const auto row = resolve(bytes, world.match);
  if (!row || row->components.size() != 1 || !row->constants.empty())
    return opaque(world, expression.whole, text);
  const auto mapped = preimage(row->components[0], values);
  if (!mapped || narrow(world.match, row->components[0].field, *mapped, negated) != Narrowed::yes)
    return opaque(world, expression.whole, text);
  return true;
}

bool Run::range(const Expression& expression) {
  const Attributes<NFTA_RANGE_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  const auto number = attributes.u32(NFTA_RANGE_SREG);
  const auto op = attributes.u32(NFTA_RANGE_OP);
  const AttributeTable<NFTA_DATA_MAX> from(attributes[NFTA_RANGE_FROM_DATA]);
  const AttributeTable<NFTA_DATA_MAX> to(attributes[NFTA_RANGE_TO_DATA]);
  const auto low = from[NFTA_DATA_VALUE];
  const auto high = to[NFTA_DATA_VALUE];
  if (!op || *op > NFT_RANGE_NEQ || low.empty() || low.size() != high.size() ||
      low.size() > Registers::size)
    return incomplete(expression);
  if (!split_by_ports(number, low.size())) return false;
  return each_world_narrowed([&](World& world, std::vector<World>&) {
    const auto bytes = source(world, expression, number, low.size());
    if (!bytes) return false;
    const auto text = describe(*bytes, world.match, opaque_values_) +
                      (*op == NFT_RANGE_EQ ? " " : " != ") + hex(low) + "-" + hex(high);
    const auto row = resolve(*bytes, world.match);
    if (!row || row->components.size() != 1 || !row->constants.empty())
      return opaque(world, expression.whole, text);
    Ranges values{{number_of(row->components[0], low), number_of(row->components[0], high)}};
    if (values[0].first > values[0].last) values.clear();
    return in_range(world, expression, *bytes, values, *op == NFT_RANGE_NEQ, text);
  });
}

const SetEntry* Run::set_of(const Expression& expression, std::string_view name, std::uint32_t id) {
  const auto* set = place_.table.find_set(name, id);
  if (set == nullptr) artifact_.undefined(expression.whole, "set", name);
  return set;
}

template <class Found>
bool Run::look_up_in(const Expression& expression, const SetEntry& set, const Contents& contents,
                     std::optional<std::uint32_t> number, bool inverted, const Found& found) {
  if (!split_by_ports(number, set.key_length)) return false;
  return each_world_narrowed([&](World& world, std::vector<World>& more) {
    const auto read = source(world, expression, number, set.key_length);
    if (!read) return false;
    // The world may move, and its registers with it.
    const std::vector<Byte> bytes(read->begin(), read->end());
    if (set.filled_by_packets) {
      // What is in it changes, and is the same for all who ask.
      const auto text =
          describe(bytes, world.match, opaque_values_) + (inverted ? " != @" : " @") + set.name;
      add_predicate(world.match, {.instance = around_.names.instance_of(&set, set.name),
                                  .test = ir::OpaqueMatch{text}});
      artifact_.opaque(expression.whole, text);
      return true;
    }
    auto row = resolve(bytes, world.match);
    const bool partly = !row && !inverted;
    if (partly) row = resolve_some(bytes, world.match);
    const auto lookup = !row     ? Lookup{.parts = {}, .problem = LookupProblem::opaque}
                        : partly ? look_up_some(set, contents, *row)
                                 : look_up(set, contents, *row, inverted);
    if (lookup.problem == LookupProblem::contradiction) {
      artifact_.conflict(expression.whole,
                         "elements of the map `" + set.name + "` overlap and say different things");
      return false;
    }
    if (lookup.problem == LookupProblem::entangled) {
      artifact_.unknown(expression.whole, "set of too many overlaps");
      return false;
    }
    const auto drop_if_empty = [&] {
      if (is_empty(more.back().match)) more.pop_back();
    };
    const auto add_opaquely = [&](World& at, std::uint32_t group) {
      return opaque(at, expression.whole,
                    describe(bytes, at.match, opaque_values_) + (inverted ? " not in " : " in ") +
                        describe(set, contents, group));
    };
    if (lookup.problem == LookupProblem::opaque) {
      const auto groups = static_cast<std::uint32_t>(contents.groups.size());
      if (inverted) {
        // In none of the groups.
        for (std::uint32_t group = 0; group < groups; ++group) add_opaquely(world, group);
        return true;
      }
      for (std::uint32_t group = 0; group < groups; ++group) {
        World& inside = more.emplace_back(world);
        if (!add_opaquely(inside, group) || !found(inside, group)) return false;
        drop_if_empty();
      }
    } else {
      if (worlds_.size() + more.size() + lookup.parts.size() > most_worlds) {
        artifact_.unknown(place_.message, "rule of too many products");
        return false;
      }
      more.reserve(more.size() + lookup.parts.size());
      for (const auto& part : lookup.parts) {
        World& inside = more.emplace_back(world);
        bool exactly = !partly;
        for (std::size_t c = 0; c < part.values.size(); ++c)
          exactly = narrow(inside.match, row->components[c].field, part.values[c], part.negated) ==
                        Narrowed::yes &&
                    exactly;
        if (!exactly && !is_empty(inside.match)) add_opaquely(inside, part.group);
        if (!is_empty(inside.match) && !found(inside, part.group)) return false;
        drop_if_empty();
      }
    }
    world = World{};
    end(world);
    return true;
  });
}

bool Run::lookup(const Expression& expression) {
  const Attributes<NFTA_LOOKUP_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  const auto* set = set_of(expression, attributes.text(NFTA_LOOKUP_SET),
                           attributes.u32(NFTA_LOOKUP_SET_ID).value_or(0));
  if (set == nullptr) return false;
  const auto number = attributes.u32(NFTA_LOOKUP_SREG);
  const auto target = attributes.u32(NFTA_LOOKUP_DREG);
  const auto flags = attributes.u32(NFTA_LOOKUP_FLAGS).value_or(0);
  const bool inverted = flags == NFT_LOOKUP_F_INV;
  if (flags != 0 && !inverted) {
    artifact_.unknown(expression.whole, "flags of a lookup");
    return false;
  }
  const bool map = (set->flags & NFT_SET_MAP) != 0;
  if (target && (!map || inverted)) {
    artifact_.conflict(expression.whole, "`" + set->name + "` is asked for data that it has not");
    return false;
  }
  if (set->filled_by_packets && target) {
    artifact_.unknown(expression.whole, "map that packets fill");
    return false;
  }
  const auto* contents = around_.sets.read(*set);
  if (contents == nullptr) return false;
  if (contents->tests_packets && !set->filled_by_packets) {
    artifact_.unknown(expression.whole, "set with limits in its elements");
    return false;
  }
  return look_up_in(expression, *set, *contents, number, inverted,
                    [&](World& world, std::uint32_t group) {
                      if (!target) return true;
                      const auto& found = contents->groups[group];
                      if (*target == NFT_REG_VERDICT) {
                        if (!found.verdict) return incomplete(expression);
                        return decide(world, *found.verdict, expression.whole);
                      }
                      std::vector<Byte> bytes;
                      for (const char byte : found.value)
                        bytes.push_back(Byte::of(static_cast<std::uint8_t>(byte)));
                      if (!bytes.empty() && world.registers.write(*target, bytes)) return true;
                      artifact_.syntax(expression.whole, "a register that is none");
                      return false;
                    });
}

// The same for objects: `counter name tcp dport map @m`.
bool Run::objref(const Expression& expression) {
  const Attributes<NFTA_OBJREF_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  if (attributes.has(NFTA_OBJREF_IMM_NAME)) {
    const auto type = attributes.u32(NFTA_OBJREF_IMM_TYPE);
    if (!type) return incomplete(expression);
    return each_world([&](World& world, std::vector<World>&) {
      return use_object(world, expression, *type, attributes.text(NFTA_OBJREF_IMM_NAME));
    });
  }
  const auto* set = set_of(expression, attributes.text(NFTA_OBJREF_SET_NAME),
                           attributes.u32(NFTA_OBJREF_SET_ID).value_or(0));
  if (set == nullptr) return false;
  if ((set->flags & NFT_SET_OBJECT) == 0 || set->filled_by_packets) {
    artifact_.conflict(expression.whole, "`" + set->name + "` is asked for objects");
    return false;
  }
  const auto* contents = around_.sets.read(*set);
  if (contents == nullptr) return false;
  return look_up_in(expression, *set, *contents, attributes.u32(NFTA_OBJREF_SET_SREG),
                    /*inverted=*/false, [&](World& world, std::uint32_t group) {
                      return use_object(world, expression, set->object_type,
                                        contents->groups[group].object);
                    });
}

}  // namespace firewright::nftables::netlink
