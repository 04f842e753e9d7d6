#include "tests/faults/tracing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace firewright::faults {
namespace {

const std::string sample = FIREWRIGHT_FAULTS_SAMPLE;

class Tracing : public testing::Test {
 protected:
  void SetUp() override {
    auto pattern = (std::filesystem::temp_directory_path() / "firewright-faults-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    file_ = (folder_ / "file").string();
    if (const auto first = trace({"true"}); !first.failed.empty())
      GTEST_SKIP() << "no tracing here: " << first.failed;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string text() const {
    std::ostringstream text;
    text << std::ifstream(file_).rdbuf();
    return text.str();
  }
  [[nodiscard]] Plan plan(Plan::Fault fault, std::size_t nth, int error = 0) const {
    return {.fault = fault, .nth = nth, .error = error, .from_path = file_, .input = {}};
  }
  // What `write` does from its open on.
  [[nodiscard]] Trace write(const Plan& plan) const {
    std::filesystem::remove(file_);
    return trace({sample, "write", file_}, plan);
  }

  std::filesystem::path folder_;
  std::string file_;
};

std::vector<std::string> names(const Trace& trace, std::size_t most) {
  std::vector<std::string> list;
  for (const auto& call : trace.calls)
    if (list.size() < most) list.push_back(call.name);
  return list;
}

TEST_F(Tracing, ListsTheCallsInOrder) {
  const auto all = trace({"true"});
  EXPECT_EQ(all.status, 0);
  EXPECT_EQ(all.signal, 0);
  EXPECT_FALSE(all.hit);
  ASSERT_GT(all.calls.size(), 3U);
  EXPECT_EQ(all.calls.back().name, "exit_group");
  for (const auto& call : all.calls) {
    EXPECT_EQ(call.process, 0);
    EXPECT_EQ(call.name, name_of_call(call.number));
  }
}

TEST_F(Tracing, StartsAtAPath) {
  const auto writing = write(plan(Plan::Fault::none, 0));
  EXPECT_EQ(names(writing, 5),
            (std::vector<std::string>{"openat", "write", "write", "fsync", "close"}));
  EXPECT_EQ(writing.status, 0);
  EXPECT_EQ(writing.out, "written\n");
  EXPECT_EQ(text(), "onetwo");
}

TEST_F(Tracing, KillsAtEntryBeforeTheCallIsMade) {
  const auto killed = write(plan(Plan::Fault::kill_at_entry, 3));
  EXPECT_TRUE(killed.hit);
  EXPECT_EQ(killed.signal, SIGKILL);
  EXPECT_EQ(killed.status, -1);
  EXPECT_EQ(killed.calls.size(), 3U);
  EXPECT_EQ(text(), "one");
}

TEST_F(Tracing, KillsAtExitAfterTheCallWasMade) {
  const auto killed = write(plan(Plan::Fault::kill_at_exit, 3));
  EXPECT_TRUE(killed.hit);
  EXPECT_EQ(killed.signal, SIGKILL);
  EXPECT_EQ(killed.calls.size(), 3U);
  EXPECT_EQ(text(), "onetwo");
}

TEST_F(Tracing, MakesEachCallFailWithoutMakingIt) {
  const struct {
    std::size_t nth;
    int error;
    const char* said;
    const char* left;
  } cases[] = {
      {1, EIO, "open: ", ""},           {2, ENOSPC, "write one: ", ""},
      {3, EINTR, "write two: ", "one"}, {4, EPERM, "fsync: ", "onetwo"},
      {5, ENOMEM, "close: ", "onetwo"},
  };
  for (const auto& [nth, error, said, left] : cases) {
    const auto failed = write(plan(Plan::Fault::fail, nth, error));
    EXPECT_TRUE(failed.hit) << nth;
    EXPECT_EQ(failed.status, 3) << nth;
    EXPECT_EQ(failed.out, said + std::string(std::strerror(error)) + "\n") << nth;
    EXPECT_EQ(text(), left) << nth;
  }
}

TEST_F(Tracing, APlanThatIsNotReachedIsNotHit) {
  const auto whole = write(plan(Plan::Fault::kill_at_entry, 1000));
  EXPECT_FALSE(whole.hit);
  EXPECT_EQ(whole.status, 0);
}

TEST_F(Tracing, FollowsChildrenAsTold) {
  auto followed = plan(Plan::Fault::kill_at_entry, 3);
  followed.follow_children = true;
  const auto killed = trace({sample, "child", file_}, followed);
  EXPECT_TRUE(killed.hit);
  EXPECT_NE(killed.calls.at(2).process, 0) << "the child's, not the command's own";
  EXPECT_EQ(killed.status, 4);
  EXPECT_EQ(killed.out, "the child was killed\n");
  EXPECT_EQ(text(), "one");

  std::filesystem::remove(file_);
  auto alone = followed;
  alone.follow_children = false;
  const auto whole = trace({sample, "child", file_}, alone);
  EXPECT_FALSE(whole.hit);
  EXPECT_TRUE(whole.calls.empty()) << "the command itself does not open the file";
  EXPECT_EQ(whole.status, 0);
  EXPECT_EQ(text(), "onetwo");
}

TEST_F(Tracing, FollowsThroughSpawnAndExec) {
  auto followed = plan(Plan::Fault::fail, 4, ENOSPC);
  followed.follow_children = true;
  const auto failed = trace({"sh", "-c", "\"$0\" write \"$1\"; echo $?", sample, file_}, followed);
  EXPECT_TRUE(failed.hit);
  EXPECT_EQ(failed.out, "fsync: " + std::string(std::strerror(ENOSPC)) + "\n3\n");
}

TEST_F(Tracing, ADaemonLivesOn) {
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  for (const bool follow : {true, false}) {
    const auto left =
        trace({sample, "daemon", file_}, {.from_path = {}, .follow_children = follow, .input = {}});
    EXPECT_EQ(left.status, 0);
    const int reader = ::open(file_.c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    pollfd waiting{.fd = reader, .events = POLLIN, .revents = 0};
    char byte = 0;
    EXPECT_EQ(::poll(&waiting, 1, 10000), 1) << follow;
    EXPECT_EQ(::read(reader, &byte, 1), 1) << follow;
    EXPECT_EQ(byte, '!');
    // Until it has closed its end, which the next reader would take for the end of the next one.
    EXPECT_EQ(::poll(&waiting, 1, 10000), 1) << follow;
    EXPECT_EQ(::read(reader, &byte, 1), 0) << follow;
    ::close(reader);
  }
}

TEST_F(Tracing, EndsWhatDoesNotEnd) {
  const auto hung = trace({sample, "hang"}, {.from_path = {}, .input = {}, .seconds = 1});
  EXPECT_TRUE(hung.timed_out);
  EXPECT_EQ(hung.signal, SIGKILL);
}

TEST_F(Tracing, PassesInputAndTellsWhatCannotRun) {
  EXPECT_EQ(trace({"cat"}, {.from_path = {}, .input = "fed"}).out, "fed");
  EXPECT_EQ(trace({"/no/such/program"}).failed, "cannot run /no/such/program");
  EXPECT_EQ(trace({"sh", "-c", "kill -TERM $$"}).signal, SIGTERM);
}

TEST(NameOfCall, KnowsItsTable) {
  EXPECT_EQ(name_of_call(-7), "call -7");
  EXPECT_EQ(name_of_call(999999), "call 999999");
}

}  // namespace
}  // namespace firewright::faults
