// A host made of one network namespace, in which real packets meet a real firewall.
//
// Each interface is a tun device: what is written to it arrives. Every address is the host's own,
// so any destination reaches the input hook; a packet that is to be forwarded says in its DSCP bits
// by which interface it leaves. Outbound packets come from raw sockets of the owner that they name;
// what arrives on lo is put there by a packet socket.
//
// Two base chains on each hook measure. One stands before every policy, behind connection tracking:
// it notes the packet and the state that the kernel gave it. One stands behind every policy: it
// notes the packet as accepted, and drops it, so that nothing answers and no connection is
// remembered. The resets and ICMP errors that a policy answers with are noted on their way out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "tests/kernel/harness/file_descriptor.h"
#include "tests/kernel/harness/packet.h"

namespace firewright::kernel {

// What the kernel did with one packet. Trivially copyable: it crosses a process border.
struct Observation {
  bool sent = false;                                     // the harness could hand it to the kernel
  bool arrived = false;                                  // it came as far as the policy's hook
  ir::ConntrackState state = ir::ConntrackState::fresh;  // when arrived
  bool accepted = false;
  bool reset = false;       // answered with a TCP reset
  bool icmp_error = false;  // answered with an ICMP error, this one:
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
};

// Why no bed can be made here (no namespaces, no tun devices, no nft), if so: what a test says that
// skips itself.
[[nodiscard]] std::optional<std::string> why_no_bed();
// Whether packets can be sent as any owner, which takes root outside of user namespaces. Else those
// of other owners than root are not sent.
[[nodiscard]] bool can_send_as_anybody();

class TestBed {
 public:
  static constexpr std::size_t max_packets = 65535;
  static constexpr std::size_t max_interfaces = 60;

  // Works on the namespace that the caller is in. `interfaces` are made, except "lo", which is
  // there. Throws HarnessError.
  explicit TestBed(const std::vector<std::string>& interfaces);

  // Makes the connection known that `first` opens: it, its answer and what follows are sent
  // through. Only before measuring starts and before a policy is loaded.
  void open_flow(const TestPacket& first);

  // From here on packets are noted, and none leaves. Inbound ones that were accepted are dropped
  // behind the policy, or delivered, so that the connections that they open are remembered.
  enum class Accepted { dropped, delivered };
  void start_measuring(Accepted accepted = Accepted::dropped);
  // The packets, numbered from 1, and what became of each.
  [[nodiscard]] std::vector<Observation> measure(std::span<const TestPacket> packets);

  // The same in steps, for many rulesets: packets whose numbers follow on those in `observations`,
  // which grows by them; later what became of all. A number is good for one packet until the notes
  // are forgotten.
  void send(std::span<const TestPacket> packets, std::vector<Observation>& observations);
  static void read(std::vector<Observation>& observations);
  static void forget();

 private:
  struct Interface {
    FileDescriptor tun;  // not open for lo
    unsigned number = 0;
  };

  void make_interface(const std::string& name);
  void route();
  [[nodiscard]] bool send(const TestPacket& packet, std::uint16_t id);
  [[nodiscard]] bool send_outbound(const TestPacket& packet, std::uint16_t id);
  [[nodiscard]] bool send_to_loopback(const std::string& bytes, Family family);
  // -1 where the kernel does not let us be that owner.
  [[nodiscard]] int raw_socket(Family family, OwnerId user, OwnerId group);

  std::map<std::string, Interface> interfaces_;
  std::map<std::tuple<Family, OwnerId, OwnerId>, FileDescriptor> raw_sockets_;
  FileDescriptor loopback_socket_;
};

}  // namespace firewright::kernel
