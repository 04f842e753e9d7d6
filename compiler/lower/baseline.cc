#include "compiler/lower/baseline.h"

namespace firewright::lower {
namespace {

using ir::ConntrackState;
using ir::Hook;
using ir::OriginKind;

ir::Rule rule(OriginKind kind, ir::Match match, ir::Verdict verdict) {
  return {.match = std::move(match),
          .effects = {},
          .verdict = std::move(verdict),
          .origin = {.kind = kind, .label = {}, .reason = {}, .span = {}}};
}

Interval<IcmpTypeCode> types(unsigned first, unsigned last) {
  return {IcmpTypeCode{static_cast<std::uint16_t>(first << 8U)},
          IcmpTypeCode{static_cast<std::uint16_t>(last << 8U | 0xffU)}};
}

ir::Match icmp_match(Family family, IcmpSet icmp) {
  ir::Match match;
  ir::restrict_families(match, {family});
  match.protocols = ProtocolSet::of(family == Family::ipv4 ? protocol::icmp : protocol::icmpv6);
  match.icmp = std::move(icmp);
  return match;
}

}  // namespace

std::vector<ir::Rule> baseline_rules(const policy::Baseline& baseline, Hook hook) {
  std::vector<ir::Rule> rules;
  if (baseline.loopback && hook != Hook::forward) {
    ir::Match match;
    (hook == Hook::inbound ? match.in : match.out) =
        ir::InterfaceSet::of({{.name = "lo", .wildcard = false}});
    rules.push_back(rule(OriginKind::loopback, match, ir::Verdict::accept()));
  }
  if (baseline.established) {
    ir::Match match;
    match.states = {ConntrackState::established, ConntrackState::related};
    rules.push_back(rule(OriginKind::established, match, ir::Verdict::accept()));
  }
  if (baseline.icmp_errors) {
    // Destination unreachable (with "fragmentation needed"), time exceeded, parameter problem: RFC
    // 1812 section 4.3.3, and for IPv6, where path-MTU discovery hangs on it, RFC 4890
    // section 4.3.1.
    rules.push_back(rule(OriginKind::icmp_errors,
                         icmp_match(Family::ipv4, IcmpSet{types(3, 3), types(11, 12)}),
                         ir::Verdict::accept()));
    rules.push_back(rule(OriginKind::icmp_errors, icmp_match(Family::ipv6, IcmpSet{types(1, 4)}),
                         ir::Verdict::accept()));
  }
  if (baseline.neighbour_discovery && hook != Hook::forward) {
    // Multicast listener discovery 130-132 and 143, router and neighbour discovery 133-136: RFC
    // 4890 section 4.4.1. Connection tracking leaves these packets untracked, so the rule for
    // replies never sees them.
    rules.push_back(rule(OriginKind::neighbour_discovery,
                         icmp_match(Family::ipv6, IcmpSet{types(130, 136), types(143, 143)}),
                         ir::Verdict::accept()));
  }
  if (baseline.drop_invalid && hook != Hook::outbound) {
    ir::Match match;
    match.states = {ConntrackState::invalid};
    rules.push_back(rule(OriginKind::drop_invalid, match, ir::Verdict::drop()));
  }
  return rules;
}

}  // namespace firewright::lower
