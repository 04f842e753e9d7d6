// The certificate of a compile: what was proved about which bytes, so that anybody can do it again.
//
// It holds digests (SHA-256) of the policy's files, of the IR, of every part of the artifact, and
// of the meaning by hook and family, which depends on the meaning alone; the packets that the
// platform does not filter; the conditions that are taken as they stand; and for each exception a
// packet that it alone decides. No dates, paths of machines, or versions: the same compile gives
// the same certificate.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "compiler/analysis/decides.h"
#include "compiler/cli/build.h"
#include "compiler/cli/prove.h"

namespace firewright::cli {

// What takes the time: the digests of what the program means, hook by hook, and what each exception
// decides.
struct Established {
  semantics::FieldOrder order = semantics::FieldOrder::ports_first;
  nlohmann::ordered_json meaning;
  std::vector<analysis::ExceptionUse> exceptions;  // they point into the program
};
// No value: the meaning does not fit into the budget.
[[nodiscard]] std::optional<Established> establish(const ir::Program& program);

struct Certified {
  Target target = Target::nftables;
  const Built* built = nullptr;
  const backend::Artifact* artifact = nullptr;
  const Proved* proved = nullptr;
  const Established* established = nullptr;  // of the program; none: still to do
};

// No value: the meaning does not fit into the budget.
[[nodiscard]] std::optional<nlohmann::ordered_json> certificate(const policy::Policy& policy,
                                                                const std::vector<Certified>& all,
                                                                const Sources& sources);

// A certificate's file as JSON. No value: it is none, or nested deeper than any certificate.
[[nodiscard]] std::optional<nlohmann::ordered_json> parse_certificate(std::string_view text);

// What in `claimed` is not what `made` says, in words, one entry each: "sha256 of part `v4`".
// Parts and targets that only `made` has are no contradiction; those that only `claimed` has are.
[[nodiscard]] std::vector<std::string> contradictions(const nlohmann::ordered_json& claimed,
                                                      const nlohmann::ordered_json& made);

}  // namespace firewright::cli
