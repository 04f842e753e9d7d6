// `rate 10/minute burst 20 packets`, `rate over ...`, `ct count`, `quota`: conditions with a
// memory.
#pragma once

#include <optional>
#include <string>

#include "backends/nftables/read_text_cursor.h"
#include "compiler/ir/program.h"

namespace firewright::nftables::script {

// A bucket as a rule or a named object writes it. `rate` is there if it means "while a token is
// left" and counts packets; all others (over, bytes, weeks) are opaque under their text.
struct LimitText {
  std::optional<ir::RateLimit> rate;
  std::string text;  // canonical: "limit rate over 10/second burst 5 packets"
};

// From `rate` on. No value: an error was reported.
[[nodiscard]] std::optional<LimitText> read_limit(Cursor& cursor);

// A bucket as one text, whatever its kind.
[[nodiscard]] std::string bucket_text(const ir::Predicate& predicate);

// How long an empty bucket takes to fill, in seconds, rounded up.
[[nodiscard]] std::uint64_t seconds_to_fill(const ir::RateLimit& rate);

}  // namespace firewright::nftables::script
