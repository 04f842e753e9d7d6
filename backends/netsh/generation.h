// Everything of one generation of rules that ends up in files: its name and its lines.
//
// A generation is named for what it says, `firewright-` and 16 hexadecimal digits: the 64-bit
// FNV-1a hash of its lines. So the same policy has the same name on every machine and in every run,
// and two generations can stand beside each other while one takes over from the other. Its block
// rules carry
// `-block` behind the name: they have to outlive the allow rules when a generation leaves.
#pragma once

#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/netsh/plan.h"

namespace firewright::netsh {

struct Generation {
  std::string name;
  std::string policy_name;          // made safe; may be empty
  std::vector<std::string> blocks;  // `add rule` lines
  std::vector<std::string> allows;  // likewise; rules for remote administration first
  bool inbound_blocks = true;       // the defaults
  bool outbound_blocks = false;
  bool disables_inbound = false;  // whether other people's rules of a direction are disabled
  bool disables_outbound = false;

  [[nodiscard]] std::string block_name() const { return name + "-block"; }
};

struct Plans {
  Plan inbound, outbound;
};
[[nodiscard]] Plans plans(const ir::Program& program);

[[nodiscard]] Generation generation(const ir::Program& program, const backend::Options& options);
// The same from plans that were made before.
[[nodiscard]] Generation generation(const ir::Program& program, const Plans& plans,
                                    const backend::Options& options);

}  // namespace firewright::netsh
