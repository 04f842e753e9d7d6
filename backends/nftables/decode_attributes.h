// Netlink attributes, read with every bound checked, and what there is to say about the bytes.
//
// All views point into the artifact's file, so that a diagnostic can name their place. Numbers of
// attributes are those of linux/netfilter/nf_tables.h. An attribute that occurs twice counts as its
// last, which is how the kernel takes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "compiler/base/source.h"
#include "compiler/diagnostics/diagnostic.h"

namespace firewright::nftables::netlink {

// The file that is decoded, and the reports about it.
class Artifact {
 public:
  Artifact(std::string_view bytes, FileId file, Sink& sink)
      : bytes_(bytes), file_(file), sink_(sink) {}

  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  // `part` must lie in the file; an empty view that points nowhere has no place.
  [[nodiscard]] Span span(std::string_view part) const;

  void syntax(std::string_view place, std::string what);
  void truncated(std::string_view place, std::string what);
  void unknown(std::string_view place, std::string what, std::string help = {});
  void undefined(std::string_view place, std::string kind, std::string_view name);
  void conflict(std::string_view place, std::string what);
  void kind(std::string_view place, std::string what, std::string why);
  void not_compared(std::string_view place, std::string what);
  // A note; once for each text.
  void opaque(std::string_view place, const std::string& text);

  [[nodiscard]] bool failed() const { return failed_; }

 private:
  Diagnostic& report(Kind kind, std::string_view place, std::vector<std::string> args);

  std::string_view bytes_;
  FileId file_;
  Sink& sink_;
  bool failed_ = false;
  std::set<std::string, std::less<>> opaque_;
};

struct Attribute {
  std::uint16_t type = 0;
  std::string_view value;
  std::string_view whole;  // with its header
};

// Walks the attributes of a payload.
class Attributes {
 public:
  explicit Attributes(std::string_view bytes) : rest_(bytes) {}
  // The next one; none at the end, and none where the bytes are no attribute: then `damaged`.
  [[nodiscard]] std::optional<Attribute> next();
  [[nodiscard]] bool damaged() const { return damaged_; }

 private:
  std::string_view rest_;
  bool damaged_ = false;
};

// The attributes 1 to `last` of a payload by their number.
template <std::size_t last>
class AttributeTable {
 public:
  explicit AttributeTable(std::string_view bytes) : bytes_(bytes) {
    Attributes attributes(bytes);
    while (const auto attribute = attributes.next()) {
      if (attribute->type <= last)
        values_[attribute->type] = attribute->value;
      else if (foreign_.data() == nullptr)
        foreign_ = attribute->whole;
    }
    damaged_ = attributes.damaged();
  }

  [[nodiscard]] bool has(std::size_t type) const { return values_[type].data() != nullptr; }
  [[nodiscard]] std::string_view operator[](std::size_t type) const { return values_[type]; }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] bool damaged() const { return damaged_; }
  // The first attribute of a higher number, with its header; points nowhere if there is none.
  [[nodiscard]] std::string_view foreign() const { return foreign_; }

  // Numbers in network order. No value: it is not there or not of this size.
  [[nodiscard]] std::optional<std::uint32_t> u32(std::size_t type) const;
  [[nodiscard]] std::optional<std::uint64_t> u64(std::size_t type) const;
  // Up to its terminating zero, or whole.
  [[nodiscard]] std::string_view text(std::size_t type) const;

 private:
  std::string_view bytes_;
  std::array<std::string_view, last + 1> values_{};
  std::string_view foreign_;
  bool damaged_ = false;
};

[[nodiscard]] std::optional<std::uint64_t> big_endian(std::string_view bytes, std::size_t size);
[[nodiscard]] std::string_view until_zero(std::string_view bytes);

template <std::size_t last>
std::optional<std::uint32_t> AttributeTable<last>::u32(std::size_t type) const {
  const auto value = big_endian(values_[type], 4);
  if (!value) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}
template <std::size_t last>
std::optional<std::uint64_t> AttributeTable<last>::u64(std::size_t type) const {
  return big_endian(values_[type], 8);
}
template <std::size_t last>
std::string_view AttributeTable<last>::text(std::size_t type) const {
  return until_zero(values_[type]);
}

}  // namespace firewright::nftables::netlink
