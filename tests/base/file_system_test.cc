#include "compiler/base/file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

namespace firewright {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
namespace fs = std::filesystem;

class Disk : public testing::Test {
 protected:
  Disk() {
    std::string pattern = (fs::temp_directory_path() / "firewright-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) root_ = pattern;
  }
  ~Disk() override { fs::remove_all(root_); }
  std::string path(const std::string& name) const { return (root_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << text;
    return path(name);
  }

  fs::path root_;
  DiskFileSystem files_;
};

TEST_F(Disk, ReadsRegularFiles) {
  const std::string text("a\0b\r\n\xff", 6);
  const auto content = files_.read(write("x", text), 100);
  EXPECT_EQ(content.text, text);
  EXPECT_EQ(content.error, "");
  EXPECT_EQ(files_.read(write("empty", ""), 100).text, "");
}

TEST_F(Disk, HoldsTheLimitExactly) {
  const auto file = write("x", std::string(100, 'x'));
  EXPECT_TRUE(files_.read(file, 100).text);
  const auto content = files_.read(file, 99);
  EXPECT_FALSE(content.text);
  EXPECT_TRUE(content.too_large);
  EXPECT_EQ(content.error, "larger than 99 bytes");
}

TEST_F(Disk, SaysWhyAFileCannotBeRead) {
  const auto missing = files_.read(path("none"), 100);
  EXPECT_EQ(missing.error, "no such file or directory");
  EXPECT_TRUE(missing.missing);
  const auto directory = files_.read(root_.string(), 100);
  EXPECT_EQ(directory.error, "is a directory");
  EXPECT_FALSE(directory.missing);
  EXPECT_EQ(files_.read("/dev/zero", 100).error, "is a device");
  EXPECT_EQ(files_.read(write("x", "") + "/y", 100).error, "a part of the path is not a directory");
  EXPECT_EQ(files_.read(std::string("a\0b", 3), 100).error, "the path holds a NUL byte");
  EXPECT_EQ(files_.read(path(std::string(5000, 'x')), 100).error, "the name is too long");
  fs::create_symlink("loop", root_ / "loop");
  EXPECT_EQ(files_.read(path("loop"), 100).error, "too many symbolic links");
}

TEST_F(Disk, SaysThatASocketIsOne) {
  const auto name = path("s");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(name.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, name.c_str(), name.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(files_.read(name, 100).error, "is a socket");
  close(fd);
}

TEST_F(Disk, RespectsPermissions) {
  const auto file = write("x", "secret");
  ASSERT_EQ(chmod(file.c_str(), 0), 0);
  // The superuser may read everything, and so is somebody else for a moment.
  const bool root = geteuid() == 0;
  constexpr uid_t nobody = 65534;
  if (root) {
    ASSERT_EQ(seteuid(nobody), 0);
  }
  const auto content = files_.read(file, 100);
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  EXPECT_EQ(content.error, "permission denied");
}

TEST_F(Disk, ReadsPipesToTheirEnd) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(path("pipe")) << std::string(200'000, 'x'); });
  const auto content = files_.read(path("pipe"), 1'000'000);
  writer.join();
  ASSERT_TRUE(content.text);
  EXPECT_EQ(content.text->size(), 200'000U);
}

TEST_F(Disk, GlobsInByteOrder) {
  for (const auto* name :
       {"d/b.toml", "d/a.toml", "d/B.toml", "d/.hidden.toml", "d/c.txt", "d/e/f.toml"})
    write(name, "");
  EXPECT_THAT(files_.glob(path("d/*.toml")),
              ElementsAre(path("d/B.toml"), path("d/a.toml"), path("d/b.toml")));
  EXPECT_THAT(files_.glob(path("*/e/[a-f].toml")), ElementsAre(path("d/e/f.toml")));
  EXPECT_THAT(files_.glob(path("none/*")), IsEmpty());
}

TEST_F(Disk, KnowsOneFileByAllItsPaths) {
  const auto file = write("d/x", "");
  fs::create_symlink(file, root_ / "link");
  EXPECT_EQ(files_.canonical(path("link")), files_.canonical(path("d/../d/./x")));
  EXPECT_EQ(files_.canonical(path("none")), path("none"));
}

TEST(Memory, HoldsFilesAndTheirDirectories) {
  MemoryFileSystem files;
  files.files = {{"a/b.toml", "B"}, {"a/.c.toml", ""}, {"x.toml", "X"}, {"-", "dash"}};
  EXPECT_EQ(files.read("a/b.toml", 10).text, "B");
  EXPECT_EQ(files.read("a/../a/./b.toml", 10).text, "B");
  EXPECT_EQ(files.read("-", 10).text, "dash");
  EXPECT_EQ(files.read("a", 10).error, "is a directory");
  EXPECT_TRUE(files.read("none", 10).missing);
  EXPECT_TRUE(files.read("x.toml", 0).too_large);
  EXPECT_THAT(files.glob("*.toml"), ElementsAre("x.toml"));
  EXPECT_THAT(files.glob("a/*.toml"), ElementsAre("a/b.toml"));
  EXPECT_EQ(files.canonical("a/../x.toml"), "x.toml");
}

}  // namespace
}  // namespace firewright
