// The words that keys choose among, and the bounds of what they hold, in one place for the reader
// and the schema. Each list is in the order of its enum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "compiler/policy/policy.h"

namespace firewright::policy {

inline constexpr std::string_view default_words[] = {"drop", "reject", "accept", "unmanaged"};
inline constexpr std::string_view direction_words[] = {"inbound", "outbound", "forward"};
inline constexpr std::string_view family_words[] = {"ipv4", "ipv6"};
inline constexpr std::string_view target_words[] = {"iptables", "nftables", "netsh"};
inline constexpr std::string_view profile_words[] = {"domain", "private", "public"};
inline constexpr std::string_view unit_words[] = {"second", "minute", "hour", "day"};
inline constexpr std::string_view per_words[] = {"source"};
inline constexpr std::string_view mode_words[] = {"replace", "coexist"};
inline constexpr std::string_view sets_words[] = {"none", "ipset"};
inline constexpr std::string_view layout_words[] = {"automatic", "readable", "structured"};
inline constexpr std::string_view other_rules_words[] = {"disable", "keep"};

// What a direction does with the rest when its policy does not say.
[[nodiscard]] constexpr DefaultVerdict unsaid_default(Direction direction) {
  return direction == Direction::outbound ? DefaultVerdict::accept : DefaultVerdict::drop;
}

inline constexpr std::uint32_t largest_count = std::numeric_limits<std::uint32_t>::max();
// In bytes.
inline constexpr std::size_t longest_name = 200;   // of an exception or an assertion
inline constexpr std::size_t longest_text = 1000;  // for people
inline constexpr std::size_t longest_description = 10000;
inline constexpr std::size_t longest_prefix = 127;  // NF_LOG_PREFIXLEN - 1
inline constexpr std::size_t longest_table_name = 64;
inline constexpr std::size_t longest_defined_name = 100;  // of a group, service, zone or variable

}  // namespace firewright::policy
