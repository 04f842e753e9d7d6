// What lies in the kernel's registers while a rule runs, byte by byte, without a packet.
//
// A byte is a constant, or a byte of something that an expression loaded, with a mask and what is
// then inverted. Whether the bytes of a header are those of an address, a port or an ICMP type
// depends on what the rule has narrowed the packet to, so that is decided only when they are
// compared: see decode_worlds.h.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/integers.h"

namespace firewright::nftables::netlink {

// Fields of the packet that the IR has, as expressions see them.
enum class Field : std::uint8_t {
  nfproto,    // NFPROTO_IPV4 or NFPROTO_IPV6
  ethertype,  // ETH_P_IP or ETH_P_IPV6
  protocol,
  in_name,
  out_name,
  in_index,
  out_index,
  state,
  user,
  group,
  source4,
  destination4,
  source6,
  destination6,
  source_port,
  destination_port,
  icmp,         // type and code
  next_header,  // of the IPv6 header itself, not behind its extensions
};
[[nodiscard]] unsigned bytes_of(Field field);
[[nodiscard]] std::string_view name_of(Field field);

struct Byte {
  enum class Kind : std::uint8_t { unset, constant, field, network, transport, opaque };
  Kind kind = Kind::unset;
  std::uint8_t mask = 0xff;
  std::uint8_t flip = 0;  // or the constant
  // Which byte: of the field, its highest first; of the header; of the opaque value.
  std::uint16_t index = 0;
  std::uint16_t source = 0;  // the Field, or the number of the opaque value
  bool operator==(const Byte&) const = default;

  static Byte of(std::uint8_t value) {
    return {.kind = Kind::constant, .mask = 0, .flip = value, .index = 0, .source = 0};
  }
};

// Where a register lies in the register file, in bytes. None: there is no such register. The
// register of verdicts is not one of them.
[[nodiscard]] std::optional<std::size_t> register_offset(std::uint32_t number);

// Copies share what they hold until one of them is written: a lookup makes many worlds of one.
class Registers {
 public:
  static constexpr std::size_t size = 64;

  // No value: it does not fit.
  [[nodiscard]] std::optional<std::span<const Byte>> read(std::uint32_t number,
                                                          std::size_t length) const;
  // The rest of the last 32 bits becomes zero, as in the kernel.
  [[nodiscard]] bool write(std::uint32_t number, std::span<const Byte> bytes);

 private:
  using Bytes = std::array<Byte, size>;
  std::shared_ptr<Bytes> bytes_;  // none: all unset
};

// One field's share of a row of bytes.
struct Component {
  Field field{};
  std::uint8_t count = 0;
  std::array<std::uint8_t, 16> at{};     // where in the row
  std::array<std::uint8_t, 16> index{};  // which byte of the field, its highest is 0
  std::array<std::uint8_t, 16> mask{};
  std::array<std::uint8_t, 16> flip{};
};

// A closed range of unsigned numbers; lists of them are sorted and disjoint.
struct Range {
  u128 first = 0;
  u128 last = 0;
  bool operator==(const Range&) const = default;
  auto operator<=>(const Range&) const = default;
};
using Ranges = std::vector<Range>;

// Sorts, and joins what touches.
void normalise(Ranges& ranges);
[[nodiscard]] Ranges complement(const Ranges& ranges, u128 last);
[[nodiscard]] bool contains(const Ranges& ranges, u128 value);
// The largest number of so many bytes.
[[nodiscard]] u128 largest(std::size_t bytes);

// The component's bytes of `row`, as one number, in the row's order.
[[nodiscard]] u128 number_of(const Component& component, std::string_view row);
// The values of the field for which that number lies in `ranges`. None: they are no few ranges.
[[nodiscard]] std::optional<Ranges> preimage(const Component& component, const Ranges& ranges);

}  // namespace firewright::nftables::netlink
