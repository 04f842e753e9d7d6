// All that a report shows of one policy, as words and numbers: who may reach what, who asked for
// it, and what is proved. How it looks is page.h's matter.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/analysis/assertions.h"
#include "compiler/base/source.h"
#include "compiler/report/matrix.h"

namespace firewright::report {

// "from", "admins"
struct Detail {
  std::string name;
  std::string text;
};

struct ExceptionLine {
  enum class State : std::uint8_t {
    in_force,
    idle,       // without it nothing would be different
    expired,    // and so left out
    elsewhere,  // for other targets only
  };
  policy::Direction direction = policy::Direction::inbound;
  policy::Action action = policy::Action::allow;
  std::string name;
  std::vector<Detail> says;
  std::string reason, owner, ticket, place;
  std::optional<policy::Date> expires;
  State state = State::in_force;
};

struct AssertionLine {
  std::string name;
  std::string claim;  // "never inbound rdp from all except office"
  std::string place;
  analysis::AssertionResult::Verdict verdict = analysis::AssertionResult::Verdict::proved;
  // What becomes of the packets, or how it fails: "dropped by the default".
  std::vector<std::string> why;
};

struct Picture {
  std::string name;  // of the policy or, if it has none, of its file without folders
  std::string description, owner;
  std::string file;
  Target target = Target::nftables;
  // The day of expiry, where it was asked for; else what is shown does not hang on it.
  std::optional<policy::Date> today;
  std::vector<Matrix> matrices;  // inbound, forward, outbound
  std::vector<ExceptionLine> exceptions;
  std::vector<AssertionLine> assertions;
  policy::Baseline baseline;
};

struct DrawOptions {
  std::string file;  // as it was named
  Target target = Target::nftables;
  policy::Date today;
  bool say_today = false;
  // Another policy that is shown beside this one: both get the same rows and columns.
  const policy::Policy* beside = nullptr;
  semantics::Budget budget;  // of each proof
};

// `program` is the policy as it is lowered for the target. No value: the budget is used up.
[[nodiscard]] std::optional<Picture> draw(const policy::Policy& policy, const ir::Program& program,
                                          const DrawOptions& options, const Sources& sources);

}  // namespace firewright::report
