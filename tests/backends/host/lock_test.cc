// One holder at a time, and none once it is dead.
#include "backends/host/lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "backends/host/process.h"
#include "tests/backends/host/scratch.h"

namespace firewright::host {
namespace {

using namespace std::chrono_literals;

class LockFile : public test::Scratch {
 protected:
  // A process that takes the lock, and holds it until it is killed.
  pid_t holder(const std::string& command) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      std::string error;
      const auto lock = take_lock(path(), command, 10s, error);
      (void)!write(ends[1], lock ? "+" : "-", 1);
      for (;;) pause();
    }
    close(ends[1]);
    char answer = 0;
    EXPECT_EQ(read(ends[0], &answer, 1), 1);
    EXPECT_EQ(answer, '+');
    close(ends[0]);
    return child;
  }
  static void end(pid_t child) {
    ASSERT_EQ(kill(child, SIGKILL), 0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
  }
  std::string refused(std::chrono::milliseconds wait = 50ms) {
    std::string error;
    return take_lock(path(), "test", wait, error) ? "taken" : error;
  }
};

TEST_F(LockFile, NamesItsHolder) {
  const pid_t child = holder("apply web.toml");
  EXPECT_EQ(refused(), "another firewright is at work (pid " + std::to_string(child) +
                           ": apply web.toml); waited 0.05 s");
  EXPECT_EQ(refused(0ms).substr(refused(0ms).rfind(';')), "; waited 0 s");
  end(child);
}

TEST_F(LockFile, AKilledHolderFreesIt) {
  const pid_t child = holder("apply");
  EXPECT_NE(refused(), "taken");
  end(child);
  EXPECT_EQ(refused(), "taken");
}

TEST_F(LockFile, AHolderThatIsDoneFreesIt) {
  std::string error;
  {
    const auto lock = take_lock(path(), "one", 0ms, error);
    ASSERT_TRUE(lock) << error;
    EXPECT_NE(refused(0ms), "taken") << "another descriptor of the same process is another holder";
  }
  EXPECT_EQ(refused(), "taken");
}

TEST_F(LockFile, WaitsForItsTurn) {
  const pid_t child = holder("first");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t waiting = fork();
  if (waiting == 0) {
    std::string error;
    (void)!write(ends[1], "?", 1);
    const auto lock = take_lock(path(), "second", 60s, error);
    (void)!write(ends[1], lock ? "+" : "-", 1);
    _exit(0);
  }
  char answer = 0;
  ASSERT_EQ(read(ends[0], &answer, 1), 1);
  ASSERT_EQ(answer, '?');
  ASSERT_EQ(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
  EXPECT_EQ(read(ends[0], &answer, 1), -1) << "it has what another holds";
  ASSERT_EQ(fcntl(ends[0], F_SETFL, 0), 0);
  end(child);
  ASSERT_EQ(read(ends[0], &answer, 1), 1);
  EXPECT_EQ(answer, '+');
  ASSERT_EQ(waitpid(waiting, nullptr, 0), waiting);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(LockFile, AProgramThatTheHolderRunsHasItNot) {
  std::string error;
  auto lock = take_lock(path(), "test", 0ms, error);
  ASSERT_TRUE(lock) << error;
  const auto listing = run({"sh", "-c", "ls -l /proc/self/fd/"}, {});
  ASSERT_TRUE(listing.ok()) << listing.err;
  EXPECT_EQ(listing.out.find(path()), std::string::npos) << listing.out;
}

TEST_F(LockFile, AFileThatIsRemovedIsMadeAnew) {
  const pid_t child = holder("first");
  ASSERT_TRUE(std::filesystem::remove(at("lock")));
  end(child);
  EXPECT_EQ(refused(), "taken");
  EXPECT_TRUE(std::filesystem::exists(at("lock")));
}

TEST_F(LockFile, ControlCharactersStayOutOfTheMessage) {
  const pid_t child = holder(std::string("a\n\x1b[2J") + std::string(2000, 'x'));
  const auto error = refused();
  EXPECT_NE(error.find(": a??[2Jxxx"), std::string::npos) << error;
  EXPECT_LT(error.size(), 600U);
  end(child);
}

TEST_F(LockFile, AFolderOfOthersIsRefused) {
  ASSERT_EQ(chmod(path().c_str(), 01777), 0);
  EXPECT_EQ(refused(), "folder `" + path() + "` can be written to by others (chmod go-w)");
}

TEST_F(LockFile, ALinkIsNotFollowed) {
  test::spill(at("target"), "mine");
  std::filesystem::create_symlink(at("target"), at("lock"));
  EXPECT_EQ(refused(), "cannot open `" + at("lock") + "`: Too many levels of symbolic links");
  EXPECT_EQ(test::slurp(at("target")), "mine");
}

// Many processes count in one file, which only works one at a time.
TEST_F(LockFile, KeepsManyApart) {
  test::spill(at("count"), "0");
  constexpr int processes = 8;
  constexpr int rounds = 25;
  for (int i = 0; i < processes; ++i)
    if (fork() == 0) {
      for (int round = 0; round < rounds; ++round) {
        std::string error;
        const auto lock = take_lock(path(), "count", 120s, error);
        if (!lock) _exit(1);
        test::spill(at("count"), std::to_string(std::stoi(test::slurp(at("count"))) + 1));
      }
      _exit(0);
    }
  for (int i = 0; i < processes; ++i) {
    int status = 0;
    ASSERT_GT(wait(&status), 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(test::slurp(at("count")), std::to_string(processes * rounds));
}

}  // namespace
}  // namespace firewright::host
