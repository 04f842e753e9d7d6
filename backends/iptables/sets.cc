#include "backends/iptables/sets.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "compiler/base/sha256.h"

namespace firewright::iptables {
namespace {

// IPSET_MAXNAMELEN is 32 with its NUL: "fw-net6-port-" and 16 digits are 29.
constexpr std::size_t digest_digits = 16;
// As ipset has it where nothing is said.
constexpr std::size_t least_maxelem = 65536;
constexpr std::size_t least_hashsize = 64;

constexpr Family family_of(Ipv4) { return Family::ipv4; }
constexpr Family family_of(Ipv6) { return Family::ipv6; }

template <class A>
constexpr unsigned width = sizeof(decltype(A::value)) * 8;

// The names that ipset prints; /etc/protocols has them, or ipset could not be used at all.
std::string_view spell(Protocol of) {
  if (of == protocol::tcp) return "tcp";
  if (of == protocol::udp) return "udp";
  if (of == protocol::udplite) return "udplite";
  return "sctp";
}

// `hash:ip` and, in IPv4, `hash:ip,port` do not take the address of all zeros.
template <class A>
bool is_host(const Prefix<A>& prefix) {
  return prefix.length == width<A> && prefix.address != A{0};
}

}  // namespace

bool has_port_in_sets(Protocol of) {
  return of == protocol::tcp || of == protocol::udp || of == protocol::udplite ||
         of == protocol::sctp;
}

template <class A>
std::size_t count_prefixes(const IntervalSet<A>& set) {
  std::size_t count = 0;
  for (const auto& interval : set.intervals())
    count += interval.first == interval.last ? 1 : to_prefixes(interval).size();
  return count;
}
template std::size_t count_prefixes(const Ipv4Set& set);
template std::size_t count_prefixes(const Ipv6Set& set);

template <class A>
std::string Sets::of_addresses(const IntervalSet<A>& addresses) {
  auto& last = [this]() -> auto& {
    if constexpr (family_of(A{}) == Family::ipv4)
      return last_v4_;
    else
      return last_v6_;
  }();
  if (last && last->first == addresses) return last->second;
  bool nets = false;
  std::size_t count = 0;
  std::string elements;
  for (const auto& interval : addresses.intervals())
    for (const auto& prefix : to_prefixes(interval)) {
      nets = nets || !is_host(prefix);
      elements.append(to_string(prefix)) += '\n';
      ++count;
    }
  auto name = add(nets ? "net" : "ip", family_of(A{}), nets, false, std::move(elements), count);
  last = {addresses, name};
  return name;
}
template std::string Sets::of_addresses(const Ipv4Set& addresses);
template std::string Sets::of_addresses(const Ipv6Set& addresses);

template <class A>
std::string Sets::of_pairs(std::vector<SetPair<A>> pairs) {
  const auto key = [](const SetPair<A>& pair) {
    return std::tuple(pair.addresses.address, pair.addresses.length, pair.protocol, pair.port);
  };
  std::ranges::sort(pairs, {}, key);
  const auto again = std::ranges::unique(pairs, {}, key);
  pairs.erase(again.begin(), again.end());
  bool nets = false;
  std::string elements;
  for (const auto& pair : pairs) {
    nets = nets || !is_host(pair.addresses);
    elements.append(to_string(pair.addresses)) += ',';
    elements.append(spell(pair.protocol)) += ':';
    elements.append(std::to_string(pair.port.value)) += '\n';
  }
  return add(nets ? "net" : "ip", family_of(A{}), nets, true, std::move(elements), pairs.size());
}
template std::string Sets::of_pairs(std::vector<SetPair<Ipv4>> pairs);
template std::string Sets::of_pairs(std::vector<SetPair<Ipv6>> pairs);

std::string Sets::add(const std::string& kind, Family family, bool nets, bool ports,
                      std::string elements, std::size_t count) {
  const bool v4 = family == Family::ipv4;
  auto create = std::string(nets ? "hash:net" : "hash:ip") + (ports ? ",port" : "") + " family " +
                (v4 ? "inet" : "inet6") + " hashsize " +
                std::to_string(std::bit_ceil(std::max(count, least_hashsize))) + " maxelem " +
                std::to_string(std::max(count, least_maxelem));
  auto name = "fw-" + kind + (v4 ? "4-" : "6-") + (ports ? "port-" : "") +
              hex(sha256(create + '\n' + elements)).substr(0, digest_digits);
  sets_.try_emplace(name, Set{.create = std::move(create), .elements = std::move(elements)});
  return name;
}

std::string Sets::text() const {
  std::string text;
  for (const auto& [name, set] : sets_) {
    text.append("create ").append(name) += ' ';
    text.append(set.create) += " -exist\n";
    std::string_view rest = set.elements;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      text.append("add ").append(name) += ' ';
      text.append(rest.substr(0, end)) += " -exist\n";
      rest.remove_prefix(end + 1);
    }
  }
  return text;
}

}  // namespace firewright::iptables
