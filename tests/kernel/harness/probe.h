// The ruleset that measures: what stands before and behind a policy, and how its notes are read.
#pragma once

#include <string>
#include <vector>

#include "tests/kernel/harness/bed.h"

namespace firewright::kernel {

// Marks of packets on their way: the interface that they leave by, numbered from 1, beside a number
// that the kernel's own packets never have. Those of multicast groups (IGMP, MLD) do have a mark
// that nobody set: the kernel keeps the tail room of their buffers in the same place.
[[nodiscard]] constexpr unsigned mark_of(unsigned interface) { return 0x46570000U | interface; }
// In the traffic class byte the upper six bits are the interface to leave by (0: not to be
// forwarded), the lowest says "untracked".
inline constexpr unsigned traffic_class_untracked = 1;
[[nodiscard]] constexpr unsigned traffic_class_of(unsigned interface, bool untracked) {
  return interface << 2U | (untracked ? traffic_class_untracked : 0U);
}

// nft text. While flows are opened: connection tracking on, nothing noted, and what the host's own
// stack says is kept from connection tracking.
[[nodiscard]] std::string opening_ruleset(unsigned interfaces);
// With `deliver`, accepted inbound packets go on to the host, whose answers connection tracking
// does not see; resets and ICMP errors of a policy are not noted then.
[[nodiscard]] std::string measuring_ruleset(bool deliver);
// Reads the notes of the packets numbered 1.. into `observations`. Throws HarnessError.
void read_notes(std::vector<Observation>& observations);
// nft text: all notes are forgotten.
[[nodiscard]] std::string forgetting();

}  // namespace firewright::kernel
