#include "compiler/cli/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace firewright::cli {
namespace {

std::string failure(const std::string& what, const std::string& path) {
  return what + " `" + path + "`: " + std::strerror(errno);
}

std::optional<std::string> write_synced(const std::string& path, const std::string& bytes) {
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
  if (!error && ::fsync(fd) != 0 && errno != EINVAL) error = failure("cannot sync", path);
  if (::close(fd) != 0 && !error) error = failure("cannot write", path);
  return error;
}

void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);  // best effort: the files themselves are synced
  (void)::close(fd);
}

}  // namespace

std::optional<std::string> write_files(const std::vector<OutputFile>& files) {
  namespace fs = std::filesystem;
  std::vector<std::string> aside;
  std::optional<std::string> error;
  for (const auto& file : files) {
    const fs::path path(file.path);
    std::error_code made;
    fs::create_directories(path.parent_path(), made);
    if (made) {
      error = "cannot make folder `" + path.parent_path().string() + "`: " + made.message();
      break;
    }
    aside.push_back((path.parent_path() / ("." + path.filename().string() + ".new")).string());
    error = write_synced(aside.back(), file.bytes);
    if (error) break;
  }
  std::size_t renamed = 0;
  for (; renamed < files.size() && !error; ++renamed)
    if (::rename(aside[renamed].c_str(), files[renamed].path.c_str()) != 0) {
      error = failure("cannot replace", files[renamed].path);
      if (renamed > 0)
        *error += " (already new: `" + files[0].path + "`" + (renamed > 1 ? " and others)" : ")");
      break;
    }
  if (error)
    for (std::size_t i = renamed; i < aside.size(); ++i) (void)::unlink(aside[i].c_str());
  for (std::size_t i = 0; i < renamed; ++i) sync_folder(fs::path(files[i].path).parent_path());
  return error;
}

}  // namespace firewright::cli
