// What Windows Firewall does not filter. Every entry takes packets out of the proof, so each says
// why no rule could reach them, and no entry is wider than its reason.
#include <string>
#include <utility>

#include "backends/netsh/decode.h"

namespace firewright::netsh {
namespace {

using backend::Unfiltered;
using ir::ConntrackState;
using ir::Hook;

// Microsoft KB2771908: rules made with netsh "have no effect on loopback communication". Lowered
// programs know the loopback interface by the name it has on Linux.
void add_loopback(std::vector<Unfiltered>& list, Hook hook) {
  Unfiltered interface{.hook = hook, .match = {}, .why = "Windows does not filter loopback"};
  (hook == Hook::inbound ? interface.match.in : interface.match.out) =
      ir::InterfaceSet::of({{.name = "lo", .wildcard = false}});
  list.push_back(std::move(interface));

  // Nor do packets with these addresses exist on another interface (RFC 1122 section 3.2.1.3, RFC
  // 4291 section 2.5.3), and netsh takes none of them in a rule ([MS-FASP] 2.2.10 and 2.2.24). One
  // entry for each side and family: a match is a product of sets.
  const AddressSet v4{.v4 = Ipv4Set{{Ipv4{0x7f000000}, Ipv4{0x7fffffff}}}, .v6 = {}};
  const AddressSet v6{.v4 = {}, .v6 = Ipv6Set::of(Ipv6{1})};
  for (const auto& addresses : {v4, v6}) {
    for (const auto side : {&ir::Match::source, &ir::Match::destination}) {
      Unfiltered address{
          .hook = hook, .match = {}, .why = "loopback addresses are not filtered by Windows"};
      address.match.*side = addresses;
      ir::restrict_families(address.match, addresses.families());
      list.push_back(std::move(address));
    }
  }
}

// [MS-FASP] 2.2.19 and "ALE stateful filtering" of the Windows Filtering Platform: rules authorise
// flows, and the direction of a rule is that of a flow's first packet. The packets that follow pass
// both ways without one.
void add_flows(std::vector<Unfiltered>& list, Hook hook) {
  Unfiltered flows{.hook = hook,
                   .match = {},
                   .why = "Windows lets the packets of flows pass that it has let begin"};
  flows.match.states = {ConntrackState::established, ConntrackState::related};
  list.push_back(std::move(flows));
}

}  // namespace

std::vector<Unfiltered> unfiltered() {
  std::vector<Unfiltered> list;
  for (const auto hook : {Hook::inbound, Hook::outbound}) {
    add_loopback(list, hook);
    add_flows(list, hook);
  }
  // The same sources: a packet belongs to a flow or begins one. No rule can ask for packets that do
  // neither, and `drop-invalid` of the baseline, which is inbound only, has nothing to say. Packets
  // that the model calls untracked are compared: rules must treat them as new ones.
  Unfiltered invalid{.hook = Hook::inbound,
                     .match = {},
                     .why = "Windows has no packets that are of no flow and begin none"};
  invalid.match.states = {ConntrackState::invalid};
  list.push_back(std::move(invalid));
  // [MS-FASP] 1.1, Windows Firewall is a host firewall: it has no rules for what is forwarded.
  list.push_back(
      {.hook = Hook::forward, .match = {}, .why = "Windows Firewall filters no forwarded packets"});
  return list;
}

}  // namespace firewright::netsh
