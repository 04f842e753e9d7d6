// Reading scripts back in tests: text to programs, and whether two programs mean the same to
// Windows.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backends/backend.h"
#include "compiler/semantics/compare.h"

namespace firewright::netsh::test {

struct Read {
  std::optional<ir::Program> program;
  std::vector<std::string> errors;  // "artifact-syntax 2:41 not netsh as ..."
  std::vector<std::string> others;  // notes and warnings, likewise
  std::vector<Kind> kinds;          // of all
};
using Files = std::vector<std::pair<std::string, std::string>>;  // part, bytes

[[nodiscard]] Read read_files(const Files& files);
[[nodiscard]] Read read_script(const std::string& text);  // one phase, lines end in \n
[[nodiscard]] Files files_of(const backend::Artifact& artifact);

[[nodiscard]] bool is_unfiltered(const ir::Packet& packet);
// Outside of what Windows does not filter; with `but`, outside of all entries but that one.
[[nodiscard]] semantics::Comparison compare_filtered(const ir::Program& a, const ir::Program& b,
                                                     std::optional<std::size_t> but = {});

// Whether the naive evaluator agrees with the answer: on the witness of a difference; on `count`
// packets from both sides of boundaries when there is none. Empty: it does; else what it says.
[[nodiscard]] std::string contradiction(const ir::Program& a, const ir::Program& b,
                                        const semantics::Comparison& comparison, std::size_t count);

}  // namespace firewright::netsh::test
