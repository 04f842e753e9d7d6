// The connections that are open now, as the filter saw their first packet, and their end.
//
// From connection tracking and from this host's sockets, of the network namespace of the calling
// thread. Judges nothing: whether a policy would let them open again is asked elsewhere. Flows of
// this host with itself are left out.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "backends/host/host.h"
#include "backends/host/session.h"
#include "backends/host/sockets.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/program.h"

namespace firewright::host {

struct Flow {
  // Inbound: the destination is an address of this host; outbound: the source is.
  ir::Hook hook = ir::Hook::inbound;
  Protocol protocol;
  // Of the direction that opened it, as the filter hooks see them: after DNAT, before SNAT.
  Address source, destination;
  Port destination_port, source_port;  // where the protocol has ports; source_port 0: unknown
  IcmpTypeCode icmp;                   // where it is the family's ICMP
  std::string in, out;      // by the kernel's routes; empty: unknown, or the hook has none
  bool tracked = false;     // connection tracking knows it
  bool management = false;  // belongs to the administrator's session
  std::string owner;        // for people: "sshd (pid 812)"; see name_owners()
  // What it takes to end it.
  std::string entry;            // of connection tracking: its tuple, zone and id
  std::vector<Socket> sockets;  // of this host

  [[nodiscard]] Family family() const {
    return std::holds_alternative<Ipv4>(source) ? Family::ipv4 : Family::ipv6;
  }
  auto operator<=>(const Flow&) const = default;
};

// Its first packet, state `fresh`, with nobody's user and group.
[[nodiscard]] ir::Packet first_packet(const Flow& flow);

// Open are: TCP of connection tracking that is established, or closed on one side only; its other
// protocols once seen in both directions; TCP and connected UDP sockets that tracking does not
// know. Who opened the latter is told by who listens. Sorted, without duplicates. `management` is
// set by current_session(). No value: `error` says why, for people.
[[nodiscard]] std::optional<std::vector<Flow>> live_flows(std::string& error);
// The same for a session that is known already.
[[nodiscard]] std::optional<std::vector<Flow>> live_flows(const Session& session,
                                                          std::string& error);

// Where these cannot be told: the session's connections alone, each as if its peer had opened it,
// by an interface that is not known.
[[nodiscard]] std::vector<Flow> assumed_flows(const Session& session);

// Fills `owner` from /proc; looks through the descriptors of all processes once.
void name_owners(std::vector<Flow>& flows, const std::string& proc = "/proc");

// Ends exactly this flow: destroys its sockets on this host (a TCP peer gets a reset), then deletes
// its entry of connection tracking, and not a newer one of the same tuple. Ok too when it has gone.
// Reason `unsupported`: the kernel cannot destroy a socket of it; its entry is deleted all the
// same. A forwarded TCP connection whose other direction the policy lets open may come back from
// there.
Result end_flow(const Flow& flow);

}  // namespace firewright::host
