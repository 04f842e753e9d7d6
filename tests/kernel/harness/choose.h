// Which packets to try a program with: for each rule one that it was written for, both sides of
// every boundary of each of its fields, every connection state, what keeps IPv6 alive; then random
// ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/program.h"
#include "tests/kernel/harness/packet.h"

namespace firewright::kernel {

struct ChoiceOptions {
  std::uint64_t seed = 1;       // the same seed and program give the same packets
  std::size_t at_least = 1600;  // filled up with random ones; some never reach a hook
  std::size_t at_most = 12000;
  std::size_t flows_per_hook = 16;    // connections that are open when the packets come
  std::vector<ir::Packet> besides{};  // come first; on interfaces of interfaces_of(program)
};

struct Choice {
  std::vector<std::string> interfaces;
  std::vector<TestPacket> flows;  // the packet that opens each
  std::vector<TestPacket> packets;
};

[[nodiscard]] Choice choose(const ir::Program& program, const ChoiceOptions& options);

}  // namespace firewright::kernel
