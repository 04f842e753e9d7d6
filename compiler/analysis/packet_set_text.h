// Reads sets of packets as a person writes them: "tcp any -> port 3389", "ssh from office",
// "udp from 192.0.2.0/24 -> 53 in eth0".
//
//   SET       = WHAT [["from"] END] [("->" | "to") END] OPTION...
//   WHAT      = "any" | a protocol | a service | "tcp/22,80" | "icmp/TYPE"
//   END       = "any" | ADDRESSES [":" PORTS | "port" PORTS] | ["port"] PORTS
//   ADDRESSES = address, prefix, "low-high" or group, with commas between
//   OPTION    = "in" ZONE | "out" ZONE | a state | "ipv4" | "ipv6" | "user" ID | "group" ID
//
// Ports before the arrow are the source's; without an arrow and a source, the destination's. As
// with a single packet, what is not said is `new`, and the direction follows from `in` and `out`.
// Loopback is meant only where it is named.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "compiler/base/source.h"
#include "compiler/base/target.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/ir/program.h"
#include "compiler/policy/policy.h"

namespace firewright::analysis {

struct PacketSet {
  ir::Hook hook = ir::Hook::inbound;
  std::vector<ir::Match> matches;  // their union
};

// Whether the text says something that no single packet has: a prefix, `any`, a group's or a
// service's name.
[[nodiscard]] bool is_packet_set(std::string_view text, const policy::Policy& policy);

// Reads the text of `file`, with the names of `policy`. No value: an error was reported.
[[nodiscard]] std::optional<PacketSet> parse_packet_set(FileId file, const Sources& sources,
                                                        const policy::Policy& policy, Target target,
                                                        Sink& sink);

}  // namespace firewright::analysis
