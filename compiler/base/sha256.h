// SHA-256 (FIPS 180-4), by nettle, which uses the processor's own instructions for it.
#pragma once

#include <nettle/sha2.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace firewright {

using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] Sha256 sha256(std::string_view bytes);

// Of bytes that come in pieces.
class Sha256Sum {
 public:
  Sha256Sum();
  void add(std::string_view bytes);
  [[nodiscard]] Sha256 digest() &&;

 private:
  sha256_ctx context_;
};

[[nodiscard]] std::string hex(const Sha256& digest);  // 64 digits, as sha256sum prints them

}  // namespace firewright
