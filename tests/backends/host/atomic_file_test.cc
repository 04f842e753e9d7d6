// A file is the old one or the new one; a folder that is not ours alone is none.
#include "backends/host/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

#include "tests/backends/host/scratch.h"

namespace firewright::host {
namespace {

namespace fs = std::filesystem;
using test::slurp;
using test::spill;

class AtomicFile : public test::Scratch {
 protected:
  void SetUp() override {
    Scratch::SetUp();
    auto opened = open_folder(at("folder"), IfMissing::make);
    ASSERT_TRUE(opened.ok()) << opened.problem.error;
    folder_ = std::move(opened.folder);
  }
  [[nodiscard]] std::string in(const std::string& name) const { return at("folder/" + name); }
  Folder folder_;
};

mode_t mode_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

TEST_F(AtomicFile, ReplacesAFileAndLeavesNothingBeside) {
  ASSERT_TRUE(replace_file(folder_, "a", "one").ok());
  ASSERT_TRUE(replace_file(folder_, "a", "second").ok());
  EXPECT_EQ(read_file(folder_, "a", 100).bytes, "second");
  EXPECT_EQ(names_in(folder_).names, std::vector<std::string>{"a"});
  EXPECT_EQ(mode_of(in("a")), 0600U);
  EXPECT_EQ(mode_of(at("folder")), 0700U);
}

TEST_F(AtomicFile, AnEmptyFileAndEveryByteSurvive) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>(i * 7 % 256);
  ASSERT_TRUE(replace_file(folder_, "a", bytes).ok());
  ASSERT_TRUE(replace_file(folder_, "b", "").ok());
  EXPECT_EQ(read_file(folder_, "a", 100'000).bytes, bytes);
  EXPECT_TRUE(read_file(folder_, "b", 0).ok());
}

TEST_F(AtomicFile, TakesNoMoreThanTheLimit) {
  spill(in("a"), "12345");
  const auto file = read_file(folder_, "a", 4);
  EXPECT_EQ(file.problem.error, "cannot read `" + in("a") + "`: File too large");
  EXPECT_FALSE(file.missing);
  EXPECT_EQ(file.bytes, "");
}

TEST_F(AtomicFile, SaysThatAFileIsMissing) {
  const auto file = read_file(folder_, "a", 4);
  EXPECT_TRUE(file.missing);
  EXPECT_EQ(file.problem.error, "cannot read `" + in("a") + "`: No such file or directory");
}

TEST_F(AtomicFile, FollowsNoLinkAndReadsNoPipe) {
  spill(at("elsewhere"), "secret");
  fs::create_symlink(at("elsewhere"), in("link"));
  EXPECT_FALSE(read_file(folder_, "link", 100).ok());
  EXPECT_FALSE(write_new_file(folder_, "link", "mine").ok());
  EXPECT_EQ(slurp(at("elsewhere")), "secret");
  // Replacing replaces the link itself.
  ASSERT_TRUE(replace_file(folder_, "link", "mine").ok());
  EXPECT_EQ(slurp(at("elsewhere")), "secret");
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(in("link"))));

  ASSERT_EQ(mkfifo(in("pipe").c_str(), 0600), 0);
  EXPECT_FALSE(read_file(folder_, "pipe", 100).ok());

  fs::create_directory(at("other"));
  fs::create_symlink(at("other"), in("away"));
  EXPECT_FALSE(open_folder(folder_, "away", IfMissing::make).ok());
}

TEST_F(AtomicFile, ANewFileOverwritesNone) {
  ASSERT_TRUE(write_new_file(folder_, "a", "one").ok());
  EXPECT_EQ(write_new_file(folder_, "a", "two").error,
            "cannot create `" + in("a") + "`: File exists");
  EXPECT_EQ(slurp(in("a")), "one");
}

TEST_F(AtomicFile, RefusesAFolderThatOthersMayWriteTo) {
  for (const auto mode : {0770U, 0707U, 0777U, 01777U}) {
    ASSERT_EQ(chmod(at("folder").c_str(), mode), 0);
    const auto opened = open_folder(at("folder"), IfMissing::make);
    EXPECT_EQ(opened.problem.reason, Reason::permission);
    EXPECT_EQ(opened.problem.error,
              "folder `" + at("folder") + "` can be written to by others (chmod go-w)");
  }
  ASSERT_EQ(chmod(at("folder").c_str(), 0755), 0);
  EXPECT_TRUE(open_folder(at("folder"), IfMissing::fail).ok());
}

TEST_F(AtomicFile, RefusesAFolderOfSomebodyElse) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  ASSERT_EQ(chown(at("folder").c_str(), 1234, 1234), 0);
  const auto opened = open_folder(at("folder"), IfMissing::fail);
  EXPECT_EQ(
      opened.problem.error,
      "folder `" + at("folder") + "` belongs to user 1234, and what is in it cannot be trusted");
}

TEST_F(AtomicFile, MakesTheFoldersAbove) {
  const auto old = umask(0);
  const auto opened = open_folder(at("x/y/z/"), IfMissing::make);
  umask(old);
  ASSERT_TRUE(opened.ok()) << opened.problem.error;
  EXPECT_EQ(opened.folder.path(), at("x/y/z"));
  EXPECT_EQ(mode_of(at("x")), 0755U);
  EXPECT_EQ(mode_of(at("x/y/z")), 0700U);
}

TEST_F(AtomicFile, SaysWhatStandsInTheWayOfAFolder) {
  spill(at("file"), "");
  EXPECT_EQ(open_folder(at("file"), IfMissing::make).problem.error,
            "cannot open folder `" + at("file") + "`: Not a directory");
  EXPECT_EQ(open_folder(at("file/x"), IfMissing::make).problem.error,
            "cannot open folder `" + at("file/x") + "`: Not a directory");
  const auto missing = open_folder(at("none/x"), IfMissing::fail);
  EXPECT_TRUE(missing.missing);
  EXPECT_FALSE(fs::exists(at("none")));
}

TEST_F(AtomicFile, ExchangesTwoFolders) {
  for (const auto* name : {"one", "two"}) {
    const auto made = open_folder(folder_, name, IfMissing::make);
    ASSERT_TRUE(made.ok());
    ASSERT_TRUE(write_new_file(made.folder, "f", name).ok());
  }
  ASSERT_TRUE(exchange_in(folder_, "one", "two").ok());
  EXPECT_EQ(slurp(in("one/f")), "two");
  EXPECT_EQ(slurp(in("two/f")), "one");
  ASSERT_TRUE(remove_folder(folder_, "one").ok());
  EXPECT_FALSE(fs::exists(in("one")));
}

TEST_F(AtomicFile, RemovesNoFolderWithAFolderInIt) {
  fs::create_directories(in("a/b"));
  spill(in("a/b/c"), "");
  EXPECT_FALSE(remove_folder(folder_, "a").ok());
  EXPECT_TRUE(fs::exists(in("a/b/c")));
  EXPECT_TRUE(remove_folder(folder_, "none").ok());
}

// Runs the body in a process of its own with a tiny file system at `place`; what it returns comes
// back as the exit status of success.
void with_tiny_disk(const std::string& place, const std::function<bool()>& body) {
  fs::create_directory(place);
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", place.c_str(), "tmpfs", 0, "size=16k,mode=0700") != 0)
      _exit(77);
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "no mount namespace";
  EXPECT_EQ(status, 0);
}

TEST_F(AtomicFile, AFullDiskLeavesTheOldFile) {
  const auto place = at("tiny");
  with_tiny_disk(place, [&] {
    const auto opened = open_folder(place, IfMissing::fail);
    if (!opened.ok() || !replace_file(opened.folder, "a", "old").ok()) return false;
    const auto result = replace_file(opened.folder, "a", std::string(100'000, 'x'));
    return result.error.starts_with("cannot write `" + place + "/.new-") &&
           result.error.ends_with("No space left on device") && result.reason == Reason::io &&
           !result.changed && slurp(place + "/a") == "old" &&
           names_in(opened.folder).names == std::vector<std::string>{"a"};
  });
}

TEST_F(AtomicFile, ADiskForReadingOnlyIsReadAndNotWritten) {
  const auto place = at("tiny");
  with_tiny_disk(place, [&] {
    const auto opened = open_folder(place, IfMissing::fail);
    if (!opened.ok() || !replace_file(opened.folder, "a", "old").ok()) return false;
    if (mount(nullptr, place.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) return false;
    const auto again = open_folder(place, IfMissing::make);
    const auto result = replace_file(again.folder, "a", "new");
    return again.ok() && result.error.ends_with("Read-only file system") && !result.changed &&
           read_file(again.folder, "a", 10).bytes == "old" &&
           open_folder(place + "/x/y", IfMissing::make).problem.error ==
               "cannot make folder `" + place + "/x`: Read-only file system";
  });
}

}  // namespace
}  // namespace firewright::host
