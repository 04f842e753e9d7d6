#include "tests/faults/every_fault.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace firewright::faults {
namespace {

class EveryFault : public testing::Test {
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

  // A program that writes a file in two steps, held against `claim` on what is left.
  [[nodiscard]] Scenario writing(const std::function<std::string(const std::string&)>& claim) {
    return {.setup = [this] { std::filesystem::remove(file_); },
            .command = {FIREWRIGHT_FAULTS_SAMPLE, "write", file_},
            .plan = {.from_path = file_, .input = {}},
            .check = [this, claim](const Plan& plan, const Trace& trace) -> std::string {
              std::ostringstream text;
              text << std::ifstream(file_).rdbuf();
              if (plan.fault == Plan::Fault::kill_at_entry && trace.signal != SIGKILL)
                return "not killed";
              return claim(text.str());
            }};
  }

  std::filesystem::path folder_;
  std::string file_;
};

TEST_F(EveryFault, TriesEachPlace) {
  const auto fine = [](const auto&) { return std::string(); };
  const auto killed = for_each_fault(writing(fine), {.kill = true, .errors = {}}, {});
  EXPECT_EQ(say(killed), "");
  EXPECT_GE(killed.places, 6U);  // open, two writes, sync, close, and what says so and exits
  EXPECT_EQ(killed.runs, killed.places);
  EXPECT_EQ(killed.hits, killed.runs);
  const auto failed = for_each_fault(writing(fine), {.kill = false, .errors = {EIO, EPERM}}, {});
  EXPECT_EQ(say(failed), "");
  EXPECT_GE(failed.runs, 2 * 5U);
  EXPECT_LT(failed.runs, 2 * failed.places) << "exit_group cannot fail";
  EXPECT_EQ(failed.hits, failed.runs);
}

TEST_F(EveryFault, FindsTheHalfWrittenFile) {
  const auto whole_or_nothing = [](const std::string& text) -> std::string {
    return text.empty() || text == "onetwo" ? "" : "half of it: " + text;
  };
  const auto report =
      for_each_fault(writing(whole_or_nothing), {.kill = true, .errors = {ENOSPC}}, {});
  const auto of = " of " + std::to_string(report.places) + ": half of it: one\n";
  EXPECT_EQ(say(report), "killed at write, call 3" + of + "ENOSPC at write, call 3" + of);
}

TEST_F(EveryFault, Samples) {
  const auto fine = [](const auto&) { return std::string(); };
  const Faults kill{.kill = true, .errors = {}};
  const auto all = for_each_fault(writing(fine), kill, {});
  std::size_t sum = 0;
  for (std::size_t offset = 0; offset < 3; ++offset) {
    const auto some =
        for_each_fault(writing(fine), kill, {.runs = (all.runs + 2) / 3, .offset = offset});
    EXPECT_LE(some.runs, (all.runs + 2) / 3);
    sum += some.runs;
  }
  EXPECT_EQ(sum, all.runs) << "each place has its turn";
}

TEST_F(EveryFault, AnUnspoiltRunIsHeldAgainstTheClaim) {
  const auto report = for_each_fault(writing([](const auto&) { return std::string("no"); }),
                                     {.kill = false, .errors = {}}, {});
  EXPECT_EQ(say(report), "unspoilt: no\n");
  auto nothing = writing([](const auto&) { return std::string(); });
  nothing.command[0] = "/no/such/program";
  EXPECT_EQ(say(for_each_fault(nothing, {.kill = true, .errors = {}}, {})),
            "cannot run /no/such/program\n");
}

}  // namespace
}  // namespace firewright::faults
