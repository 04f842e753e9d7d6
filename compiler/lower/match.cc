#include "compiler/lower/match.h"

#include <algorithm>

namespace firewright::lower {
namespace {

using policy::Exception;
using policy::Transport;

ir::InterfacePattern to_pattern(const std::string& name) {
  if (name.ends_with('*')) return {.name = name.substr(0, name.size() - 1), .wildcard = true};
  return {.name = name, .wildcard = false};
}

std::optional<ir::Profile> to_profile(std::string_view name) {
  for (const auto profile : ir::ProfileSet::all())
    if (to_string(profile) == name) return profile;
  return std::nullopt;
}

// What an `in` or `out` says: interfaces, or on Windows profiles.
struct Attachment {
  ir::InterfaceSet interfaces;
  ir::ProfileSet profiles = ir::ProfileSet::all();
};

Attachment attach(const policy::Policy& policy, const std::vector<Spanned<std::string>>& names,
                  Target target, Sink& sink) {
  if (names.empty()) return {};
  std::vector<ir::InterfacePattern> patterns;
  ir::ProfileSet profiles;
  for (const auto& name : names) {
    const auto zone = policy.zones.find(name.value);
    if (zone == policy.zones.end()) {
      patterns.push_back(to_pattern(name.value));
      continue;
    }
    const auto& said = zone->second;
    if (target == Target::netsh && !said.profiles.empty()) {
      for (const auto& profile : said.profiles)
        if (const auto known = to_profile(profile.value)) profiles.insert(*known);
    } else if (!said.interfaces.empty()) {
      for (const auto& interface : said.interfaces) patterns.push_back(to_pattern(interface.value));
    } else {
      auto& diagnostic = sink.report(
          Kind::cannot_say, name.span,
          {std::string(to_string(target)), "zone `" + name.value + "` names no interface"});
      diagnostic.labels.push_back({.span = said.span, .text = "the zone is defined here"});
      diagnostic.help = "give the zone `interfaces`, or mark the exception with `only-on`";
    }
  }
  Attachment attachment;
  if (!patterns.empty()) attachment.interfaces = ir::InterfaceSet::of(std::move(patterns));
  if (!profiles.empty()) attachment.profiles = profiles;
  return attachment;
}

AddressSet addresses(const std::optional<policy::AddressList>& list,
                     const std::optional<policy::AddressList>& except) {
  auto set = list ? list->set : AddressSet::all();
  return except ? set - except->set : set;
}

// Transports with one protocol each where ports or ICMP types depend on it, then joined again:
// equal but for destination ports, equal but for ICMP types, equal but for protocols. What comes
// out is disjoint, and as few parts as an administrator would have written.
std::vector<Transport> joined(const std::vector<Transport>& transports) {
  std::vector<Transport> parts;
  for (const auto& transport : transports) {
    if (transport.source_ports.is_all() && transport.destination_ports.is_all()) {
      parts.push_back(transport);
      continue;
    }
    for (const auto& interval : transport.protocols.intervals())
      for (unsigned p = interval.first.value; p <= interval.last.value; ++p) {
        auto part = transport;
        part.protocols = ProtocolSet::of(Protocol{static_cast<std::uint8_t>(p)});
        parts.push_back(std::move(part));
      }
  }
  const auto join = [&](auto field) {
    std::vector<Transport> kept;
    for (auto& part : parts) {
      const auto twin = std::find_if(kept.begin(), kept.end(), [&](Transport other) {
        other.*field = part.*field;
        return other == part;
      });
      if (twin == kept.end())
        kept.push_back(std::move(part));
      else
        (*twin).*field = (*twin).*field | part.*field;
    }
    parts = std::move(kept);
  };
  join(&Transport::destination_ports);
  join(&Transport::icmp);
  join(&Transport::protocols);
  return parts;
}

std::string family_word(const AddressSet& set) {
  return set.v4.empty() ? "IPv6 only" : "IPv4 only";
}

// Explains why no family is left, at the key that a reader would look at first.
void report_families(const Exception& exception, const AddressSet& source,
                     const AddressSet& destination, Sink& sink) {
  struct Side {
    std::string key;
    std::string says;
    Span span;
  };
  std::vector<Side> sides;
  if (exception.family)
    sides.push_back({"family", exception.family->value == Family::ipv4 ? "IPv4 only" : "IPv6 only",
                     exception.family->span});
  if (exception.from && source.families().size() == 1)
    sides.push_back({"from", family_word(source), exception.from->span});
  if (exception.to && destination.families().size() == 1)
    sides.push_back({"to", family_word(destination), exception.to->span});
  for (std::size_t i = 0; i < sides.size(); ++i)
    for (std::size_t j = i + 1; j < sides.size(); ++j) {
      if (sides[i].says == sides[j].says) continue;
      auto& diagnostic = sink.report(Kind::contradicting_families, sides[j].span,
                                     {sides[i].key, sides[i].says, sides[j].key, sides[j].says});
      diagnostic.labels.push_back({.span = sides[i].span, .text = sides[i].says});
      return;
    }
  sink.report(Kind::nothing_left, exception.span, {"no address family is left"});
}

bool ports_left(const Transport& transport) {
  return !transport.source_ports.empty() && !transport.destination_ports.empty() &&
         !transport.protocols.empty() && !transport.icmp.empty();
}

}  // namespace

std::vector<ir::Match> to_matches(const policy::Policy& policy, const Exception& exception,
                                  Target target, Sink& sink) {
  ir::Match base;
  base.source = addresses(exception.from, exception.from_except);
  base.destination = addresses(exception.to, exception.to_except);
  if (base.source.empty() || base.destination.empty()) {
    const bool source = base.source.empty();
    const auto& except = source ? exception.from_except : exception.to_except;
    const auto& list = source ? exception.from : exception.to;
    const auto span = except ? except->span : list ? list->span : exception.span;
    sink.report(Kind::nothing_left, span,
                {except ? std::string(source ? "`from-except` takes everything out of `from`"
                                             : "`to-except` takes everything out of `to`")
                        : std::string(source ? "`from` is empty" : "`to` is empty")});
    return {};
  }
  auto families = FamilySet::all();
  if (exception.family) families = FamilySet{exception.family->value};
  ir::restrict_families(base, families);
  if (base.families.empty()) {
    report_families(exception, addresses(exception.from, exception.from_except),
                    addresses(exception.to, exception.to_except), sink);
    return {};
  }
  const auto in = attach(policy, exception.in, target, sink);
  const auto out = attach(policy, exception.out, target, sink);
  base.in = in.interfaces;
  base.out = out.interfaces;
  base.profiles = in.profiles & out.profiles;
  if (exception.user) base.users = exception.user->value;
  if (exception.group) base.groups = exception.group->value;
  if (exception.program) base.program = exception.program->value;
  if (exception.windows_service) base.windows_service = exception.windows_service->value;
  if (!exception.transports) return {base};

  std::vector<ir::Match> matches;
  for (const auto& transport : joined(exception.transports->value)) {
    auto match = base;
    ir::restrict_families(match, transport.families);
    if (match.families.empty() || !ports_left(transport)) continue;
    match.protocols = transport.protocols;
    match.source_ports = transport.source_ports;
    match.destination_ports = transport.destination_ports;
    match.icmp = transport.icmp;
    matches.push_back(std::move(match));
  }
  if (matches.empty()) {
    const std::string family = base.families.contains(Family::ipv4) ? "IPv4" : "IPv6";
    sink.report(Kind::nothing_left, exception.transports->span,
                {"nothing of this service or protocol exists in " + family +
                 ", to which the exception is narrowed"});
  }
  return matches;
}

bool overlap(const ir::Match& a, const ir::Match& b) {
  if (!a.destination_ports.intersects(b.destination_ports)) return false;
  if (!a.protocols.intersects(b.protocols) || !a.icmp.intersects(b.icmp)) return false;
  if (!a.source_ports.intersects(b.source_ports)) return false;
  if ((a.states & b.states).empty() || (a.profiles & b.profiles).empty()) return false;
  if (!a.users.intersects(b.users) || !a.groups.intersects(b.groups)) return false;
  // Interfaces are taken to overlap: names decide that on the host, and saying "overlap" is safe.
  const auto families = a.families & b.families;
  const bool v4 = families.contains(Family::ipv4) && a.source.v4.intersects(b.source.v4) &&
                  a.destination.v4.intersects(b.destination.v4);
  const bool v6 = families.contains(Family::ipv6) && a.source.v6.intersects(b.source.v6) &&
                  a.destination.v6.intersects(b.destination.v6);
  return v4 || v6;
}

bool covers(const ir::Match& wide, const ir::Match& narrow) {
  const auto holds = [](const AddressSet& all, const AddressSet& part) {
    return all.v4.contains(part.v4) && all.v6.contains(part.v6);
  };
  return (narrow.families - wide.families).empty() && (wide.in.is_any() || wide.in == narrow.in) &&
         (wide.out.is_any() || wide.out == narrow.out) &&
         (narrow.profiles - wide.profiles).empty() && (narrow.states - wide.states).empty() &&
         wide.protocols.contains(narrow.protocols) &&
         wide.source_ports.contains(narrow.source_ports) &&
         wide.destination_ports.contains(narrow.destination_ports) &&
         wide.icmp.contains(narrow.icmp) && holds(wide.source, narrow.source) &&
         holds(wide.destination, narrow.destination) && wide.users.contains(narrow.users) &&
         wide.groups.contains(narrow.groups) &&
         (wide.program.empty() || wide.program == narrow.program) &&
         (wide.windows_service.empty() || wide.windows_service == narrow.windows_service) &&
         wide.predicates.empty();
}

}  // namespace firewright::lower
