// The files of one commit, read from the repository without a work tree.
//
// Paths are relative to the repository's root. Git is run without a shell, and what a user calls a
// commit is resolved to its number before anything else is done with it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/base/file_system.h"

namespace firewright::cli {

class GitFiles final : public FileSystem {
 public:
  // `on_disk`: paths that are not the commit's but this machine's, such as --vars.
  // On failure there are no files and error() says why.
  GitFiles(const std::string& commit, std::vector<std::string> on_disk);

  [[nodiscard]] const std::string& error() const { return error_; }
  // What stands before a path of the current folder to make it one of the root's.
  [[nodiscard]] static std::string prefix();

  [[nodiscard]] FileContent read(const std::string& path, std::size_t limit) const override;
  [[nodiscard]] std::vector<std::string> glob(const std::string& pattern) const override;
  [[nodiscard]] std::string canonical(const std::string& path) const override;

 private:
  enum class Type { file, link, other };
  // Where a path leads, links followed.
  [[nodiscard]] std::optional<std::string> resolve(const std::string& path) const;
  [[nodiscard]] bool is_on_disk(const std::string& path) const;

  std::string commit_;  // its number
  std::map<std::string, Type> entries_;
  std::vector<std::string> on_disk_;
  DiskFileSystem disk_;
  std::string error_;
};

}  // namespace firewright::cli
