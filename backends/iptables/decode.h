// Reads iptables-save and iptables-restore text back, ours or anybody's.
//
// A file is read as if it were loaded into empty tables. A built-in chain whose policy the file
// does not say accepts at its end. Base chains of the program are those that the file mentions, one
// for each family, and look at packets of their family only.
//
// Matches that are sets of packets, and limits that are plain buckets, are interpreted. Other
// matches that are known by name stay opaque, with a note; unknown ones, names that only the
// loading host can look up, and targets that change packets or hand them away are errors. Tables
// other than filter are not compared, with a warning if they do anything.
//
// A comment "count NAME: LABEL" is a counter of that name, as our encoder spells it; other comments
// are labels. LOG options besides the prefix, and NFLOG, are told behind the prefix in brackets.
// What a limit's burst loses in the kernel's rounding, and that a full hashlimit table drops, is
// not told.
//
// Written apart from the encoder: no table and no helper is shared with it, see backends/backend.h.
#pragma once

#include <optional>
#include <span>

#include "backends/backend.h"

namespace firewright::iptables {

// `files` are the parts "v4", "v6" or both; a family without a file is not filtered. With the part
// "sets", `-m set` is interpreted, and every set has to be there; without it, such matches stay
// opaque. No value: an error was reported.
[[nodiscard]] std::optional<ir::Program> decode(const Sources& sources,
                                                std::span<const backend::ArtifactFile> files,
                                                Sink& sink);

}  // namespace firewright::iptables
