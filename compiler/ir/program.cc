#include "compiler/ir/program.h"

#include <algorithm>

namespace firewright::ir {

std::string_view to_string(Hook hook) {
  switch (hook) {
    case Hook::inbound: return "inbound";
    case Hook::outbound: return "outbound";
    case Hook::forward: return "forward";
  }
  return "";
}

std::string_view to_string(ConntrackState state) {
  switch (state) {
    case ConntrackState::fresh: return "new";
    case ConntrackState::established: return "established";
    case ConntrackState::related: return "related";
    case ConntrackState::invalid: return "invalid";
    case ConntrackState::untracked: return "untracked";
  }
  return "";
}

std::string_view to_string(Profile profile) {
  switch (profile) {
    case Profile::domain: return "domain";
    case Profile::private_: return "private";
    case Profile::public_: return "public";
  }
  return "";
}

std::string_view to_string(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::second: return "second";
    case TimeUnit::minute: return "minute";
    case TimeUnit::hour: return "hour";
    case TimeUnit::day: return "day";
  }
  return "";
}

std::uint64_t seconds(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::second: return 1;
    case TimeUnit::minute: return 60;
    case TimeUnit::hour: return 3600;
    case TimeUnit::day: return 86400;
  }
  return 1;
}

std::string_view to_string(RejectKind kind) {
  switch (kind) {
    case RejectKind::tcp_reset: return "tcp-reset";
    case RejectKind::port_unreachable: return "port-unreachable";
    case RejectKind::host_unreachable: return "host-unreachable";
    case RejectKind::net_unreachable: return "net-unreachable";
    case RejectKind::admin_prohibited: return "admin-prohibited";
    case RejectKind::proto_unreachable: return "proto-unreachable";
    case RejectKind::net_prohibited: return "net-prohibited";
    case RejectKind::host_prohibited: return "host-prohibited";
    case RejectKind::policy_fail: return "policy-fail";
    case RejectKind::reject_route: return "reject-route";
  }
  return "";
}

std::string_view to_string(OriginKind kind) {
  switch (kind) {
    case OriginKind::exception: return "exception";
    case OriginKind::loopback: return "loopback";
    case OriginKind::established: return "established";
    case OriginKind::icmp_errors: return "icmp-errors";
    case OriginKind::neighbour_discovery: return "neighbour-discovery";
    case OriginKind::drop_invalid: return "drop-invalid";
    case OriginKind::default_log: return "default-log";
    case OriginKind::default_verdict: return "default";
    case OriginKind::decoded: return "decoded";
  }
  return "";
}

std::string to_string(const Verdict& verdict) {
  switch (verdict.kind) {
    case VerdictKind::accept: return "accept";
    case VerdictKind::drop: return "drop";
    case VerdictKind::reject: return "reject " + std::string(to_string(verdict.reject));
    case VerdictKind::next: return "next";
    case VerdictKind::jump: return "jump " + verdict.chain;
    case VerdictKind::go_to: return "goto " + verdict.chain;
    case VerdictKind::return_: return "return";
  }
  return "";
}

bool InterfacePattern::matches(std::string_view interface) const {
  return wildcard ? interface.starts_with(name) : interface == name;
}

std::string to_string(const InterfacePattern& pattern) {
  return pattern.wildcard ? pattern.name + "*" : pattern.name;
}

InterfaceSet::InterfaceSet(std::vector<InterfacePattern> patterns, bool complemented)
    : complemented_(complemented) {
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  for (const auto& pattern : patterns) {
    const bool contained = std::any_of(patterns.begin(), patterns.end(), [&](const auto& other) {
      return other != pattern && other.wildcard && pattern.name.starts_with(other.name);
    });
    if (!contained) patterns_.push_back(pattern);
  }
}

InterfaceSet InterfaceSet::of(std::vector<InterfacePattern> patterns) {
  return {std::move(patterns), false};
}
InterfaceSet InterfaceSet::except(std::vector<InterfacePattern> patterns) {
  return {std::move(patterns), true};
}

bool InterfaceSet::contains(std::string_view interface) const {
  const bool matched = std::any_of(patterns_.begin(), patterns_.end(),
                                   [&](const auto& pattern) { return pattern.matches(interface); });
  return matched != complemented_;
}

bool valid(const Match& match) {
  const auto addresses_fit = [&](const AddressSet& set) {
    return set.families() == match.families;
  };
  if (!addresses_fit(match.source) || !addresses_fit(match.destination)) return false;
  const auto ports_everywhere = [&] {
    for (const auto& interval : match.protocols.intervals())
      for (unsigned p = interval.first.value; p <= interval.last.value; ++p)
        if (!has_ports(Protocol{static_cast<std::uint8_t>(p)})) return false;
    return true;
  };
  if ((!match.source_ports.is_all() || !match.destination_ports.is_all()) && !ports_everywhere())
    return false;
  if (match.icmp.is_all()) return true;
  return (match.families == FamilySet{Family::ipv4} &&
          match.protocols == ProtocolSet::of(protocol::icmp)) ||
         (match.families == FamilySet{Family::ipv6} &&
          match.protocols == ProtocolSet::of(protocol::icmpv6));
}

void restrict_families(Match& match, FamilySet families) {
  match.families =
      match.families & families & match.source.families() & match.destination.families();
  for (auto* set : {&match.source, &match.destination}) {
    if (!match.families.contains(Family::ipv4)) set->v4 = {};
    if (!match.families.contains(Family::ipv6)) set->v6 = {};
  }
}

const Chain* Program::find(Hook hook) const {
  for (const auto& chain : chains)
    if (chain.hook == hook) return &chain;
  return nullptr;
}

const Chain* Program::find(std::string_view name) const {
  for (const auto& chain : chains)
    if (chain.name == name) return &chain;
  return nullptr;
}

}  // namespace firewright::ir
