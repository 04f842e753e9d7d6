#include "compiler/cli/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <set>

namespace firewright::cli {
namespace {

std::string failure(const std::string& what, const std::string& path) {
  return what + " `" + path + "`: " + std::strerror(errno);
}

// Closes what it holds.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) (void)::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::optional<std::string> write_new(const std::string& path, const std::string& bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return failure("cannot create", path);
  std::optional<std::string> error;
  std::size_t done = 0;
  while (done < bytes.size() && !error) {
    const auto n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      error = failure("cannot write", path);
    else
      done += static_cast<std::size_t>(n);
  }
  if (::close(fd) != 0 && !error) error = failure("cannot write", path);
  return error;
}

std::optional<std::string> dress_like(const std::string& path, const std::string& model) {
  struct stat wanted{};
  if (::stat(model.c_str(), &wanted) != 0) return failure("cannot look at", model);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat given{};
  if (file.get() < 0 || ::fstat(file.get(), &given) != 0) return failure("cannot open", path);
  const bool same_owner = given.st_uid == wanted.st_uid && given.st_gid == wanted.st_gid;
  if (!same_owner && ::fchown(file.get(), wanted.st_uid, wanted.st_gid) != 0)
    return failure("cannot keep the owner of", model);
  if (::fchmod(file.get(), wanted.st_mode & 07777U) != 0)
    return failure("cannot keep the permissions of", model);
  return std::nullopt;
}

// Whether a regular file holds exactly these bytes.
bool holds(const std::string& path, const std::string& bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<std::uint64_t>(status.st_size) != bytes.size())
    return false;
  std::string chunk(std::min<std::size_t>(bytes.size() + 1, std::size_t{1} << 20U), '\0');
  std::size_t at = 0;
  for (;;) {
    const auto n = ::read(file.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) return at == bytes.size();
    const auto count = static_cast<std::size_t>(n);
    if (bytes.compare(at, count, chunk, 0, count) != 0) return false;
    at += count;
  }
}

void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);  // best effort: the files themselves are synced
  (void)::close(fd);
}

}  // namespace

AsideFiles::~AsideFiles() {
  for (std::size_t i = moved_; i < paths_.size(); ++i) (void)::unlink(paths_[i].aside.c_str());
}

std::optional<std::string> AsideFiles::write(std::span<const OutputFile> files) {
  namespace fs = std::filesystem;
  for (const auto& file : files) {
    if (holds(file.path, file.bytes)) continue;
    const fs::path path(file.path);
    std::error_code made;
    if (path.has_parent_path()) fs::create_directories(path.parent_path(), made);
    if (made) return "cannot make folder `" + path.parent_path().string() + "`: " + made.message();
    const auto aside = path.parent_path() / ("." + path.filename().string() + ".new");
    paths_.push_back({.aside = aside.string(), .final = file.path});
    if (auto error = write_new(paths_.back().aside, file.bytes)) return error;
    if (!file.as_before) continue;
    if (auto error = dress_like(paths_.back().aside, file.path)) return error;
  }
  return std::nullopt;
}

std::optional<std::string> AsideFiles::sync() const {
  for (const auto& path : paths_) {
    const Descriptor file(::open(path.aside.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (file.get() < 0 || (::fsync(file.get()) != 0 && errno != EINVAL))
      return failure("cannot sync", path.aside);
  }
  return std::nullopt;
}

std::optional<std::string> AsideFiles::move_in() {
  for (; moved_ < paths_.size(); ++moved_) {
    const auto& path = paths_[moved_];
    if (::rename(path.aside.c_str(), path.final.c_str()) == 0) continue;
    auto error = failure("cannot replace", path.final);
    if (moved_ > 0)
      error += " (already new: `" + paths_[0].final + "`" + (moved_ > 1 ? " and others)" : ")");
    return error;
  }
  return std::nullopt;
}

void AsideFiles::sync_folders() const {
  std::set<std::filesystem::path> folders;
  for (std::size_t i = 0; i < moved_; ++i)
    folders.insert(std::filesystem::path(paths_[i].final).parent_path());
  for (const auto& folder : folders) sync_folder(folder);
}

std::optional<std::string> write_files(std::span<const OutputFile> files) {
  AsideFiles aside;
  auto error = aside.write(files);
  if (!error) error = aside.sync();
  if (!error) error = aside.move_in();
  aside.sync_folders();
  return error;
}

std::optional<std::string> sync_file_system(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0 || (::syncfs(file.get()) != 0 && errno != EINVAL))
    return failure("cannot sync the file system of", path);
  return std::nullopt;
}

std::uint64_t file_system_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? std::uint64_t{status.st_dev} : 0;
}

}  // namespace firewright::cli
