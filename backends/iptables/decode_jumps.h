// Chains that jump in a circle, or deeper than any kernel goes, before anybody follows them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backends/iptables/decode_text.h"

namespace firewright::iptables::decoder {

struct JumpingChain {
  std::string name;
  Span declared;
  std::vector<std::string> to;
};

// nf_tables follows 16 jumps (NFT_JUMP_STACK_SIZE); iptables-legacy any number.
inline constexpr unsigned deepest_jump = 30;

void check_circles(std::span<const JumpingChain> chains, Report& report);

}  // namespace firewright::iptables::decoder
