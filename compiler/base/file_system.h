// Reading files: the real ones, or some that live in memory, for tests and fuzzing.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace firewright {

struct FileContent {
  std::optional<std::string> text;
  std::string error;  // when there is no text: "no such file or directory", "is a directory", ...
  bool too_large = false;  // the error is that the file is larger than the limit
  bool missing = false;    // the error is that there is no such file
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // At most `limit` bytes; a larger file is an error that says so. Only regular files, pipes and
  // terminals are read. "-" has no special meaning here.
  [[nodiscard]] virtual FileContent read(const std::string& path, std::size_t limit) const = 0;
  // The paths that match a shell pattern (`*`, `?`, `[...]`), sorted by byte; none is no error.
  [[nodiscard]] virtual std::vector<std::string> glob(const std::string& pattern) const = 0;
  // A path that is the same for the same file ("a/../b" and "b"), for finding cycles; the path
  // itself where the file cannot be looked at.
  [[nodiscard]] virtual std::string canonical(const std::string& path) const = 0;
  // What a path is called where people read it.
  [[nodiscard]] virtual std::string shown(const std::string& path) const { return path; }
};

class DiskFileSystem final : public FileSystem {
 public:
  [[nodiscard]] FileContent read(const std::string& path, std::size_t limit) const override;
  [[nodiscard]] std::vector<std::string> glob(const std::string& pattern) const override;
  [[nodiscard]] std::string canonical(const std::string& path) const override;
};

// Asks another one once for each pattern and each canonical path, and remembers the answers. Any
// number of threads may ask.
class RememberingFileSystem final : public FileSystem {
 public:
  explicit RememberingFileSystem(const FileSystem& files) : files_(files) {}

  [[nodiscard]] FileContent read(const std::string& path, std::size_t limit) const override {
    return files_.read(path, limit);
  }
  [[nodiscard]] std::vector<std::string> glob(const std::string& pattern) const override;
  [[nodiscard]] std::string canonical(const std::string& path) const override;
  [[nodiscard]] std::string shown(const std::string& path) const override {
    return files_.shown(path);
  }

 private:
  const FileSystem& files_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::vector<std::string>> globs_;
  mutable std::map<std::string, std::string> canonical_;
};

class MemoryFileSystem final : public FileSystem {
 public:
  std::map<std::string, std::string> files;  // path -> text

  [[nodiscard]] FileContent read(const std::string& path, std::size_t limit) const override;
  [[nodiscard]] std::vector<std::string> glob(const std::string& pattern) const override;
  [[nodiscard]] std::string canonical(const std::string& path) const override;
};

}  // namespace firewright
