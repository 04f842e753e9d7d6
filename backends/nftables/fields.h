// The packet fields that the nftables backend looks at, and the types of their values, as nft 1.0.6
// numbers and names them. Facts only.
#pragma once

#include <cstdint>
#include <string_view>

#include "backends/nftables/ruleset.h"

namespace firewright::nftables {

struct TypeFacts {
  std::string_view name;
  std::uint32_t id;    // nft's number of the type (include/datatype.h)
  unsigned bytes;      // of a value
  bool network_order;  // how a value lies in a register
};
[[nodiscard]] const TypeFacts& facts(DataType type);
// The value whose highest `bits` bits are set.
[[nodiscard]] u128 leading_mask(DataType type, unsigned bits);

enum class Source : std::uint8_t { meta, ct, network, transport };

struct FieldFacts {
  std::string_view text;
  DataType type;
  Source source;
  std::uint32_t place;        // meta or ct key, or offset in the header
  std::uint32_t description;  // of a payload field in nft's user data
  std::uint32_t template_index;
};
[[nodiscard]] const FieldFacts& facts(Field field);

}  // namespace firewright::nftables
