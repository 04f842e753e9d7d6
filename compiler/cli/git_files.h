// The files of one commit, read from the repository without a work tree.
//
// Paths are relative to the repository's root. Git is run without a shell, and what a user calls a
// commit is resolved to its number before anything else is done with it. Once made, any number of
// threads may ask.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/base/file_system.h"
#include "compiler/cli/git_blobs.h"

namespace firewright::cli {

class GitFiles final : public FileSystem {
 public:
  // `commit`: a commit or a tree. `on_disk`: paths that are not the commit's but this machine's,
  // such as --vars. `blobs`: what another commit has read already.
  // On failure there are no files and error() says why.
  GitFiles(const std::string& commit, std::vector<std::string> on_disk,
           std::shared_ptr<GitBlobs> blobs = std::make_shared<GitBlobs>());

  [[nodiscard]] const std::string& error() const { return error_; }
  // The number of the commit's tree.
  [[nodiscard]] const std::string& tree() const { return tree_; }
  // What stands before a path of the current folder to make it one of the root's.
  [[nodiscard]] static std::string prefix();
  // "a/../b/./c" as git has it: "b/c". Empty: it leads out of the repository.
  [[nodiscard]] static std::string normal(const std::string& path);

  // All files and links, in git's order.
  [[nodiscard]] std::vector<std::string> paths() const;
  // The number of what read() would read; empty: there is nothing, or it is on the disk. Where
  // numbers are equal, contents are.
  [[nodiscard]] std::string number(const std::string& path) const;

  [[nodiscard]] FileContent read(const std::string& path, std::size_t limit) const override;
  [[nodiscard]] std::vector<std::string> glob(const std::string& pattern) const override;
  [[nodiscard]] std::string canonical(const std::string& path) const override;
  // A commit has no folder that is a link to another.
  [[nodiscard]] std::string shown(const std::string& path) const override;

 private:
  struct Entry {
    enum class Type { file, link, other };
    Type type = Type::other;
    std::string number;
  };
  // Where a path leads, links followed.
  [[nodiscard]] std::optional<std::string> resolve(const std::string& path) const;
  [[nodiscard]] bool is_on_disk(const std::string& path) const;

  std::string tree_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> on_disk_;
  DiskFileSystem disk_;
  std::shared_ptr<GitBlobs> blobs_;
  std::string error_;
};

}  // namespace firewright::cli
