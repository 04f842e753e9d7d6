// The matches and targets of iptables-extensions(8) that are known here, and their options.
//
// Those without an interpretation are listed too: where an option's words end has to be known to
// keep it as an opaque condition. What is not listed is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "compiler/net/types.h"

namespace firewright::iptables::decoder {

template <class Code>
struct OptionSpec {
  std::string_view name;
  Code code;
  std::uint8_t values = 1;  // how many words follow
  bool negatable = false;
};

// --- the rule itself

enum class RuleOption : std::uint8_t {
  protocol,
  source,
  destination,
  in,
  out,
  match,
  jump,
  go_to,
  fragment,
  only_ipv4,
  only_ipv6,
  counters,
};
// -p, -s, -j and so on, in all their spellings.
[[nodiscard]] const OptionSpec<RuleOption>* rule_option(std::string_view name);

// --- matches

enum class MatchOption : std::uint8_t {
  opaque,
  source_port,
  destination_port,
  source_ports,
  destination_ports,
  either_ports,
  icmp_type,
  tcp_flags,
  tcp_syn,
  source_range,
  destination_range,
  user,
  group,
  supplementary_groups,
  state,
  connection_state,
  limit,
  limit_burst,
  hashlimit_upto,
  hashlimit_burst,
  hashlimit_name,
  hashlimit_mode,
  hashlimit_source_mask,
  hashlimit_expire,
  hashlimit_table,  // sizes of the table
  hashlimit_other,
  connlimit_upto,
  connlimit_above,
  connlimit_mask,
  connlimit_source,
  connlimit_destination,
  match_set,
  comment,
};

enum class MatchKind : std::uint8_t {
  packet_opaque,    // not interpreted; depends on the packet alone
  stateful_opaque,  // not interpreted; has a memory of its own
  ports,
  multiport,
  icmp,
  iprange,
  owner,
  conntrack,
  limit,
  hashlimit,
  connlimit,
  set,
  comment,
};

struct MatchSpec {
  std::string_view name;
  MatchKind kind;
  std::span<const OptionSpec<MatchOption>> options;
  std::optional<Protocol> protocol;  // the kernel wants to see it in the same rule
  bool needs_option = false;         // says nothing without one
};
[[nodiscard]] const MatchSpec* match_named(std::string_view name, Family family);
// The match that is loaded by itself when an option of it comes behind `-p`.
[[nodiscard]] const MatchSpec* match_of(Protocol protocol, Family family);

// --- targets

enum class TargetOption : std::uint8_t {
  reject_with,
  log_prefix,
  log_level,
  log_flag,
  nflog_prefix,
  nflog_group,
  nflog_number,
};

enum class TargetKind : std::uint8_t { accept, drop, return_, reject, log, nflog };

struct TargetSpec {
  std::string_view name;
  TargetKind kind;
  std::span<const OptionSpec<TargetOption>> options;
};
[[nodiscard]] const TargetSpec* target_named(std::string_view name);
// MARK, DNAT, ...: targets of iptables that are not understood here.
[[nodiscard]] bool is_other_target(std::string_view name);

template <class Code>
[[nodiscard]] const OptionSpec<Code>* find_option(std::span<const OptionSpec<Code>> options,
                                                  std::string_view name) {
  for (const auto& spec : options)
    if (spec.name == name) return &spec;
  return nullptr;
}

}  // namespace firewright::iptables::decoder
