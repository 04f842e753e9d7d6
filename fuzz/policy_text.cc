// Policies: any bytes as the root file of one. What the reader accepts goes all the way to the
// artifacts of every target that can say it.
#include <string>

#include "backends/backend.h"
#include "compiler/lower/lower.h"
#include "compiler/policy/read.h"
#include "fuzz/property.h"

namespace {

using namespace firewright;

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

// The root, and a little to include.
MemoryFileSystem files_with(std::string root) {
  MemoryFileSystem files;
  files.files["policy.toml"] = std::move(root);
  files.files["parts/web.toml"] = "[inbound]\nallow = [\"http\"]\n";
  files.files["parts/cycle.toml"] = "include = [\"../policy.toml\"]\n";
  files.files["parts/broken.toml"] = "[inbound\n";
  files.files["list.txt"] = "192.0.2.1\n2001:db8::/32 # documentation\n";
  return files;
}

void compile(const policy::Policy& policy, Target target, const Sources& sources) {
  Sink sink;
  const auto program =
      lower::lower(policy, {.target = target, .today = {.year = 2026, .month = 1, .day = 1}}, sink);
  if (!sink.has_errors()) {
    const auto& backend = backend::backend(target);
    const auto said = backend.capable(program, {}, sink);
    if (!sink.has_errors()) {
      const auto artifact = backend.encode(said, {});
      FUZZ_PROPERTY(!artifact.parts.empty());
    }
  }
  fuzz::check_diagnostics(sink, sources);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto files = files_with(std::string(fuzz::text_of(data, size)));
  const FixedOwners owners;
  Sources sources;
  Sink sink;
  const auto policy = policy::read_policy(
      "policy.toml", std::nullopt,
      {.files = &files, .owners = &owners, .set_vars = {}, .vars_files = {}}, sources, sink);
  fuzz::check_diagnostics(sink, sources);
  if (sink.has_errors()) return 0;
  for (const auto target : TargetSet::all()) compile(policy, target, sources);
  return 0;
}
