// TOML to Policy: the only place that knows the TOML library.
//
// Reads the root file and all it includes, substitutes variables, checks every key and value,
// merges the parts and resolves every name. Reports everything that is wrong, not only the first;
// what comes back is worth lowering only when no error was reported.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "compiler/base/file_system.h"
#include "compiler/base/source.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/policy/policy.h"

namespace firewright::policy {

// Turns names of users and groups into ids.
class OwnerDatabase {
 public:
  virtual ~OwnerDatabase() = default;
  [[nodiscard]] virtual std::optional<OwnerId> user(const std::string& name) const = 0;
  [[nodiscard]] virtual std::optional<OwnerId> group(const std::string& name) const = 0;
};
// This host's: getpwnam(3), getgrnam(3).
class HostOwnerDatabase final : public OwnerDatabase {
 public:
  [[nodiscard]] std::optional<OwnerId> user(const std::string& name) const override;
  [[nodiscard]] std::optional<OwnerId> group(const std::string& name) const override;
};
// Asks another one once for each name. Any number of threads may ask.
class RememberingOwnerDatabase final : public OwnerDatabase {
 public:
  explicit RememberingOwnerDatabase(const OwnerDatabase& owners) : owners_(owners) {}
  [[nodiscard]] std::optional<OwnerId> user(const std::string& name) const override;
  [[nodiscard]] std::optional<OwnerId> group(const std::string& name) const override;

 private:
  const OwnerDatabase& owners_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::optional<OwnerId>> users_, groups_;
};

struct Fact;
class Shared;

struct ReadOptions {
  const FileSystem* files = nullptr;         // must be set
  const OwnerDatabase* owners = nullptr;     // must be set
  std::vector<std::string> set_vars;         // "name=value", of --set; these win
  std::vector<std::string> vars_files;       // JSON objects, of --vars; a later one wins
  const std::vector<Fact>* facts = nullptr;  // read already: between the two; a later one wins
  const Shared* shared = nullptr;            // what need not be read again
};

struct Limits {
  static constexpr std::size_t policy_bytes = 64UL << 20;  // one policy file
  static constexpr std::size_t list_bytes = 256UL << 20;   // one address list
  static constexpr std::size_t nesting = 128;              // of TOML values
  static constexpr std::size_t values = 5'000'000;         // of one policy file
  static constexpr std::size_t include_depth = 64;
  static constexpr std::size_t files = 10000;
};

// `path` is a file's path as the user gave it; `text`, if set, is read in place of the file (for
// standard input). Places are reported with paths as they were reached: relative ones stay
// relative.
[[nodiscard]] Policy read_policy(const std::string& path, std::optional<std::string> text,
                                 const ReadOptions& options, Sources& sources, Sink& sink);

}  // namespace firewright::policy
