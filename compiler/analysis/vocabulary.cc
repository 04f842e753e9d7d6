#include "compiler/analysis/vocabulary.h"

#include <algorithm>

#include "compiler/policy/catalogue.h"

namespace firewright::analysis {
namespace {

template <class A>
double fraction(const IntervalSet<A>& set) {
  double sum = 0;
  for (const auto& interval : set.intervals())
    sum += static_cast<double>(interval.last.value - interval.first.value) + 1;
  return sum / (static_cast<double>(IntervalSet<A>::max().value) + 1);
}

// Of ports that only a system's own services may have (RFC 6335), or of no ports.
bool is_well_known(const policy::Service& service) {
  constexpr Port last{1023};
  return std::all_of(service.transports.begin(), service.transports.end(), [&](const auto& t) {
    return t.destination_ports.is_all() || t.destination_ports.intervals().back().last <= last;
  });
}

using PortOf = std::pair<Protocol, Port>;

template <class Visit>
void for_each_port(const policy::Service& service, const Visit& visit) {
  for (const auto& transport : service.transports) {
    if (transport.destination_ports.is_all()) continue;
    for (const auto& protocols : transport.protocols.intervals())
      for (const auto& ports : transport.destination_ports.intervals())
        for (std::uint32_t port = ports.first.value; port <= ports.last.value; ++port)
          visit({protocols.first, Port{static_cast<std::uint16_t>(port)}});
  }
}

// How many services of the catalogue answer on each port.
std::map<PortOf, int> port_claims() {
  std::map<PortOf, int> claims;
  for (const auto& service : policy::catalogue().services)
    for_each_port(service, [&](PortOf port) { ++claims[port]; });
  return claims;
}

// Puts `named` into the list; where the name is there and means something else, nobody has it.
template <class Named, class Same>
void put(std::vector<Named>& list, std::set<std::string>& ambiguous, Named named,
         const Same& same) {
  if (ambiguous.contains(named.name)) return;
  const auto there = std::find_if(list.begin(), list.end(),
                                  [&](const Named& other) { return other.name == named.name; });
  if (there == list.end()) {
    list.push_back(std::move(named));
  } else if (!same(*there, named)) {
    ambiguous.insert(named.name);
    list.erase(there);
  }
}

}  // namespace

void Vocabulary::add(const policy::Policy& policy, Target target) {
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < groups_.size(); ++i) known.emplace(groups_[i].name, i);
  for (const auto& [name, group] : policy.groups) {
    if (group.set.empty()) continue;
    const auto there = known.find(name);
    if (there == known.end())
      groups_.push_back({.name = name,
                         .set = group.set,
                         .size = fraction(group.set.v4) + fraction(group.set.v6)});
    else if (groups_[there->second].set != group.set)
      ambiguous_groups_.insert(name);
  }
  std::erase_if(groups_, [&](const Group& g) { return ambiguous_groups_.contains(g.name); });
  std::stable_sort(groups_.begin(), groups_.end(),
                   [](const Group& a, const Group& b) { return a.size > b.size; });

  for (const auto& [name, zone] : policy.zones) {
    Zone words{.name = name, .interfaces = {}, .profiles = {}};
    if (target == Target::netsh && !zone.profiles.empty()) {
      for (const auto& profile : zone.profiles)
        for (const auto one : ir::ProfileSet::all())
          if (to_string(one) == profile.value) words.profiles.insert(one);
    } else {
      std::vector<ir::InterfacePattern> patterns;
      for (const auto& [interface, span] : zone.interfaces) {
        const bool wildcard = interface.ends_with('*');
        patterns.push_back({.name = interface.substr(0, interface.size() - (wildcard ? 1 : 0)),
                            .wildcard = wildcard});
      }
      words.interfaces = ir::InterfaceSet::of(std::move(patterns)).patterns();
    }
    put(zones_, ambiguous_zones_, std::move(words), [](const Zone& a, const Zone& b) {
      return a.interfaces == b.interfaces && a.profiles == b.profiles;
    });
  }

  add_catalogue(policy);
  for (const auto& [name, service] : policy.services) {
    const auto [there, fresh] = own_services_.emplace(name, service.transports);
    if (fresh) {
      add_service(service, true);
    } else if (there->second != service.transports) {
      std::erase_if(services_, [&](const PortService& s) { return s.name == name; });
      std::erase_if(icmp_services_, [&](const IcmpService& s) { return s.name == name; });
    }
  }
  std::stable_partition(services_.begin(), services_.end(),
                        [](const PortService& service) { return service.own; });
}

void Vocabulary::add_catalogue(const policy::Policy& policy) {
  std::set<const policy::Service*> used;
  for (const auto* direction : {&policy.inbound, &policy.outbound, &policy.forward})
    for (const auto& exception : direction->exceptions)
      for (const auto& name : exception.services) used.insert(policy::catalogue().find(name.value));
  static const auto claims = port_claims();
  const auto alone = [&](const policy::Service& service) {
    bool only = true;
    for_each_port(service, [&](PortOf port) { only = only && claims.at(port) == 1; });
    return only;
  };
  for (const auto& service : policy::catalogue().services) {
    const bool known = is_well_known(service) || (!service.risk.empty() && alone(service));
    if ((known || used.contains(&service)) && catalogued_.insert(service.name).second)
      add_service(service, false);
  }
}

void Vocabulary::add_service(const policy::Service& service, bool own) {
  std::map<std::uint8_t, PortSet> ports;
  IcmpSet v4;
  IcmpSet v6;
  for (const auto& transport : service.transports) {
    if (!transport.source_ports.is_all()) return;
    if (!transport.icmp.is_all()) {
      auto& set = transport.families.contains(Family::ipv4) ? v4 : v6;
      set = set | transport.icmp;
      continue;
    }
    if (transport.destination_ports.is_all() || !transport.families.is_all()) return;
    for (const auto& interval : transport.protocols.intervals())
      for (unsigned p = interval.first.value; p <= interval.last.value; ++p) {
        auto& set = ports[static_cast<std::uint8_t>(p)];
        set = set | transport.destination_ports;
      }
  }
  if (ports.empty()) {
    if (!v4.empty() && !v6.empty())
      icmp_services_.push_back({.name = service.name, .v4 = v4, .v6 = v6});
    return;
  }
  if (!v4.empty() || !v6.empty()) return;
  PortService words{
      .name = service.name, .protocols = {}, .ports = ports.begin()->second, .own = own};
  for (const auto& [protocol, set] : ports) {
    if (set != words.ports) return;
    words.protocols = words.protocols | ProtocolSet::of(Protocol{protocol});
  }
  services_.push_back(std::move(words));
}

}  // namespace firewright::analysis
