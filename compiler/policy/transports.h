// Protocols, ports and ICMP types: the `protocol`, `port`, `source-port` and `icmp-type` keys, and
// the one-word form "tcp/22,80" that services and string exceptions are written in.
//
// What comes out has one Transport for each protocol whose ports are narrowed and one for each
// family of ICMP; protocols that nothing narrows share one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/policy/context.h"
#include "compiler/policy/values.h"

namespace firewright::policy {

// Adds what one string stands for: "tcp/22,80", "udp/5000-5010", "icmp/echo-request", "icmpv6/128",
// "protocol/esp". False: reported.
bool read_transport_text(Context& context, const Value& value, std::vector<Transport>& transports);

// The keys of an exception; each may be missing.
struct TransportKeys {
  const Entry* protocol = nullptr;
  const Entry* port = nullptr;
  const Entry* source_port = nullptr;
  const Entry* icmp_type = nullptr;
  [[nodiscard]] bool any() const { return protocol || port || source_port || icmp_type; }
};
// nullopt: reported.
[[nodiscard]] std::optional<std::vector<Transport>> read_transport_keys(Context& context,
                                                                        const TransportKeys& keys);

// "tcp/22,80", "icmp/echo-request", ...: what was written, for labels.
[[nodiscard]] std::string describe_keys(const TransportKeys& keys);

// Transports of the same protocol and source ports become one; the order of the first stays.
void join_ports(std::vector<Transport>& transports);

}  // namespace firewright::policy
