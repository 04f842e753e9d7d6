// The elements of a set or map, and what a lookup of them asks of the packet's fields.
//
// An interval set without concatenation is a list of starts and ends: a key is in it if the nearest
// of them below or at it is a start. Other sets hold single keys, or ranges of them in each field.
// Ranges of a set may overlap; those of a map may not where their data differ, since the kernel
// takes whichever it finds. Elements with a timeout count as long as they are there. The one
// "catch-all" element stands for every key that no other holds.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/nftables/decode_attributes.h"
#include "backends/nftables/decode_boxes.h"
#include "backends/nftables/decode_tables.h"
#include "backends/nftables/decode_worlds.h"

namespace firewright::nftables::netlink {

// What a rule or an element decides.
struct KernelVerdict {
  std::int32_t code = 0;
  std::string_view chain;
  std::uint32_t chain_id = 0;
};
// NFTA_DATA_VERDICT's payload. None: it has no code.
[[nodiscard]] std::optional<KernelVerdict> read_verdict(std::string_view bytes);

// What a map says for some of its keys. In a set all elements are of one group that says nothing.
struct Group {
  std::optional<KernelVerdict> verdict;
  std::string_view value;   // of a data map
  std::string_view object;  // of a map of objects
};

struct Contents {
  struct Item {
    const char* key = nullptr;   // as many bytes as the set's keys have
    const char* last = nullptr;  // of a range of keys; null: only `key`
    std::uint32_t group = 0;
    bool end = false;
  };
  struct Piece {
    Range keys;
    std::uint32_t group = 0;
  };
  std::vector<Group> groups;
  std::vector<Item> items;
  std::optional<std::uint32_t> catch_all;
  bool by_ends = false;       // starts and ends; then `pieces` instead of `items`
  std::vector<Piece> pieces;  // ascending; the whole key as a number
  // Elements test packets themselves, with a limit for example.
  bool tests_packets = false;
};

// Reads each set once.
class SetReader {
 public:
  explicit SetReader(Artifact& artifact) : artifact_(artifact) {}
  // Null: an error was reported.
  [[nodiscard]] const Contents* read(const SetEntry& set);

 private:
  Artifact& artifact_;
  std::map<const SetEntry*, std::unique_ptr<Contents>> known_;
};

// The packets for which a lookup finds a group, as sets of values of the row's components.
struct Part {
  std::uint32_t group = 0;
  bool negated = false;  // only with a single component
  Box values;            // one a component; empty: all packets
};

enum class LookupProblem { opaque, contradiction, entangled };
struct Lookup {
  std::vector<Part> parts;
  std::optional<LookupProblem> problem;
};
// `inverted`: the packets for which it finds nothing.
[[nodiscard]] Lookup look_up(const SetEntry& set, const Contents& contents, const Row& row,
                             bool inverted);
// Where only some of the key's bytes can be looked into: packets for which it finds a group at
// most. Parts of different groups may overlap.
[[nodiscard]] Lookup look_up_some(const SetEntry& set, const Contents& contents, const Row& row);

// The elements of a group as a text that is the same for the same elements.
[[nodiscard]] std::string describe(const SetEntry& set, const Contents& contents,
                                   std::uint32_t group);

}  // namespace firewright::nftables::netlink
