// The filter tables of iptables, as they are to be put back later.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backends/host/live.h"

namespace firewright::host {

// A filter table that nobody has touched.
inline constexpr std::string_view empty_filter =
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";

// Both families' filter tables with their counters and without comments; a table that is not there
// or empty gives `empty_filter`. With them the sets that they refer to. No value: `error` says why,
// for people.
[[nodiscard]] std::optional<Saved> save_filter(std::string& error,
                                               const LivePrograms& programs = {});

}  // namespace firewright::host
