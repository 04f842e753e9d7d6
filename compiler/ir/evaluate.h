// The naive evaluator: what one concrete packet gets, by walking the rules in order. Obvious on
// purpose; everything cleverer is tested against it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/program.h"

namespace firewright::ir {

struct Packet {
  Hook hook = Hook::inbound;
  std::string in;   // interface name; empty where the hook has none (outbound)
  std::string out;  // likewise (inbound)
  Profile profile = Profile::public_;
  ConntrackState state = ConntrackState::fresh;
  std::variant<Ipv4, Ipv6> source = Ipv4{};
  std::variant<Ipv4, Ipv6> destination = Ipv4{};  // same family as source
  Protocol protocol = protocol::tcp;
  Port source_port;       // where the protocol has ports
  Port destination_port;  // likewise
  IcmpTypeCode icmp;      // where the protocol is the family's ICMP
  // Owner of the sending socket; none: nobody's (forwarded, or sent by the kernel itself).
  std::optional<OwnerId> user;
  std::optional<OwnerId> group;
  std::string program;
  std::string windows_service;

  [[nodiscard]] Family family() const {
    return std::holds_alternative<Ipv4>(source) ? Family::ipv4 : Family::ipv6;
  }
};
// As `explain` reads it: "tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0 new".
[[nodiscard]] std::string to_text(const Packet& packet);

struct Decision {
  Verdict verdict;                   // accept, drop or reject
  const Rule* rule = nullptr;        // the one that decided; null: the chain's policy
  std::vector<const Rule*> effects;  // rules with effects that the packet fired, in order
};

using PredicateValue = std::function<bool(const Predicate&)>;

[[nodiscard]] bool matches(
    const Match& match, const Packet& packet,
    const PredicateValue& holds = [](const Predicate&) { return true; });

// A hook without a chain accepts. A jump deeper than 64 or to an unknown chain decides nothing and
// gives no value.
[[nodiscard]] std::optional<Decision> evaluate(
    const Program& program, const Packet& packet,
    const PredicateValue& holds = [](const Predicate&) { return true; });

}  // namespace firewright::ir
