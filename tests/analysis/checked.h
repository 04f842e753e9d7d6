// A policy text, read and lowered for some targets, with what the analysis says of it.
#pragma once

#include <string>
#include <vector>

#include "compiler/analysis/assertions.h"
#include "compiler/analysis/lint.h"
#include "compiler/base/file_system.h"
#include "compiler/diagnostics/render.h"
#include "compiler/lower/lower.h"
#include "compiler/policy/read.h"

namespace firewright::analysis {

class NoOwners final : public policy::OwnerDatabase {
 public:
  [[nodiscard]] std::optional<OwnerId> user(const std::string&) const override {
    return std::nullopt;
  }
  [[nodiscard]] std::optional<OwnerId> group(const std::string&) const override {
    return std::nullopt;
  }
};

class Checked {
 public:
  explicit Checked(const std::string& toml, const std::vector<Target>& targets = {Target::nftables},
                   semantics::Budget budget = {}, std::string include = {})
      : budget_(budget) {
    MemoryFileSystem files;
    files.files["p.toml"] = toml;
    if (!include.empty()) files.files["i.toml"] = std::move(include);
    const NoOwners owners;
    policy = policy::read_policy(
        "p.toml", std::nullopt,
        {.files = &files, .owners = &owners, .set_vars = {}, .vars_files = {}}, sources, sink);
    if (sink.has_errors()) return;
    programs.reserve(targets.size());
    for (const auto target : targets) {
      programs.push_back(lower::lower(policy, {.target = target, .today = today}, sink));
      lowerings.push_back({.target = target, .program = &programs.back()});
    }
  }
  Checked(const Checked&) = delete;
  Checked& operator=(const Checked&) = delete;

  std::vector<AssertionResult> prove() {
    return prove_assertions(policy, lowerings, budget_, sink);
  }
  void lint() { analysis::lint(policy, lowerings, {.today = today, .budget = budget_}, sink); }

  // As the command line shows them, in source order.
  std::string said() {
    sink.sort();
    return render_text(sink, sources);
  }
  // "id: message" of each, in source order.
  std::vector<std::string> messages() {
    sink.sort();
    std::vector<std::string> all;
    for (const auto& d : sink.diagnostics())
      all.push_back(std::string(id(d.kind)) + ": " + d.message());
    return all;
  }
  [[nodiscard]] std::size_t count(Kind kind) const {
    std::size_t n = 0;
    for (const auto& d : sink.diagnostics()) n += d.kind == kind ? 1U : 0U;
    return n;
  }

  static constexpr policy::Date today{.year = 2026, .month = 6, .day = 1};
  Sources sources;
  Sink sink;
  policy::Policy policy;
  std::vector<ir::Program> programs;
  std::vector<Lowering> lowerings;

 private:
  semantics::Budget budget_;
};

}  // namespace firewright::analysis
