// What the command line names as a firewall: a policy, an artifact of one of the platforms, or the
// host that runs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compiler/base/file_system.h"
#include "compiler/base/target.h"
#include "compiler/cli/build.h"
#include "compiler/cli/options.h"
#include "compiler/ir/program.h"

namespace firewright::cli {

enum class OperandKind {
  policy,          // TOML, and `-`
  iptables,        // X.v4.rules, X.v6.rules, X.ipset, with commas between, or saved tables
  nftables_text,   // X.nft, or any text that nft reads
  nftables_batch,  // X.nlbatch, or a dump
  netsh,           // a folder of phases, or one script
  live,            // the word `live`: this host
};
[[nodiscard]] std::optional<Target> platform(OperandKind kind);

// By its name; no value: one has to look into it.
[[nodiscard]] std::optional<OperandKind> recognise_name(const std::string& path);
[[nodiscard]] OperandKind recognise_text(std::string_view text);
// "out/web" of "out/web.v4.rules" and "out/web.ipset".
[[nodiscard]] std::string stem_of_tables(const std::string& path);

struct Operand {
  std::string name;  // as the user gave it
  OperandKind kind = OperandKind::policy;
  std::optional<ReadPolicy> policy;          // of a policy: not yet lowered
  ir::Program program;                       // of the others
  std::vector<backend::ArtifactFile> files;  // that it was read from
  FamilySet missing;  // families of which an artifact says nothing because a file is not there

  [[nodiscard]] bool is_policy() const { return kind == OperandKind::policy; }
};

// Reads it and reports into `sink`, a missing family too. No value: `--at` is no date.
[[nodiscard]] std::optional<Operand> load(const std::string& path, const PolicyOptions& options,
                                          Console& console, Sources& sources, Sink& sink,
                                          const FileSystem* files = nullptr);

}  // namespace firewright::cli
