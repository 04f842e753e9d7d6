// One policy compiled for one target, and proved; nothing is written.
#pragma once

#include <string>

#include "backends/backend.h"
#include "compiler/cli/build.h"
#include "compiler/cli/prove.h"

namespace firewright::cli {

struct Compiled {
  Target target = Target::nftables;
  Built built;
  backend::Artifact artifact;
  Proved proved;
};

// What is wrong goes into `sink`; then what comes back is good for nothing. `name`: what the parts
// are called where something is wrong with them.
[[nodiscard]] Compiled compile_one(const ReadPolicy& read, Target target, bool approximate,
                                   const std::string& name, Sources& sources, Sink& sink);

}  // namespace firewright::cli
