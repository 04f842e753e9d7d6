// The statements of a rule as the kernel's expressions, as nft 1.0.6 would put them: which
// register, how many bytes of a header, when a mask. Listing depends on these choices, not only
// matching.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/nftables/ruleset.h"

struct nftnl_rule;

namespace firewright::nftables {

// A set as a rule refers to it.
struct SetReference {
  std::string name;
  std::uint32_t id = 0;    // 0: by name only
  bool intervals = false;  // its keys are in network order
};

// Gives the set for a rule's lookup: a named one, or an anonymous one that is made on the spot.
class SetSource {
 public:
  virtual ~SetSource() = default;
  virtual SetReference named(const std::string& name) = 0;
  virtual SetReference anonymous(Field field, const Elements& elements) = 0;
};

void add_expressions(nftnl_rule* rule, const std::vector<Statement>& statements, SetSource& sets);

[[nodiscard]] std::uint32_t kernel_verdict(VerdictCode code);

// A value's bytes as they lie in a register or a set's key. With `network_order` also those of
// types that otherwise lie in host order.
[[nodiscard]] std::string key_bytes(DataType type, u128 value, bool network_order = false);

}  // namespace firewright::nftables
