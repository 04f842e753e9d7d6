#include "tests/review/repository.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "compiler/cli/run.h"

namespace firewright::review {

namespace fs = std::filesystem;

void InRepository::SetUp() {
  auto pattern = (fs::temp_directory_path() / "firewright-review-XXXXXX").string();
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  folder_ = pattern;
  before_ = fs::current_path();
  for (const auto* name : {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}) ::unsetenv(name);
  ::setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
  ::setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
  ::setenv("GIT_CEILING_DIRECTORIES", folder_.parent_path().c_str(), 1);
  for (const auto* who : {"AUTHOR", "COMMITTER"}) {
    ::setenv((std::string("GIT_") + who + "_NAME").c_str(), "n", 1);
    ::setenv((std::string("GIT_") + who + "_EMAIL").c_str(), "n@example.org", 1);
  }
  fs::create_directory(folder_ / "repository");
  fs::current_path(folder_ / "repository");
  if (!git("--version")) GTEST_SKIP() << "there is no git here";
  ASSERT_TRUE(git("init --quiet --initial-branch=main ."));
}

void InRepository::TearDown() {
  fs::current_path(before_);
  fs::remove_all(folder_);
}

void InRepository::write(const fs::path& name, const std::string& text) {
  if (name.has_parent_path()) fs::create_directories(name.parent_path());
  std::ofstream(name, std::ios::binary) << text;
}

bool InRepository::git(const std::string& arguments) {
  return shell("git " + arguments + " >/dev/null 2>&1") == 0;
}

void InRepository::commit(const std::string& tag) {
  ASSERT_TRUE(git("add -A"));
  ASSERT_TRUE(git("commit --quiet --no-verify --allow-empty -m " + tag));
  ASSERT_TRUE(git("tag " + tag));
}

Ended InRepository::review(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"review", "--at", "2030-01-01"});
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  cli::Console console{.in = in, .out = out, .err = err};
  const auto exit = cli::run(arguments, console);
  return {.exit = exit, .out = out.str(), .err = err.str()};
}

std::string InRepository::markdown() {
  const auto result = review({"--git", "one..two"});
  EXPECT_EQ(result.err, "");
  return result.out;
}

int InRepository::shell(const std::string& command) {
  const auto status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace firewright::review
