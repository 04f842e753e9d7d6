// The proof of every compile: what an artifact says, read back by code that shares nothing with the
// code that wrote it, means what the program means that it was made from.
//
// Every form that is written is read: an nftables artifact is proved twice, from its messages and
// from its text.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "compiler/semantics/compare.h"

namespace firewright::backend {

// The packets that a target does not filter.
[[nodiscard]] std::vector<Unfiltered> unfiltered(Target target);

struct Proof {
  semantics::Answer answer = semantics::Answer::not_proved;
  std::string what;  // which part of the artifact `difference` or `why` is about: "text"
  std::optional<semantics::Difference> difference;
  std::string why;                 // not proved: the reason
  std::size_t nodes = 0;           // of the largest set of diagrams
  std::vector<std::string> forms;  // what was read back, and all found equal: "batch", "text"
  std::optional<semantics::Digests> digests;  // see semantics::Comparison
};

struct ProofOptions {
  semantics::Budget budget;
  bool digests = false;
};

// Compares a program with an artifact's files. Files that cannot be read back are an error in
// `sink`, and then the answer is "not proved".
[[nodiscard]] Proof prove(Target target, const ir::Program& program, const Sources& sources,
                          std::span<const ArtifactFile> files, Sink& sink,
                          const ProofOptions& options = {});

// The same for what `encode` has just given. The parts become files of `sources`, so that what is
// wrong with them has a place; `name` is what they are called there.
[[nodiscard]] Proof prove(Target target, const ir::Program& program, const Artifact& artifact,
                          const std::string& name, Sources& sources, Sink& sink,
                          const ProofOptions& options = {});

}  // namespace firewright::backend
