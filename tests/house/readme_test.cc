// README is true: its policy, compiled, gives the outputs shown, and the change to it the
// difference shown. A line `...` stands for any number of lines.

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

// The first code block of README.md in a language.
std::string block(const std::string& readme, const std::string& language) {
  const auto open = "\n```" + language + "\n";
  const auto begin = readme.find(open);
  if (begin == std::string::npos) return {};
  const auto from = begin + open.size();
  return readme.substr(from, readme.find("\n```\n", from) + 1 - from);
}

bool shows(const std::vector<std::string>& shown, std::size_t s,
           const std::vector<std::string>& real, std::size_t r) {
  if (s == shown.size())
    return true;  // what comes behind the last line shown is left to the reader
  if (shown[s] == "...") {
    for (std::size_t skip = r; skip <= real.size(); ++skip)
      if (shows(shown, s + 1, real, skip)) return true;
    return false;
  }
  return r < real.size() && shown[s] == real[r] && shows(shown, s + 1, real, r + 1);
}

std::string output_of(const std::string& command, int status = 0) {
  std::string out;
  std::array<char, 4096> part{};
  FILE* pipe = ::popen(command.c_str(), "r");
  while (const auto n = std::fread(part.data(), 1, part.size(), pipe)) out.append(part.data(), n);
  EXPECT_EQ(::pclose(pipe), status << 8) << command;
  return out;
}

TEST(Readme, TheFirstScreenIsTrue) {
  std::ifstream file(std::string(FIREWRIGHT_SOURCE_DIR) + "/README.md");
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  const auto policy =
      fs::temp_directory_path() / ("firewright-readme-" + std::to_string(::getpid()) + ".toml");
  const auto toml = block(readme, "toml");
  ASSERT_FALSE(toml.empty());
  EXPECT_LE(lines_of(toml).size(), 10U);
  std::ofstream(policy) << toml;
  for (const std::string target : {"iptables", "nftables", "netsh"}) {
    const auto shown = lines_of(block(readme, target));
    ASSERT_GT(shown.size(), 3U) << target;
    auto real = lines_of(output_of(std::string(FIREWRIGHT_BINARY) + " compile " + policy.string() +
                                   " --target " + target + " 2>/dev/null"));
    // Comments and the preamble at the top are left out of the page.
    std::size_t start = 0;
    while (start < real.size() && shown[0] != "..." && real[start] != shown[0]) ++start;
    EXPECT_TRUE(shows(shown, 0, real, start)) << target << " is now:\n"
                                              << [&] {
                                                   std::string all;
                                                   for (const auto& line : real) all += line + "\n";
                                                   return all;
                                                 }();
  }
  fs::remove(policy);
}

// A text with a hunk of a diff applied, its lines found by what they are.
std::string patched(const std::string& text, const std::string& hunk) {
  auto lines = lines_of(text);
  std::size_t at = 0;
  for (const auto& change : lines_of(hunk)) {
    const auto line = change.substr(1);
    if (change[0] == '+') {
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at++), line);
      continue;
    }
    while (at < lines.size() && lines[at] != line) ++at;
    if (at == lines.size()) return "no line `" + line + "`";
    if (change[0] == '-')
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
    else
      ++at;
  }
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

TEST(Readme, TheDifferenceIsTrue) {
  std::ifstream file(std::string(FIREWRIGHT_SOURCE_DIR) + "/README.md");
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  const auto folder =
      fs::temp_directory_path() / ("firewright-readme-diff-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  const auto before = block(readme, "toml");
  const auto after = patched(before, block(readme, "diff"));
  std::ofstream(folder / "old.toml") << before;
  std::ofstream(folder / "web.toml") << after;
  const auto real = output_of(
      "cd " + folder.string() + " && " FIREWRIGHT_BINARY " diff old.toml web.toml 2>/dev/null", 1);
  EXPECT_EQ(block(readme, "console"), real) << after;
  fs::remove_all(folder);
}

}  // namespace
