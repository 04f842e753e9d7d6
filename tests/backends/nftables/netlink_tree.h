// Netlink messages as trees, for tests that write them by hand or damage those of the encoder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace firewright::test {

struct Node {
  std::uint16_t type = 0;
  bool nested = false;
  std::string bytes;           // of one that is not nested
  std::vector<Node> children;  // of one that is

  // The first child of the type, or null.
  [[nodiscard]] Node* find(std::uint16_t wanted);
  [[nodiscard]] const Node* find(std::uint16_t wanted) const;
  bool operator==(const Node&) const = default;
};

[[nodiscard]] Node text(std::uint16_t type, std::string_view value);  // with its zero
[[nodiscard]] Node raw(std::uint16_t type, std::string_view bytes);
[[nodiscard]] Node u8(std::uint16_t type, std::uint8_t value);
[[nodiscard]] Node u16(std::uint16_t type, std::uint16_t value);  // in network order, as the rest
[[nodiscard]] Node u32(std::uint16_t type, std::uint32_t value);
[[nodiscard]] Node u64(std::uint16_t type, std::uint64_t value);
[[nodiscard]] Node nest(std::uint16_t type, std::vector<Node> children);

[[nodiscard]] std::uint32_t number(const Node& node);
void set_number(Node& node, std::uint32_t value);

struct Message {
  std::uint16_t type = 0;  // as in the header
  std::uint16_t flags = 0;
  std::uint8_t family = 1;  // NFPROTO_INET
  std::uint16_t resource = 0;
  std::vector<Node> attributes;

  [[nodiscard]] int kind() const { return type & 0xff; }  // NFT_MSG_*
  [[nodiscard]] bool is_frame() const { return type < 0x100; }
  [[nodiscard]] Node* find(std::uint16_t wanted);
  [[nodiscard]] const Node* find(std::uint16_t wanted) const;
};
using Messages = std::vector<Message>;

[[nodiscard]] Message message(int kind, std::vector<Node> attributes, std::uint16_t flags = 0);

// None: the bytes are no messages.
[[nodiscard]] std::optional<Messages> parse(std::string_view bytes);
// Sequence numbers count from 0.
[[nodiscard]] std::string serialise(const Messages& messages);

}  // namespace firewright::test
