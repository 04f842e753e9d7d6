#include "backends/nftables/text.h"

#include <array>
#include <utility>

#include "backends/nftables/fields.h"
#include "compiler/net/address_set.h"

namespace firewright::nftables {
namespace {

struct NumberName {
  std::uint32_t number;
  std::string_view name;
};

// Only names that nft knows without looking into the system's files.
constexpr NumberName protocol_names[] = {{1, "icmp"},    {6, "tcp"},    {17, "udp"},
                                         {33, "dccp"},   {50, "esp"},   {51, "ah"},
                                         {58, "icmpv6"}, {132, "sctp"}, {136, "udplite"}};
constexpr NumberName family_names[] = {{2, "ipv4"}, {10, "ipv6"}};
constexpr NumberName state_names[] = {
    {1, "invalid"}, {8, "new"}, {2, "established"}, {4, "related"}, {64, "untracked"}};
constexpr NumberName icmp_names_of_nft[] = {
    {0, "echo-reply"},           {3, "destination-unreachable"},
    {4, "source-quench"},        {5, "redirect"},
    {8, "echo-request"},         {9, "router-advertisement"},
    {10, "router-solicitation"}, {11, "time-exceeded"},
    {12, "parameter-problem"},   {13, "timestamp-request"},
    {14, "timestamp-reply"},     {15, "info-request"},
    {16, "info-reply"},          {17, "address-mask-request"},
    {18, "address-mask-reply"}};
constexpr NumberName icmpv6_names_of_nft[] = {
    {1, "destination-unreachable"}, {2, "packet-too-big"},        {3, "time-exceeded"},
    {4, "parameter-problem"},       {128, "echo-request"},        {129, "echo-reply"},
    {130, "mld-listener-query"},    {131, "mld-listener-report"}, {132, "mld-listener-done"},
    {133, "nd-router-solicit"},     {134, "nd-router-advert"},    {135, "nd-neighbor-solicit"},
    {136, "nd-neighbor-advert"},    {137, "nd-redirect"},         {138, "router-renumbering"},
    {141, "ind-neighbor-solicit"},  {142, "ind-neighbor-advert"}, {143, "mld2-listener-report"}};

template <std::size_t N>
std::string name_or_number(const NumberName (&names)[N], u128 value) {
  for (const auto& entry : names)
    if (entry.number == value) return std::string(entry.name);
  return std::to_string(static_cast<std::uint64_t>(value));
}

std::string interface_text(Range range) {
  std::string name;
  for (unsigned shift = 128; shift > 0; shift -= 8) {
    const auto byte = static_cast<unsigned char>(range.first >> (shift - 8));
    if (byte == 0) break;
    name += static_cast<char>(byte);
  }
  return "\"" + name + (range.single() ? "\"" : "*\"");
}

std::string value_text(DataType type, u128 value) {
  switch (type) {
    case DataType::nf_proto: return name_or_number(family_names, value);
    case DataType::inet_proto: return name_or_number(protocol_names, value);
    case DataType::ct_state: return name_or_number(state_names, value);
    case DataType::icmp_type: return name_or_number(icmp_names_of_nft, value);
    case DataType::icmpv6_type: return name_or_number(icmpv6_names_of_nft, value);
    case DataType::ipv4_addr: return to_string(Ipv4{static_cast<std::uint32_t>(value)});
    case DataType::ipv6_addr: return to_string(Ipv6{value});
    case DataType::ifname: return interface_text({value, value});
    case DataType::uid:
    case DataType::gid:
    case DataType::inet_service:
    case DataType::icmp_code:
    case DataType::icmpv6_code: return std::to_string(static_cast<std::uint64_t>(value));
  }
  return {};
}

std::string number_range(Range range) {
  return std::to_string(static_cast<std::uint64_t>(range.first)) + "-" +
         std::to_string(static_cast<std::uint64_t>(range.last));
}

std::string range_text(DataType type, Range range) {
  if (range.single()) return value_text(type, range.first);
  switch (type) {
    case DataType::ifname: return interface_text(range);
    case DataType::ipv4_addr:
      return to_string(Interval<Ipv4>{{static_cast<std::uint32_t>(range.first)},
                                      {static_cast<std::uint32_t>(range.last)}});
    case DataType::ipv6_addr: return to_string(Interval<Ipv6>{{range.first}, {range.last}});
    case DataType::nf_proto:
    case DataType::inet_proto:
    case DataType::uid:
    case DataType::gid:
    case DataType::ct_state:
    case DataType::inet_service:
    case DataType::icmp_type:
    case DataType::icmp_code:
    case DataType::icmpv6_type:
    case DataType::icmpv6_code: return number_range(range);
  }
  return {};
}

std::string verdict_text(const Verdict& verdict) {
  switch (verdict.code) {
    case VerdictCode::accept: return "accept";
    case VerdictCode::drop: return "drop";
    case VerdictCode::jump: return "jump " + verdict.chain;
    case VerdictCode::go_to: return "goto " + verdict.chain;
    case VerdictCode::return_: return "return";
  }
  return {};
}

std::string element_text(DataType type, const Elements& elements, std::size_t i) {
  std::string text = range_text(type, elements.keys[i]);
  if (elements.is_map()) text += " : " + verdict_text(elements.verdicts[i]);
  return text;
}

std::string elements_text(DataType type, const Elements& elements) {
  std::string text = "{ ";
  for (std::size_t i = 0; i < elements.keys.size(); ++i) {
    if (i > 0) text += ", ";
    text += element_text(type, elements, i);
  }
  return text + " }";
}

std::string states_text(std::uint32_t mask) {
  std::string text;
  for (const auto& state : state_names) {
    if ((mask & state.number) == 0) continue;
    if (!text.empty()) text += ',';
    text += state.name;
  }
  return text;
}

std::string limit_text(const Limit& limit) {
  return "rate " + std::to_string(limit.rate) + "/" + std::string(to_string(limit.unit)) +
         " burst " + std::to_string(limit.burst) + " packets";
}

std::string reject_text(const Reject& reject) {
  switch (reject.kind) {
    case ir::RejectKind::tcp_reset: return "reject with tcp reset";
    case ir::RejectKind::port_unreachable:
      // Alone it means icmpx where no family is known, else the family's own.
      return reject.family ? "reject with icmpx port-unreachable" : "reject";
    case ir::RejectKind::host_unreachable: return "reject with icmpx host-unreachable";
    case ir::RejectKind::net_unreachable: return "reject with icmpx no-route";
    case ir::RejectKind::admin_prohibited: return "reject with icmpx admin-prohibited";
    case ir::RejectKind::proto_unreachable: return "reject with icmp prot-unreachable";
    case ir::RejectKind::net_prohibited: return "reject with icmp net-prohibited";
    case ir::RejectKind::host_prohibited: return "reject with icmp host-prohibited";
    case ir::RejectKind::policy_fail: return "reject with icmpv6 policy-fail";
    case ir::RejectKind::reject_route: return "reject with icmpv6 reject-route";
  }
  return {};
}

struct StatementText {
  std::string operator()(const Match& match) const {
    if (match.implied) return {};
    const auto& field = facts(match.field);
    std::string text = std::string(field.text) + (match.negated ? " != " : " ");
    if (const auto* range = std::get_if<Range>(&match.value))
      return text + range_text(field.type, *range);
    if (const auto* name = std::get_if<SetName>(&match.value)) return text + "@" + name->name;
    return text + elements_text(field.type, std::get<Elements>(match.value));
  }
  std::string operator()(const MatchTuple& tuple) const {
    std::string text;
    for (const auto& part : tuple.parts) {
      const auto& field = facts(part.field);
      if (!text.empty()) text += " . ";
      text += field.text;
      if (part.bits < facts(field.type).bytes * 8)
        text += " & " + value_text(field.type, leading_mask(field.type, part.bits));
    }
    return text + " @" + tuple.set;
  }
  std::string operator()(const MatchStates& states) const {
    return "ct state " + states_text(states.mask);
  }
  std::string operator()(const VerdictMap& map) const {
    const auto& field = facts(map.field);
    return std::string(field.text) + " vmap " + elements_text(field.type, map.elements);
  }
  std::string operator()(const Limit& limit) const { return "limit " + limit_text(limit); }
  std::string operator()(const ConnectionCount& count) const {
    return "ct count " + std::to_string(count.count);
  }
  std::string operator()(const DynamicSet& dynamic) const {
    const std::string test = std::visit(*this, dynamic.test);
    return (dynamic.update ? "update @" : "add @") + dynamic.set + " { " +
           std::string(facts(dynamic.key).text) + " " + test + " }";
  }
  std::string operator()(const UseLimit& use) const { return "limit name \"" + use.name + "\""; }
  std::string operator()(const UseCounter& use) const {
    return "counter name \"" + use.name + "\"";
  }
  std::string operator()(const Log& log) const {
    return log.prefix.empty() ? "log" : "log prefix \"" + log.prefix + "\"";
  }
  std::string operator()(const Reject& reject) const { return reject_text(reject); }
  std::string operator()(const Verdict& verdict) const { return verdict_text(verdict); }
};

std::string rule_text(const Rule& rule) {
  std::string text;
  for (const auto& statement : rule.statements) {
    const std::string part = std::visit(StatementText{}, statement);
    if (part.empty()) continue;
    if (!text.empty()) text += ' ';
    text += part;
  }
  if (!rule.comment.empty()) text += " comment \"" + rule.comment + "\"";
  return text;
}

std::string duration_text(std::uint64_t seconds) {
  constexpr std::pair<std::uint64_t, char> units[] = {
      {86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
  std::string text;
  for (const auto& [length, name] : units) {
    if (seconds / length == 0) continue;
    text += std::to_string(seconds / length) + name;
    seconds %= length;
  }
  return text;
}

// As many elements a line as `nft list` would put there.
std::size_t elements_per_line(DataType type) {
  const unsigned bytes = facts(type).bytes;
  return bytes <= 2 ? 5 : bytes <= 4 ? 2 : 1;
}

void append_elements(std::string& out, const Set& set) {
  out += "\t\telements = { ";
  const std::size_t per_line = elements_per_line(set.type);
  for (std::size_t i = 0; i < set.elements.keys.size(); ++i) {
    if (i > 0) out += i % per_line == 0 ? ",\n\t\t\t     " : ", ";
    out += element_text(set.type, set.elements, i);
  }
  out += " }\n";
}

void append_set(std::string& out, const Set& set) {
  const bool map = set.elements.is_map();
  out += std::string("\t") + (map ? "map " : "set ") + set.name + " {\n";
  out += "\t\ttype " + std::string(facts(set.type).name) + (map ? " : verdict\n" : "\n");
  if (set.size != 0) out += "\t\tsize " + std::to_string(set.size) + "\n";
  const bool interval = set.elements.has_intervals();
  if (set.dynamic)
    out += set.timeout_seconds != 0 ? "\t\tflags dynamic,timeout\n" : "\t\tflags dynamic\n";
  else if (interval)
    out += "\t\tflags interval\n";
  if (set.timeout_seconds != 0) out += "\t\ttimeout " + duration_text(set.timeout_seconds) + "\n";
  if (!set.comment.empty()) out += "\t\tcomment \"" + set.comment + "\"\n";
  if (!set.elements.keys.empty()) append_elements(out, set);
  out += "\t}\n\n";
}

void append_tuples(std::string& out, const TupleSet& set) {
  std::string type;
  for (const auto part : set.types) type.append(type.empty() ? "" : " . ").append(facts(part).name);
  out += "\tset " + set.name + " {\n\t\ttype " + type + "\n";
  if (set.size != 0) out += "\t\tsize " + std::to_string(set.size) + "\n";
  out += "\t\telements = { ";
  for (std::size_t at = 0; at < set.keys.size();) {
    if (at > 0) out += ",\n\t\t\t     ";
    for (std::size_t i = 0; i < set.types.size(); ++i) {
      u128 value = 0;
      for (unsigned byte = 0; byte < facts(set.types[i]).bytes; ++byte)
        value = value << 8U | static_cast<unsigned char>(set.keys[at++]);
      if (i > 0) out += " . ";
      out += value_text(set.types[i], value);
    }
  }
  out += " }\n\t}\n\n";
}

std::string_view hook_text(ir::Hook hook) {
  switch (hook) {
    case ir::Hook::inbound: return "input";
    case ir::Hook::outbound: return "output";
    case ir::Hook::forward: return "forward";
  }
  return {};
}

void append_chain(std::string& out, const Chain& chain) {
  out += "\tchain " + chain.name + " {\n";
  if (chain.base) {
    const auto& base = *chain.base;
    out += "\t\ttype filter hook " + std::string(hook_text(base.hook)) + " priority " +
           (base.priority == 0 ? "filter" : std::to_string(base.priority)) + "; policy " +
           (base.policy_accepts ? "accept" : "drop") + ";\n";
  }
  for (const auto& rule : chain.rules) out += "\t\t" + rule_text(rule) + "\n";
  out += "\t}\n\n";
}

}  // namespace

std::string to_text(const Ruleset& ruleset) {
  const std::string table = "table inet " + ruleset.table;
  std::string out = "#!/usr/sbin/nft -f\n\n";
  // Only a table that exists can be deleted, so it is made first.
  out += table + "\ndelete " + table + "\n\n" + table + " {\n";
  for (const auto& counter : ruleset.counters) out += "\tcounter " + counter + " {\n\t}\n\n";
  for (const auto& limit : ruleset.limits)
    out += "\tlimit " + limit.name + " {\n\t\t" + limit_text(limit.limit) + "\n\t}\n\n";
  for (const auto& set : ruleset.sets) append_set(out, set);
  for (const auto& set : ruleset.tuple_sets) append_tuples(out, set);
  for (const auto& chain : ruleset.chains) append_chain(out, chain);
  if (out.ends_with("\n\n")) out.pop_back();
  return out + "}\n";
}

}  // namespace firewright::nftables
