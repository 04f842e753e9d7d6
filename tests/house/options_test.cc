// The command line and its manual say the same: every command and option of `firewright --help` is
// in man/firewright.1, and the manual promises none that does not exist.

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "compiler/policy/keys.h"
#include "tests/house/help.h"
#include "tests/house/tree.h"

namespace firewright::house {
namespace {

// The manual's options by section: a command's name for each `.SS NAME` below COMMANDS, and "" for
// those of the section OPTIONS, which several commands share.
std::map<std::string, Options> options_of_manual() {
  auto text = std::regex_replace(read("man/firewright.1"), std::regex(R"(\\-)"), "-");
  text = std::regex_replace(text, std::regex(R"(\\f[A-Z])"), "");
  std::map<std::string, Options> found;
  std::istringstream lines(text);
  std::string part;
  std::string section;
  bool head = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(".SH ")) part = line.substr(4), section.clear();
    if (line.starts_with(".SS ")) section = line.substr(4, line.find(' ', 4) - 4);
    if (part == "COMMANDS" && !section.empty()) found[section];
    if (head && (part == "OPTIONS" || (part == "COMMANDS" && !section.empty())))
      found[part == "OPTIONS" ? "" : section].merge(options_in(line));
    head = line == ".TP" || line == ".TQ";
  }
  return found;
}

TEST(ManualTest, ListsTheCommandsThatExist) {
  auto manual = options_of_manual();
  manual.erase("");
  std::set<std::string> listed;
  for (const auto& [command, options] : manual) listed.insert(command);
  const auto exist = commands_of_help(output_of("--help"));
  EXPECT_FALSE(exist.empty());
  EXPECT_EQ(listed, exist);
}

TEST(ManualTest, ListsTheOptionsOfEachCommand) {
  auto manual = options_of_manual();
  const auto shared = manual[""];
  for (const auto& command : commands_of_help(output_of("--help"))) {
    const auto help = options_of_help(output_of(command + " --help"));
    EXPECT_FALSE(help.empty()) << command;
    for (const auto& option : help)
      EXPECT_TRUE(shared.contains(option) || manual[command].contains(option))
          << "man/firewright.1 lacks " << option << " of " << command;
    for (const auto& option : manual[command])
      EXPECT_TRUE(help.contains(option)) << command << " has no " << option;
  }
}

TEST(ManualTest, SharedOptionsExist) {
  const auto help = output_of("--help");
  auto exist = options_of_help(help);
  for (const auto& command : commands_of_help(help))
    exist.merge(options_of_help(output_of(command + " --help")));
  auto manual = options_of_manual();
  EXPECT_FALSE(manual[""].empty());
  for (const auto& option : manual[""]) EXPECT_TRUE(exist.contains(option)) << option;
  for (const auto& option : options_of_help(help))
    EXPECT_TRUE(manual[""].contains(option)) << "man/firewright.1 lacks " << option;
}

// Each key of the language is the subject of an entry, or stands in bold in the text of one.
TEST(ManualTest, ExplainsEachKeyOfTheLanguage) {
  const auto text = std::regex_replace(read("man/firewright-policy.5"), std::regex(R"(\\-)"), "-");
  for (const auto& key : policy::all_keys()) {
    if (key.section == policy::Section::catalogue_service) continue;
    if (key.section == policy::Section::target) continue;  // [target.NAME]
    const std::regex bold("\n\\.B[RI]? ([^\n]*[ \"{])?" + std::string(key.name) + "($|[ ,;=\n\"])");
    EXPECT_TRUE(std::regex_search(text, bold))
        << key.name << " (" << policy::describe(key.section) << ")";
  }
}

}  // namespace
}  // namespace firewright::house
