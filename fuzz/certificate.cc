// Certificates: any bytes as one, and the true one of a small policy with any changes, which are
// the input as a merge patch (RFC 7396). A certificate that contradicts nothing claims nothing but
// the truth.
#include "compiler/cli/certificate.h"

#include <algorithm>
#include <string>

#include "compiler/policy/read.h"
#include "fuzz/property.h"

namespace {

using namespace firewright;
using Json = nlohmann::ordered_json;

constexpr std::string_view policy_text = R"(
[inbound]
allow = ["ssh", { service = "https", from = "192.0.2.0/24", limit = "10/minute" }]
)";

Json true_certificate() {
  MemoryFileSystem files;
  files.files["policy.toml"] = policy_text;
  const policy::HostOwnerDatabase owners;  // of which nothing is asked
  Sources sources;
  Sink sink;
  cli::ReadPolicy read;
  read.today = {.year = 2026, .month = 1, .day = 1};
  read.policy = policy::read_policy(
      "policy.toml", std::nullopt,
      {.files = &files, .owners = &owners, .set_vars = {}, .vars_files = {}}, sources, sink);
  const auto built = cli::build(read, Target::nftables, false, sink);
  const auto artifact = backend::backend(Target::nftables).encode(built.program, built.options);
  const auto proved = cli::prove(Target::nftables, built, artifact, "policy", sources, sink);
  FUZZ_PROPERTY(proved.equal() && !sink.has_errors());
  return *cli::certificate(
      read.policy,
      {{.target = Target::nftables, .built = &built, .artifact = &artifact, .proved = &proved}},
      sources);
}

// `parts` may be some of the true ones; how it was read back is not claimed of the artifact.
void check_proof(Json claimed, Json made) {
  const auto claimed_parts = claimed.at("parts");
  const auto made_parts = made.at("parts");
  FUZZ_PROPERTY(claimed_parts.is_array() && !claimed_parts.empty());
  for (const auto& part : claimed_parts)
    FUZZ_PROPERTY(std::ranges::find(made_parts, part) != made_parts.end());
  for (auto* proof : {&claimed, &made})
    for (const auto* key : {"parts", "read_back"}) proof->erase(key);
  // Members have no order.
  FUZZ_PROPERTY(nlohmann::json::parse(claimed.dump()) == nlohmann::json::parse(made.dump()));
}

void check(const Json& claimed, const Json& made) {
  const auto wrong = cli::contradictions(claimed, made);
  for (const auto& sentence : wrong) FUZZ_PROPERTY(!sentence.empty());
  if (!wrong.empty()) return;
  for (const auto& [key, value] : claimed.items()) {
    FUZZ_PROPERTY(made.contains(key));
    if (key == "proofs") continue;
    FUZZ_PROPERTY(nlohmann::json::parse(value.dump()) == nlohmann::json::parse(made[key].dump()));
  }
  for (const auto& [key, value] : made.items()) FUZZ_PROPERTY(claimed.contains(key));
  FUZZ_PROPERTY(claimed.at("proofs").is_array() && !claimed.at("proofs").empty());
  for (const auto& proof : claimed.at("proofs")) check_proof(proof, made.at("proofs").front());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto made = true_certificate();
  const auto input = cli::parse_certificate(fuzz::text_of(data, size));
  if (!input) return 0;
  check(*input, made);
  auto changed = made;
  changed.merge_patch(*input);
  check(changed, made);
  // One member of a proof is out of reach of a merge patch, which replaces arrays whole.
  changed = made;
  changed.at("proofs").front().merge_patch(*input);
  check(changed, made);
  return 0;
}
