// apply.cmd and rollback.cmd, by reading: no Windows is at hand here.
#include "backends/netsh/driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "backends/netsh/check.h"
#include "tests/backends/netsh/model.h"

namespace firewright::netsh {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Generation full() {
  Generation generation;
  generation.name = "firewright-0123456789abcdef";
  generation.blocks = generation.allows = {"x"};
  generation.disables_inbound = true;
  return generation;
}
Generation empty() {
  Generation generation;
  generation.name = "firewright-0123456789abcdef";
  return generation;
}

std::vector<std::string> scripts() {
  return {apply_script(full()), apply_script(empty()), rollback_script()};
}

std::size_t line_with(const std::vector<std::string>& lines, std::string_view text) {
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (lines[i].find(text) != std::string::npos) return i;
  ADD_FAILURE() << "no line with " << text;
  return lines.size();
}

TEST(Driver, KeepsTheCheckersRules) {
  for (const auto& script : scripts())
    for (const auto& finding : check_script(script, ScriptMode::batch))
      ADD_FAILURE() << finding.line << ": " << finding.rule << " " << finding.text;
}

TEST(Driver, EveryJumpHasItsLabel) {
  for (const auto& script : scripts()) {
    std::multiset<std::string> labels;
    std::set<std::string> jumps;
    for (const auto& line : model::lines_of(script)) {
      if (line.starts_with(":")) labels.insert(line.substr(1));
      for (const std::string word : {"goto ", "call :"})
        for (auto at = line.find(word); at != std::string::npos; at = line.find(word, at + 1)) {
          const auto begin = at + word.size();
          if (!line.starts_with("rem "))
            jumps.insert(line.substr(begin, line.find(' ', begin) - begin));
        }
    }
    for (const auto& jump : jumps) EXPECT_EQ(labels.count(jump), 1U) << jump;
  }
}

TEST(Driver, NoPathRunsOnIntoAnotherOne) {
  // Before a label that only a jump may reach stands an exit or a jump.
  const std::set<std::string> fallen_into{":start", ":change", ":others", ":on", ":usage"};
  for (const auto& script : scripts()) {
    std::string before;
    for (const auto& line : model::lines_of(script)) {
      if (line.empty() || line.starts_with("rem ")) continue;
      if (line.starts_with(":") && !fallen_into.contains(line)) {
        EXPECT_TRUE(before.starts_with("exit /b ") || before.starts_with("goto "))
            << before << " runs on into " << line;
      }
      before = line;
    }
    EXPECT_TRUE(before.starts_with("exit /b ")) << before;
  }
}

TEST(Driver, ToolsAreCalledByTheirFullPath) {
  for (const auto& script : scripts())
    for (const auto& line : model::lines_of(script)) {
      const auto first = line.substr(0, line.find(' '));
      const std::set<std::string> words{"@echo", "rem", "setlocal", "set",  "if",   "exit", "echo",
                                        "call",  "del", "copy",     "move", "goto", ""};
      EXPECT_TRUE(words.contains(first) || first.starts_with(":") ||
                  first.starts_with(">\"%FW_STATE%") || first == "\"%FW_NETSH%\"" ||
                  first == "\"%FW_TASKS%\"" || first.starts_with("\"%SystemRoot%\\System32\\"))
          << line;
    }
}

TEST(Driver, SavesAndArmsBeforeItChangesAnything) {
  const auto lines = model::lines_of(apply_script(full()));
  const auto change = line_with(lines, ":change");
  const auto saved = line_with(lines, "advfirewall export");
  const auto armed = line_with(lines, "call :arm || goto no_task");
  const auto clean = line_with(lines, "10-clean.txt");
  EXPECT_LT(change, saved);
  EXPECT_LT(saved, armed);
  EXPECT_LT(armed, clean);
  EXPECT_LT(clean, line_with(lines, "20-block.txt"));
  EXPECT_LT(line_with(lines, "20-block.txt"), line_with(lines, "30-allow.txt"));
  EXPECT_LT(line_with(lines, "30-allow.txt"), line_with(lines, "call :disarm"));
}

TEST(Driver, FailuresBeforeTheDefaultsUndoAndLaterOnesRestore) {
  const auto lines = model::lines_of(apply_script(full()));
  for (const char* file : {"20-block.txt", "30-allow.txt"})
    EXPECT_THAT(lines[line_with(lines, file)], HasSubstr("|| goto undo"));
  const auto change = line_with(lines, ":change");
  for (const std::string file : {"40-default.txt", "50-others.txt", "60-on.txt"}) {
    bool found = false;
    for (std::size_t i = change; i < lines.size(); ++i) {
      if (lines[i].find(file) == std::string::npos) continue;
      found = true;
      EXPECT_THAT(lines[i], HasSubstr("|| goto back"));
    }
    EXPECT_TRUE(found) << file;
  }
}

TEST(Driver, UnchangedTouchesNoRule) {
  const auto lines = model::lines_of(apply_script(full()));
  const auto end = line_with(lines, "echo unchanged");
  for (std::size_t i = 0; i < end; ++i) {
    EXPECT_THAT(lines[i], Not(HasSubstr("delete rule")));
    for (const char* file : {"10-clean", "20-block", "30-allow", "50-others"})
      EXPECT_THAT(lines[i], Not(HasSubstr(file)));
  }
}

TEST(Driver, OnlyFilesThatAreThere) {
  const auto script = apply_script(empty());
  for (const char* file : {"10-clean", "20-block", "30-allow", "50-others"})
    EXPECT_THAT(script, Not(HasSubstr(file)));
}

// cmd.exe ends a block at the first `)` and splits at these, so none is used but where it is meant.
TEST(Driver, NoBlocksAndNoSurprises) {
  for (const auto& script : scripts())
    for (const auto& line : model::lines_of(script)) {
      EXPECT_EQ(line.find('('), std::string::npos) << line;
      EXPECT_EQ(line.find(')'), std::string::npos) << line;
      EXPECT_EQ(line.find('^'), std::string::npos) << line;
      EXPECT_EQ(line.find('!'), std::string::npos) << line;
      EXPECT_EQ(std::count(line.begin(), line.end(), '"') % 2, 0) << line;
    }
}

}  // namespace
}  // namespace firewright::netsh
