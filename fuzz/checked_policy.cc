#include "fuzz/checked_policy.h"

#include <algorithm>
#include <optional>

#include "backends/backend.h"
#include "backends/proof.h"
#include "compiler/format/format.h"
#include "compiler/lower/lower.h"
#include "compiler/policy/keys.h"
#include "compiler/policy/read.h"
#include "fuzz/property.h"

namespace firewright::fuzz {
namespace {

// Small, so that the fuzzer gets on: what is not proved in it is not found different either.
constexpr semantics::Budget budget{.nodes = 200'000, .time = std::chrono::seconds(2)};
// Programs of more rules are encoded, and not proved.
constexpr std::size_t most_rules = 400;

// The same on every machine.
class FixedOwners final : public policy::OwnerDatabase {
 public:
  [[nodiscard]] std::optional<OwnerId> user(const std::string& name) const override {
    return name == "root" ? std::optional(OwnerId{0}) : std::nullopt;
  }
  [[nodiscard]] std::optional<OwnerId> group(const std::string& name) const override {
    return user(name);
  }
};

struct Read {
  Sources sources;
  Sink sink;
  policy::Policy policy;
};

void read(const PolicyInput& input, Read& result) {
  const FixedOwners owners;
  result.policy = policy::read_policy(input.root, std::nullopt,
                                      {.files = &input.files,
                                       .owners = &owners,
                                       .set_vars = input.set_vars,
                                       .vars_files = input.vars_files},
                                      result.sources, result.sink);
  check_diagnostics(result.sink, result.sources);
}

// Nothing: it is not TOML.
std::optional<std::string> form_of(const std::string& text) {
  Sources sources;
  Sink sink;
  auto formatted = format::format(sources.add("policy.toml", text), sources, sink);
  FUZZ_PROPERTY(formatted.outcome != format::Formatted::Outcome::would_change);
  check_diagnostics(sink, sources);
  FUZZ_PROPERTY((formatted.outcome == format::Formatted::Outcome::done) == !sink.has_errors());
  if (sink.has_errors()) return std::nullopt;
  return std::move(formatted.text);
}

PolicyInput formatted(const PolicyInput& input) {
  auto result = input;
  for (auto& [path, text] : result.files.files) {
    if (!path.ends_with(".toml")) continue;
    const auto form = form_of(text);
    if (!form) continue;
    FUZZ_PROPERTY(form_of(*form) == form);
    text = *form;
  }
  return result;
}

backend::Options options_of(const policy::Policy& policy) {
  return {.iptables_coexist = policy.target.iptables_mode == policy::IptablesMode::coexist,
          .iptables_ipset = policy.target.iptables_sets == policy::IptablesSets::ipset,
          .nftables_table = policy.target.nftables_table,
          .nftables_layout = static_cast<backend::NftablesLayout>(policy.target.nftables_layout),
          .netsh_disable_others = policy.target.netsh_disable_others,
          .policy_name = policy.name};
}

ir::Program lowered(const policy::Policy& policy, Target target, Sink& sink) {
  return lower::lower(policy, {.target = target, .today = {.year = 2026, .month = 1, .day = 1}},
                      sink);
}

std::size_t rules_of(const ir::Program& program) {
  std::size_t rules = 0;
  for (const auto& chain : program.chains) rules += chain.rules.size();
  return rules;
}

bool names_a_key(const std::string& text) {
  return std::ranges::any_of(policy::all_keys(), [&](const policy::Key& key) {
    const auto word = "`" + std::string(key.name);
    return text.find(word + "`") != std::string::npos ||
           text.find(word + " = ") != std::string::npos;
  });
}

// A refusal is of use only at the author's own words; or where it is about what nobody said, with
// the key that would say it.
void check_refusals(const Sink& sink, const Sources& sources) {
  for (const auto& diagnostic : sink.diagnostics()) {
    if (severity(diagnostic.kind) != Severity::error) continue;
    FUZZ_PROPERTY(!diagnostic.message().empty());
    if (diagnostic.span.known())
      FUZZ_PROPERTY(diagnostic.span.begin < diagnostic.span.end);
    else
      FUZZ_PROPERTY(names_a_key(diagnostic.message() + diagnostic.help));
  }
  check_diagnostics(sink, sources);
}

// The program, if the target is told anything.
std::optional<std::string> compile(const policy::Policy& policy, Target target, Sources& sources) {
  Sink sink;
  const auto program = lowered(policy, target, sink);
  auto options = options_of(policy);
  const auto said =
      sink.has_errors() ? program : backend::backend(target).capable(program, options, sink);
  check_refusals(sink, sources);
  if (sink.has_errors()) return std::nullopt;
  const auto artifact = backend::backend(target).encode(said, options);
  FUZZ_PROPERTY(!artifact.parts.empty());
  if (rules_of(said) <= most_rules) {
    const auto proof = backend::prove(target, said, artifact, "artifact", sources, sink,
                                      {.budget = budget, .digests = false});
    if (sink.has_errors() || proof.answer == semantics::Answer::different) {
      std::fprintf(stderr, "%s\n%s", std::string(to_string(target)).c_str(),
                   render_text(sink, sources).c_str());
      if (proof.difference)
        std::fprintf(stderr, "%s: %s / %s\n", to_text(proof.difference->packet).c_str(),
                     proof.difference->first.c_str(), proof.difference->second.c_str());
    }
    FUZZ_PROPERTY(!sink.has_errors());
    FUZZ_PROPERTY(proof.answer != semantics::Answer::different);
  }
  return ir::to_text(said);
}

}  // namespace

void check_policy(const PolicyInput& input) {
  Read first;
  read(input, first);
  const auto in_form = formatted(input);
  Read second;
  read(in_form, second);
  FUZZ_PROPERTY(std::ranges::equal(first.sink.diagnostics(), second.sink.diagnostics(), {},
                                   &Diagnostic::kind, &Diagnostic::kind));
  if (first.sink.has_errors()) return;
  for (const auto target : TargetSet::all()) {
    const auto program = compile(first.policy, target, first.sources);
    Sink sink;
    const auto again = lowered(second.policy, target, sink);
    if (!program) continue;
    const auto said = backend::backend(target).capable(again, options_of(second.policy), sink);
    FUZZ_PROPERTY(!sink.has_errors() && ir::to_text(said) == *program);
  }
}

}  // namespace firewright::fuzz
