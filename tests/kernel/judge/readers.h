// Texts before the platform's own readers: what the compiler emits they accept, and of texts that
// were changed they accept what our decoders accept, but for classes that are listed with their
// reason.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/kernel/harness/loader.h"

namespace firewright::judge {

enum class Reader : std::uint8_t { iptables_legacy, iptables_nft, nft };
inline constexpr Reader all_readers[] = {Reader::iptables_legacy, Reader::iptables_nft,
                                         Reader::nft};
[[nodiscard]] std::string_view to_string(Reader reader);

struct Compared {
  std::size_t emitted = 0;  // artifacts that were accepted, all of them
  std::size_t texts = 0;    // changed ones
  std::size_t both_accept = 0, both_refuse = 0;
  std::map<std::string, std::size_t> explained;  // by the class of the difference
  std::vector<std::string> findings;             // unexplained: seed, text, both answers

  Compared& operator+=(const Compared& other);
};

// `policies` artifacts as they are, with every loader's trial run.
[[nodiscard]] Compared try_emitted(std::uint64_t seed, std::size_t policies);
// `texts` changed ones for one reader.
[[nodiscard]] Compared compare_readers(Reader reader, std::uint64_t seed, std::size_t texts);

[[nodiscard]] std::string to_text(const Compared& compared);

}  // namespace firewright::judge
