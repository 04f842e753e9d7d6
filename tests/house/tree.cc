#include "tests/house/tree.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace firewright::house {

namespace fs = std::filesystem;

fs::path root() { return FIREWRIGHT_SOURCE_DIR; }

std::vector<std::string> files_below(std::string_view folder,
                                     const std::vector<std::string>& suffixes) {
  std::vector<std::string> files;
  if (!fs::exists(root() / folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(root() / folder)) {
    if (!entry.is_regular_file()) continue;
    auto path = fs::relative(entry.path(), root()).generic_string();
    const bool wanted = suffixes.empty() || std::ranges::any_of(suffixes, [&](const auto& suffix) {
                          return path.ends_with(suffix);
                        });
    if (wanted) files.push_back(std::move(path));
  }
  std::ranges::sort(files);
  return files;
}

std::string read(const std::string& path) {
  std::ifstream file(root() / path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

namespace {

// Where the literal that opens at `i` with `quote` ends: behind its closing quote.
std::size_t literal_end(const std::string& text, std::size_t i, char quote) {
  for (++i; i < text.size() && text[i] != quote; ++i)
    if (text[i] == '\\') ++i;
  return std::min(i + 1, text.size());
}

std::size_t raw_string_end(const std::string& text, std::size_t quote) {
  const auto open = text.find('(', quote);
  if (open == std::string::npos) return text.size();
  const auto close = ")" + text.substr(quote + 1, open - quote - 1) + "\"";
  const auto end = text.find(close, open);
  return end == std::string::npos ? text.size() : end + close.size();
}

}  // namespace

std::string without_comments_and_strings(const std::string& text) {
  std::string out;
  const auto skip_to = [&](std::size_t from, std::size_t to) {
    for (auto i = from; i < to; ++i)
      if (text[i] == '\n') out += '\n';
    return to;
  };
  const auto word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  for (std::size_t i = 0; i < text.size();) {
    const auto rest = std::string_view(text).substr(i);
    if (rest.starts_with("#include")) {
      const auto end = std::min(text.find('\n', i), text.size());
      out += text.substr(i, end - i);
      i = end;
    } else if (rest.starts_with("//")) {
      i = skip_to(i, std::min(text.find('\n', i), text.size()));
    } else if (rest.starts_with("/*")) {
      const auto end = text.find("*/", i + 2);
      i = skip_to(i, end == std::string::npos ? text.size() : end + 2);
    } else if (rest.starts_with("R\"")) {
      i = skip_to(i, raw_string_end(text, i + 1));
    } else if (rest[0] == '"' || (rest[0] == '\'' && (i == 0 || !word(text[i - 1])))) {
      i = skip_to(i, literal_end(text, i, rest[0]));
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace firewright::house
