// A packet as a person writes it:
//
//   PROTOCOL SOURCE[:PORT] -> DESTINATION[:PORT] [in INTERFACE] [out INTERFACE] [STATE] [user ID]
//            [group ID] [profile PROFILE] [program PATH] [windows-service NAME]
//
//   tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0
//   udp [2001:db8::9]:5353 -> [2001:db8::1]:53 in eth0 untracked
//   icmp/echo-request 203.0.113.9 -> 192.0.2.10
//
// `in` alone says inbound, `out` alone outbound, both forward, neither inbound. Unsaid: source port
// 49152 (the first dynamic one, RFC 6335), state new. "icmp" is the ICMP of the addresses' family.
#pragma once

#include <optional>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/ir/evaluate.h"

namespace firewright::analysis {

// Reads the text of `file`; spans of what is reported lie inside it.
[[nodiscard]] std::optional<ir::Packet> parse_packet(FileId file, const Sources& sources,
                                                     Sink& sink);

}  // namespace firewright::analysis
