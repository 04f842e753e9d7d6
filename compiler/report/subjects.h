// Which parties and services a policy speaks of, each with its packets.
#pragma once

#include <string>
#include <vector>

#include "compiler/analysis/vocabulary.h"
#include "compiler/base/target.h"
#include "compiler/ir/program.h"
#include "compiler/policy/policy.h"

namespace firewright::report {

// The packets are the union of the matches. Of a party they are told apart by addresses and
// interfaces only, of a service by what lies above.
struct Subject {
  std::string name;
  std::string about;
  std::string risk;  // of a service
  std::vector<ir::Match> packets;
};

// On the side that is not this host; of `forward`, from where to where. Those of exceptions and
// assertions of the direction, and all zones. Where they are very many, the last stands for
// several.
[[nodiscard]] std::vector<Subject> parties(const policy::Policy& policy,
                                           policy::Direction direction, Target target,
                                           const analysis::Vocabulary& vocabulary);
// In the order in which they are first named; allowed ones first.
[[nodiscard]] std::vector<Subject> services(const policy::Policy& policy,
                                            policy::Direction direction);
// `own`, and behind them those of `others` that have other names.
[[nodiscard]] std::vector<Subject> joined(std::vector<Subject> own, std::vector<Subject> others);
// "tcp/22", "icmp/echo-request, icmpv6/echo-request".
[[nodiscard]] std::string ports_of(const Subject& service);

// The packets from outside whose source is public and singled out by no rule of the program: the
// world. Within it no source is treated unlike another.
[[nodiscard]] std::vector<ir::Match> world(const policy::Policy& policy, const ir::Program& program,
                                           policy::Direction direction);

}  // namespace firewright::report
