// Policies made out of policies: other values, exceptions, sections, order; TOML always, and mostly
// with keys and kinds of values that the reader accepts, many of them at the edge of what is
// possible.
//
// The same text and seed give the same text on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace firewright::fuzz {

// At most `limit` bytes. A text that is not TOML, or is empty, is taken for a small policy.
[[nodiscard]] std::string mutate_policy(std::string_view text, std::uint64_t seed,
                                        std::size_t limit);

}  // namespace firewright::fuzz
