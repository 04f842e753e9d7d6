// What nft can spell: identifiers, interface names, strings.
//
// nft's strings have no escapes: a string ends at the next quote, and whatever stands in between is
// taken as it is. So a quote in text for people is replaced, and one in text that means something
// is refused by `capable`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/program.h"

namespace firewright::nftables {

// The longest comment that nft takes, in bytes.
inline constexpr std::size_t max_comment = 127;
// NF_LOG_PREFIXLEN, less its terminating zero.
inline constexpr std::size_t max_log_prefix = 127;

// Text for people: `"` becomes `'`, control characters become `?`, and what is too long is cut
// between characters and ends in "...".
[[nodiscard]] std::string comment_text(std::string_view text);
// "ssh, http, https", each once; too many: "ssh, http and 12 more".
[[nodiscard]] std::string comment_text(const std::vector<std::string>& labels);

// A name's letters, digits and '-', in lower case: "Office (Berlin)" is "office-berlin". May be
// empty.
[[nodiscard]] std::string slug(std::string_view text);

// A name that nft reads as a name: of the right letters and no word of its language.
[[nodiscard]] bool is_identifier(std::string_view name);
// Empty if nft can spell the interface name, else what is wrong with it.
[[nodiscard]] std::string interface_problem(const ir::InterfacePattern& pattern);
// Empty if nft can spell the log prefix, else what is wrong with it.
[[nodiscard]] std::string log_prefix_problem(std::string_view prefix);

}  // namespace firewright::nftables
