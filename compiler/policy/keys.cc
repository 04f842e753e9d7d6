#include "compiler/policy/keys.h"

#include <algorithm>

namespace firewright::policy {
namespace {

constexpr DirectionSet inbound{Direction::inbound};
constexpr DirectionSet outbound{Direction::outbound};
constexpr DirectionSet forward{Direction::forward};
constexpr DirectionSet any = DirectionSet::all();

constexpr Key plain(Section section, std::string_view name, std::string_view holds,
                    std::string_view about) {
  return {.section = section,
          .name = name,
          .holds = holds,
          .about = about,
          .directions = any,
          .narrows = false};
}
constexpr Key narrowing(std::string_view name, std::string_view holds, std::string_view about,
                        DirectionSet where = any) {
  return {.section = Section::exception,
          .name = name,
          .holds = holds,
          .about = about,
          .directions = where,
          .narrows = true};
}

constexpr Key keys[] = {
    plain(Section::root, "policy", "a table", "Name, description and owner, for people."),
    plain(Section::root, "include", "a path or glob, or an array of them",
          "Other files of this policy, relative to this one. All parts merge, in any order."),
    plain(Section::root, "vars", "strings, integers and arrays of these",
          "Values that stand wherever `${name}` is written; `--set` and `--vars` override them."),
    plain(Section::root, "addresses", "groups of addresses",
          "Names for addresses, prefixes and ranges, which `from` and `to` may use."),
    plain(Section::root, "services", "names for ports",
          "Services of your own, beside those of the catalogue (`firewright services`)."),
    plain(Section::root, "zones", "names for interfaces and profiles",
          "Names for interfaces, on Windows for network profiles, which `in` and `out` may use."),
    plain(Section::root, "baseline", "switches",
          "What works without an exception. Each is on unless it is said to be off."),
    plain(Section::root, "inbound", "a direction", "What comes to this host. Unsaid: dropped."),
    plain(Section::root, "outbound", "a direction", "What this host sends. Unsaid: accepted."),
    plain(Section::root, "forward", "a direction",
          "What passes through this host. Unsaid: dropped."),
    plain(Section::root, "assert", "an array of claims",
          "Claims that must hold for every packet. `firewright check` proves them."),
    plain(Section::root, "target", "options by target", "Options of one kind of firewall."),
    plain(Section::root, "nat", "reserved",
          "Reserved: this version filters and does not translate addresses."),

    plain(Section::policy, "name", "a string", "What the policy is called in its outputs."),
    plain(Section::policy, "description", "a string", "What it is for; may have several lines."),
    plain(Section::policy, "owner", "a string", "Who answers for it."),

    plain(Section::baseline, "loopback", "a boolean", "The host may talk to itself."),
    plain(Section::baseline, "established", "a boolean",
          "Replies, and what is related to connections that were let in, pass."),
    plain(Section::baseline, "drop-invalid", "a boolean",
          "What connection tracking calls invalid is dropped before any exception."),
    plain(Section::baseline, "icmp-errors", "a boolean",
          "ICMP errors pass, which path-MTU discovery needs."),
    plain(Section::baseline, "neighbour-discovery", "a boolean",
          "IPv6 neighbour discovery and multicast listener discovery pass."),

    plain(Section::direction, "default", "`drop`, `reject`, `accept` or `unmanaged`",
          "What becomes of packets that no exception matches. `unmanaged` leaves the direction to "
          "others."),
    plain(Section::direction, "log", "a boolean or a prefix",
          "Log what the default denies, at a bounded rate."),
    plain(Section::direction, "allow", "an array of exceptions", "What is accepted."),
    plain(Section::direction, "deny", "an array of exceptions",
          "What is dropped, whatever `allow` and `reject` say."),
    plain(Section::direction, "reject", "an array of exceptions",
          "What is refused with an answer, whatever `allow` says."),

    narrowing("service", "a service's name or an array of them",
              "Services of the catalogue or of `[services]`."),
    narrowing("protocol", "a protocol's name or number or an array of them",
              "In place of `service`. `icmp` is ICMP in IPv4 and ICMPv6 in IPv6."),
    narrowing("port", "a port, a range or an array of them",
              "Destination ports: 22, \"5000-5010\". Needs a `protocol` that has ports."),
    narrowing("source-port", "a port, a range or an array of them",
              "Source ports. Needs a `protocol` that has ports."),
    narrowing("icmp-type", "an ICMP type or an array of them",
              "ICMP types by name, or with `icmpv4` or `icmpv6` as \"TYPE\" or \"TYPE/CODE\"."),
    narrowing("from", "an address item or an array of them",
              "Where packets come from: addresses, prefixes, ranges, names of groups."),
    narrowing("to", "an address item or an array of them",
              "Where packets go to: addresses, prefixes, ranges, names of groups."),
    narrowing("from-except", "an address item or an array of them",
              "What is taken out of `from`, or of all addresses."),
    narrowing("to-except", "an address item or an array of them",
              "What is taken out of `to`, or of all addresses."),
    narrowing("in", "a zone or interface or an array of them",
              "Where packets come in: zones, or interfaces, which may end in `*`.",
              inbound | forward),
    narrowing("out", "a zone or interface or an array of them",
              "Where packets go out: zones, or interfaces, which may end in `*`.",
              outbound | forward),
    narrowing("family", "`ipv4` or `ipv6`", "One family only."),
    narrowing("user", "a user or an array of them",
              "The owner of the sending socket, on Linux: a name, a number or \"LOW-HIGH\".",
              outbound),
    narrowing("group", "a group or an array of them",
              "The group of the sending socket, on Linux: a name, a number or \"LOW-HIGH\".",
              outbound),
    narrowing("program", "a path", "The program, on Windows.", inbound | outbound),
    narrowing("windows-service", "a service's short name", "The service, on Windows.",
              inbound | outbound),
    plain(Section::exception, "limit", "a rate or a table",
          "How much is welcome. What is over the limit falls to the other exceptions and the "
          "default."),
    plain(Section::exception, "log", "a boolean or a prefix",
          "Log what this exception decides. `true` takes the exception's name."),
    plain(Section::exception, "count", "a boolean",
          "Count packets and bytes; `status` shows them."),
    plain(Section::exception, "expires", "a local date",
          "From this day on the exception is left out: 2030-12-31, without quotes."),
    plain(Section::exception, "name", "a string", "What the exception is called."),
    plain(Section::exception, "reason", "a string", "Why it is there."),
    plain(Section::exception, "owner", "a string", "Who answers for it."),
    plain(Section::exception, "ticket", "a string", "Where it was decided."),
    plain(Section::exception, "only-on", "an array of targets",
          "On the other targets the exception is left out."),
    plain(Section::exception, "ignore", "an array of findings",
          "Findings of `firewright check` that are meant to be. Needs a `reason`."),

    plain(Section::limit, "rate", "`COUNT/UNIT`",
          "New connections in a unit of time: \"10/minute\"."),
    plain(Section::limit, "burst", "an integer", "How many may come at once within the rate."),
    plain(Section::limit, "connections", "an integer", "How many may be open at once."),
    plain(Section::limit, "per", "`source`",
          "Each source address has a limit of its own. Unsaid: all share one."),

    plain(Section::address_file, "file", "a path",
          "A file with one address, prefix or range a line; `#` starts a comment."),

    plain(Section::zone, "interfaces", "an array of interface names",
          "Interfaces on Linux; a name may end in `*`."),
    plain(Section::zone, "profiles", "an array of `domain`, `private`, `public`",
          "Network profiles on Windows."),

    plain(Section::assertion, "name", "a string", "What is claimed, in words."),
    plain(Section::assertion, "never", "a set of packets", "No packet of this set is accepted."),
    plain(Section::assertion, "always", "a set of packets",
          "Every packet of this set is accepted, without limit."),

    plain(Section::assertion_set, "direction", "`inbound`, `outbound` or `forward`",
          "The direction of the packets."),

    plain(Section::target, "iptables", "options", "iptables-restore, IPv4 and IPv6."),
    plain(Section::target, "nftables", "options", "nftables."),
    plain(Section::target, "netsh", "options", "Windows Firewall."),
    plain(Section::target_iptables, "mode", "`replace` or `coexist`",
          "`replace`: the filter table is ours. `coexist`: own chains beside those of others."),
    plain(Section::target_iptables, "sets", "`none` or `ipset`",
          "Where long lists go: to trees of chains, or to sets of ipset."),
    plain(Section::target_nftables, "table", "a table's name", "The table of the family inet."),
    plain(Section::target_nftables, "layout", "`automatic`, `readable` or `structured`",
          "How many exceptions of one kind are held: by their number, as rules, or as lookups in "
          "sets."),
    plain(Section::target_netsh, "other-rules", "`disable` or `keep`",
          "What becomes of rules that others have made."),

    plain(Section::catalogue_service, "ports", "an array of ports", "What it answers on."),
    plain(Section::catalogue_service, "description", "a string", "What it is."),
    plain(Section::catalogue_service, "category", "a string", "The group it is listed under."),
    plain(Section::catalogue_service, "risk", "a string", "The harm of being open to everybody."),
    plain(Section::catalogue_service, "aliases", "an array of names", "Its other names."),
};

struct Synonym {
  Section section;
  std::string_view name;
  std::string_view meant;
};

constexpr Synonym synonyms[] = {
    {Section::exception, "proto", "protocol"},
    {Section::exception, "dport", "port"},
    {Section::exception, "destination-port", "port"},
    {Section::exception, "sport", "source-port"},
    {Section::exception, "src", "from"},
    {Section::exception, "source", "from"},
    {Section::exception, "saddr", "from"},
    {Section::exception, "dst", "to"},
    {Section::exception, "dest", "to"},
    {Section::exception, "destination", "to"},
    {Section::exception, "daddr", "to"},
    {Section::exception, "not-from", "from-except"},
    {Section::exception, "except", "from-except"},
    {Section::exception, "interface", "in"},
    {Section::exception, "iif", "in"},
    {Section::exception, "zone", "in"},
    {Section::exception, "oif", "out"},
    {Section::exception, "uid", "user"},
    {Section::exception, "gid", "group"},
    {Section::exception, "rate", "limit"},
    {Section::exception, "counter", "count"},
    {Section::exception, "comment", "reason"},
    {Section::exception, "description", "reason"},
    {Section::exception, "until", "expires"},
    {Section::exception, "label", "name"},
    {Section::direction, "policy", "default"},
    {Section::direction, "drop", "deny"},
    {Section::direction, "block", "deny"},
    {Section::direction, "accept", "allow"},
    {Section::direction, "permit", "allow"},
    {Section::root, "input", "inbound"},
    {Section::root, "ingress", "inbound"},
    {Section::root, "output", "outbound"},
    {Section::root, "egress", "outbound"},
    {Section::root, "forwarding", "forward"},
    {Section::root, "groups", "addresses"},
    {Section::root, "variables", "vars"},
    {Section::root, "asserts", "assert"},
    {Section::baseline, "neighbor-discovery", "neighbour-discovery"},
    {Section::baseline, "icmp", "icmp-errors"},
    {Section::limit, "conns", "connections"},
};

}  // namespace

std::span<const Key> all_keys() { return keys; }

std::vector<std::string> key_names(Section section) {
  std::vector<std::string> names;
  for (const auto& key : keys)
    if (key.section == section) names.emplace_back(key.name);
  if (section == Section::assertion_set)
    for (const auto& key : keys)
      if (key.narrows) names.emplace_back(key.name);
  return names;
}

const Key* find_key(Section section, std::string_view name) {
  static_assert(std::ranges::is_sorted(keys, {}, &Key::section));
  // Where each section begins. It is asked for every key of a policy.
  static constexpr auto begins = [] {
    std::array<std::size_t, static_cast<std::size_t>(Section::last) + 2> places{};
    for (const auto& key : keys) ++places[static_cast<std::size_t>(key.section) + 1];
    for (std::size_t i = 1; i < places.size(); ++i) places[i] += places[i - 1];
    return places;
  }();
  const auto number = static_cast<std::size_t>(section);
  for (auto at = begins[number]; at < begins[number + 1]; ++at) {
    const auto& key = keys[at];
    if (key.name.size() == name.size() && key.name.front() == name.front() && key.name == name)
      return &key;
  }
  if (section != Section::assertion_set) return nullptr;
  const auto* key = find_key(Section::exception, name);
  return key != nullptr && key->narrows ? key : nullptr;
}

std::string_view describe(Section section) {
  switch (section) {
    case Section::root: return "a policy";
    case Section::policy: return "`[policy]`";
    case Section::baseline: return "`[baseline]`";
    case Section::direction: return "`[inbound]`, `[outbound]` or `[forward]`";
    case Section::exception: return "an exception";
    case Section::limit: return "`limit`";
    case Section::address_file: return "an address group";
    case Section::zone: return "a zone";
    case Section::assertion: return "an assertion";
    case Section::assertion_set: return "an assertion's set of packets";
    case Section::target: return "`[target]`";
    case Section::target_iptables: return "`[target.iptables]`";
    case Section::target_nftables: return "`[target.nftables]`";
    case Section::target_netsh: return "`[target.netsh]`";
    case Section::catalogue_service: return "a service of the catalogue";
  }
  return "";
}

std::string_view synonym(Section section, std::string_view name) {
  if (section == Section::assertion_set) section = Section::exception;
  for (const auto& entry : synonyms)
    if (entry.section == section && entry.name == name) return entry.meant;
  return {};
}

}  // namespace firewright::policy
