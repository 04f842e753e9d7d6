// What people wire the command up with says what the command understands, and never opens a host.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/house/tree.h"

namespace firewright::house {
namespace {

constexpr const char* unit_file = "deploy/systemd/firewright.service";

// The values of a unit's keys, "Section.Key" each; a key may stand several times.
std::multimap<std::string, std::string> keys_of(const std::string& text) {
  std::multimap<std::string, std::string> found;
  std::istringstream lines(text);
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line.front() == '[') {
      section = line.substr(1, line.find(']') - 1);
      continue;
    }
    const auto equals = line.find('=');
    if (equals == std::string::npos)
      ADD_FAILURE() << unit_file << ": no key: " << line;
    else
      found.emplace(section + "." + line.substr(0, equals), line.substr(equals + 1));
  }
  return found;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string help_of(const std::string& command) {
  std::string out;
  FILE* pipe = popen(("LC_ALL=C " FIREWRIGHT_BINARY " " + command + " --help 2>&1").c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 4096> buffer{};
  while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe))
    out.append(buffer.data(), size);
  pclose(pipe);
  return out;
}

TEST(DeployTest, NothingHappensWhenTheServiceStops) {
  const auto keys = keys_of(read(unit_file));
  EXPECT_EQ(keys.count("Service.ExecStop"), 0U);
  EXPECT_EQ(keys.count("Service.ExecStopPost"), 0U);
  ASSERT_EQ(keys.count("Service.RemainAfterExit"), 1U);
  EXPECT_EQ(keys.find("Service.RemainAfterExit")->second, "yes");
  // Stopped with the network, or bound to another unit, it would go when that one goes.
  for (const auto* key : {"Unit.PartOf", "Unit.BindsTo", "Unit.Requires"})
    EXPECT_EQ(keys.count(key), 0U) << key;
}

TEST(DeployTest, TheServiceComesBeforeTheNetwork) {
  const auto keys = keys_of(read(unit_file));
  ASSERT_EQ(keys.count("Unit.Before"), 1U);
  ASSERT_EQ(keys.count("Unit.After"), 1U);
  const auto before = words_of(keys.find("Unit.Before")->second);
  EXPECT_EQ(std::count(before.begin(), before.end(), "network-pre.target"), 1);
  EXPECT_EQ(keys.find("Unit.After")->second.find("network"), std::string::npos);
  EXPECT_EQ(keys.find("Unit.DefaultDependencies")->second, "no");
}

TEST(DeployTest, TheServiceRunsCommandsThatExist) {
  const auto keys = keys_of(read(unit_file));
  unsigned commands = 0;
  for (const auto& [key, line] : keys) {
    if (!key.starts_with("Service.Exec")) continue;
    ++commands;
    const auto words = words_of(line);
    ASSERT_GE(words.size(), 2U) << line;
    EXPECT_TRUE(words[0].ends_with("/firewright")) << line;
    const std::regex listed("\n  " + words[1] + "  ");
    EXPECT_TRUE(std::regex_search(help_of(""), listed)) << "no command " << words[1];
    const auto help = help_of(words[1]);
    for (std::size_t i = 2; i < words.size(); ++i) {
      if (!words[i].starts_with("--")) continue;
      const std::regex option("[ ,]" + words[i].substr(0, words[i].find('=')) + "[ ,\n]");
      EXPECT_TRUE(std::regex_search(help, option)) << words[1] << " has no " << words[i];
    }
  }
  EXPECT_GE(commands, 2U);
}

}  // namespace
}  // namespace firewright::house
