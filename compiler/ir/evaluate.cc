#include "compiler/ir/evaluate.h"

#include <algorithm>

namespace firewright::ir {
namespace {

constexpr int deepest_jump = 64;

bool contains(const AddressSet& set, const std::variant<Ipv4, Ipv6>& address) {
  if (const auto* v4 = std::get_if<Ipv4>(&address)) return set.v4.contains(*v4);
  return set.v6.contains(std::get<Ipv6>(address));
}

bool is_own_icmp(const Packet& packet) {
  return packet.protocol == (packet.family() == Family::ipv4 ? protocol::icmp : protocol::icmpv6);
}

bool owned_by(const OwnerSet& set, const std::optional<OwnerId>& owner) {
  return set.is_all() || (owner && set.contains(*owner));
}

enum class Outcome { decided, fell_through, impossible };

struct Walk {
  const Program& program;
  const Packet& packet;
  const PredicateValue& holds;
  Decision decision;

  Outcome chain(const Chain& chain, int depth) {
    if (depth > deepest_jump) return Outcome::impossible;
    for (const auto& rule : chain.rules) {
      if (!matches(rule.match, packet, holds)) continue;
      if (!rule.effects.empty()) decision.effects.push_back(&rule);
      switch (rule.verdict.kind) {
        case VerdictKind::accept:
        case VerdictKind::drop:
        case VerdictKind::reject:
          decision.verdict = rule.verdict;
          decision.rule = &rule;
          return Outcome::decided;
        case VerdictKind::next: break;
        case VerdictKind::return_: return Outcome::fell_through;
        case VerdictKind::jump:
        case VerdictKind::go_to: {
          const auto* target = program.find(rule.verdict.chain);
          if (target == nullptr) return Outcome::impossible;
          const auto outcome = this->chain(*target, depth + 1);
          if (outcome != Outcome::fell_through || rule.verdict.kind == VerdictKind::go_to)
            return outcome;
          break;
        }
      }
    }
    return Outcome::fell_through;
  }
};

}  // namespace

bool matches(const Match& match, const Packet& packet, const PredicateValue& holds) {
  if (!match.families.contains(packet.family())) return false;
  if (!match.in.contains(packet.in) || !match.out.contains(packet.out)) return false;
  if (!match.profiles.contains(packet.profile)) return false;
  if (!match.states.contains(packet.state)) return false;
  if (!match.protocols.contains(packet.protocol)) return false;
  if (has_ports(packet.protocol)) {
    if (!match.source_ports.contains(packet.source_port)) return false;
    if (!match.destination_ports.contains(packet.destination_port)) return false;
  } else if (!match.source_ports.is_all() || !match.destination_ports.is_all()) {
    return false;
  }
  if (is_own_icmp(packet)) {
    if (!match.icmp.contains(packet.icmp)) return false;
  } else if (!match.icmp.is_all()) {
    return false;
  }
  if (!contains(match.source, packet.source)) return false;
  if (!contains(match.destination, packet.destination)) return false;
  if (!owned_by(match.users, packet.user) || !owned_by(match.groups, packet.group)) return false;
  if (!match.program.empty() && match.program != packet.program) return false;
  if (!match.windows_service.empty() && match.windows_service != packet.windows_service)
    return false;
  return std::all_of(match.predicates.begin(), match.predicates.end(), holds);
}

std::optional<Decision> evaluate(const Program& program, const Packet& packet,
                                 const PredicateValue& holds) {
  Walk walk{.program = program, .packet = packet, .holds = holds, .decision = {}};
  walk.decision.verdict = Verdict::accept();
  for (const auto& base : program.chains) {
    if (base.hook != packet.hook) continue;
    switch (walk.chain(base, 0)) {
      case Outcome::impossible: return std::nullopt;
      case Outcome::decided: break;
      case Outcome::fell_through:
        walk.decision.rule = nullptr;
        walk.decision.verdict =
            base.policy == VerdictKind::drop ? Verdict::drop() : Verdict::accept();
        break;
    }
    if (walk.decision.verdict.kind != VerdictKind::accept) break;
  }
  return walk.decision;
}

std::string to_text(const Packet& packet) {
  const bool icmp = packet.protocol == protocol::icmp || packet.protocol == protocol::icmpv6;
  // ICMP of the other family is a number like others: its name would want a type.
  std::string out = icmp && !is_own_icmp(packet)
                        ? "protocol/" + std::to_string(packet.protocol.value)
                        : to_string(packet.protocol);
  const bool ports = has_ports(packet.protocol);
  const bool v6 = packet.family() == Family::ipv6;
  const auto end = [&](const std::variant<Ipv4, Ipv6>& address, Port port) {
    auto text = std::visit([](auto a) { return to_string(a); }, address);
    if (ports && v6) text = "[" + text + "]";
    if (ports) text += ":" + std::to_string(port.value);
    return text;
  };
  if (is_own_icmp(packet))
    out += " " + std::to_string(packet.icmp.type()) + "/" + std::to_string(packet.icmp.code());
  out += " " + end(packet.source, packet.source_port) + " -> " +
         end(packet.destination, packet.destination_port);
  if (!packet.in.empty()) out += " in " + packet.in;
  if (!packet.out.empty()) out += " out " + packet.out;
  out += " " + std::string(to_string(packet.state));
  if (packet.user) out += " user " + std::to_string(packet.user->value);
  if (packet.group) out += " group " + std::to_string(packet.group->value);
  if (!packet.program.empty()) out += " program \"" + packet.program + "\"";
  if (!packet.windows_service.empty()) out += " windows-service \"" + packet.windows_service + "\"";
  return out;
}

}  // namespace firewright::ir
