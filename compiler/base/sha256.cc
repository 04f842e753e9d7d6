#include "compiler/base/sha256.h"

#include <sys/types.h>

#include <sha2.h>

namespace firewright {

Sha256 sha256(std::string_view bytes) {
  SHA2_CTX context;
  SHA256Init(&context);
  SHA256Update(&context, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  Sha256 digest{};
  SHA256Final(digest.data(), &context);
  return digest;
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
