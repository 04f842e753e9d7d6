// The kernel's connection tracking: its entries, and the deletion of one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backends/host/ask.h"
#include "backends/host/host.h"
#include "backends/host/sockets.h"
#include "compiler/net/types.h"

namespace firewright::host {

struct Tuple {
  Protocol protocol;
  Address source, destination;
  Port source_port, destination_port;
  IcmpTypeCode icmp;
};

struct Entry {
  Tuple original, reply;
  bool both_directions = false;  // seen in both, or assured
  std::uint8_t tcp_state = 0;    // TCP_CONNTRACK_*
  std::string identity;          // the attributes that name exactly this entry
};

// Of the network namespace of the calling thread. A kernel without connection tracking has none. No
// value: `error` says why.
[[nodiscard]] std::optional<std::vector<Entry>> tracked_connections(std::string& error,
                                                                    Receive receive = {});

// Ok too when it has gone. A newer entry of the same tuple stays, unless it lies at the same place
// of the kernel's memory: the kernel's number of it is then the same.
Result delete_entry(Family family, const std::string& identity);

}  // namespace firewright::host
