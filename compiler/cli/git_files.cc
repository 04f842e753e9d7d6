#include "compiler/cli/git_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>

#include "backends/host/process.h"

namespace firewright::cli {
namespace {

constexpr std::size_t longest_link = 4096;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

GitFiles::GitFiles(const std::string& commit, std::vector<std::string> on_disk,
                   std::shared_ptr<GitBlobs> blobs)
    : on_disk_(std::move(on_disk)), blobs_(std::move(blobs)) {
  const auto named = host::run(
      {"git", "rev-parse", "--verify", "--quiet", "--end-of-options", commit + "^{tree}"}, {});
  if (!named.ok()) {
    error_ = named.err.empty() && named.exec_error == 0 ? "there is no commit `" + commit + "`"
                                                        : failure(named);
    return;
  }
  tree_ = first_line(named.out);
  const auto listed = host::run({"git", "ls-tree", "-r", "-z", "--full-tree", tree_}, {});
  if (!listed.ok()) {
    error_ = failure(listed);
    return;
  }
  // "100644 blob NUMBER\tPATH\0"
  const std::string_view out = listed.out;
  for (std::size_t at = 0; at < out.size();) {
    const auto end = std::min(out.find('\0', at), out.size());
    const auto line = out.substr(at, end - at);
    at = end + 1;
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) continue;
    const auto blank = line.rfind(' ', tab);
    const auto type = line.starts_with("120000") ? Entry::Type::link
                      : line.starts_with("100") && line.substr(0, blank).ends_with(" blob")
                          ? Entry::Type::file
                          : Entry::Type::other;
    entries_.emplace(
        line.substr(tab + 1),
        Entry{.type = type, .number = std::string(line.substr(blank + 1, tab - blank - 1))});
  }
}

std::string GitFiles::prefix() {
  const auto git = host::run({"git", "rev-parse", "--show-prefix"}, {});
  return git.ok() ? first_line(git.out) : std::string();
}

std::string GitFiles::normal(const std::string& path) {
  const auto text = std::filesystem::path(path).lexically_normal().generic_string();
  return text.starts_with("..") || text.starts_with('/') ? std::string() : text;
}

std::vector<std::string> GitFiles::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, entry] : entries_)
    if (entry.type != Entry::Type::other) paths.push_back(path);
  return paths;
}

bool GitFiles::is_on_disk(const std::string& path) const {
  return std::find(on_disk_.begin(), on_disk_.end(), path) != on_disk_.end();
}

std::optional<std::string> GitFiles::resolve(const std::string& path) const {
  constexpr int most_links = 16;
  auto at = normal(path);
  for (int links = 0; links <= most_links; ++links) {
    const auto entry = entries_.find(at);
    if (entry == entries_.end() || entry->second.type == Entry::Type::other) return std::nullopt;
    if (entry->second.type == Entry::Type::file) return at;
    const auto link = blobs_->read(entry->second.number, longest_link);
    if (!link.text) return std::nullopt;
    at = normal((std::filesystem::path(at).parent_path() / *link.text).string());
  }
  return std::nullopt;
}

std::string GitFiles::number(const std::string& path) const {
  const auto at = is_on_disk(path) ? std::nullopt : resolve(path);
  return at ? entries_.at(*at).number : std::string();
}

FileContent GitFiles::read(const std::string& path, std::size_t limit) const {
  if (is_on_disk(path)) return disk_.read(path, limit);
  if (const auto at = resolve(path)) return blobs_->read(entries_.at(*at).number, limit);
  return {.text = std::nullopt,
          .error = "no such file in this commit",
          .too_large = false,
          .missing = true};
}

std::vector<std::string> GitFiles::glob(const std::string& pattern) const {
  std::vector<std::string> found;
  const auto wanted = normal(pattern);
  for (const auto& [path, entry] : entries_)
    if (entry.type != Entry::Type::other &&
        ::fnmatch(wanted.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0)
      found.push_back(path);
  return found;
}

std::string GitFiles::canonical(const std::string& path) const {
  if (is_on_disk(path)) return disk_.canonical(path);
  return resolve(path).value_or(path);
}

std::string GitFiles::shown(const std::string& path) const {
  auto text = is_on_disk(path) ? std::string() : normal(path);
  return text.empty() ? path : text;
}

}  // namespace firewright::cli
