#include "backends/host/atomic_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include "backends/host/error_text.h"

namespace firewright::host {
namespace {

// Calls again what a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

OpenedFolder failed(Result problem, bool missing = false) {
  return {.folder = {}, .missing = missing, .problem = std::move(problem)};
}

Result unsafe(const std::string& path, const std::string& why) {
  return {.reason = Reason::permission, .error = "folder `" + path + "` " + why, .changed = false};
}

// Whoever may write here could say what the kernel gets.
std::optional<Result> refusal(const Descriptor& fd, const std::string& path) {
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return system_failure("cannot look at", path, errno);
  if (status.st_uid != geteuid() && status.st_uid != 0)
    return unsafe(path, "belongs to user " + std::to_string(status.st_uid) +
                            ", and what is in it cannot be trusted");
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return unsafe(path, "can be written to by others (chmod go-w)");
  return std::nullopt;
}

OpenedFolder open_at(int parent, const std::string& name, const std::string& path, int flags) {
  Descriptor fd(uninterrupted(
      [&] { return openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags); }));
  if (!fd.valid()) {
    const int error = errno;
    return failed(system_failure("cannot open folder", path, error), error == ENOENT);
  }
  if (auto refused = refusal(fd, path)) return failed(std::move(*refused));
  return {.folder = Folder(path, std::move(fd)), .missing = false, .problem = {}};
}

// A name that is lost with the power is no name.
Result sync_path(const std::string& path) {
  const Descriptor fd(
      uninterrupted([&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd.valid()) return system_failure("cannot open folder", path, errno);
  if (uninterrupted([&] { return fsync(fd.get()); }) != 0 && errno != EINVAL)
    return system_failure("cannot sync folder", path, errno);
  return {};
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result make_folders(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const bool last = end == std::string::npos;
    const std::string part = path.substr(0, end);
    if (mkdir(part.c_str(), last ? 0700 : 0755) == 0) {
      if (auto result = sync_path(parent_of(part)); !result.ok()) return result;
    } else if (errno != EEXIST) {
      const int error = errno;
      // What is there need not be writable, nor even be made: "/proc/x" is refused in words of its
      // own when it is opened.
      struct stat status{};
      if (stat(part.c_str(), &status) != 0)
        return system_failure("cannot make folder", part, error);
    }
    if (last) return {};
  }
}

std::string without_slashes_behind(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Result write_all(const Descriptor& fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = uninterrupted([&] { return write(fd.get(), bytes.data(), bytes.size()); });
    if (written < 0) return system_failure("cannot write", path, errno);
    if (written == 0) return system_failure("cannot write", path, ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  // Once this is done, what close() says is of no interest.
  if (uninterrupted([&] { return fsync(fd.get()); }) != 0)
    return system_failure("cannot sync", path, errno);
  return {};
}

std::string aside_name(const std::string& name) {
  return std::string(aside_prefix) + std::to_string(getpid()) + "-" + name;
}

}  // namespace

Result system_failure(std::string_view what, std::string_view path, int error) {
  const bool forbidden = error == EACCES || error == EPERM;
  return {.reason = forbidden ? Reason::permission : Reason::io,
          .error = std::string(what) + " `" + std::string(path) + "`: " + error_text(error),
          .changed = false};
}

OpenedFolder open_folder(const std::string& given, IfMissing if_missing) {
  const std::string path = without_slashes_behind(given);
  if (path.empty()) return failed(system_failure("cannot open folder", path, ENOENT), true);
  auto opened = open_at(AT_FDCWD, path, path, 0);
  if (!opened.missing || if_missing == IfMissing::fail) return opened;
  if (auto made = make_folders(path); !made.ok()) return failed(std::move(made));
  return open_at(AT_FDCWD, path, path, 0);
}

OpenedFolder open_folder(const Folder& parent, const std::string& name, IfMissing if_missing) {
  const auto path = parent.path_of(name);
  auto opened = open_at(parent.fd(), name, path, O_NOFOLLOW);
  if (!opened.missing || if_missing == IfMissing::fail) return opened;
  if (mkdirat(parent.fd(), name.c_str(), 0700) != 0 && errno != EEXIST)
    return failed(system_failure("cannot make folder", path, errno));
  if (auto synced = sync_folder(parent); !synced.ok()) return failed(std::move(synced));
  return open_at(parent.fd(), name, path, O_NOFOLLOW);
}

namespace {

// `expect` is told first how many bytes it will be, as things stand.
template <class Expect, class Take>
FileBytes read_pieces(const Folder& folder, const std::string& name, std::size_t limit,
                      const Expect& expect, const Take& take) {
  FileBytes file;
  const auto path = folder.path_of(name);
  const auto fail = [&](int error) {
    file.missing = error == ENOENT;
    file.problem = system_failure("cannot read", path, error);
    return file;
  };
  // A pipe in its place must not hold us up.
  const Descriptor fd(uninterrupted([&] {
    return openat(folder.fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  }));
  if (!fd.valid()) return fail(errno);
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return fail(errno);
  if (S_ISDIR(status.st_mode)) return fail(EISDIR);
  if (!S_ISREG(status.st_mode)) return fail(EINVAL);
  expect(std::min(limit, static_cast<std::size_t>(status.st_size)));
  char buffer[1 << 15];
  for (std::size_t size = 0;;) {
    const auto got = uninterrupted([&] { return read(fd.get(), buffer, sizeof buffer); });
    if (got < 0) return fail(errno);
    if (got == 0) return file;
    size += static_cast<std::size_t>(got);
    if (size > limit) return fail(EFBIG);
    take(std::string_view(buffer, static_cast<std::size_t>(got)));
  }
}

}  // namespace

FileBytes read_file(const Folder& folder, const std::string& name, std::size_t limit) {
  std::string bytes;
  auto file = read_pieces(
      folder, name, limit, [&](std::size_t size) { bytes.reserve(size); },
      [&](std::string_view piece) { bytes += piece; });
  if (file.ok()) file.bytes = std::move(bytes);
  return file;
}

FileBytes read_file(const Folder& folder, const std::string& name, std::size_t limit,
                    const std::function<void(std::string_view piece)>& take) {
  return read_pieces(folder, name, limit, [](std::size_t) {}, take);
}

Names names_in(const Folder& folder) {
  Names result;
  // A second descriptor: reading moves a position that the first would keep.
  const int fd =
      uninterrupted([&] { return openat(folder.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  std::unique_ptr<DIR, int (*)(DIR*)> stream(fd < 0 ? nullptr : fdopendir(fd), &closedir);
  if (!stream) {
    result.problem = system_failure("cannot read folder", folder.path(), errno);
    if (fd >= 0) close(fd);
    return result;
  }
  for (;;) {
    errno = 0;
    // Nobody else has this stream.
    const dirent* entry = readdir(stream.get());  // NOLINT(concurrency-mt-unsafe)
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") result.names.push_back(name);
  }
  if (errno != 0) result.problem = system_failure("cannot read folder", folder.path(), errno);
  std::ranges::sort(result.names);
  return result;
}

Result write_new_file(const Folder& folder, const std::string& name, std::string_view bytes) {
  const auto path = folder.path_of(name);
  const Descriptor fd(uninterrupted([&] {
    return openat(folder.fd(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  0600);
  }));
  if (!fd.valid()) return system_failure("cannot create", path, errno);
  auto result = write_all(fd, path, bytes);
  if (!result.ok()) (void)unlinkat(folder.fd(), name.c_str(), 0);
  return result;
}

Result replace_file(const Folder& folder, const std::string& name, std::string_view bytes) {
  const auto aside = aside_name(name);
  // Of a process that had our number and was killed.
  if (auto removed = remove_file(folder, aside); !removed.ok()) return removed;
  if (auto written = write_new_file(folder, aside, bytes); !written.ok()) return written;
  auto renamed = rename_in(folder, aside, name);
  if (!renamed.ok() && !renamed.changed) (void)unlinkat(folder.fd(), aside.c_str(), 0);
  return renamed;
}

Result sync_folder(const Folder& folder) {
  // EINVAL: a file system that has nothing to sync in folders.
  if (uninterrupted([&] { return fsync(folder.fd()); }) != 0 && errno != EINVAL)
    return system_failure("cannot sync folder", folder.path(), errno);
  return {};
}

Result rename_in(const Folder& folder, const std::string& from, const std::string& to) {
  if (renameat(folder.fd(), from.c_str(), folder.fd(), to.c_str()) != 0)
    return system_failure("cannot replace", folder.path_of(to), errno);
  auto synced = sync_folder(folder);
  synced.changed = !synced.ok();
  return synced;
}

Result exchange_in(const Folder& folder, const std::string& one, const std::string& other) {
  if (renameat2(folder.fd(), one.c_str(), folder.fd(), other.c_str(), RENAME_EXCHANGE) != 0)
    return system_failure("cannot replace", folder.path_of(other), errno);
  auto synced = sync_folder(folder);
  synced.changed = !synced.ok();
  return synced;
}

Result remove_file(const Folder& folder, const std::string& name) {
  if (unlinkat(folder.fd(), name.c_str(), 0) != 0 && errno != ENOENT)
    return system_failure("cannot remove", folder.path_of(name), errno);
  return {};
}

Result remove_folder(const Folder& parent, const std::string& name) {
  const auto opened = open_folder(parent, name, IfMissing::fail);
  if (!opened.ok()) return opened.missing ? Result{} : opened.problem;
  const auto names = names_in(opened.folder);
  if (!names.ok()) return names.problem;
  for (const auto& file : names.names)
    if (auto removed = remove_file(opened.folder, file); !removed.ok()) return removed;
  if (unlinkat(parent.fd(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
    return system_failure("cannot remove", parent.path_of(name), errno);
  return {};
}

}  // namespace firewright::host
