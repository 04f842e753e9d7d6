// Files and folders that a crash, a full disk or another user cannot leave half written.
//
// A folder is opened once and everything in it is reached through its descriptor, never through a
// symbolic link. A folder that others may write to is refused: what is in it decides what the
// kernel gets. A file is replaced whole (written aside, synced, renamed, the folder synced) or not
// at all. Every failure says the path and the reason.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/host/descriptor.h"
#include "backends/host/host.h"

namespace firewright::host {

// The beginning of the names of what is being written. Nobody else's file is called so, and what a
// killed process left can be told by it.
inline constexpr std::string_view aside_prefix = ".new-";

class Folder {
 public:
  Folder() = default;
  Folder(std::string path, Descriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path_of(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  Descriptor fd_;
};

// `make`: with mode 0700; its parents, if they are missing too, with 0755.
enum class IfMissing { fail, make };

struct [[nodiscard]] OpenedFolder {
  Folder folder;
  bool missing = false;  // the problem is that there is no such folder
  Result problem;
  [[nodiscard]] bool ok() const { return problem.ok(); }
};
OpenedFolder open_folder(const std::string& path, IfMissing if_missing);
OpenedFolder open_folder(const Folder& parent, const std::string& name, IfMissing if_missing);

struct [[nodiscard]] FileBytes {
  std::string bytes;
  bool missing = false;  // the problem is that there is no such file
  Result problem;
  [[nodiscard]] bool ok() const { return problem.ok(); }
};
// A regular file of at most `limit` bytes.
FileBytes read_file(const Folder& folder, const std::string& name, std::size_t limit);
// The same in pieces; `bytes` stays empty.
FileBytes read_file(const Folder& folder, const std::string& name, std::size_t limit,
                    const std::function<void(std::string_view piece)>& take);

struct [[nodiscard]] Names {
  std::vector<std::string> names;  // sorted, without "." and ".."
  Result problem;
  [[nodiscard]] bool ok() const { return problem.ok(); }
};
Names names_in(const Folder& folder);

// A file that must not be there yet, synced, mode 0600; removed again when it could not be written.
// The folder is not synced: that is done once for all its files.
Result write_new_file(const Folder& folder, const std::string& name, std::string_view bytes);

// After a failure the old file stands, unless `changed` is set: then the new one stands, and only
// its surviving a power failure is in doubt.
Result replace_file(const Folder& folder, const std::string& name, std::string_view bytes);

Result sync_folder(const Folder& folder);

// `from` becomes `to`, which must not be a folder with something in it; the folder is synced.
// `changed` as with replace_file.
Result rename_in(const Folder& folder, const std::string& from, const std::string& to);
// Two that are there get each other's name, in one step; the folder is synced.
Result exchange_in(const Folder& folder, const std::string& one, const std::string& other);

// What is not there is removed already.
Result remove_file(const Folder& folder, const std::string& name);
// The folder and the files in it. A folder within it is not ours, and stops it.
Result remove_folder(const Folder& parent, const std::string& name);

// Failures of the system, as all of the above put them: "cannot read `PATH`: REASON".
[[nodiscard]] Result system_failure(std::string_view what, std::string_view path, int error);

}  // namespace firewright::host
