// The completions for bash, zsh and fish know the commands, options and words that `firewright
// --help` knows, and no others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "tests/house/help.h"
#include "tests/house/tree.h"

namespace firewright::house {
namespace {

using Words = std::set<std::string>;

Words words_of(const std::string& text) {
  std::istringstream stream(text);
  Words words;
  for (std::string word; stream >> word;) words.insert(word);
  return words;
}

// Options with a choice: `--format TEXT:json|text`, `--verify TEXT:{changed,full}`.
std::map<std::string, Words> choices_of_help(const std::string& help) {
  static const std::regex form(R"((--[a-z-]+) [A-Za-z]+:(\{([a-z,]+)\}|([a-z|]+)))");
  std::map<std::string, Words> found;
  for (std::sregex_iterator it(help.begin(), help.end(), form), end; it != end; ++it)
    found[(*it)[1].str()] =
        words_of(std::regex_replace((*it)[3].str() + (*it)[4].str(), std::regex("[,|]"), " "));
  return found;
}

Words commands() {
  static const auto listed = commands_of_help(output_of("--help"));
  EXPECT_FALSE(listed.empty());
  return listed;
}

// The matches of a part in parentheses.
Words all_of(const std::string& text, const std::string& form) {
  Words found;
  const std::regex regex(form);
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it)
    found.insert((*it)[1].str());
  return found;
}

// What bash would offer behind these words.
Words offered_by_bash(const std::string& words) {
  return words_of(printed_by(
      "bash --norc -c 'source " + (root() / "deploy/completions").string() +
      "/firewright.bash; COMP_WORDS=(" FIREWRIGHT_BINARY " " + words +
      "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _firewright; echo \"${COMPREPLY[@]}\"'"));
}

TEST(CompletionsTest, OfBash) {
  EXPECT_EQ(offered_by_bash("\"\""), commands());
  EXPECT_EQ(offered_by_bash("-"), options_of_help(output_of("--help")));
  for (const auto& command : commands()) {
    const auto help = output_of(command + " --help");
    EXPECT_EQ(offered_by_bash(command + " --"), options_of_help(help)) << command;
    for (const auto& [option, words] : choices_of_help(help))
      EXPECT_EQ(offered_by_bash(command + " " + option + " \"\""), words) << command << option;
  }
  EXPECT_EQ(offered_by_bash("services winrm-"), Words{"winrm-https"});
}

// A command's part of the file is a branch of `case`: options as `--option[...]`, behind which a
// word is `:name:(one two)`.
TEST(CompletionsTest, OfZsh) {
  const auto text = read("deploy/completions/_firewright");
  EXPECT_EQ(all_of(text, "\n    '([a-z]+):"), commands());
  EXPECT_EQ(all_of(text, "\n    ([a-z]+)\\)"), commands());
  for (const auto& command : commands()) {
    const auto begin = text.find("\n    " + command + ")\n");
    ASSERT_NE(begin, std::string::npos) << command;
    const auto part = text.substr(begin, text.find(";;", begin) - begin);
    const auto help = output_of(command + " --help");
    EXPECT_EQ(all_of(part, R"((--[a-z-]+)(\[|\}))"), options_of_help(help)) << command;
    for (const auto& [option, words] : choices_of_help(help)) {
      std::smatch match;
      ASSERT_TRUE(
          std::regex_search(part, match, std::regex(option + R"(\[.*:[a-z-]+:\(([a-z ]+)\)')")))
          << command << option;
      EXPECT_EQ(words_of(match[1].str()), words) << command << option;
    }
  }
}

// A line each: `-n '__fish_seen_subcommand_from COMMAND' -l OPTION -x -a 'one two'`.
TEST(CompletionsTest, OfFish) {
  const auto text = read("deploy/completions/firewright.fish");
  EXPECT_EQ(all_of(text, "__fish_use_subcommand -a ([a-z]+) "), commands());
  for (const auto& command : commands()) {
    const auto line = "__fish_seen_subcommand_from " + command + "'[^\n]* -l ";
    auto options = all_of(text, line + "([a-z-]+) ");
    options.insert("help");  // of all of them
    Words with_dashes;
    for (const auto& option : options) with_dashes.insert("--" + option);
    const auto help = output_of(command + " --help");
    EXPECT_EQ(with_dashes, options_of_help(help)) << command;
    for (const auto& [option, words] : choices_of_help(help)) {
      const auto offered = all_of(text, line + option.substr(2) + " -x -a '([a-z ]+)'");
      ASSERT_EQ(offered.size(), 1U) << command << option;
      EXPECT_EQ(words_of(*offered.begin()), words) << command << option;
    }
  }
}

}  // namespace
}  // namespace firewright::house
