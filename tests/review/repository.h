// A throw-away repository of git, which the machine's configuration has no part in, and the command
// in it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "compiler/cli/console.h"

namespace firewright::review {

struct Ended {
  cli::Exit exit = cli::Exit::ok;
  std::string out;
  std::string err;
};

class InRepository : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // All in the repository's folder, which is the current one.
  static void write(const std::filesystem::path& name, const std::string& text);
  static bool git(const std::string& arguments);
  // All that is there, under this tag.
  static void commit(const std::string& tag);
  // `firewright review ARGUMENT...` in this process, on a day that does not change.
  static Ended review(std::vector<std::string> arguments);
  // The Markdown of one..two.
  static std::string markdown();
  // A script, by a shell of its own, with these variables.
  static int shell(const std::string& command);

  std::filesystem::path folder_;
  std::filesystem::path before_;
};

[[nodiscard]] std::string read_file(const std::filesystem::path& path);

}  // namespace firewright::review
