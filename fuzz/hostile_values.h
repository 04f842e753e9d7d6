// Values of the language's keys as TOML writes them: ordinary ones, the edges of what is possible,
// and a few from beyond.
#pragma once

#include <random>
#include <string>
#include <string_view>

namespace firewright::fuzz {

using Random = std::mt19937_64;

// Something for the key of an exception or a setting; for one that is not known, anything.
[[nodiscard]] std::string value_for(std::string_view key, Random& random);

// `"ssh"`, or `{ service = "ssh", from = "g1" }`; `keys`: of which to choose.
[[nodiscard]] std::string exception_text(Random& random);
// `port = [22, "80-90"]`: a key of an exception with its value.
[[nodiscard]] std::string exception_entry(Random& random);
// A whole section with its header; a name that may be taken already.
[[nodiscard]] std::string section_text(Random& random);

}  // namespace firewright::fuzz
