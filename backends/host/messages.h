// The bytes of an nftables batch, and its messages as far as an error has to name one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace firewright::host {

// A batch's own bytes, and between them, never within a message's header, some that others keep:
// elements by the million are not copied to be sent.
struct Batch {
  struct Lent {
    std::size_t before = 0;  // this byte of `own`, or behind the last
    std::string_view bytes;
  };
  std::string own;
  std::vector<Lent> lent;  // in order

  [[nodiscard]] bool empty() const { return own.empty(); }
  [[nodiscard]] std::size_t size() const;
  // In order: from `begin` to `end` of `own`, and what is lent behind `begin` and up to `end`.
  [[nodiscard]] std::vector<std::string_view> pieces(std::size_t begin, std::size_t end) const;
  [[nodiscard]] std::string joined() const;
};

struct Message {
  std::uint32_t sequence = 0;
  std::uint16_t type = 0;
  std::size_t offset = 0;  // in the batch's own bytes
  std::string_view bytes;  // with its header; without what is lent
};

// Nothing if the bytes are not well-formed messages from a batch's begin to its end. Holds views.
[[nodiscard]] std::optional<std::vector<Message>> split_batch(const Batch& batch);

// "new rule in chain input"
[[nodiscard]] std::string describe(const Message& message);

}  // namespace firewright::host
