// Emitted files, damaged in every way that is in mutate.cc: what changes the meaning is caught,
// with a packet on which the naive evaluator finds the difference too; what does not is accepted.
#include <gtest/gtest.h>

#include "backends/iptables/encode.h"
#include "tests/backends/iptables/corpus.h"
#include "tests/backends/iptables/mutate.h"

namespace firewright::iptables::test {
namespace {

using semantics::Answer;

struct Tally {
  std::size_t instances = 0;
  std::size_t refused = 0;    // it does not decode
  std::size_t different = 0;  // caught with a witness
  std::size_t equal = 0;
};

// At most so many instances of a kind in one file, spread over it.
constexpr std::size_t instances_max = 5;

void judge(const Example& example, const Read& read, const std::string& text, Tally& tally) {
  ++tally.instances;
  ASSERT_EQ(read.program.has_value(), read.errors.empty());
  if (!read.program) {
    ++tally.refused;
    return;
  }
  const auto comparison = semantics::compare(example.program, *read.program);
  ASSERT_NE(comparison.answer, Answer::not_proved) << comparison.why << text;
  ASSERT_EQ(contradiction(example.program, *read.program, comparison, 150), "") << text;
  ++(comparison.answer == Answer::equal ? tally.equal : tally.different);
}

void mutate(const Example& example, const MutantKind& kind, Tally& tally) {
  const auto artifact = encode(example.program, example.options);
  for (const auto* part : {"v4", "v6"}) {
    const auto mutants = kind.mutants(lines_of(artifact.find(part)->bytes));
    const auto step = (mutants.size() + instances_max - 1) / instances_max;
    for (std::size_t i = 0; i < mutants.size(); i += step) {
      const auto text = text_of(mutants[i]);
      const bool v4 = std::string(part) == "v4";
      const auto read = read_files(v4 ? text : artifact.find("v4")->bytes,
                                   v4 ? artifact.find("v6")->bytes : text);
      ASSERT_NO_FATAL_FAILURE(judge(example, read, text, tally));
    }
  }
}

TEST(IptablesMutants, EveryDamageIsCaught) {
  EXPECT_GE(damages().size(), 40U);
  Tally all;
  for (const auto& kind : damages()) {
    SCOPED_TRACE(kind.name);
    Tally tally;
    for (const auto& example : corpus()) {
      SCOPED_TRACE(example.name);
      ASSERT_NO_FATAL_FAILURE(mutate(example, kind, tally));
    }
    EXPECT_GT(tally.different, 0U) << tally.instances << " instances, " << tally.refused
                                   << " refused, " << tally.equal << " equal";
    all.instances += tally.instances;
    all.refused += tally.refused;
    all.different += tally.different;
    all.equal += tally.equal;
  }
  RecordProperty("instances", static_cast<int>(all.instances));
  RecordProperty("refused", static_cast<int>(all.refused));
  RecordProperty("different", static_cast<int>(all.different));
  RecordProperty("equal", static_cast<int>(all.equal));
  EXPECT_GE(all.instances, 3000U);
  EXPECT_GE(all.different, 1500U);
}

TEST(IptablesMutants, HarmlessChangesAreAccepted) {
  for (const auto& kind : harmless_changes()) {
    SCOPED_TRACE(kind.name);
    Tally tally;
    for (const auto& example : corpus()) {
      SCOPED_TRACE(example.name);
      ASSERT_NO_FATAL_FAILURE(mutate(example, kind, tally));
    }
    EXPECT_GT(tally.equal, 0U);
    EXPECT_EQ(tally.different, 0U);
    EXPECT_EQ(tally.refused, 0U);
  }
}

}  // namespace
}  // namespace firewright::iptables::test
