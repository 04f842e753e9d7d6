#include "compiler/cli/git_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "backends/host/process.h"

namespace firewright::cli {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// "a/../b/./c" as git has it: "b/c". Empty: it leads out of the repository.
std::string normal(const std::string& path) {
  const auto text = std::filesystem::path(path).lexically_normal().generic_string();
  return text.starts_with("..") || text.starts_with('/') ? std::string() : text;
}

std::string failure(const host::Finished& git) {
  if (git.exec_error != 0) return std::string("cannot run git: ") + std::strerror(git.exec_error);
  const auto said = first_line(git.err);
  return said.empty() ? "git failed" : said;
}

}  // namespace

GitFiles::GitFiles(const std::string& commit, std::vector<std::string> on_disk)
    : on_disk_(std::move(on_disk)) {
  const auto named = host::run(
      {"git", "rev-parse", "--verify", "--quiet", "--end-of-options", commit + "^{commit}"}, {});
  if (!named.ok()) {
    error_ = named.err.empty() && named.exec_error == 0 ? "there is no commit `" + commit + "`"
                                                        : failure(named);
    return;
  }
  commit_ = first_line(named.out);
  const auto listed = host::run({"git", "ls-tree", "-r", "-z", "--full-tree", commit_}, {});
  if (!listed.ok()) {
    error_ = failure(listed);
    return;
  }
  // "100644 blob NUMBER\tPATH\0"
  const std::string_view out = listed.out;
  for (std::size_t at = 0; at < out.size();) {
    const auto end = std::min(out.find('\0', at), out.size());
    const auto entry = out.substr(at, end - at);
    at = end + 1;
    const auto tab = entry.find('\t');
    if (tab == std::string_view::npos) continue;
    const auto type = entry.starts_with("120000")                              ? Type::link
                      : entry.starts_with("100") && entry.find(" blob ") < tab ? Type::file
                                                                               : Type::other;
    entries_.emplace(entry.substr(tab + 1), type);
  }
}

std::string GitFiles::prefix() {
  const auto git = host::run({"git", "rev-parse", "--show-prefix"}, {});
  return git.ok() ? first_line(git.out) : std::string();
}

bool GitFiles::is_on_disk(const std::string& path) const {
  return std::find(on_disk_.begin(), on_disk_.end(), path) != on_disk_.end();
}

std::optional<std::string> GitFiles::resolve(const std::string& path) const {
  constexpr int most_links = 16;
  auto at = normal(path);
  for (int links = 0; links <= most_links; ++links) {
    const auto entry = entries_.find(at);
    if (entry == entries_.end() || entry->second == Type::other) return std::nullopt;
    if (entry->second == Type::file) return at;
    const auto link = host::run({"git", "cat-file", "blob", commit_ + ":" + at}, {});
    if (!link.ok()) return std::nullopt;
    at = normal((std::filesystem::path(at).parent_path() / link.out).string());
  }
  return std::nullopt;
}

FileContent GitFiles::read(const std::string& path, std::size_t limit) const {
  if (is_on_disk(path)) return disk_.read(path, limit);
  const auto at = resolve(path);
  if (!at)
    return {.text = std::nullopt,
            .error = "no such file in this commit",
            .too_large = false,
            .missing = true};
  auto git = host::run({"git", "cat-file", "blob", commit_ + ":" + *at}, {});
  if (!git.ok())
    return {.text = std::nullopt, .error = failure(git), .too_large = false, .missing = false};
  if (git.out.size() > limit)
    return {.text = std::nullopt, .error = "it is too large", .too_large = true, .missing = false};
  return {.text = std::move(git.out), .error = {}, .too_large = false, .missing = false};
}

std::vector<std::string> GitFiles::glob(const std::string& pattern) const {
  std::vector<std::string> found;
  const auto wanted = normal(pattern);
  for (const auto& [path, type] : entries_)
    if (type != Type::other &&
        ::fnmatch(wanted.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0)
      found.push_back(path);
  return found;
}

std::string GitFiles::canonical(const std::string& path) const {
  if (is_on_disk(path)) return disk_.canonical(path);
  return resolve(path).value_or(path);
}

}  // namespace firewright::cli
