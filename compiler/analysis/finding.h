// What the parts of lint find, before `ignore` and the other targets have had their say.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "compiler/analysis/lint.h"

namespace firewright::analysis {

struct Finding {
  Diagnostic diagnostic;
  const policy::Exception* exception = nullptr;  // whose `ignore` counts; none for what has none
};

// From a rule's origin back to the exception that was written.
class WrittenExceptions {
 public:
  explicit WrittenExceptions(const policy::Policy& policy);
  [[nodiscard]] const policy::Exception* find(ir::Hook hook, const ir::Origin& origin) const;

 private:
  std::map<std::tuple<policy::Direction, Span, std::string>, const policy::Exception*> by_place_;
};

[[nodiscard]] std::string in_backticks(std::string_view text);
// "`a`", "`a` and `b`", "`a`, `b` and 5 more".
[[nodiscard]] std::string enumerated(const std::vector<std::string>& names);

// Each gives nullopt when the budget is used up.
[[nodiscard]] std::optional<std::vector<Finding>> find_idle(const ir::Program& program,
                                                            const WrittenExceptions& written,
                                                            semantics::Budget budget);
[[nodiscard]] std::optional<std::vector<Finding>> find_open(const policy::Policy& policy,
                                                            const ir::Program& program,
                                                            const WrittenExceptions& written,
                                                            semantics::Budget budget);
// What needs no packets: unused names, days to come.
[[nodiscard]] std::vector<Finding> find_unused(const policy::Policy& policy);
[[nodiscard]] std::vector<Finding> find_expiring(const policy::Policy& policy, policy::Date today);

}  // namespace firewright::analysis
