// A policy's way to an artifact, as the compiler goes it, and the program that says what it should
// do.
#pragma once

#include <optional>
#include <string>

#include "backends/backend.h"
#include "compiler/base/target.h"
#include "compiler/ir/program.h"

namespace firewright::kernel {

struct Compiled {
  ir::Program program;  // as lowered: the meaning, before a backend has touched it
  ir::Program said;     // as the backend says it
  backend::Artifact artifact;
  backend::Options options;
  std::string errors;  // as rendered; empty when it compiled

  [[nodiscard]] bool ok() const { return errors.empty(); }
};

// From a file, or from `text` under the name `path`. The day is a fixed one, before the `expires`
// of the examples. Warnings are let pass.
[[nodiscard]] Compiled compile(const std::string& path, Target target,
                               std::optional<std::string> text = std::nullopt);

// The same, with what was read and said on the way.
[[nodiscard]] Compiled compile(const std::string& path, Target target,
                               std::optional<std::string> text, Sources& sources, Sink& sink);

}  // namespace firewright::kernel
