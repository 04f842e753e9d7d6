#include "tests/kernel/harness/values.h"

#include <algorithm>
#include <set>

#include "tests/kernel/harness/bed.h"

namespace firewright::kernel {
namespace {

constexpr std::size_t longest_name = 15;  // IFNAMSIZ, less its terminating zero

template <class T>
void add(std::vector<T>& pool, const std::vector<T>& values) {
  pool.insert(pool.end(), values.begin(), values.end());
}

template <class T>
void sort_unique(std::vector<T>& pool) {
  std::sort(pool.begin(), pool.end());
  pool.erase(std::unique(pool.begin(), pool.end()), pool.end());
}

IcmpTypeCode icmp(unsigned type, unsigned code) {
  return IcmpTypeCode{static_cast<std::uint16_t>(type << 8U | code)};
}

Ipv6 ipv6(std::string_view text) { return parse_ipv6(text).value(); }
Ipv4 ipv4(std::string_view text) { return parse_ipv4(text).value(); }

bool can_be_interface(const std::string& name) {
  return !name.empty() && name.size() <= longest_name && name != "." && name != ".." &&
         name.find_first_of("/ :\t\n") == std::string::npos;
}

void add_common(Pools& pools) {
  add(pools.source4, {ipv4("198.51.100.7"), ipv4("203.0.113.9"), ipv4("10.1.2.3")});
  add(pools.destination4, {ipv4("192.0.2.10"), ipv4("192.0.2.11"), ipv4("172.16.9.1")});
  add(pools.source6, {ipv6("2001:db8:51::7"), ipv6("2001:db8:113::9"), ipv6("fd00:1::3")});
  add(pools.destination6, {ipv6("2001:db8::10"), ipv6("2001:db8::11"), ipv6("fd00:9::1")});
  for (const unsigned protocol : std::initializer_list<unsigned>{
           0, 1, 2, 4, 6, 17, 33, 41, 47, 50, 51, 58, 89, 103, 112, 132, 136, 253, 255})
    pools.protocols.push_back(Protocol{static_cast<std::uint8_t>(protocol)});
  for (const unsigned port : std::initializer_list<unsigned>{0, 1, 22, 53, 80, 123, 443, 1023, 1024,
                                                             3389, 32767, 32768, 40000, 65535}) {
    pools.source_ports.push_back(Port{static_cast<std::uint16_t>(port)});
    pools.destination_ports.push_back(Port{static_cast<std::uint16_t>(port)});
  }
  for (unsigned type = 0; type <= 18; ++type) pools.icmp4.push_back(icmp(type, 0));
  add(pools.icmp4, {icmp(3, 1), icmp(3, 4), icmp(3, 13), icmp(5, 1), icmp(11, 1), icmp(30, 0),
                    icmp(40, 0), icmp(42, 0), icmp(255, 255)});
  for (unsigned type = 128; type <= 155; ++type) pools.icmp6.push_back(icmp(type, 0));
  add(pools.icmp6, {icmp(0, 0), icmp(1, 0), icmp(1, 4), icmp(2, 0), icmp(3, 1), icmp(4, 1),
                    icmp(5, 0), icmp(100, 0), icmp(127, 0), icmp(255, 0)});
  for (const unsigned owner : std::initializer_list<unsigned>{0, 1, 33, 65534, 100000}) {
    pools.users.push_back(OwnerId{owner});
    pools.groups.push_back(OwnerId{owner});
  }
}

void add_near(std::set<std::string>& names, const ir::InterfacePattern& pattern) {
  if (pattern.name == "lo") return;
  if (pattern.wildcard) {
    for (const char* end : {"", "0", "7"}) names.insert(pattern.name + end);
    names.insert(pattern.name.substr(0, pattern.name.size() - 1) + "_");
  } else {
    for (const char* end : {"", "9"}) names.insert(pattern.name + end);
    names.insert(pattern.name.substr(0, pattern.name.size() - 1));
  }
}

}  // namespace

std::vector<std::string> interfaces_of(const ir::Program& program) {
  std::set<std::string> names;
  for (const auto& chain : program.chains) {
    for (const auto& rule : chain.rules) {
      for (const auto& pattern : rule.match.in.patterns()) add_near(names, pattern);
      for (const auto& pattern : rule.match.out.patterns()) add_near(names, pattern);
    }
  }
  names.emplace("eth0");
  names.emplace("other0");
  std::vector<std::string> result{"lo"};
  for (const auto& name : names)
    if (name != "lo" && can_be_interface(name) && result.size() < TestBed::max_interfaces)
      result.push_back(name);
  return result;
}

Pools pools_of(const ir::Chain& chain, const std::vector<std::string>& interfaces, Random& random) {
  Pools pools;
  for (const auto& rule : chain.rules) {
    const ir::Match& match = rule.match;
    add(pools.source4, boundaries(match.source.v4, random));
    add(pools.source6, boundaries(match.source.v6, random));
    add(pools.destination4, boundaries(match.destination.v4, random));
    add(pools.destination6, boundaries(match.destination.v6, random));
    add(pools.protocols, boundaries(match.protocols, random));
    add(pools.source_ports, boundaries(match.source_ports, random));
    add(pools.destination_ports, boundaries(match.destination_ports, random));
    if (match.families.contains(Family::ipv4)) add(pools.icmp4, boundaries(match.icmp, random));
    if (match.families.contains(Family::ipv6)) add(pools.icmp6, boundaries(match.icmp, random));
    add(pools.users, boundaries(match.users, random));
    add(pools.groups, boundaries(match.groups, random));
  }
  add_common(pools);
  const auto hook = chain.hook.value_or(ir::Hook::inbound);
  for (const auto& name : interfaces) {
    if (hook == ir::Hook::forward && name == "lo") continue;
    pools.in.push_back(hook == ir::Hook::outbound ? "" : name);
    pools.out.push_back(hook == ir::Hook::inbound ? "" : name);
  }
  sort_unique(pools.in);
  sort_unique(pools.out);
  sort_unique(pools.source4);
  sort_unique(pools.source6);
  sort_unique(pools.destination4);
  sort_unique(pools.destination6);
  sort_unique(pools.protocols);
  sort_unique(pools.source_ports);
  sort_unique(pools.destination_ports);
  sort_unique(pools.icmp4);
  sort_unique(pools.icmp6);
  sort_unique(pools.users);
  sort_unique(pools.groups);
  return pools;
}

}  // namespace firewright::kernel
