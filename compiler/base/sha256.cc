#include "compiler/base/sha256.h"

#include <utility>

namespace firewright {

Sha256Sum::Sha256Sum() { sha256_init(&context_); }

void Sha256Sum::add(std::string_view bytes) {
  sha256_update(&context_, bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

Sha256 Sha256Sum::digest() && {
  Sha256 digest{};
  sha256_digest(&context_, digest.size(), digest.data());
  return digest;
}

Sha256 sha256(std::string_view bytes) {
  Sha256Sum sum;
  sum.add(bytes);
  return std::move(sum).digest();
}

std::string hex(const Sha256& digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const auto byte : digest) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

}  // namespace firewright
