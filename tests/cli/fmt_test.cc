// `fmt`: which files it changes, which it refuses, and how that leaves the command.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/cli/command.h"

namespace firewright::cli {
namespace {

using testing::HasSubstr;

constexpr const char* untidy = "[inbound]\n# who\nallow=[ \"ssh\" ]   # may\n[outbound]\n";
constexpr const char* tidy = "[inbound]\n# who\nallow = [\"ssh\"] # may\n\n[outbound]\n";

class Fmt : public InFolder {
 protected:
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(Fmt, ChangesFilesInPlace) {
  const auto a = write("a.toml", untidy);
  const auto b = write("b.toml", tidy);
  const auto result = run({"fmt", a, b});
  EXPECT_EQ(result.exit, Exit::ok);
  EXPECT_EQ(result.out, a + ": formatted\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(read("a.toml"), tidy);
  EXPECT_EQ(files(), (std::vector<std::string>{"a.toml", "b.toml"}));
  EXPECT_EQ(run({"fmt", a, b}).out, "");
}

TEST_F(Fmt, LeavesAFileInItsFormAlone) {
  const auto a = write("a.toml", tidy);
  struct stat before{};
  ASSERT_EQ(::stat(a.c_str(), &before), 0);
  EXPECT_EQ(run({"fmt", a}).exit, Exit::ok);
  struct stat after{};
  ASSERT_EQ(::stat(a.c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(Fmt, CheckNamesFilesAndLines) {
  const auto a = write("a.toml", untidy);
  const auto b = write("b.toml", tidy);
  const auto c = write("c.toml", std::string(tidy) + "\n");
  const auto result = run({"fmt", "--check", a, b, c});
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_EQ(result.out, a + ":3: would be formatted from this line on\n" + c +
                            ":6: would be formatted from this line on\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(read("a.toml"), untidy);
  EXPECT_EQ(run({"fmt", "--check", b}).exit, Exit::ok);
}

TEST_F(Fmt, StandardInputGoesToTheOutput) {
  const auto result = run({"fmt", "-"}, untidy);
  EXPECT_EQ(result.exit, Exit::ok);
  EXPECT_EQ(result.out, tidy);
  const auto check = run({"fmt", "--check", "-"}, untidy);
  EXPECT_EQ(check.exit, Exit::no);
  EXPECT_EQ(check.out, "<stdin>:3: would be formatted from this line on\n");
}

TEST_F(Fmt, LeavesWhatIsNotTomlAlone) {
  const auto a = write("a.toml", "[inbound]\nallow=[ \"ssh\" \n");
  const auto b = write("b.toml", untidy);
  const auto result = run({"fmt", a, b});
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_THAT(result.err, HasSubstr(a + ":3:1: error: not TOML"));
  EXPECT_THAT(result.err, HasSubstr("[syntax]"));
  EXPECT_EQ(read("a.toml"), "[inbound]\nallow=[ \"ssh\" \n");
  EXPECT_EQ(read("b.toml"), tidy);
  EXPECT_EQ(files(), (std::vector<std::string>{"a.toml", "b.toml"}));
}

TEST_F(Fmt, NeedsAFile) {
  EXPECT_EQ(run({"fmt"}).exit, Exit::usage);
  const auto missing = run({"fmt", path("missing.toml")});
  EXPECT_EQ(missing.exit, Exit::no);
  EXPECT_THAT(missing.err, HasSubstr("[cannot-read]"));
  EXPECT_THAT(run({"fmt", path(".")}).err, HasSubstr("is a directory"));
}

TEST_F(Fmt, KeepsPermissions) {
  const auto a = write("a.toml", untidy);
  ASSERT_EQ(::chmod(a.c_str(), 0640), 0);
  EXPECT_EQ(run({"fmt", a}).exit, Exit::ok);
  struct stat after{};
  ASSERT_EQ(::stat(a.c_str(), &after), 0);
  EXPECT_EQ(after.st_mode & 07777U, 0640U);
}

TEST_F(Fmt, FollowsALink) {
  ASSERT_EQ(write("a.toml", untidy), path("a.toml"));
  std::filesystem::create_symlink("a.toml", path("link.toml"));
  EXPECT_EQ(run({"fmt", path("link.toml")}).exit, Exit::ok);
  EXPECT_TRUE(std::filesystem::is_symlink(path("link.toml")));
  EXPECT_EQ(read("a.toml"), tidy);
}

TEST_F(Fmt, TakesTheByteOrderMarkAway) {
  const auto a = write("a.toml", std::string("\xEF\xBB\xBF") + tidy);
  const auto check = run({"fmt", "--check", a});
  EXPECT_EQ(check.exit, Exit::no);
  EXPECT_EQ(check.out, a + ":1: would be formatted from this line on\n");
  EXPECT_EQ(run({"fmt", a}).exit, Exit::ok);
  EXPECT_EQ(read("a.toml"), tidy);
}

}  // namespace
}  // namespace firewright::cli
