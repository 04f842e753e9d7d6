// The one form of a policy's text.
//
// Decides about blanks, blank lines, line ends and the lines of arrays, and about nothing else:
// keys keep their order, comments their place, strings and numbers their bytes. What comes out is
// read again and held against what went in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/base/source.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/policy/document.h"

namespace firewright::format {

constexpr std::size_t line_width = 100;

struct Formatted {
  enum class Outcome : std::uint8_t {
    done,
    not_toml,      // reported
    would_change,  // a mistake of ours: the text that came out does not say the same
  };
  Outcome outcome = Outcome::not_toml;
  std::string text;
};

// Any TOML file, whatever its keys.
[[nodiscard]] Formatted format(FileId file, const Sources& sources, Sink& sink);

// The same keys in the same order with the same values, wherever they stand.
[[nodiscard]] bool same_tree(const policy::Value& a, const policy::Value& b,
                             const Sources& sources_of_a, const Sources& sources_of_b);

// The number of the first line that is another one, from 1; 0: there is none.
[[nodiscard]] std::size_t first_difference(std::string_view before, std::string_view after);

}  // namespace firewright::format
