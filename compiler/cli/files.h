// Writing artifacts: all of them, or none.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace firewright::cli {

struct OutputFile {
  std::string path;
  std::string bytes;
};

// Writes every file aside (same folder, hidden name), syncs them, and only then renames them into
// place; missing folders are made. Returns what went wrong, after removing what was written aside;
// an error in the last step, between two renames, says which files are already new.
[[nodiscard]] std::optional<std::string> write_files(const std::vector<OutputFile>& files);

}  // namespace firewright::cli
