// Damaged artifacts: every one that means something else is noticed, with a packet that the naive
// evaluator confirms; every one that does not is accepted.
#include <gtest/gtest.h>

#include "backends/netsh/encode.h"
#include "tests/backends/netsh/damage.h"
#include "tests/backends/netsh/examples.h"
#include "tests/backends/netsh/reading.h"

namespace firewright::netsh {
namespace {

using namespace test;
using semantics::Answer;

// Of one kind in one artifact.
constexpr std::size_t places = 4;

struct Tally {
  std::size_t instances = 0, refused = 0, different = 0, equal = 0;
};

void judge(const ir::Program& program, const Files& damaged, Tally& tally) {
  ++tally.instances;
  const auto read = read_files(damaged);
  if (!read.program) {
    ++tally.refused;
    ASSERT_FALSE(read.errors.empty());
    return;
  }
  ASSERT_TRUE(read.errors.empty());
  const auto comparison = compare_filtered(program, *read.program);
  ASSERT_EQ(contradiction(program, *read.program, comparison, 150), "");
  ++(comparison.answer == Answer::equal ? tally.equal : tally.different);
}

// Every kind over all examples, at `limit` places of each at most.
Tally judge_all(const Damage& damage, std::size_t limit) {
  Tally tally;
  for (const auto& example : all_examples()) {
    SCOPED_TRACE(damage.name + " of " + example.name);
    for (const auto& damaged :
         damage.apply(files_of(encode(example.program, example.options)), limit)) {
      judge(example.program, damaged, tally);
      if (testing::Test::HasFatalFailure()) return tally;
    }
  }
  return tally;
}

TEST(Mutants, EveryDamageIsNoticed) {
  ASSERT_GE(damages().size(), 40U);
  Tally all;
  for (const auto& damage : damages()) {
    const auto tally = judge_all(damage, places);
    if (HasFatalFailure()) return;
    EXPECT_GT(tally.instances, 0U) << damage.name << " was nowhere possible";
    EXPECT_GT(tally.refused + tally.different, 0U) << damage.name << " changed nothing";
    all.instances += tally.instances;
    all.refused += tally.refused;
    all.different += tally.different;
    all.equal += tally.equal;
  }
  EXPECT_GT(all.instances, 2000U);
  EXPECT_GT(all.different, 1000U);
  RecordProperty("kinds", std::to_string(damages().size()));
  RecordProperty("instances", std::to_string(all.instances));
  RecordProperty("refused", std::to_string(all.refused));
  RecordProperty("different", std::to_string(all.different));
  RecordProperty("equal", std::to_string(all.equal));
}

TEST(Mutants, OtherWordsAreAccepted) {
  ASSERT_GE(rewordings().size(), 15U);
  for (const auto& rewording : rewordings()) {
    const auto tally = judge_all(rewording, places);
    if (HasFatalFailure()) return;
    EXPECT_GT(tally.instances, 0U) << rewording.name << " was nowhere possible";
    EXPECT_EQ(tally.equal, tally.instances) << rewording.name;
  }
}

}  // namespace
}  // namespace firewright::netsh
