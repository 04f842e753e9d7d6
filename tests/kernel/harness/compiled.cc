#include "tests/kernel/harness/compiled.h"

#include "compiler/diagnostics/render.h"
#include "compiler/lower/lower.h"
#include "compiler/policy/read.h"

namespace firewright::kernel {
namespace {

// Names that the examples use; the test host may not know them.
class FixedOwners final : public policy::OwnerDatabase {
 public:
  [[nodiscard]] std::optional<OwnerId> user(const std::string& name) const override {
    return name == "root" ? OwnerId{0} : OwnerId{1000};
  }
  [[nodiscard]] std::optional<OwnerId> group(const std::string& name) const override {
    return name == "root" ? OwnerId{0} : OwnerId{1000};
  }
};

}  // namespace

Compiled compile(const std::string& path, Target target, std::optional<std::string> text) {
  Sources sources;
  Sink sink;
  return compile(path, target, std::move(text), sources, sink);
}

Compiled compile(const std::string& path, Target target, std::optional<std::string> text,
                 Sources& sources, Sink& sink) {
  const DiskFileSystem files;
  const FixedOwners owners;
  Compiled compiled;
  const auto policy = policy::read_policy(
      path, std::move(text), {.files = &files, .owners = &owners, .set_vars = {}, .vars_files = {}},
      sources, sink);
  if (!sink.has_errors()) {
    compiled.program = lower::lower(
        policy, {.target = target, .today = {.year = 2026, .month = 1, .day = 1}}, sink);
  }
  compiled.options = {
      .approximate = false,
      .iptables_coexist = policy.target.iptables_mode == policy::IptablesMode::coexist,
      .iptables_ipset = policy.target.iptables_sets == policy::IptablesSets::ipset,
      .nftables_table = policy.target.nftables_table,
      .nftables_layout = static_cast<backend::NftablesLayout>(policy.target.nftables_layout),
      .netsh_disable_others = policy.target.netsh_disable_others,
      .policy_name = policy.name};
  if (!sink.has_errors()) {
    const auto& target_backend = backend::backend(target);
    compiled.said = target_backend.capable(compiled.program, compiled.options, sink);
    if (!sink.has_errors())
      compiled.artifact = target_backend.encode(compiled.said, compiled.options);
  }
  if (sink.has_errors()) {
    compiled.errors = render_text(sink, sources);
    if (compiled.errors.empty()) compiled.errors = "errors that nobody rendered";
  }
  return compiled;
}

}  // namespace firewright::kernel
