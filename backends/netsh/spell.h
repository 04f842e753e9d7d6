// One IR match as the `add rule` lines that together say exactly it.
//
// What a line can say is a product again, but a poorer one: one protocol, one ICMP type and code,
// the addresses of one family, lists as long as the line allows. So a match becomes several lines.
// A match that no lines say exactly has no spelling at all; nothing is widened or narrowed here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/program.h"

namespace firewright::netsh {

// The longest line of a file for `netsh -f`, without its CR and LF. Nobody has documented a limit;
// clones of netsh read 1,024 characters at a time.
inline constexpr std::size_t longest_line = 998;
// The most entries of one kind that a list of addresses or ports holds ([MS-FASP] 2.2.5 to 2.2.13).
inline constexpr std::size_t longest_list = 1000;

// The addresses of one family, as netsh writes them, on both sides of a rule. Empty: any.
struct AddressPair {
  std::vector<std::string> source;
  std::vector<std::string> destination;
};

// Why a match has no exact spelling.
enum class Unspeakable {
  ports_without_tcp_or_udp,
  port_zero,
  protocol_in_other_family,  // ICMP in IPv6, ICMPv6 in IPv4
  one_family_without_addresses,
  unspecified_address,  // 0.0.0.0 or ::, among others
  program,
  windows_service,
};
// Everything that is wrong with it; nothing: it can be spelled. Interfaces, owners, states and
// predicates are not looked at.
[[nodiscard]] std::vector<Unspeakable> unspeakable(const ir::Match& match);

enum class Action { allow, block };

struct Wording {
  ir::Hook hook = ir::Hook::inbound;  // inbound or outbound
  Action action = Action::allow;
  std::string name;
  std::string description;  // already made safe
};
// Lines without line ends. The match has no unspeakable parts.
[[nodiscard]] std::vector<std::string> add_rule_lines(const ir::Match& match,
                                                      const Wording& wording);

// Text of a policy's author as part of a description or a comment: printable ASCII without anything
// that netsh or cmd.exe gives a meaning to. `"` becomes `'`, `\` becomes `/`, every other character
// that is not allowed becomes `_`. At most `limit` characters.
[[nodiscard]] std::string harmless(std::string_view text, std::size_t limit);

// What is left of a set of addresses when those are taken out that no filtered packet has:
// loopback. Windows Firewall rules do not touch loopback traffic.
[[nodiscard]] Ipv4Set without_loopback(const Ipv4Set& set);  // all, if only loopback is missing
[[nodiscard]] Ipv6Set without_loopback(const Ipv6Set& set);
// The addresses next to the unspecified one, which netsh may refuse to take: 0.0.0.0/8 and ::/16.
[[nodiscard]] Ipv4Set unsafe_ipv4();
[[nodiscard]] Ipv6Set unsafe_ipv6();

}  // namespace firewright::netsh
