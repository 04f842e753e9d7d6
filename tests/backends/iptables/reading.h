// Reading iptables-restore files back in tests: text to programs, whether two programs mean the
// same, and whether the naive evaluator agrees.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "compiler/semantics/compare.h"
#include "tests/backends/iptables/random_program.h"

namespace firewright::iptables::test {

struct Read {
  std::optional<ir::Program> program;
  std::vector<std::string> errors;  // "artifact-syntax 2:41-46 not iptables-restore text as ..."
  std::vector<std::string> others;  // notes and warnings, likewise
};

// Either text may be empty: then there is no file for that family. No `sets`: no such part.
[[nodiscard]] Read read_files(const std::string& v4, const std::string& v6,
                              const std::optional<std::string>& sets = {});
[[nodiscard]] Read read_artifact(const backend::Artifact& artifact);
// "-A INPUT ..." lines inside of a filter table whose three chains accept.
[[nodiscard]] Read read_rules(Family family, const std::string& rules);

// Whether the naive evaluator agrees with the answer: on the witness of a difference; on `count`
// packets from both sides of boundaries when there is none. Empty: it does; else what it says.
[[nodiscard]] std::string contradiction(const ir::Program& a, const ir::Program& b,
                                        const semantics::Comparison& comparison, std::size_t count);
[[nodiscard]] std::string to_text(const semantics::Comparison& comparison);

struct Example {
  std::string name;
  ir::Program program;
  backend::Options options;
};
// The example policies as iptables can say them: exactly where it can, else approximated.
[[nodiscard]] const std::vector<Example>& examples();

}  // namespace firewright::iptables::test
