// What the command line said, one struct a subcommand. Filled by run.cc, and read by the files of
// the subcommands.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "compiler/base/target.h"
#include "compiler/cli/console.h"
#include "compiler/cli/host_options.h"
#include "compiler/policy/policy.h"

namespace firewright::cli {

// How policies are read, the same for every subcommand that reads one.
struct PolicyOptions {
  std::vector<std::string> set;   // --set name=value
  std::vector<std::string> vars;  // --vars facts.json
  std::string at;                 // --at DATE; empty: today
  Format format = Format::text;
};

struct CheckOptions {
  PolicyOptions policy;
  std::vector<std::string> policies;
  std::vector<Target> targets;  // none: say which of them can
  bool approximate = false;
  bool strict = false;  // a warning is a no
};

struct CompileOptions {
  PolicyOptions policy;
  std::string path;
  std::string hosts;     // --hosts: for all of these
  std::size_t jobs = 0;  // --jobs; 0: as many as the machine runs at once
  std::vector<Target> targets;
  std::string directory;    // -o
  std::string part;         // --part
  std::string certificate;  // --certificate
  bool emit_ir = false;     // --emit=ir
  bool approximate = false;
};

struct ApplyOptions {
  PolicyOptions policy;
  std::string path;
  Target backend = Target::nftables;
  bool dry_run = false;
  bool approximate = false;
  bool audit = false;             // log and count what would be denied, deny nothing
  bool allow_lockout = false;     // even if it cuts off who applies it
  bool end_denied_flows = false;  // open connections that the policy forbids
  std::optional<std::chrono::milliseconds> confirm;  // undo unless confirmed within this time
  HostOptions host;
};

struct ConfirmOptions {
  HostOptions host;
  Format format = Format::text;
};

struct RollbackOptions {
  HostOptions host;
  std::string token;     // only this change; how its watchdog calls it
  bool waiting = false;  // a change that waits, or nothing
  Format format = Format::text;
};

struct RestoreOptions {
  HostOptions host;
  std::string failsafe;             // a policy to load when there is nothing sound to load
  std::string failsafe_ssh = "22";  // ports that the built-in one leaves open, or "none"
};

enum class StatusFormat : std::uint8_t { text, json, prometheus };
struct StatusOptions {
  HostOptions host;
  StatusFormat format = StatusFormat::text;
  std::string at;  // --at DATE; empty: today
};

struct VerifyOptions {
  PolicyOptions policy;
  std::string path;
  std::vector<std::string> artifacts;
  std::string certificate;  // replay this one
  bool approximate = false;
};

struct DiffOptions {
  enum class As { text, markdown, json };
  enum class FailOn { widen, any, none };

  PolicyOptions policy;  // its format is not looked at
  std::string before, after;
  std::string git;  // BASE..HEAD: `after` is a policy in both of them
  As as = As::text;
  FailOn fail_on = FailOn::any;
  std::optional<Target> target;
};

struct ReviewOptions {
  enum class As { markdown, json, sarif };
  enum class FailOn { widen, risk, any, none };

  PolicyOptions policy;            // its format is not looked at
  std::string git;                 // BASE..HEAD or BASE...HEAD
  std::vector<std::string> paths;  // policies, or folders of them; none: all
  As as = As::markdown;
  FailOn fail_on = FailOn::any;
  std::vector<Target> targets;  // none: those that can say a policy
  std::size_t jobs = 0;         // 0: as many as the machine runs at once
};

struct ExplainOptions {
  PolicyOptions policy;
  std::string path;
  std::string packet;
  std::optional<Target> target;
};

struct FmtOptions {
  std::vector<std::string> files;
  bool check = false;  // write nothing; name those that would change
};

struct ServicesOptions {
  std::string name;
  Format format = Format::text;
};

struct ReportOptions {
  PolicyOptions policy;       // its format is not looked at
  std::string before, after;  // no `before`: of one policy alone
  std::string git;            // BASE..HEAD: `after` is a policy in both of them
  std::string output;         // -o
  std::optional<Target> target;
};

struct SchemaOptions {
  bool hosts = false;  // of files of hosts, not of policies
};

[[nodiscard]] Exit check(const CheckOptions& options, Console& console);
[[nodiscard]] Exit compile(const CompileOptions& options, Console& console);
[[nodiscard]] Exit compile_fleet(const CompileOptions& options, Console& console);
[[nodiscard]] Exit apply(const ApplyOptions& options, Console& console);
[[nodiscard]] Exit diff(const DiffOptions& options, Console& console);
[[nodiscard]] Exit review(const ReviewOptions& options, Console& console);
[[nodiscard]] Exit explain(const ExplainOptions& options, Console& console);
[[nodiscard]] Exit verify(const VerifyOptions& options, Console& console);
[[nodiscard]] Exit confirm(const ConfirmOptions& options, Console& console);
[[nodiscard]] Exit rollback(const RollbackOptions& options, Console& console);
[[nodiscard]] Exit restore(const RestoreOptions& options, Console& console);
[[nodiscard]] Exit status(const StatusOptions& options, Console& console);
[[nodiscard]] Exit fmt(const FmtOptions& options, Console& console);
[[nodiscard]] Exit report(const ReportOptions& options, Console& console);
[[nodiscard]] Exit schema(const SchemaOptions& options, Console& console);
[[nodiscard]] Exit services(const ServicesOptions& options, Console& console);

}  // namespace firewright::cli
