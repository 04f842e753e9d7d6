// Neighbouring rules as one, where nobody could tell.
//
// Exceptions of one class all end the same way, so their order says nothing: rules without effects
// and predicates that differ only in ports, or only in protocols, become one rule with a set; many
// that differ in more become lookups (structure.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "compiler/ir/program.h"

namespace firewright::nftables {

// The leading bits of some of a packet's fields, as keys that lie one after the other.
struct Tuples {
  enum class Side : std::uint8_t { source, destination, source_port, destination_port };
  struct Part {
    Side side{};
    unsigned bits = 0;
    bool operator==(const Part&) const = default;
  };
  std::vector<Part> parts;
  std::string keys;  // ascending, each once
};

struct MergedRule {
  ir::Rule rule;
  std::vector<std::string> labels;  // of the exceptions in it
  // Besides `rule.match`, which leaves these fields open, the packet has one of these keys.
  std::optional<Tuples> tuples;
};

[[nodiscard]] std::vector<MergedRule> merge(const std::vector<ir::Rule>& rules,
                                            backend::NftablesLayout layout);

}  // namespace firewright::nftables
