// Values of the fields that are interpreted: single ones, prefixes, ranges, and the elements of
// sets and maps.
//
// Everything is a range of unsigned numbers. An interface is the 16 bytes of its name, the first
// one highest, as the kernel keeps it; a wildcard is the range of the names that begin with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/nftables/read_text_cursor.h"
#include "compiler/base/integers.h"
#include "compiler/ir/program.h"

namespace firewright::nftables::script {

enum class Datatype : std::uint8_t {
  nf_proto,
  protocol,
  ether_type,
  port,
  icmp_type,
  icmp_code,
  icmpv6_type,
  icmpv6_code,
  ipv4,
  ipv6,
  interface,
  interface_index,  // written as a name, too
  user,
  group,
  state,
  opaque,  // not interpreted
};

// The largest value of a type.
[[nodiscard]] u128 last_value(Datatype type);

struct Range {
  u128 first = 0;
  u128 last = 0;
  [[nodiscard]] bool single() const { return first == last; }
  bool operator==(const Range&) const = default;
  auto operator<=>(const Range&) const = default;
};

// The elements of a set, or of a verdict map.
struct Elements {
  std::size_t arity = 1;                // fields of a key
  std::vector<Range> keys;              // `arity` for each element
  std::vector<std::uint32_t> verdicts;  // of a map: one for each element, into `choices`
  std::vector<ir::Verdict> choices;     // distinct; chains by their name in the script
  bool has_ranges = false;              // some key is no single value

  [[nodiscard]] std::size_t size() const { return keys.size() / arity; }
  [[nodiscard]] std::span<const Range> key(std::size_t i) const {
    return std::span(keys).subspan(i * arity, arity);
  }
};

// A value, prefix or range at the cursor. Reports and gives false if there is none.
[[nodiscard]] bool read_item(Cursor& cursor, Datatype type, Range& item);
// `accept`, `drop`, `continue`, `return`, `jump x`, `goto x`; reports what is none.
[[nodiscard]] bool read_verdict(Cursor& cursor, ir::Verdict& verdict);
// What stands between the braces, for `types` joined by dots. The braces of a variable may stand
// inside. Refuses catch-all elements.
[[nodiscard]] bool read_elements(Cursor& cursor, std::span<const Datatype> types, bool is_map,
                                 Elements& elements);
// Reports elements of a map that overlap and have different verdicts: which one wins is up to the
// order in which they were put in.
[[nodiscard]] bool check_disjoint(const Elements& elements, Span span, Sink& sink);

[[nodiscard]] ir::InterfacePattern interface_pattern(Range range);

}  // namespace firewright::nftables::script
