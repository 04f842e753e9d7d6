// Sets for ipset(8): addresses, or addresses with protocols and ports, that rules look up by name.
//
// A set's name holds a digest of what is in it. So a set that rules of an older generation look
// into never changes under them, and the text can be loaded on a running host before the rules.
// It owns no set whose name is not of this form: "fw-ip4-0123456789abcdef", "fw-net6-port-...".
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "compiler/ir/program.h"
#include "compiler/net/address_set.h"

namespace firewright::iptables {

// What an address-and-port set may hold: only of these protocols the kernel looks at the ports
// (get_port() in net/netfilter/ipset/ip_set_getport.c).
[[nodiscard]] bool has_port_in_sets(Protocol of);

template <class A>
struct SetPair {
  Prefix<A> addresses;
  Protocol protocol;
  Port port;
};

// How many prefixes cover the set exactly.
template <class A>
[[nodiscard]] std::size_t count_prefixes(const IntervalSet<A>& set);

// The sets of an artifact, for both families.
class Sets {
 public:
  // The name of the set with exactly these members, which is made now if there is none.
  template <class A>
  [[nodiscard]] std::string of_addresses(const IntervalSet<A>& addresses);
  template <class A>
  [[nodiscard]] std::string of_pairs(std::vector<SetPair<A>> pairs);

  [[nodiscard]] bool empty() const { return sets_.empty(); }
  // For `ipset restore`, on whatever host: what is there already is no error.
  [[nodiscard]] std::string text() const;

 private:
  struct Set {
    std::string create;    // what stands behind the name
    std::string elements;  // one a line
  };
  [[nodiscard]] std::string add(const std::string& kind, Family family, bool nets, bool ports,
                                std::string elements, std::size_t count);

  std::map<std::string, Set> sets_;
  // One list is often asked for again at once, for another protocol.
  std::optional<std::pair<Ipv4Set, std::string>> last_v4_;
  std::optional<std::pair<Ipv6Set, std::string>> last_v6_;
};

}  // namespace firewright::iptables
