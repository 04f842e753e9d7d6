#include "compiler/base/file_system.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

namespace firewright {
namespace {

std::string describe_error(int error) {
  switch (error) {
    case ENOENT: return "no such file or directory";
    case EACCES: return "permission denied";
    case EISDIR: return "is a directory";
    case ENOTDIR: return "a part of the path is not a directory";
    case ELOOP: return "too many symbolic links";
    case ENAMETOOLONG: return "the name is too long";
    case EMFILE:
    case ENFILE: return "too many open files";
    case EIO: return "input/output error";
    default: return "error " + std::to_string(error);
  }
}

FileContent failure(std::string error) {
  FileContent content;
  content.error = std::move(error);
  return content;
}

FileContent failure(int error) {
  auto content = failure(describe_error(error));
  content.missing = error == ENOENT;
  return content;
}

FileContent success(std::string text) {
  FileContent content;
  content.text = std::move(text);
  return content;
}

FileContent too_large(std::size_t limit) {
  auto content = failure("larger than " + std::to_string(limit) + " bytes");
  content.too_large = true;
  return content;
}

// Closes what it holds.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// Why a file of this kind is not read; empty: it is.
std::string refusal(const struct stat& status, int fd) {
  if (S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode)) return "";
  if (S_ISDIR(status.st_mode)) return "is a directory";
  if (S_ISSOCK(status.st_mode)) return "is a socket";
  if (S_ISCHR(status.st_mode) && isatty(fd) != 0) return "";
  return "is a device";
}

FileContent read_all(int fd, std::size_t expected, std::size_t limit) {
  // One byte more than there should be, to see the end with the first read.
  std::string text(std::min(expected, limit) + 1, '\0');
  std::size_t size = 0;
  while (true) {
    if (size == text.size()) text.resize(std::max<std::size_t>(size * 2, 1U << 16U));
    const ssize_t count = read(fd, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure(errno);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
    if (size > limit) return too_large(limit);
  }
  text.resize(size);
  return success(std::move(text));
}

}  // namespace

FileContent DiskFileSystem::read(const std::string& path, std::size_t limit) const {
  if (path.find('\0') != std::string::npos) return failure("the path holds a NUL byte");
  // Looked at before it is opened: opening some devices has effects.
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return failure(errno);
  if (S_ISDIR(status.st_mode)) return failure("is a directory");
  if (S_ISSOCK(status.st_mode)) return failure("is a socket");
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0) return failure(errno);
  if (fstat(file.get(), &status) != 0) return failure(errno);
  if (auto reason = refusal(status, file.get()); !reason.empty()) return failure(std::move(reason));
  const bool regular = S_ISREG(status.st_mode);
  const auto size = regular ? static_cast<std::size_t>(status.st_size) : 0;
  if (size > limit) return too_large(limit);
  return read_all(file.get(), size, limit);
}

std::vector<std::string> DiskFileSystem::glob(const std::string& pattern) const {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0)
    for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  globfree(&found);
  std::sort(paths.begin(), paths.end());  // by byte: glob(3) would sort by the locale
  return paths;
}

std::string DiskFileSystem::canonical(const std::string& path) const {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real ? std::string(real.get()) : path;
}

std::vector<std::string> RememberingFileSystem::glob(const std::string& pattern) const {
  const std::scoped_lock lock(mutex_);
  const auto [at, added] = globs_.try_emplace(pattern);
  if (added) at->second = files_.glob(pattern);
  return at->second;
}

std::string RememberingFileSystem::canonical(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  const auto [at, added] = canonical_.try_emplace(path);
  if (added) at->second = files_.canonical(path);
  return at->second;
}

FileContent MemoryFileSystem::read(const std::string& path, std::size_t limit) const {
  const auto name = canonical(path);
  const auto file = files.find(name);
  if (file != files.end()) {
    if (file->second.size() > limit) return too_large(limit);
    return success(file->second);
  }
  const auto folder = name.empty() || name == "." ? "" : name + "/";
  const auto below = files.lower_bound(folder);
  if (below != files.end() && below->first.compare(0, folder.size(), folder) == 0)
    return failure("is a directory");
  return failure(ENOENT);
}

std::vector<std::string> MemoryFileSystem::glob(const std::string& pattern) const {
  std::vector<std::string> paths;
  for (const auto& [path, text] : files)
    if (fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0)
      paths.push_back(path);
  return paths;
}

std::string MemoryFileSystem::canonical(const std::string& path) const {
  if (files.contains(path)) return path;
  return std::filesystem::path(path).lexically_normal().string();
}

}  // namespace firewright
