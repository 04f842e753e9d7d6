// Which addresses are this host's, and through which interface an address is reached.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backends/host/ask.h"
#include "backends/host/sockets.h"

namespace firewright::host {

// Of the network namespace of the calling thread.
class Routes {
 public:
  // No value: `error` says why.
  [[nodiscard]] static std::optional<Routes> read(std::string& error);

  [[nodiscard]] bool is_local(const Address& address) const;
  // Multicast, or a broadcast address of an interface of this host.
  [[nodiscard]] bool is_group(const Address& address) const;

  // The interface by which packets from this host's address `own` leave for `peer`; empty: unknown.
  [[nodiscard]] std::string towards(const Address& peer, const Address& own);
  // The interfaces by which a packet comes from `source` and leaves for `destination`, neither of
  // this host.
  [[nodiscard]] std::pair<std::string, std::string> through(const Address& source,
                                                            const Address& destination);

 private:
  struct Range {  // in the order of the numbers; IPv4 as numbers of 32 bits
    Address first, last;
    auto operator<=>(const Range&) const = default;
  };
  Routes();
  [[nodiscard]] int read_addresses();
  [[nodiscard]] int read_local_table(std::uint8_t family);
  [[nodiscard]] static bool contains(const std::set<Range>& ranges, const Address& address);
  [[nodiscard]] unsigned look_up(const Address& to, const Address* from, unsigned in);

  Line line_;
  std::set<Range> local_;
  std::set<Range> broadcast_;
  std::map<Address, std::set<unsigned>> interfaces_;  // that have an address of this host
  std::map<std::pair<Address, Address>, std::string> towards_;
  std::map<Address, unsigned> origins_;
};

// The name of an index; empty: there is none.
[[nodiscard]] std::string interface_name(unsigned index);

}  // namespace firewright::host
