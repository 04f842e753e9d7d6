// The messages of an nftables batch, as far as an error has to name one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace firewright::host {

struct Message {
  std::uint32_t sequence = 0;
  std::uint16_t type = 0;
  std::size_t offset = 0;  // in the batch
  std::string_view bytes;  // with its header
};

// Nothing if the bytes are not well-formed messages from a batch's begin to its end.
[[nodiscard]] std::optional<std::vector<Message>> split_batch(std::string_view batch);

// "new rule in chain input"
[[nodiscard]] std::string describe(const Message& message);

}  // namespace firewright::host
