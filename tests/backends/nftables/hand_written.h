// Rulesets written by hand as messages, for the decoder's units: expressions as other programs may
// put them, not only as the encoder does.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/backends/nftables/netlink_tree.h"

namespace firewright::test {

using Nodes = std::vector<Node>;

// --- expressions; registers are NFT_REG_1 (16 bytes) unless given

[[nodiscard]] Node expression(std::string_view name, Nodes data);
[[nodiscard]] Node payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
                           std::uint32_t to = 1);
[[nodiscard]] Node network(std::uint32_t offset, std::uint32_t length, std::uint32_t to = 1);
[[nodiscard]] Node transport(std::uint32_t offset, std::uint32_t length, std::uint32_t to = 1);
[[nodiscard]] Node meta(std::uint32_t key, std::uint32_t to = 1);
[[nodiscard]] Node ct(std::uint32_t key, std::uint32_t to = 1);
[[nodiscard]] Node cmp(std::uint32_t op, std::string_view bytes, std::uint32_t from = 1);
[[nodiscard]] Node equal(std::string_view bytes, std::uint32_t from = 1);
[[nodiscard]] Node bitwise(std::string_view mask, std::string_view flip = {});
[[nodiscard]] Node to_network_order(std::uint32_t size);
[[nodiscard]] Node range(std::uint32_t op, std::string_view first, std::string_view last);
[[nodiscard]] Node lookup(std::string_view set, bool inverted = false, int to = -1,
                          std::uint32_t id = 0);
[[nodiscard]] Node limit(std::uint64_t rate, std::uint64_t unit, std::uint32_t burst,
                         std::uint32_t type = 0, std::uint32_t flags = 0);
[[nodiscard]] Node verdict(std::int32_t code, std::string_view chain = {});
[[nodiscard]] Node accept();
[[nodiscard]] Node drop();
[[nodiscard]] Node object(std::uint32_t type, std::string_view name);

// `meta nfproto` and `meta l4proto`, as nft puts them in front of what depends on them.
[[nodiscard]] Nodes ipv4();
[[nodiscard]] Nodes ipv6();
[[nodiscard]] Nodes protocol_is(std::uint8_t number);
[[nodiscard]] Nodes operator+(Nodes a, const Nodes& b);
[[nodiscard]] Nodes operator+(Nodes a, const Node& b);

// Numbers as bytes: in network order, and as this host has them.
[[nodiscard]] std::string be16(std::uint16_t value);
[[nodiscard]] std::string be32(std::uint32_t value);
[[nodiscard]] std::string host32(std::uint32_t value);
[[nodiscard]] std::string hex_of(std::string_view bytes);         // "0x0102"
[[nodiscard]] std::string interface_name(std::string_view name);  // 16 bytes
// A key's part, filled up to 32 bits.
[[nodiscard]] std::string padded(std::string bytes);

// --- sets

struct Element {
  std::string key;
  std::string last;  // NFTA_SET_ELEM_KEY_END
  Nodes more;        // data, flags
};
[[nodiscard]] Element plain(std::string key);
[[nodiscard]] Element between(std::string first, std::string last);
[[nodiscard]] Element ends(std::string key);
[[nodiscard]] Element decides(Element element, std::int32_t code, std::string_view chain = {});

// One table, `t`, of a family, with a base chain `input` for packets that come in.
class Table {
 public:
  explicit Table(std::uint8_t family = 1, std::string name = "t");
  Table& set(std::string_view name, std::uint32_t flags, std::uint32_t key_length,
             const std::vector<Element>& elements, Nodes more = {});
  Table& chain(std::string_view name, Nodes more = {}, std::uint16_t flags = 0);
  Table& base(std::string_view name, std::uint32_t hook, std::int32_t priority,
              std::string_view type = "filter", std::uint32_t policy = 1);
  Table& rule(std::string_view chain, Nodes expressions, Nodes more = {},
              std::uint16_t flags = 0x800);
  Table& add(int kind, Nodes attributes, std::uint16_t flags = 0);
  Table& made(std::string_view name, std::uint32_t type, Nodes data);  // an object
  // Behind the messages of another table.
  [[nodiscard]] Table also(const Table& other) const;

  [[nodiscard]] const Messages& messages() const { return messages_; }
  [[nodiscard]] std::string bytes() const { return serialise(messages_); }

 private:
  [[nodiscard]] Node table(std::uint16_t type) const { return text(type, name_); }
  std::uint8_t family_;
  std::string name_;
  Messages messages_;
};
// With the base chain, and in it one rule.
[[nodiscard]] Table with_rule(Nodes expressions, std::uint8_t family = 1);

// What the bytes decode to: each rule on a line, the chain's name in front of it where it is not
// `input`, without its comment; or the errors.
[[nodiscard]] std::string rules_of(const std::string& bytes);
[[nodiscard]] std::string notes_of(const std::string& bytes);

}  // namespace firewright::test
