// The exceptions of a loaded firewall that are meant for a time. A firewall does not look at the
// calendar: what has run out stays open until the policy is applied again, so somebody has to ask.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/host/state.h"
#include "compiler/policy/policy.h"

namespace firewright::cli {

struct Expiry {
  std::string exception;
  policy::Date date;
  bool operator==(const Expiry&) const = default;
};

// Of the exceptions that are in force on `today` on this target, in the order of their dates.
[[nodiscard]] std::vector<Expiry> expiries(const policy::Policy& policy, Target target,
                                           policy::Date today);

// As a file of a generation of this name; none where nothing expires.
inline constexpr std::string_view expiries_file = "expiries.json";
void put_expiries(const std::vector<Expiry>& expiries, host::Generation& generation);
// No value: damaged. Generations of before there were such files have none.
[[nodiscard]] std::optional<std::vector<Expiry>> expiries(const host::Generation& generation);

}  // namespace firewright::cli
