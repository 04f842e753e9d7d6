// Single protocols, ports and ICMP types, with everything that can be wrong with them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/policy/context.h"

namespace firewright::policy {

// Protocols as written. "icmp" is ICMP in IPv4 and ICMPv6 in IPv6, so that it is apart from
// numbers.
struct ProtocolChoice {
  ProtocolSet plain;
  FamilySet icmp;

  [[nodiscard]] bool is_icmp() const { return !icmp.empty(); }
  [[nodiscard]] bool has_ports() const;        // all of `plain`, and there is one
  [[nodiscard]] std::string portless() const;  // the first that has none
};

struct IcmpChoice {
  IcmpSet v4;
  IcmpSet v6;
};

// "tcp", "icmpv4", ...: every protocol that has a name here.
[[nodiscard]] const std::vector<std::string>& protocol_names();

[[nodiscard]] std::optional<ProtocolChoice> read_protocol_text(Context& context, const Value& value,
                                                               Span span, std::string_view text);
[[nodiscard]] ProtocolChoice read_protocols(Context& context, const Entry& entry);

[[nodiscard]] std::optional<Interval<Port>> read_port_text(Context& context, const Value& value,
                                                           Span span, std::string_view text);
[[nodiscard]] PortSet read_ports(Context& context, const Entry& entry);

// A name, or "type" or "type/code" in numbers where `choice` is one family's ICMP.
bool read_icmp_text(Context& context, const Value& value, Span span, std::string_view text,
                    const ProtocolChoice& choice, IcmpChoice& icmp);
[[nodiscard]] IcmpChoice read_icmp_types(Context& context, const Entry& entry,
                                         const ProtocolChoice& choice);

// The Transports of protocols that nothing narrows, and of ICMP types.
void add_protocols(const ProtocolChoice& choice, std::vector<Transport>& transports);
void add_icmp(const ProtocolChoice& choice, const IcmpChoice& icmp,
              std::vector<Transport>& transports);

}  // namespace firewright::policy
