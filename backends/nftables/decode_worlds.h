// The packets that get as far as some expression of a rule: a product of sets each, and what the
// registers hold for them.
//
// A rule begins with one world, of all packets. A condition narrows each; one that is no product of
// sets (a set of concatenations, a map) makes several of one, disjoint where maps need it.
//
// What bytes mean, which is what decides whether a condition is looked into or kept as an opaque
// predicate:
// - bytes of the network header are addresses and the protocol where the world is of one family,
//   else opaque: the kernel does not check the family.
// - bytes of the transport header are ports where the world's protocols have ports, and ICMP's type
//   and code where the world is of one family and its ICMP, else opaque.
// - IPv6's own "next header" is the protocol where no extension header follows: it narrows the
//   protocol, together with the opaque predicate that there is none.
// - interface 1 is "lo" in every network namespace; other indices are opaque, since names are not
//   looked up.
// - a user or group matches no packet that no socket sent, even when it is negated.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/nftables/decode_values.h"
#include "compiler/ir/program.h"

namespace firewright::nftables::netlink {

struct World {
  ir::Match match;
  ir::Effects effects;  // since the last rule that was written for it
  Registers registers;
  std::vector<std::size_t> buckets;  // which predicates of `match` spend tokens
};

// A row of bytes as fields. Bytes that are constants are apart.
struct Row {
  std::vector<Component> components;
  std::vector<std::pair<std::size_t, std::uint8_t>> constants;
};

// None: some byte is nothing that can be looked into, or the same byte stands there twice.
[[nodiscard]] std::optional<Row> resolve(std::span<const Byte> bytes, const ir::Match& match);
// The same, but leaves out what cannot be looked into.
[[nodiscard]] Row resolve_some(std::span<const Byte> bytes, const ir::Match& match);
// The protocols of `match` with ports, and those without: the first bytes of their headers differ
// in meaning. None: all are of one kind, or no byte is one of these.
[[nodiscard]] std::optional<std::pair<ProtocolSet, ProtocolSet>> split_protocols(
    std::span<const Byte> bytes, const ir::Match& match);

enum class Narrowed {
  yes,      // perhaps to nothing, see is_empty
  opaquely  // what is left is not exactly this; the caller adds an opaque predicate
};
// To the packets whose field has, or negated has not, one of these values.
[[nodiscard]] Narrowed narrow(ir::Match& match, Field field, const Ranges& values, bool negated);
[[nodiscard]] bool is_empty(const ir::Match& match);

void add_predicate(ir::Match& match, ir::Predicate predicate);
void add_opaque(ir::Match& match, const std::string& text);

// What the bytes are, for an opaque predicate: "meta mark & 0xff00". `opaque` holds the names of
// opaque values.
[[nodiscard]] std::string describe(std::span<const Byte> bytes, const ir::Match& match,
                                   const std::vector<std::string>& opaque);
[[nodiscard]] std::string hex(std::string_view bytes);

}  // namespace firewright::nftables::netlink
