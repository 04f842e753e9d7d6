#include <limits>
#include <utility>

#include "backends/iptables/decode_draft.h"
#include "backends/iptables/decode_names.h"
#include "backends/iptables/decode_values.h"

namespace firewright::iptables::decoder {
namespace {

constexpr std::size_t comment_max = 255;           // XT_MAX_COMMENT_LEN without its NUL
constexpr std::uint32_t limit_burst_max = 10'000;  // libxt_limit.c
constexpr auto any_number = std::numeric_limits<std::uint32_t>::max();

// A word that reads back as the same one.
void append_word(std::string& text, std::string_view word) {
  if (!text.empty()) text += ' ';
  if (!word.empty() && word.find_first_of(" \t\"\\") == std::string_view::npos) {
    text += word;
    return;
  }
  text += '"';
  for (const char c : word) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  text += '"';
}

bool no_value(const Said& said, const std::string& what, Report& report) {
  report.syntax(said.value(), shown(said.value().text) + " is no " + what);
  return false;
}

bool read_number(const Said& said, std::uint32_t max, std::uint32_t& into, Report& report) {
  const auto value = number(said.value().text, max);
  if (!value) return no_value(said, "number up to " + std::to_string(max), report);
  into = *value;
  return true;
}
bool read_number(const Said& said, std::uint32_t max, std::optional<std::uint32_t>& into,
                 Report& report) {
  std::uint32_t value = 0;
  if (!read_number(said, max, value, report)) return false;
  into = value;
  return true;
}

bool read_port(const Said& said, PortSet& set, Report& report) {
  const auto range = port_range_of(said.value().text);
  if (!range) return no_value(said, "port or range of ports", report);
  const PortSet ports{*range};
  set = set & (said.negated ? ~ports : ports);
  return true;
}

bool read_multiport(Draft& draft, MatchOption option, const Said& said, Report& report) {
  auto ports = port_list_of(said.value().text);
  if (!ports) return no_value(said, "list of at most 15 ports", report);
  auto& match = draft.match;
  const auto set = said.negated ? ~*ports : std::move(*ports);
  if (option != MatchOption::destination_ports &&
      (option == MatchOption::source_ports || said.negated))
    match.source_ports = match.source_ports & set;
  if (option != MatchOption::source_ports &&
      (option == MatchOption::destination_ports || said.negated))
    match.destination_ports = match.destination_ports & set;
  if (option == MatchOption::either_ports && !said.negated) draft.either_ports.push_back(set);
  return true;
}

bool read_icmp(Draft& draft, const Said& said, Report& report) {
  const auto set = icmp_of(said.value().text, draft.family);
  if (!set) return no_value(said, "ICMP type", report);
  draft.match.icmp = draft.match.icmp & (said.negated ? ~*set : *set);
  return true;
}

bool read_address_range(Draft& draft, AddressSet& set, const Said& said, Report& report) {
  const auto range = address_range_of(said.value().text, draft.family);
  if (!range) return no_value(said, "range of addresses", report);
  set = set & (said.negated ? others(*range, draft.family) : *range);
  return true;
}

bool read_owners(std::optional<LoadedMatch::Owners>& owners, const Said& said, Report& report) {
  auto set = owners_of(said.value().text);
  if (!set) {
    no_value(said, "number or range of numbers", report);
    return false;
  }
  owners = {.set = std::move(*set), .negated = said.negated, .text = text_of(said)};
  return true;
}

bool read_states(Draft& draft, const Said& said, bool with_translation, Report& report,
                 Shared& shared) {
  const auto states = states_of(said.value().text, with_translation);
  if (!states) return no_value(said, "list of connection states", report);
  if (states->translated) {
    add_opaque(draft, "opaque", "-m conntrack " + text_of(said), report.span(said.at), report,
               shared);
    return true;
  }
  draft.match.states =
      draft.match.states & (said.negated ? ir::StateSet::all() - states->set : states->set);
  return true;
}

struct Flag {
  std::string_view name;
  unsigned bit;
};
// In the order in which iptables-save prints them.
constexpr Flag flags[] = {{"FIN", 1}, {"SYN", 2}, {"RST", 4}, {"PSH", 8}, {"ACK", 16}, {"URG", 32}};
constexpr unsigned all_flags = 63;

std::optional<unsigned> flags_of(std::string_view list) {
  unsigned bits = 0;
  for (;;) {
    const auto comma = list.find(',');
    const auto item = list.substr(0, comma);
    unsigned one = same_name(item, "ALL") ? all_flags : 0;
    for (const auto& flag : flags)
      if (same_name(flag.name, item)) one = flag.bit;
    if (one == 0 && !same_name(item, "NONE")) return std::nullopt;
    bits |= one;
    if (comma == std::string_view::npos) return bits;
    list.remove_prefix(comma + 1);
  }
}

std::string flags_text(unsigned bits) {
  std::string text;
  for (const auto& flag : flags) {
    if ((bits & flag.bit) == 0) continue;
    if (!text.empty()) text += ',';
    text += flag.name;
  }
  return text.empty() ? "NONE" : text;
}

bool read_flags(Draft& draft, const Said& said, std::string_view mask, std::string_view set,
                Report& report, Shared& shared) {
  const auto looked_at = flags_of(mask);
  const auto wanted = flags_of(set);
  if (!looked_at || !wanted) {
    report.syntax(said.at, "something else than FIN, SYN, RST, PSH, ACK, URG, ALL and NONE");
    return false;
  }
  add_opaque(draft, "opaque",
             std::string("-m tcp ") + (said.negated ? "! " : "") + "--tcp-flags " +
                 flags_text(*looked_at) + ' ' + flags_text(*wanted),
             report.span(said.at), report, shared);
  return true;
}

bool read_rate(std::optional<Rate>& rate, const Said& said, std::uint64_t scale, Report& report) {
  rate = rate_of(said.value().text, scale);
  return rate || no_value(said, "rate", report);
}

// What the option says of packets is not interpreted. Each option of tcp, conntrack and owner is a
// condition of its own; those of other matches belong together.
bool read_opaque(Draft& draft, LoadedMatch& loaded, const Said& said, Report& report,
                 Shared& shared) {
  const auto kind = loaded.spec->kind;
  if (kind == MatchKind::set) return true;  // all its options are kept
  if (kind == MatchKind::packet_opaque || kind == MatchKind::stateful_opaque) {
    loaded.opaque_text += ' ' + text_of(said);
    return true;
  }
  add_opaque(draft, "opaque", "-m " + std::string(loaded.spec->name) + ' ' + text_of(said),
             report.span(said.at), report, shared);
  return true;
}

bool read_comment(Draft& draft, const Said& said, Report& report) {
  if (said.value().text.size() > comment_max)
    return no_value(said, "comment of at most 255 bytes", report);
  if (draft.comment) {
    report.syntax(said.at, "a second comment");
    return false;
  }
  draft.comment = said.value().text;
  return true;
}

// A rate in bytes is a rate of something else.
bool read_hashlimit_rate(HashLimit& hash, const Said& said, Report& report) {
  hash.other = said.value().text.find("b/") != std::string_view::npos;
  return hash.other || read_rate(hash.rate, said, hashlimit_scale, report);
}

bool read_hashlimit_burst(HashLimit& hash, const Said& said, Report& report) {
  if (hash.other) return true;
  return read_number(said, any_number, hash.burst, report);
}

bool read_connlimit(LoadedMatch& loaded, const Said& said, bool above, Report& report) {
  loaded.above = above != said.negated;
  return read_number(said, any_number, loaded.connections, report);
}

}  // namespace

std::string text_of(const Said& said) {
  std::string text = said.negated ? "!" : "";
  append_word(text, said.at.text);
  for (const auto& value : said.values) append_word(text, value.text);
  return text;
}

void add_opaque(Draft& draft, std::string instance, std::string text, Span at, Report& report,
                Shared& shared) {
  if (shared.told.insert(text).second) report.say(Kind::artifact_opaque, at, {text});
  ir::Predicate predicate{.instance = std::move(instance),
                          .test = ir::OpaqueMatch{std::move(text)}};
  draft.match.predicates.push_back(std::move(predicate));
}

bool read_match_option(Draft& draft, LoadedMatch& loaded, MatchOption option, const Said& said,
                       Report& report, Shared& shared) {
  auto& match = draft.match;
  auto& hash = loaded.hash;
  const auto kind = loaded.spec->kind;
  const bool together = kind == MatchKind::hashlimit || kind == MatchKind::set;
  if (together) loaded.opaque_text += ' ' + text_of(said);
  switch (option) {
    case MatchOption::opaque: return read_opaque(draft, loaded, said, report, shared);
    case MatchOption::source_port: return read_port(said, match.source_ports, report);
    case MatchOption::destination_port: return read_port(said, match.destination_ports, report);
    case MatchOption::source_ports:
    case MatchOption::destination_ports:
    case MatchOption::either_ports: return read_multiport(draft, option, said, report);
    case MatchOption::icmp_type: return read_icmp(draft, said, report);
    case MatchOption::tcp_flags:
      return read_flags(draft, said, said.values[0].text, said.values[1].text, report, shared);
    case MatchOption::tcp_syn:
      return read_flags(draft, said, "FIN,SYN,RST,ACK", "SYN", report, shared);
    case MatchOption::source_range: return read_address_range(draft, match.source, said, report);
    case MatchOption::destination_range:
      return read_address_range(draft, match.destination, said, report);
    case MatchOption::user: return read_owners(loaded.users, said, report);
    case MatchOption::group: return read_owners(loaded.groups, said, report);
    case MatchOption::supplementary_groups: loaded.supplementary_groups = true; return true;
    case MatchOption::state: return read_states(draft, said, false, report, shared);
    case MatchOption::connection_state: return read_states(draft, said, true, report, shared);
    case MatchOption::limit: return read_rate(loaded.rate, said, limit_scale, report);
    case MatchOption::limit_burst: return read_number(said, limit_burst_max, loaded.burst, report);
    case MatchOption::hashlimit_upto: return read_hashlimit_rate(hash, said, report);
    case MatchOption::hashlimit_burst: return read_hashlimit_burst(hash, said, report);
    case MatchOption::hashlimit_name: hash.name = said.value().text; return true;
    case MatchOption::hashlimit_mode: hash.mode = said.value().text; return true;
    case MatchOption::hashlimit_source_mask:
      return read_number(said, 128, hash.source_mask, report);
    case MatchOption::hashlimit_expire: return read_number(said, any_number, hash.expire, report);
    case MatchOption::hashlimit_table: return true;
    case MatchOption::hashlimit_other: hash.other = true; return true;
    case MatchOption::connlimit_upto: return read_connlimit(loaded, said, false, report);
    case MatchOption::connlimit_above: return read_connlimit(loaded, said, true, report);
    case MatchOption::connlimit_mask: return read_number(said, 128, loaded.mask, report);
    case MatchOption::connlimit_source: return true;
    case MatchOption::connlimit_destination: loaded.by_destination = true; return true;
    case MatchOption::match_set:
      loaded.set = {.name = said.values[0], .directions = said.values[1], .negated = said.negated};
      return true;
    case MatchOption::comment: return read_comment(draft, said, report);
  }
  return false;
}

}  // namespace firewright::iptables::decoder
