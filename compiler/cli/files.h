// Writing artifacts: all of them, or none; and what is there already is left alone.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace firewright::cli {

struct OutputFile {
  std::string path;
  std::string bytes;
  bool as_before = false;  // with the owner and the permissions of the file that it replaces
};

// Files written aside, on their way into place. Where they are taken off the way, or this goes,
// nothing of them stays.
class AsideFiles {
 public:
  AsideFiles() = default;
  AsideFiles(const AsideFiles&) = delete;
  AsideFiles& operator=(const AsideFiles&) = delete;
  AsideFiles(AsideFiles&&) = default;
  AsideFiles& operator=(AsideFiles&&) = delete;
  ~AsideFiles();

  // Writes those of `files` whose bytes are not in place into hidden files beside it; missing
  // folders are made. Returns what went wrong.
  [[nodiscard]] std::optional<std::string> write(std::span<const OutputFile> files);
  // None: all bytes were there.
  [[nodiscard]] std::size_t size() const { return paths_.size(); }
  // One that stands for the folder and the file system of the others; there must be one.
  [[nodiscard]] const std::string& first() const { return paths_.front().aside; }
  // Down to the disk, each by itself.
  [[nodiscard]] std::optional<std::string> sync() const;
  // Renames them into place. An error between two of them says which are already new.
  [[nodiscard]] std::optional<std::string> move_in();
  // The folders that they are in, to the disk.
  void sync_folders() const;

 private:
  struct Path {
    std::string aside;
    std::string final;
  };
  std::vector<Path> paths_;
  std::size_t moved_ = 0;
};

// All of the above. Returns what went wrong; then nothing is new, unless it says so.
[[nodiscard]] std::optional<std::string> write_files(std::span<const OutputFile> files);

// All that was written to the file system of `path`, down to the disk: for thousands of files,
// where one by one takes a turn of the disk each.
[[nodiscard]] std::optional<std::string> sync_file_system(const std::string& path);
// Tells file systems apart; 0: it cannot be looked at.
[[nodiscard]] std::uint64_t file_system_of(const std::string& path);

}  // namespace firewright::cli
