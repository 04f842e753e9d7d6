// What stands behind an option, read into sets: addresses and masks, ranges, port lists, owners,
// interfaces, connection states.
//
// No value: the text is nothing that iptables takes. The caller says so, at its place.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "compiler/ir/program.h"

namespace firewright::iptables::decoder {

// A set of which only the text can be told.
struct Text {
  std::string text;
};

// "192.0.2.0/24", "10.0.0.0/255.0.255.0", "2001:db8::1": the addresses of `family` in a list with
// commas. Text: a mask with gaps that leaves more than a few thousand intervals.
[[nodiscard]] std::optional<std::variant<AddressSet, Text>> addresses_of(std::string_view list,
                                                                         Family family);
// "192.0.2.1-192.0.2.9" or one address.
[[nodiscard]] std::optional<AddressSet> address_range_of(std::string_view text, Family family);
// "22", "1024:65535", ":1023", "1024:"
[[nodiscard]] std::optional<Interval<Port>> port_range_of(std::string_view text);
// Up to 15 ports, of which a range takes two.
[[nodiscard]] std::optional<PortSet> port_list_of(std::string_view text);
// "0" or "100-199"
[[nodiscard]] std::optional<OwnerSet> owners_of(std::string_view text);
// "eth0", "eth+", "+"
[[nodiscard]] std::optional<ir::InterfaceSet> interfaces_of(std::string_view text);

struct States {
  ir::StateSet set;
  bool translated = false;  // SNAT or DNAT are among them, which the model does not know
};
[[nodiscard]] std::optional<States> states_of(std::string_view text, bool with_translation);

// The complement among what a family has.
[[nodiscard]] AddressSet others(const AddressSet& set, Family family);

}  // namespace firewright::iptables::decoder
