#include "compiler/policy/keys.h"

#include <algorithm>

namespace firewright::policy {
namespace {

constexpr DirectionSet inbound{Direction::inbound};
constexpr DirectionSet outbound{Direction::outbound};
constexpr DirectionSet forward{Direction::forward};
constexpr DirectionSet any = DirectionSet::all();

constexpr Key plain(Section section, std::string_view name, std::string_view holds) {
  return {.section = section, .name = name, .holds = holds, .directions = any, .narrows = false};
}
constexpr Key narrowing(std::string_view name, std::string_view holds, DirectionSet where = any) {
  return {.section = Section::exception,
          .name = name,
          .holds = holds,
          .directions = where,
          .narrows = true};
}

constexpr Key keys[] = {
    plain(Section::root, "policy", "name, description and owner, for people"),
    plain(Section::root, "include", "a path or glob, or an array of them"),
    plain(Section::root, "vars", "strings, integers and arrays"),
    plain(Section::root, "addresses", "groups of addresses"),
    plain(Section::root, "services", "names for ports"),
    plain(Section::root, "zones", "names for interfaces and profiles"),
    plain(Section::root, "baseline", "what works without an exception"),
    plain(Section::root, "inbound", "what comes to this host"),
    plain(Section::root, "outbound", "what this host sends"),
    plain(Section::root, "forward", "what passes through this host"),
    plain(Section::root, "assert", "claims that must hold"),
    plain(Section::root, "target", "options of one backend"),
    plain(Section::root, "nat", "reserved"),

    plain(Section::policy, "name", "a string"),
    plain(Section::policy, "description", "a string"),
    plain(Section::policy, "owner", "a string"),

    plain(Section::baseline, "loopback", "a boolean"),
    plain(Section::baseline, "established", "a boolean"),
    plain(Section::baseline, "drop-invalid", "a boolean"),
    plain(Section::baseline, "icmp-errors", "a boolean"),
    plain(Section::baseline, "neighbour-discovery", "a boolean"),

    plain(Section::direction, "default", "`drop`, `reject`, `accept` or `unmanaged`"),
    plain(Section::direction, "log", "a boolean or a prefix"),
    plain(Section::direction, "allow", "an array of exceptions"),
    plain(Section::direction, "deny", "an array of exceptions"),
    plain(Section::direction, "reject", "an array of exceptions"),

    narrowing("service", "a service's name or an array of them"),
    narrowing("protocol", "a protocol's name or number or an array of them"),
    narrowing("port", "a port, a range or an array of them"),
    narrowing("source-port", "a port, a range or an array of them"),
    narrowing("icmp-type", "an ICMP type or an array of them"),
    narrowing("from", "an address item or an array of them"),
    narrowing("to", "an address item or an array of them"),
    narrowing("from-except", "an address item or an array of them"),
    narrowing("to-except", "an address item or an array of them"),
    narrowing("in", "a zone or interface or an array of them", inbound | forward),
    narrowing("out", "a zone or interface or an array of them", outbound | forward),
    narrowing("family", "`ipv4` or `ipv6`"),
    narrowing("user", "a user or an array of them", outbound),
    narrowing("group", "a group or an array of them", outbound),
    narrowing("program", "a path", inbound | outbound),
    narrowing("windows-service", "a service's short name", inbound | outbound),
    plain(Section::exception, "limit", "a rate or a table"),
    plain(Section::exception, "log", "a boolean or a prefix"),
    plain(Section::exception, "count", "a boolean"),
    plain(Section::exception, "expires", "a local date"),
    plain(Section::exception, "name", "a string"),
    plain(Section::exception, "reason", "a string"),
    plain(Section::exception, "owner", "a string"),
    plain(Section::exception, "ticket", "a string"),
    plain(Section::exception, "only-on", "an array of targets"),
    plain(Section::exception, "ignore", "an array of findings"),

    plain(Section::limit, "rate", "`COUNT/UNIT`"),
    plain(Section::limit, "burst", "an integer"),
    plain(Section::limit, "connections", "an integer"),
    plain(Section::limit, "per", "`source`"),

    plain(Section::address_file, "file", "a path"),

    plain(Section::zone, "interfaces", "an array of interface names"),
    plain(Section::zone, "profiles", "an array of `domain`, `private`, `public`"),

    plain(Section::assertion, "name", "a string"),
    plain(Section::assertion, "never", "a set of packets"),
    plain(Section::assertion, "always", "a set of packets"),

    plain(Section::assertion_set, "direction", "`inbound`, `outbound` or `forward`"),

    plain(Section::target, "iptables", "options"),
    plain(Section::target, "nftables", "options"),
    plain(Section::target, "netsh", "options"),
    plain(Section::target_iptables, "mode", "`replace` or `coexist`"),
    plain(Section::target_iptables, "sets", "`none` or `ipset`"),
    plain(Section::target_nftables, "table", "a table's name"),
    plain(Section::target_nftables, "layout", "`automatic`, `readable` or `structured`"),
    plain(Section::target_netsh, "other-rules", "`disable` or `keep`"),

    plain(Section::catalogue_service, "ports", "an array of ports"),
    plain(Section::catalogue_service, "description", "a string"),
    plain(Section::catalogue_service, "category", "a string"),
    plain(Section::catalogue_service, "risk", "a string"),
    plain(Section::catalogue_service, "aliases", "an array of names"),
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
