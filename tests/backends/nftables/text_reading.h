// Reading nft scripts back in tests: text to programs, and whether the naive evaluator agrees with
// a comparison.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "compiler/semantics/compare.h"

namespace firewright::test {

struct ReadText {
  std::optional<ir::Program> program;
  std::vector<std::string> errors;  // "artifact-syntax 2:5-9 not nft's language as ..."
  std::vector<std::string> others;  // notes and warnings, likewise
};
[[nodiscard]] ReadText read_script(const std::string& text);
// Rules, one a line, in an input chain of a table `t` of a family. `before` stands in front of the
// chain: sets, other chains.
[[nodiscard]] std::string in_table(const std::string& rules, const std::string& before = {},
                                   const std::string& family = "inet");

// The program's text without what it says about where rules come from; or the first error.
[[nodiscard]] std::string meaning(const ReadText& read);
// What the rules of `in_table` mean, one a line. Fails the test if a match of the program is not
// valid.
[[nodiscard]] std::string rules(const std::string& text, const std::string& before = {},
                                const std::string& family = "inet");

// Whether the naive evaluator agrees with the answer: on the witness of a difference; on `count`
// packets from both sides of boundaries when there is none. Empty: it does; else what it says.
[[nodiscard]] std::string contradiction(const ir::Program& a, const ir::Program& b,
                                        const semantics::Comparison& comparison, std::size_t count);
[[nodiscard]] std::string shown(const semantics::Comparison& comparison);

struct Example {
  std::string name;
  ir::Program program;  // as lowered
  ir::Program sayable;  // as nftables can say it
  backend::Options options;
};
// Every example policy, for nftables.
[[nodiscard]] const std::vector<Example>& examples();

}  // namespace firewright::test
