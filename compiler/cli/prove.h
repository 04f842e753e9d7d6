// The proof as the command line shows it: the same for compile, apply and verify.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "backends/proof.h"
#include "compiler/cli/build.h"
#include "compiler/cli/console.h"

namespace firewright::cli {

struct Proved {
  backend::Proof proof;
  std::chrono::milliseconds taken{0};

  [[nodiscard]] bool equal() const { return proof.answer == semantics::Answer::equal; }
};

// Encodes nothing and writes nothing: reads the artifact back and compares. What is wrong goes into
// `sink`, as an error. `digests`: of the meaning, for a certificate.
[[nodiscard]] Proved prove(Target target, const Built& built, const backend::Artifact& artifact,
                           const std::string& name, Sources& sources, Sink& sink,
                           bool digests = false);

// How a run ends whose diagnostics hold an error: a failed proof before one that was not finished,
// and that before what is wrong with the policy.
[[nodiscard]] Exit failure(const Sink& sink);

// "batch and text read back and proved equal, over every packet, in 3 ms"
[[nodiscard]] std::string say(Target target, const Proved& proved);
[[nodiscard]] nlohmann::ordered_json to_json(const Proved& proved);
[[nodiscard]] nlohmann::ordered_json to_json(const semantics::Difference& difference);

// "`tcp ... new`: the policy says `accept`, the text says `drop`"
[[nodiscard]] std::string in_words(const semantics::Difference& difference,
                                   const std::string& other);

}  // namespace firewright::cli
