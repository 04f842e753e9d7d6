// The values of a rule's tags as sets: what netsh takes, and in what words it does not.
//
// Each function gives what is wrong with the value, or nothing. Values that Microsoft documents as
// refused are wrong here, and so are those of which nobody knows what netsh makes of them: port 0,
// addresses with bits behind their prefix.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "compiler/base/enum_set.h"
#include "compiler/ir/program.h"
#include "compiler/net/address_set.h"

namespace firewright::netsh {

using ValueProblem = std::optional<std::string>;

// What an address list may name besides addresses. Windows looks up what they stand for.
enum class AddressKeyword : std::uint8_t {
  localsubnet,
  dns,
  dhcp,
  wins,
  defaultgateway,
  last = defaultgateway
};
[[nodiscard]] std::string_view to_string(AddressKeyword keyword);

// Ports that Windows hands out by itself.
enum class PortKeyword : std::uint8_t { rpc, rpc_epmap, iphttps, teredo, last = teredo };
[[nodiscard]] std::string_view to_string(PortKeyword keyword);

struct AddressList {
  bool any = true;
  AddressSet set;  // unless `any`
  EnumSet<AddressKeyword> keywords;
  bool operator==(const AddressList&) const = default;
};

struct PortList {
  bool any = true;
  PortSet set;  // unless `any`
  EnumSet<PortKeyword> keywords;
  bool operator==(const PortList&) const = default;
};

struct TransportValue {
  std::optional<Protocol> protocol;            // none: any
  std::optional<Interval<IcmpTypeCode>> icmp;  // likewise
  bool operator==(const TransportValue&) const = default;
};

[[nodiscard]] ValueProblem read_protocol(std::string_view value, TransportValue& transport);
[[nodiscard]] ValueProblem read_ports(std::string_view value, PortList& ports);
// `local`: the tag is localip, which takes no keywords.
[[nodiscard]] ValueProblem read_addresses(std::string_view value, bool local,
                                          AddressList& addresses);
[[nodiscard]] ValueProblem read_profiles(std::string_view value, ir::ProfileSet& profiles);
// Names and descriptions.
[[nodiscard]] ValueProblem check_rule_text(std::string_view value, bool is_name);
[[nodiscard]] ValueProblem check_program_path(std::string_view value);
[[nodiscard]] ValueProblem check_service_name(std::string_view value);

}  // namespace firewright::netsh
