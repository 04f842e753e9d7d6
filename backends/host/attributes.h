// Netlink attributes and messages as bytes: reading what may be damaged, writing what the kernel
// takes. Knows nothing of what they mean.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace firewright::host {

struct Attribute {
  std::uint16_t type = 0;  // without flags
  std::string_view value;
};

// Takes attributes off the front of a list one by one.
class AttributeReader {
 public:
  explicit AttributeReader(std::string_view bytes) : rest_(bytes) {}

  // Nothing: the end, or damage.
  std::optional<Attribute> next() {
    if (rest_.size() < sizeof(nlattr)) {
      damaged_ = damaged_ || !rest_.empty();
      return std::nullopt;
    }
    nlattr header;
    std::memcpy(&header, rest_.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > rest_.size()) {
      damaged_ = true;
      return std::nullopt;
    }
    const Attribute result{.type = static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
                           .value = rest_.substr(sizeof header, header.nla_len - sizeof header)};
    const std::size_t whole = NLA_ALIGN(std::size_t{header.nla_len});
    rest_.remove_prefix(whole < rest_.size() ? whole : rest_.size());
    return result;
  }
  [[nodiscard]] bool damaged() const { return damaged_; }

 private:
  std::string_view rest_;
  bool damaged_ = false;
};

// The first attribute of a type.
[[nodiscard]] std::optional<std::string_view> find_attribute(std::string_view list,
                                                             std::uint16_t type);
[[nodiscard]] std::optional<std::uint32_t> big_endian_u32(std::string_view value);
// Up to the zero that ends it.
[[nodiscard]] inline std::string_view text_of(std::string_view value) {
  return value.substr(0, value.find('\0'));
}

void put_attribute(std::string& out, std::uint16_t type, std::string_view value);
void put_text(std::string& out, std::uint16_t type, std::string_view text);
void put_u32(std::string& out, std::uint16_t type, std::uint32_t value);  // big-endian
[[nodiscard]] std::string_view bytes_of(const std::uint32_t& value);

// A nested list, written between the two. One that became too long for its length is told.
[[nodiscard]] std::size_t begin_nest(std::string& out, std::uint16_t type);
[[nodiscard]] bool end_nest(std::string& out, std::size_t begin);

// One netfilter message of a dump or a batch.
struct NetfilterMessage {
  std::uint16_t type = 0;
  std::uint16_t flags = 0;
  std::uint8_t family = 0;
  std::string_view attributes;
};

class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : rest_(bytes) {}
  // Nothing: the end, or damage.
  std::optional<NetfilterMessage> next();
  [[nodiscard]] bool damaged() const { return damaged_; }

 private:
  std::string_view rest_;
  bool damaged_ = false;
};

}  // namespace firewright::host
