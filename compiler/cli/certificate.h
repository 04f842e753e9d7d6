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

struct Certified {
  Target target = Target::nftables;
  const Built* built = nullptr;
  const backend::Artifact* artifact = nullptr;
  const Proved* proved = nullptr;
  const std::vector<analysis::ExceptionUse>* uses = nullptr;  // none: still to do
  std::optional<semantics::FieldOrder> order = {};            // for digests that are still to do
};

// No value: the meaning does not fit into the budget.
[[nodiscard]] std::optional<nlohmann::ordered_json> certificate(const policy::Policy& policy,
                                                                const std::vector<Certified>& all,
                                                                const Sources& sources);

// A certificate's file as JSON. No value: it is none, or nested deeper than any certificate.
[[nodiscard]] std::optional<nlohmann::ordered_json> parse_certificate(std::string_view text);

// The field order of its digests for a target; none if it claims none.
[[nodiscard]] std::optional<semantics::FieldOrder> claimed_order(
    const nlohmann::ordered_json& claimed, Target target);

// What in `claimed` is not what `made` says, in words, one entry each: "sha256 of part `v4`".
// Parts and targets that only `made` has are no contradiction; those that only `claimed` has are.
[[nodiscard]] std::vector<std::string> contradictions(const nlohmann::ordered_json& claimed,
                                                      const nlohmann::ordered_json& made);

}  // namespace firewright::cli
