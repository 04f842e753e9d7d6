#include "tests/kernel/harness/judge.h"

#include <cstring>

#include "compiler/ir/evaluate.h"

namespace firewright::kernel {
namespace {

using ir::RejectKind;
using ir::VerdictKind;

struct TypeCode {
  unsigned type, code;
};

// linux/icmp.h, linux/icmpv6.h; nothing where the kind does not exist in the family.
std::optional<TypeCode> icmp_of(RejectKind kind, Family family) {
  const bool v4 = family == Family::ipv4;
  const auto either = [v4](unsigned code4, unsigned code6) {
    return v4 ? TypeCode{3, code4} : TypeCode{1, code6};
  };
  switch (kind) {
    case RejectKind::tcp_reset: return std::nullopt;
    case RejectKind::port_unreachable: return either(3, 4);
    case RejectKind::host_unreachable: return either(1, 3);
    case RejectKind::net_unreachable: return either(0, 0);
    case RejectKind::admin_prohibited: return either(13, 1);
    case RejectKind::proto_unreachable: return TypeCode{3, 2};
    case RejectKind::net_prohibited: return TypeCode{3, 9};
    case RejectKind::host_prohibited: return TypeCode{3, 10};
    case RejectKind::policy_fail: return TypeCode{1, 5};
    case RejectKind::reject_route: return TypeCode{1, 6};
  }
  return std::nullopt;
}

bool is_multicast(const std::variant<Ipv4, Ipv6>& address) {
  if (const auto* v4 = std::get_if<Ipv4>(&address))
    return (v4->value >> 28U) >= 0xeU;  // and class E
  return (std::get<Ipv6>(address).value >> 120U) == 0xffU;
}

// Addresses that are never those of somebody on the network (RFC 1122 section 3.2.1.3): 0.0.0.0/8,
// 127.0.0.0/8, :: and ::1. The kernel sends no answer from or to them.
bool is_nobody(const std::variant<Ipv4, Ipv6>& address) {
  if (const auto* v4 = std::get_if<Ipv4>(&address))
    return v4->value >> 24U == 0 || v4->value >> 24U == 127;
  return std::get<Ipv6>(address).value <= 1;
}

// Whether a reject has to be seen on the wire. There are packets that nobody may answer with an
// error (RFC 1122 section 3.2.2, RFC 4443 section 2.4): other errors, what goes to many or comes
// from nobody; nor a reset with a reset (RFC 9293 section 3.5.2).
bool must_be_answered(const TestPacket& packet) {
  const ir::Packet& p = packet.packet;
  if (packet.bad_checksum || is_multicast(p.destination) || is_multicast(p.source)) return false;
  if (is_nobody(p.destination) || is_nobody(p.source)) return false;
  if (p.protocol == protocol::tcp) return packet.tcp != TcpKind::reset;
  return p.protocol == protocol::udp;
}

std::string describe(const ir::Decision& decision) { return to_string(decision.verdict); }

// Why the observation does not agree with the verdict, if it does not.
bool agrees(const Observation& seen, const ir::Verdict& verdict, const TestPacket& packet) {
  if (verdict.kind == VerdictKind::accept) return seen.accepted && !seen.reset && !seen.icmp_error;
  if (seen.accepted) return false;
  if (verdict.kind == VerdictKind::drop) return !seen.reset && !seen.icmp_error;
  if (!seen.reset && !seen.icmp_error) return !must_be_answered(packet);
  if (verdict.reject == RejectKind::tcp_reset) return seen.reset && !seen.icmp_error;
  const auto error = icmp_of(verdict.reject, packet.packet.family());
  return error && !seen.reset && seen.icmp_type == error->type && seen.icmp_code == error->code;
}

bool hangs_on_limit(const ir::Program& program, const ir::Packet& packet,
                    const ir::Verdict& verdict) {
  const auto without = ir::evaluate(program, packet, [](const ir::Predicate&) { return false; });
  return !without || without->verdict != verdict;
}

void judge_one(Tally& tally, const ir::Program& program, std::size_t which, TestPacket packet,
               const Observation& seen, OnLimits limits) {
  packet.packet.state = seen.state;
  ++tally.by_state[static_cast<unsigned>(seen.state)];
  ++tally.by_hook[static_cast<unsigned>(packet.packet.hook)];
  const auto decision = ir::evaluate(program, packet.packet);
  if (!decision) {
    tally.mismatches.push_back({which, packet, "a verdict", "none: the program is broken"});
    return;
  }
  if (limits == OnLimits::undecided && hangs_on_limit(program, packet.packet, decision->verdict)) {
    ++tally.undecided;
    return;
  }
  if (decision->verdict.kind == VerdictKind::accept) ++tally.accepted;
  if (decision->verdict.kind == VerdictKind::drop) ++tally.dropped;
  if (decision->verdict.kind == VerdictKind::reject) ++tally.rejected;
  if (seen.reset || seen.icmp_error) ++tally.answers;
  if (!agrees(seen, decision->verdict, packet))
    tally.mismatches.push_back(
        {which, packet, describe(*decision), describe(seen, packet.packet.family())});
}

}  // namespace

Trial try_packets(const Choice& choice, const Load& load, TestBed::Accepted accepted) {
  Trial trial;
  trial.outcome = in_namespace([&]() -> std::string {
    TestBed bed(choice.interfaces);
    for (const auto& flow : choice.flows) bed.open_flow(flow);
    bed.start_measuring(accepted);
    if (const auto error = load()) throw HarnessError(*error);
    const auto observations = bed.measure(choice.packets);
    return {reinterpret_cast<const char*>(observations.data()),
            observations.size() * sizeof(Observation)};
  });
  static_assert(std::is_trivially_copyable_v<Observation>);
  if (!trial.outcome.done()) return trial;
  trial.observations.resize(choice.packets.size());
  if (trial.outcome.text.size() != trial.observations.size() * sizeof(Observation)) {
    trial.outcome = {.kind = Outcome::Kind::failed, .text = "observations of another size"};
    return trial;
  }
  std::memcpy(trial.observations.data(), trial.outcome.text.data(), trial.outcome.text.size());
  trial.outcome.text.clear();
  return trial;
}

Tally judge(const ir::Program& program, const std::vector<TestPacket>& packets,
            const std::vector<Observation>& observations, OnLimits limits) {
  Tally tally;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (observations[i].sent) ++tally.sent;
    if (!observations[i].arrived) continue;
    ++tally.arrived;
    judge_one(tally, program, i, packets[i], observations[i], limits);
  }
  return tally;
}

std::string describe(const Observation& observation, Family family) {
  if (!observation.arrived) return "did not arrive";
  std::string text = observation.accepted ? "accept" : "";
  if (observation.reset) text += std::string(text.empty() ? "" : " and ") + "reject tcp-reset";
  if (observation.icmp_error) {
    text += std::string(text.empty() ? "" : " and ") + "reject with " +
            (family == Family::ipv4 ? "icmp " : "icmpv6 ") + std::to_string(observation.icmp_type) +
            "/" + std::to_string(observation.icmp_code);
  }
  return text.empty() ? "drop" : text;
}

std::string report(const Tally& tally, std::size_t most) {
  std::string text =
      std::to_string(tally.sent) + " packets sent, " + std::to_string(tally.arrived) +
      " arrived (inbound " + std::to_string(tally.by_hook[0]) + ", outbound " +
      std::to_string(tally.by_hook[1]) + ", forward " + std::to_string(tally.by_hook[2]) + ";";
  for (const ir::ConntrackState state : ir::StateSet::all()) {
    text += " " + std::string(to_string(state)) + " " +
            std::to_string(tally.by_state[static_cast<unsigned>(state)]);
  }
  text += "), expected accept " + std::to_string(tally.accepted) + ", drop " +
          std::to_string(tally.dropped) + ", reject " + std::to_string(tally.rejected) +
          " (answers seen " + std::to_string(tally.answers) + "), hanging on a limit " +
          std::to_string(tally.undecided) + ", mismatches " +
          std::to_string(tally.mismatches.size()) + "\n";
  for (std::size_t i = 0; i < tally.mismatches.size() && i < most; ++i) {
    const auto& mismatch = tally.mismatches[i];
    text += "  " + std::string(to_string(mismatch.packet.packet.hook)) + ": " +
            to_text(mismatch.packet) + "\n    expected " + mismatch.expected + ", seen " +
            mismatch.seen + "\n";
  }
  return text;
}

}  // namespace firewright::kernel
