// README's first screen is true: its policy, compiled, gives the outputs shown. A line `...` stands
// for any number of lines.

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

std::string output_of(const std::string& command) {
  std::string out;
  std::array<char, 4096> part{};
  FILE* pipe = ::popen(command.c_str(), "r");
  while (const auto n = std::fread(part.data(), 1, part.size(), pipe)) out.append(part.data(), n);
  EXPECT_EQ(::pclose(pipe), 0) << command;
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

}  // namespace
