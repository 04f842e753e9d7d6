#include "compiler/analysis/explain.h"

#include <algorithm>

namespace firewright::analysis {
namespace {

using ir::Match;
using ir::OriginKind;
using ir::Packet;
using ir::Rule;

constexpr std::size_t most_near_misses = 5;

// Tries the match with one field after the other set to "any": what mends it was in the way.
NearMiss mismatches(const Rule& rule, const Packet& packet) {
  const auto& match = rule.match;
  NearMiss miss{.rule = &rule, .reasons = {}, .distance = 0};
  const auto check = [&](bool ok, std::string reason, unsigned weight = 1) {
    if (ok) return;
    miss.reasons.push_back(std::move(reason));
    miss.distance += weight;
  };
  const auto address = [](const std::variant<Ipv4, Ipv6>& a) {
    return std::visit([](auto value) { return to_string(value); }, a);
  };
  const auto holds = [&](auto widen) {
    Match only;  // any, but for the field that is looked at
    widen(only);
    return ir::matches(only, packet);
  };
  const bool family = match.families.contains(packet.family());
  check(family, "the packet is " + std::string(to_string(packet.family())));
  check(match.in.contains(packet.in), "it comes in by `" + packet.in + "`");
  check(match.out.contains(packet.out), "it goes out by `" + packet.out + "`");
  check(match.profiles.contains(packet.profile),
        "the profile is " + std::string(to_string(packet.profile)));
  check(match.states.contains(packet.state),
        "the state is " + std::string(to_string(packet.state)));
  const bool protocol = match.protocols.contains(packet.protocol);
  check(protocol, "the protocol is " + to_string(packet.protocol), 3);
  if (protocol) {
    check(holds([&](Match& m) {
            m.protocols = match.protocols;
            m.source_ports = match.source_ports;
          }),
          "the source port is " + std::to_string(packet.source_port.value));
    check(holds([&](Match& m) {
            m.protocols = match.protocols;
            m.destination_ports = match.destination_ports;
          }),
          "the destination port is " + std::to_string(packet.destination_port.value), 2);
    check(holds([&](Match& m) { m.icmp = match.icmp; }),
          "the ICMP type is " + std::to_string(packet.icmp.type()) + "/" +
              std::to_string(packet.icmp.code()),
          2);
  }
  if (family) {
    check(holds([&](Match& m) { m.source = match.source; }),
          "the source is " + address(packet.source));
    check(holds([&](Match& m) { m.destination = match.destination; }),
          "the destination is " + address(packet.destination));
  }
  check(holds([&](Match& m) { m.users = match.users; }),
        packet.user ? "the user is " + std::to_string(packet.user->value) : "it has no user");
  check(holds([&](Match& m) { m.groups = match.groups; }),
        packet.group ? "the group is " + std::to_string(packet.group->value) : "it has no group");
  check(holds([&](Match& m) { m.program = match.program; }), "it is another program's");
  check(holds([&](Match& m) { m.windows_service = match.windows_service; }),
        "it is another Windows service's");
  return miss;
}

bool decides(const Rule& rule) {
  return rule.verdict.kind == ir::VerdictKind::accept ||
         rule.verdict.kind == ir::VerdictKind::drop || rule.verdict.kind == ir::VerdictKind::reject;
}

std::vector<NearMiss> near_misses(const ir::Chain& chain, const Packet& packet,
                                  ir::VerdictKind instead) {
  std::vector<NearMiss> near;
  for (const auto& rule : chain.rules) {
    if (rule.origin.kind != OriginKind::exception || !decides(rule)) continue;
    if (rule.verdict.kind == instead) continue;
    if (auto miss = mismatches(rule, packet); !miss.reasons.empty())
      near.push_back(std::move(miss));
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const NearMiss& a, const NearMiss& b) { return a.distance < b.distance; });
  // One exception may have become several rules; the closest of them speaks for it.
  std::vector<NearMiss> kept;
  for (auto& miss : near) {
    const bool seen = std::any_of(kept.begin(), kept.end(), [&](const NearMiss& other) {
      return other.rule->origin.span == miss.rule->origin.span &&
             other.rule->origin.label == miss.rule->origin.label;
    });
    if (!seen && kept.size() < most_near_misses) kept.push_back(std::move(miss));
  }
  return kept;
}

}  // namespace

Explanation explain(const ir::Program& program, const Packet& packet) {
  Explanation explanation;
  const auto* chain = program.find(packet.hook);
  if (const auto decision = ir::evaluate(program, packet)) explanation.decision = *decision;
  explanation.managed = chain != nullptr;
  if (chain == nullptr) return explanation;

  const auto over = ir::evaluate(program, packet, [](const ir::Predicate&) { return false; });
  if (over) explanation.over_limit = over->verdict;
  const auto* rule = explanation.decision.rule;
  explanation.limited = over && over->rule != rule;
  if (rule == nullptr) return explanation;
  if (rule->origin.kind != OriginKind::exception) {
    explanation.deciding.push_back(rule);
  } else {
    for (const auto& other : chain->rules) {
      if (other.origin.kind != OriginKind::exception || other.verdict.kind != rule->verdict.kind)
        continue;
      const bool listed =
          std::any_of(explanation.deciding.begin(), explanation.deciding.end(), [&](const Rule* r) {
            return r->origin.span == other.origin.span && r->origin == other.origin;
          });
      if (!listed && ir::matches(other.match, packet)) explanation.deciding.push_back(&other);
    }
  }
  if (rule->origin.kind == OriginKind::default_verdict)
    explanation.near = near_misses(*chain, packet, explanation.decision.verdict.kind);
  return explanation;
}

}  // namespace firewright::analysis
