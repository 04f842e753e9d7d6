// Expressions that count, limit, log and reject.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <array>
#include <limits>
#include <utility>

#include "backends/nftables/decode_run.h"

namespace firewright::nftables::netlink {
namespace {

std::optional<ir::TimeUnit> unit_of(std::uint64_t seconds) {
  switch (seconds) {
    case 1: return ir::TimeUnit::second;
    case 60: return ir::TimeUnit::minute;
    case 3600: return ir::TimeUnit::hour;
    case 86400: return ir::TimeUnit::day;
    default: return std::nullopt;
  }
}

// linux/icmp.h and linux/icmpv6.h.
std::optional<ir::RejectKind> reject_kind(Family family, std::uint8_t code) {
  using enum ir::RejectKind;
  if (family == Family::ipv4) switch (code) {
      case 0: return net_unreachable;
      case 1: return host_unreachable;
      case 2: return proto_unreachable;
      case 3: return port_unreachable;
      case 9: return net_prohibited;
      case 10: return host_prohibited;
      case 13: return admin_prohibited;
      default: return std::nullopt;
    }
  switch (code) {
    case 0: return net_unreachable;
    case 1: return admin_prohibited;
    case 3: return host_unreachable;
    case 4: return port_unreachable;
    case 5: return policy_fail;
    case 6: return reject_route;
    default: return std::nullopt;
  }
}

// One word for both families.
std::optional<ir::RejectKind> reject_kind(std::uint8_t code) {
  using enum ir::RejectKind;
  switch (code) {
    case NFT_REJECT_ICMPX_NO_ROUTE: return net_unreachable;
    case NFT_REJECT_ICMPX_PORT_UNREACH: return port_unreachable;
    case NFT_REJECT_ICMPX_HOST_UNREACH: return host_unreachable;
    case NFT_REJECT_ICMPX_ADMIN_PROHIBITED: return admin_prohibited;
    default: return std::nullopt;
  }
}

std::string level_text(std::uint32_t level) {
  constexpr std::array<std::string_view, 9> names{"emerg",  "alert", "crit",  "err",  "warn",
                                                  "notice", "info",  "debug", "audit"};
  return level < names.size() ? std::string(names[level]) : std::to_string(level);
}

// NF_LOG_* of linux/netfilter/nf_log.h, as nft writes them.
std::string log_flags(std::uint32_t flags) {
  constexpr std::uint32_t all = 0x2f;
  if (flags == all) return "all";
  std::string text;
  const auto add = [&](std::uint32_t mask, std::string_view name) {
    if ((flags & mask) != mask) return;
    text += (text.empty() ? "" : " ") + std::string(name);
    flags &= ~mask;
  };
  add(0x03, "tcp sequence,options");
  add(0x01, "tcp sequence");
  add(0x02, "tcp options");
  add(0x04, "ip options");
  add(0x08, "skuid");
  add(0x20, "ether");
  if (flags != 0) text += (text.empty() ? "" : " ") + std::to_string(flags);
  return text;
}

// What a prefix does not say, behind it, where it is not the default.
std::string log_suffix(const AttributeTable<NFTA_LOG_MAX>& attributes) {
  std::string text;
  const auto option = [&](std::string_view name, const std::string& value) {
    text += (text.empty() ? "" : ", ") + std::string(name) + " " + value;
  };
  const auto group = big_endian(attributes[NFTA_LOG_GROUP], 2);
  const auto level = attributes.u32(NFTA_LOG_LEVEL).value_or(NFT_LOGLEVEL_WARNING);
  if (!group && level != NFT_LOGLEVEL_WARNING) option("level", level_text(level));
  if (const auto flags = attributes.u32(NFTA_LOG_FLAGS); flags && *flags != 0)
    option("flags", log_flags(*flags));
  if (group) option("group", std::to_string(*group));
  if (const auto length = attributes.u32(NFTA_LOG_SNAPLEN); length && *length != 0)
    option("snaplen", std::to_string(*length));
  if (const auto queued = big_endian(attributes[NFTA_LOG_QTHRESHOLD], 2); queued && *queued != 0)
    option("queue-threshold", std::to_string(*queued));
  return text.empty() ? text : " [" + text + "]";
}

}  // namespace

bool Run::counter(const Expression& expression) {
  // What it has counted, or when it last did, decides nothing.
  const Attributes<16> attributes(expression.data);
  return sound(expression, attributes);
}

// --- tests

std::optional<Run::Test> Run::limit_test(const Expression& expression, std::string_view data) {
  const Attributes<NFTA_LIMIT_MAX> attributes(data);
  if (!sound(expression, attributes)) return std::nullopt;
  const auto rate = attributes.u64(NFTA_LIMIT_RATE);
  const auto seconds = attributes.u64(NFTA_LIMIT_UNIT);
  if (!rate || !seconds || *rate == 0 || *seconds == 0) {
    (void)incomplete(expression);
    return std::nullopt;
  }
  constexpr std::uint32_t default_burst = 5;  // NFT_LIMIT_PKT_BURST_DEFAULT
  auto burst = attributes.u32(NFTA_LIMIT_BURST).value_or(0);
  const auto type = attributes.u32(NFTA_LIMIT_TYPE).value_or(NFT_LIMIT_PKTS);
  const auto flags = attributes.u32(NFTA_LIMIT_FLAGS).value_or(0);
  const bool over = flags == NFT_LIMIT_F_INV;
  if (type == NFT_LIMIT_PKTS && burst == 0) burst = default_burst;
  const auto unit = unit_of(*seconds);
  constexpr auto most = std::numeric_limits<std::uint32_t>::max();
  if (type == NFT_LIMIT_PKTS && flags == 0 && unit && *rate <= most)
    return ir::RateLimit{.packets = static_cast<std::uint32_t>(*rate),
                         .unit = *unit,
                         .burst = burst,
                         .per_source = false};
  if (type > NFT_LIMIT_PKT_BYTES || (flags != 0 && !over)) {
    artifact_.unknown(expression.whole, "kind of limit");
    return std::nullopt;
  }
  const std::string what = type == NFT_LIMIT_PKTS ? " packets" : " bytes";
  return ir::OpaqueMatch{"limit rate " + std::string(over ? "over " : "") + std::to_string(*rate) +
                         what + "/" + std::to_string(*seconds) + " seconds burst " +
                         std::to_string(burst) + what};
}

std::optional<Run::Test> Run::connlimit_test(const Expression& expression, std::string_view data) {
  const Attributes<NFTA_CONNLIMIT_MAX> attributes(data);
  if (!sound(expression, attributes)) return std::nullopt;
  const auto count = attributes.u32(NFTA_CONNLIMIT_COUNT);
  const auto flags = attributes.u32(NFTA_CONNLIMIT_FLAGS).value_or(0);
  if (!count || flags > NFT_CONNLIMIT_F_INV) {
    (void)incomplete(expression);
    return std::nullopt;
  }
  if (flags == 0) return ir::ConnectionLimit{.connections = *count, .per_source = false};
  return ir::OpaqueMatch{"ct count over " + std::to_string(*count)};
}

std::optional<Run::Test> Run::quota_test(const Expression& expression, std::string_view data) {
  const Attributes<NFTA_QUOTA_MAX> attributes(data);
  if (!sound(expression, attributes)) return std::nullopt;
  const auto bytes = attributes.u64(NFTA_QUOTA_BYTES);
  if (!bytes) {
    (void)incomplete(expression);
    return std::nullopt;
  }
  const bool over = (attributes.u32(NFTA_QUOTA_FLAGS).value_or(0) & NFT_QUOTA_F_INV) != 0;
  return ir::OpaqueMatch{std::string("quota ") + (over ? "over " : "") + std::to_string(*bytes) +
                         " bytes"};
}

std::optional<Run::Test> Run::any_test(const Expression& expression) {
  if (expression.name == "limit") return limit_test(expression, expression.data);
  if (expression.name == "connlimit") return connlimit_test(expression, expression.data);
  if (expression.name == "quota") return quota_test(expression, expression.data);
  (void)unknown(expression);
  return std::nullopt;
}

// One bucket for all worlds of the rule: it is one expression.
bool Run::limit(const Expression& expression) {
  const auto test = any_test(expression);
  if (!test) return false;
  const ir::Predicate predicate{.instance = around_.names.instance(place_.stem), .test = *test};
  return each_world([&](World& world, std::vector<World>&) {
    return add_bucket(world, expression.whole, predicate);
  });
}
bool Run::connlimit(const Expression& expression) { return limit(expression); }
bool Run::quota(const Expression& expression) { return limit(expression); }

bool Run::use_object(World& world, const Expression& expression, std::uint32_t type,
                     std::string_view name) {
  const auto found = place_.table.object_by_name.find({std::string(name), type});
  if (found == place_.table.object_by_name.end()) {
    artifact_.undefined(expression.whole, "object", name);
    return false;
  }
  const auto& object = *found->second;
  const Expression definition{
      .name = expression.name, .data = object.data, .whole = object.message};
  std::optional<Test> test;
  switch (type) {
    case NFT_OBJECT_COUNTER:
      if (world.effects.count) flush(world);
      world.effects.count = around_.names.count_of(place_.table, object);
      return true;
    case NFT_OBJECT_LIMIT: test = limit_test(definition, object.data); break;
    case NFT_OBJECT_CONNLIMIT: test = connlimit_test(definition, object.data); break;
    case NFT_OBJECT_CT_HELPER:
    case NFT_OBJECT_SECMARK: return true;
    case NFT_OBJECT_QUOTA: test = quota_test(definition, object.data); break;
    default:
      artifact_.unknown(expression.whole, "object of type " + std::to_string(type));
      return false;
  }
  if (!test) return false;
  return add_bucket(world, expression.whole,
                    {.instance = around_.names.instance_of(&object, object.name), .test = *test});
}

// --- log and reject

bool Run::log(const Expression& expression) {
  const Attributes<NFTA_LOG_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  const auto text = std::string(attributes.text(NFTA_LOG_PREFIX)) + log_suffix(attributes);
  return each_world([&](World& world, std::vector<World>&) {
    if (world.effects.log) flush(world);
    world.effects.log = text;
    return true;
  });
}

bool Run::reject(const Expression& expression) {
  const Attributes<NFTA_REJECT_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  const auto type = attributes.u32(NFTA_REJECT_TYPE);
  const auto code = big_endian(attributes[NFTA_REJECT_ICMP_CODE], 1);
  if (!type || (*type != NFT_REJECT_TCP_RST && !code)) return incomplete(expression);
  return each_world([&](World& world, std::vector<World>&) {
    return reject_world(world, expression, *type, static_cast<std::uint8_t>(code.value_or(0)));
  });
}

bool Run::reject_world(World& world, const Expression& expression, std::uint32_t type,
                       std::uint8_t code) {
  const auto effects = world.effects;
  const auto write_part = [&](World& part, ir::Verdict verdict) {
    part.effects = effects;
    if (!is_empty(part.match)) write(part, std::move(verdict));
  };
  if (type == NFT_REJECT_TCP_RST) {
    // What is not TCP gets no answer: it is dropped.
    World others = world;
    const Ranges tcp{{protocol::tcp.value, protocol::tcp.value}};
    (void)narrow(world.match, Field::protocol, tcp, false);
    (void)narrow(others.match, Field::protocol, tcp, true);
    write_part(world, ir::Verdict::rejected(ir::RejectKind::tcp_reset));
    write_part(others, ir::Verdict::drop());
  } else if (type == NFT_REJECT_ICMPX_UNREACH) {
    const auto kind = reject_kind(code);
    if (!kind) return unknown(expression);
    write_part(world, ir::Verdict::rejected(*kind));
  } else if (type == NFT_REJECT_ICMP_UNREACH) {
    for (const auto family : world.match.families) {
      const auto kind = reject_kind(family, code);
      if (!kind) return unknown(expression);
      World part = world;
      ir::restrict_families(part.match, {family});
      write_part(part, ir::Verdict::rejected(*kind));
    }
  } else {
    return unknown(expression);
  }
  end(world);
  return true;
}

// --- dynamic sets

bool Run::dynset(const Expression& expression) {
  const Attributes<NFTA_DYNSET_MAX> attributes(expression.data);
  if (!sound(expression, attributes)) return false;
  const auto* set = set_of(expression, attributes.text(NFTA_DYNSET_SET_NAME),
                           attributes.u32(NFTA_DYNSET_SET_ID).value_or(0));
  if (set == nullptr) return false;
  const auto op = attributes.u32(NFTA_DYNSET_OP);
  const auto number = attributes.u32(NFTA_DYNSET_SREG_KEY);
  if (!op || *op > NFT_DYNSET_OP_DELETE) return incomplete(expression);
  // The test stands in the statement, alone or in a list, or is that of the set.
  std::string_view test_bytes = attributes[NFTA_DYNSET_EXPR];
  std::string_view list = attributes[NFTA_DYNSET_EXPRESSIONS];
  if (test_bytes.empty() && list.empty())
    (set->one_expression ? test_bytes : list) = set->expressions;
  std::optional<Test> test;
  bool several = false;
  const auto take = [&](std::string_view bytes, std::string_view whole) {
    const AttributeTable<NFTA_EXPR_MAX> parts(bytes);
    const Expression inner{
        .name = parts.text(NFTA_EXPR_NAME), .data = parts[NFTA_EXPR_DATA], .whole = whole};
    if (inner.name == "counter" || inner.name == "last") return true;
    several = several || test.has_value();
    test = any_test(inner);
    return test.has_value();
  };
  if (!test_bytes.empty() && !take(test_bytes, expression.whole)) return false;
  netlink::Attributes tests(list);
  while (const auto one = tests.next())
    if (!take(one->value, one->whole)) return false;
  if (tests.damaged()) return incomplete(expression);
  if (several) {
    artifact_.unknown(expression.whole, "several tests in one element");
    return false;
  }
  const auto flags = attributes.u32(NFTA_DYNSET_FLAGS).value_or(0);
  const auto own = attributes.u64(NFTA_DYNSET_TIMEOUT).value_or(0);
  const auto timeout = own != 0 ? own : set->timeout;
  return each_world([&](World& world, std::vector<World>&) {
    const auto bytes = source(world, expression, number, set->key_length);
    if (!bytes) return false;
    const std::vector<Byte> key(bytes->begin(), bytes->end());
    if (test && *op != NFT_DYNSET_OP_DELETE && (flags & NFT_DYNSET_F_INV) == 0)
      return per_source(world, expression, *set, *op == NFT_DYNSET_OP_UPDATE, timeout, key, *test);
    if (test) {
      artifact_.unknown(expression.whole, "inverted test of a dynamic set");
      return false;
    }
    // That a set may be full is not looked at.
    constexpr std::string_view words[] = {"add", "update", "delete"};
    if (world.effects.count) flush(world);
    world.effects.count = std::string(words[*op]) + " @" + set->name + " { " +
                          describe(key, world.match, opaque_values_) +
                          (own != 0 ? " timeout " + std::to_string(own) + "ms" : "") + " }";
    return true;
  });
}

bool Run::per_source(World& world, const Expression& expression, const SetEntry& set, bool update,
                     std::uint64_t timeout, std::span<const Byte> key, const Test& test) {
  ir::Predicate predicate{.instance = {}, .test = test};
  // Forgetting an element changes nothing once its bucket is full again, and only `update` starts
  // its time anew; open connections must not be forgotten at all.
  bool remembers = timeout == 0;
  if (auto* rate = std::get_if<ir::RateLimit>(&predicate.test)) {
    rate->per_source = true;
    const auto full_after = static_cast<u128>(ir::seconds(rate->unit)) * rate->burst * 1000U;
    remembers = remembers || (update && u128{timeout} * rate->packets >= full_after);
  } else if (auto* count = std::get_if<ir::ConnectionLimit>(&predicate.test)) {
    count->per_source = true;
  }
  const auto row = resolve(key, world.match);
  const bool by_source =
      row && row->constants.empty() && row->components.size() == 1 &&
      (row->components[0].field == Field::source4 || row->components[0].field == Field::source6) &&
      row->components[0].count == bytes_of(row->components[0].field) &&
      preimage(row->components[0], {{1, 1}}) == Ranges{{1, 1}};
  if (by_source && remembers && !std::holds_alternative<ir::OpaqueMatch>(predicate.test)) {
    const auto family = row->components[0].field == Field::source4 ? Family::ipv4 : Family::ipv6;
    if (const auto known = around_.names.per_source(place_.table, set, family, predicate))
      return add_bucket(world, expression.whole, *known);
  }
  std::string text = "@" + set.name + " { " + describe(key, world.match, opaque_values_) + " }";
  if (const auto* match = std::get_if<ir::OpaqueMatch>(&test)) text += " " + match->text;
  return add_bucket(
      world, expression.whole,
      {.instance = around_.names.instance(place_.stem), .test = ir::OpaqueMatch{text}});
}

}  // namespace firewright::nftables::netlink
