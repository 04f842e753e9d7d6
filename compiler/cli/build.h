// The way from a policy's path to an artifact, shared by the subcommands.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "backends/backend.h"
#include "compiler/base/file_system.h"
#include "compiler/cli/options.h"
#include "compiler/ir/program.h"
#include "compiler/policy/policy.h"

namespace firewright::cli {

struct ReadPolicy {
  policy::Policy policy;
  policy::Date today;
};

// `--at`, or today. No value: it is no date, which has been said on the console.
[[nodiscard]] std::optional<policy::Date> day_of(const std::string& at, Console& console);
// Standard input, and not much more of it than a policy may hold.
[[nodiscard]] std::string read_input(Console& console);

// Reads a policy ("-": standard input) and reports into `sink`. No value: `--at` is no date, which
// has been said on the console; that is an error of usage.
// `files`: where its files are; unset: on this machine's disk.
[[nodiscard]] std::optional<ReadPolicy> read(const std::string& path, const PolicyOptions& options,
                                             Console& console, Sources& sources, Sink& sink,
                                             const FileSystem* files = nullptr);

struct Built {
  ir::Program program;  // what the target says
  backend::Options options;
};

// Lowers for one target and asks whether it can say all of it. Worth encoding when `sink` holds no
// error.
// `audit`: what it would deny it only logs and counts.
[[nodiscard]] Built build(const ReadPolicy& read, Target target, bool approximate, Sink& sink,
                          bool audit = false);

// The policy file's name without folder and `.toml`; "policy" for standard input.
[[nodiscard]] std::string stem(const std::string& path);

// How many exceptions a program's rules come from.
[[nodiscard]] std::size_t count_exceptions(const ir::Program& program);
[[nodiscard]] std::size_t count_rules(const ir::Program& program);

// "3 exceptions", "1 rule".
[[nodiscard]] std::string counted(std::size_t number, const std::string& noun);

// {"diagnostics": [...], "errors": n, "warnings": n}, to which a subcommand adds its own keys.
[[nodiscard]] nlohmann::ordered_json diagnostics_json(Sink& sink, const Sources& sources);
// To standard output, with invalid UTF-8 replaced.
void print_json(Console& console, const nlohmann::ordered_json& document);

}  // namespace firewright::cli
