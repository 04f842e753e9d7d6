// What `apply` tells: to people, and as JSON to configuration management.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/host/deadline.h"
#include "compiler/analysis/diff.h"
#include "compiler/cli/guard.h"
#include "compiler/cli/options.h"
#include "compiler/cli/prove.h"

namespace firewright::cli {

enum class Applied {
  unchanged,  // the kernel held it already, and nothing was sent
  loaded,     // and confirmed
  pending,    // loaded, and waits for its confirmation
};

// Filled step by step; the last call prints it and gives the exit code.
class ApplyReport {
 public:
  ApplyReport(const ApplyOptions& options, Console& console, Sources& sources, Sink& sink)
      : options_(options), console_(console), sources_(sources), sink_(sink) {}

  Proved proved;
  const Built* built = nullptr;
  std::optional<analysis::Difference> difference;  // none: nothing changes, or it is not known
  Guarded guarded;
  std::optional<std::size_t> ended;  // so many connections
  std::optional<host::Deadline> deadline;
  std::string generation;
  std::string certificate;  // its SHA-256
  std::vector<std::string> notes;

  [[nodiscard]] Exit refused();    // the policy, by the diagnostics
  [[nodiscard]] Exit locks_out();  // the administrator
  [[nodiscard]] Exit failed(const std::string& error, Exit exit = Exit::system);
  [[nodiscard]] Exit would(bool change);  // of a dry run
  [[nodiscard]] Exit done(Applied applied);

 private:
  [[nodiscard]] nlohmann::ordered_json document();
  [[nodiscard]] bool json() const { return options_.policy.format == Format::json; }
  void say_notes();

  const ApplyOptions& options_;
  Console& console_;
  Sources& sources_;
  Sink& sink_;
};

}  // namespace firewright::cli
