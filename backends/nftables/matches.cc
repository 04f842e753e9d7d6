#include "backends/nftables/matches.h"

#include <algorithm>
#include <array>
#include <utility>

#include "backends/nftables/fields.h"

namespace firewright::nftables {
namespace {

constexpr u128 ipv4_family = 2;  // NFPROTO_IPV4
constexpr u128 ipv6_family = 10;

u128 family_number(Family family) { return family == Family::ipv4 ? ipv4_family : ipv6_family; }

struct PortFields {
  Field source;
  Field destination;
};
PortFields port_fields(Protocol p) {
  if (p == protocol::tcp) return {Field::tcp_sport, Field::tcp_dport};
  if (p == protocol::udp) return {Field::udp_sport, Field::udp_dport};
  if (p == protocol::udplite) return {Field::udplite_sport, Field::udplite_dport};
  if (p == protocol::dccp) return {Field::dccp_sport, Field::dccp_dport};
  return {Field::sctp_sport, Field::sctp_dport};
}

template <class T>
std::vector<Range> ranges(const IntervalSet<T>& set) {
  std::vector<Range> result;
  result.reserve(set.intervals().size());
  for (const auto& interval : set.intervals())
    result.push_back({interval.first.value, interval.last.value});
  return result;
}

Match match_ranges(Field field, bool negated, std::vector<Range> keys) {
  if (keys.size() == 1)
    return {.field = field, .negated = negated, .value = keys[0], .implied = false};
  return {.field = field,
          .negated = negated,
          .value = Elements{.keys = std::move(keys), .verdicts = {}},
          .implied = false};
}

Match implied(Field field, u128 value) {
  return {.field = field, .negated = false, .value = Range{value, value}, .implied = true};
}

Range interface_range(const ir::InterfacePattern& pattern) {
  Range range;
  for (std::size_t i = 0; i < 16; ++i) {
    const bool named = i < pattern.name.size();
    const unsigned char byte = named ? static_cast<unsigned char>(pattern.name[i]) : 0;
    range.first = (range.first << 8U) | byte;
    range.last = (range.last << 8U) | (named || !pattern.wildcard ? byte : 0xffU);
  }
  return range;
}

// What is left of one IR match once family, protocol and ICMP types are chosen.
struct Variant {
  const ir::Match& match;
  std::optional<Family> family;
  bool family_is_implied = false;  // something that names the family comes after
  ProtocolSet protocols;
  std::optional<Range> icmp_type;  // with `icmp_codes`
  std::vector<Range> icmp_types;   // any code
  std::vector<Range> icmp_codes;
  const MatchTuple* lookup = nullptr;
};

class Writer {
 public:
  explicit Writer(const Variant& variant) : variant_(variant), match_(variant.match) {}

  MatchedRule write() {
    interfaces(Field::iifname, match_.in);
    interfaces(Field::oifname, match_.out);
    out_.family = variant_.family;
    if (variant_.family && !variant_.family_is_implied) know_family(/*is_implied=*/false);
    addresses();
    if (variant_.lookup != nullptr)
      lookup(*variant_.lookup);
    else
      transport();
    add(Field::skuid, match_.users);
    add(Field::skgid, match_.groups);
    if (!match_.states.is_all())
      out_.statements.emplace_back(MatchStates{state_mask(match_.states)});
    return std::move(out_);
  }

 private:
  // `!=` where that is shorter. Not for two ports at once: nft 1.0.6 joins `tcp sport != 1` and
  // `tcp dport != 2` into one comparison, which means another thing.
  template <class T>
  void add(Field field, const IntervalSet<T>& set, bool may_negate = true) {
    if (set.is_all()) return;
    if (may_negate) {
      const auto outside = ~set;
      if (outside.intervals().size() < set.intervals().size()) {
        out_.statements.emplace_back(match_ranges(field, true, ranges(outside)));
        return;
      }
    }
    out_.statements.emplace_back(match_ranges(field, false, ranges(set)));
  }

  void interfaces(Field field, const ir::InterfaceSet& set) {
    if (set.is_any()) return;
    std::vector<Range> keys;
    for (const auto& pattern : set.patterns()) keys.push_back(interface_range(pattern));
    std::sort(keys.begin(), keys.end());
    out_.statements.emplace_back(match_ranges(field, set.complemented(), std::move(keys)));
  }

  void know_family(bool is_implied) {
    imply_family(out_);
    if (!is_implied) std::get<Match>(out_.statements.back()).implied = false;
  }

  void addresses() {
    if (!variant_.family) return;
    if (*variant_.family == Family::ipv4) {
      address(Field::ip_saddr, match_.source.v4);
      address(Field::ip_daddr, match_.destination.v4);
    } else {
      address(Field::ip6_saddr, match_.source.v6);
      address(Field::ip6_daddr, match_.destination.v6);
    }
  }
  template <class T>
  void address(Field field, const IntervalSet<T>& set) {
    if (set.is_all()) return;
    know_family(/*is_implied=*/true);
    add(field, set);
  }

  // What the fields of the key presume comes first.
  void lookup(const MatchTuple& tuple) {
    bool of_network = false;
    bool of_transport = false;
    for (const auto& part : tuple.parts) {
      const bool network = facts(part.field).source == Source::network;
      of_network = of_network || network;
      of_transport = of_transport || !network;
    }
    if (of_network) know_family(/*is_implied=*/true);
    if (of_transport)
      out_.statements.emplace_back(
          implied(Field::l4proto, variant_.protocols.intervals()[0].first.value));
    out_.statements.emplace_back(tuple);
    if (!of_transport) transport();
  }

  void transport() {
    if (!match_.icmp.is_all())
      icmp();
    else if (match_.source_ports.is_all() && match_.destination_ports.is_all())
      add(Field::l4proto, variant_.protocols);
    else
      ports();
  }

  void ports() {
    PortFields fields{Field::th_sport, Field::th_dport};
    if (variant_.protocols.is_single()) {
      const Protocol only = variant_.protocols.intervals()[0].first;
      fields = port_fields(only);
      out_.statements.emplace_back(implied(Field::l4proto, only.value));
    } else {
      add(Field::l4proto, variant_.protocols);
    }
    const bool one_side = match_.source_ports.is_all() || match_.destination_ports.is_all();
    add(fields.source, match_.source_ports, one_side);
    add(fields.destination, match_.destination_ports, one_side);
  }

  void icmp() {
    const bool v4 = variant_.family == Family::ipv4;
    know_family(/*is_implied=*/true);
    out_.statements.emplace_back(
        implied(Field::l4proto, (v4 ? protocol::icmp : protocol::icmpv6).value));
    const Field type = v4 ? Field::icmp_type : Field::icmpv6_type;
    if (!variant_.icmp_type) {
      out_.statements.emplace_back(match_ranges(type, false, variant_.icmp_types));
      return;
    }
    out_.statements.emplace_back(match_ranges(type, false, {*variant_.icmp_type}));
    out_.statements.emplace_back(
        match_ranges(v4 ? Field::icmp_code : Field::icmpv6_code, false, variant_.icmp_codes));
  }

  const Variant& variant_;
  const ir::Match& match_;
  MatchedRule out_;
};

// Types with all their codes, and codes of the types that are there in part.
struct IcmpParts {
  std::vector<Range> whole_types;
  std::vector<std::pair<u128, std::vector<Range>>> partial_types;
};

IcmpParts icmp_parts(const IcmpSet& set) {
  IcmpParts parts;
  for (unsigned type = 0; type < 256; ++type) {
    const auto low = static_cast<std::uint16_t>(type << 8U);
    const auto high = static_cast<std::uint16_t>(low | 0xffU);
    const IcmpSet codes = set & IcmpSet{{IcmpTypeCode{low}, IcmpTypeCode{high}}};
    if (codes.empty()) continue;
    const auto whole = codes.intervals()[0];
    if (whole.first.value == low && whole.last.value == high) {
      parts.whole_types.push_back({type, type});
      continue;
    }
    std::vector<Range> ranges_of_codes;
    for (const auto& interval : codes.intervals())
      ranges_of_codes.push_back({interval.first.code(), interval.last.code()});
    parts.partial_types.emplace_back(type, std::move(ranges_of_codes));
  }
  // A person reads names; a range has none. Many types are no longer read anyway.
  constexpr std::size_t readable = 20;
  if (parts.whole_types.size() > readable) {
    std::vector<Range> joined;
    for (const auto& type : parts.whole_types) {
      if (!joined.empty() && joined.back().last + 1 == type.first)
        joined.back().last = type.last;
      else
        joined.push_back(type);
    }
    parts.whole_types = std::move(joined);
  }
  return parts;
}

bool names_addresses(const ir::Match& match, Family family) {
  return family == Family::ipv4 ? !match.source.v4.is_all() || !match.destination.v4.is_all()
                                : !match.source.v6.is_all() || !match.destination.v6.is_all();
}

bool matches_nothing(const ir::Match& match) {
  return match.families.empty() || match.in.empty() || match.out.empty() || match.states.empty() ||
         match.protocols.empty() || match.source_ports.empty() || match.destination_ports.empty() ||
         match.icmp.empty() || match.users.empty() || match.groups.empty();
}

void lower_icmp(const Variant& base, std::vector<MatchedRule>& out) {
  IcmpParts parts = icmp_parts(base.match.icmp);
  if (!parts.whole_types.empty()) {
    Variant variant = base;
    variant.icmp_types = std::move(parts.whole_types);
    out.push_back(Writer(variant).write());
  }
  for (auto& [type, codes] : parts.partial_types) {
    Variant variant = base;
    variant.icmp_type = Range{type, type};
    variant.icmp_codes = std::move(codes);
    out.push_back(Writer(variant).write());
  }
}

// `th sport 1 th dport 2` would be listed as raw bytes, so that pair is written once a protocol.
void lower_ports(const Variant& base, std::vector<MatchedRule>& out) {
  if (base.protocols.is_single() || !base.match.source_ports.is_single() ||
      !base.match.destination_ports.is_single()) {
    out.push_back(Writer(base).write());
    return;
  }
  for (const auto& interval : base.protocols.intervals())
    for (unsigned p = interval.first.value; p <= interval.last.value; ++p) {
      Variant variant = base;
      variant.protocols = ProtocolSet::of(Protocol{static_cast<std::uint8_t>(p)});
      out.push_back(Writer(variant).write());
    }
}

}  // namespace

void imply_family(MatchedRule& rule) {
  if (rule.family_is_known || !rule.family) return;
  rule.statements.emplace_back(implied(Field::nfproto, family_number(*rule.family)));
  rule.family_is_known = true;
}

std::uint32_t state_mask(ir::StateSet states) {
  std::uint32_t mask = 0;
  for (const auto state : states) switch (state) {
      case ir::ConntrackState::invalid: mask |= 1; break;
      case ir::ConntrackState::established: mask |= 2; break;
      case ir::ConntrackState::related: mask |= 4; break;
      case ir::ConntrackState::fresh: mask |= 8; break;
      case ir::ConntrackState::untracked: mask |= 64; break;
    }
  return mask;
}

Field field_of(Tuples::Side side, Family family, Protocol protocol) {
  const bool v4 = family == Family::ipv4;
  switch (side) {
    case Tuples::Side::source: return v4 ? Field::ip_saddr : Field::ip6_saddr;
    case Tuples::Side::destination: return v4 ? Field::ip_daddr : Field::ip6_daddr;
    case Tuples::Side::source_port: return port_fields(protocol).source;
    case Tuples::Side::destination_port: return port_fields(protocol).destination;
  }
  return Field::th_dport;
}

std::vector<MatchedRule> lower_lookup(const ir::Match& match,
                                      const std::vector<Tuples::Part>& parts,
                                      const std::string& set) {
  const auto is_port = [](const Tuples::Part& part) {
    return part.side == Tuples::Side::source_port || part.side == Tuples::Side::destination_port;
  };
  const bool by_address = !std::ranges::all_of(parts, is_port);
  const bool by_port = std::ranges::any_of(parts, is_port);
  std::vector<MatchedRule> out;
  const auto add = [&](std::optional<Family> family, const ProtocolSet& protocols) {
    MatchTuple lookup{.parts = {}, .set = set};
    const auto protocol = protocols.intervals()[0].first;
    for (const auto& part : parts)
      lookup.parts.push_back({.field = field_of(part.side, family.value_or(Family::ipv4), protocol),
                              .bits = part.bits});
    const Variant variant{.match = match,
                          .family = family,
                          .family_is_implied = by_address,
                          .protocols = protocols,
                          .icmp_type = {},
                          .icmp_types = {},
                          .icmp_codes = {},
                          .lookup = &lookup};
    out.push_back(Writer(variant).write());
  };
  const auto each_protocol = [&](std::optional<Family> family) {
    if (!by_port) return add(family, match.protocols);
    for (const auto& interval : match.protocols.intervals())
      for (unsigned p = interval.first.value; p <= interval.last.value; ++p)
        add(family, ProtocolSet::of(Protocol{static_cast<std::uint8_t>(p)}));
  };
  if (match.families.is_all() && !by_address)
    each_protocol(std::nullopt);
  else
    for (const Family family : match.families) each_protocol(family);
  return out;
}

std::vector<MatchedRule> lower_match(const ir::Match& match, bool by_family) {
  std::vector<MatchedRule> out;
  if (matches_nothing(match)) return out;
  const bool split = by_family || !match.families.is_all() || !match.icmp.is_all() ||
                     names_addresses(match, Family::ipv4) || names_addresses(match, Family::ipv6);
  std::vector<std::optional<Family>> families;
  if (split)
    for (const Family family : match.families) families.emplace_back(family);
  else
    families.emplace_back(std::nullopt);
  for (const auto& family : families) {
    Variant variant{.match = match,
                    .family = family,
                    .protocols = match.protocols,
                    .icmp_type = {},
                    .icmp_types = {},
                    .icmp_codes = {}};
    variant.family_is_implied =
        family && (names_addresses(match, *family) || !match.icmp.is_all() || by_family);
    if (!match.icmp.is_all())
      lower_icmp(variant, out);
    else
      lower_ports(variant, out);
  }
  return out;
}

}  // namespace firewright::nftables
