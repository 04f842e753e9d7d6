// Damaged messages: every ruleset that means something else is noticed, with a packet that the
// naive evaluator confirms; every one that does not is accepted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "backends/nftables/build.h"
#include "backends/nftables/capable.h"
#include "backends/nftables/encode.h"
#include "tests/backends/nftables/decoding.h"
#include "tests/backends/nftables/message_damage.h"
#include "tests/backends/nftables/programs.h"
#include "tests/backends/nftables/text_reading.h"

namespace firewright::nftables {
namespace {

using semantics::Answer;

struct Original {
  std::string name;
  ir::Program program;
  std::string batch;
};

Original encoded(std::string name, const ir::Program& program, const backend::Options& options) {
  Sink sink;
  const auto artifact = encode(capable(program, options, sink), options);
  return {std::move(name), program, artifact.find("batch")->bytes};
}

const std::vector<Original>& originals() {
  static const auto list = [] {
    std::vector<Original> all;
    for (const auto& example : test::examples())
      all.push_back(encoded(example.name, example.program, example.options));
    all.push_back(encoded("web server", test::web_server(), {}));
    all.push_back(encoded("many things", test::many_things(), {}));
    for (std::uint32_t seed = 0, found = 0; found < 2; ++seed) {
      const auto crowd = test::crowd(seed);
      if (build(crowd, {}).tuple_sets.empty()) continue;
      all.push_back(encoded("crowd " + std::to_string(seed), crowd, {}));
      ++found;
    }
    for (const std::uint32_t seed : {1U, 3U, 7U, 11U, 20U})
      all.push_back(encoded("seed " + std::to_string(seed), test::random_program(seed), {}));
    return all;
  }();
  return list;
}

// Of one kind in one batch. More of them for a longer look.
std::size_t places() {
  const char* said = std::getenv("FIREWRIGHT_MUTANTS");
  return said == nullptr ? 4 : static_cast<std::size_t>(std::stoul(said));
}

struct Tally {
  std::size_t instances = 0, refused = 0, different = 0, equal = 0;
};

void judge(const Original& original, const std::string& damaged, Tally& tally) {
  ++tally.instances;
  const auto decoded = test::decode("batch", damaged);
  ASSERT_EQ(decoded.broken, "");
  if (!decoded.program) {
    ++tally.refused;
    return;
  }
  const auto comparison = semantics::compare(original.program, *decoded.program);
  ASSERT_EQ(test::contradiction(original.program, *decoded.program, comparison, 100), "");
  ++(comparison.answer == Answer::equal ? tally.equal : tally.different);
}

Tally judge_all(const test::MessageDamage& damage) {
  Tally tally;
  for (const auto& original : originals()) {
    const auto messages = test::parse(original.batch);
    auto counted = *messages;
    const auto count = damage.places(counted).size();
    const auto most = std::min(count, places());
    for (std::size_t i = 0; i < most; ++i) {
      auto damaged = *messages;
      // Spread over all places, the last one among them.
      const auto place = most < 2 ? 0 : i * (count - 1) / (most - 1);
      damage.places(damaged)[place]();
      SCOPED_TRACE(damage.name + " at place " + std::to_string(place) + " of " + original.name);
      judge(original, test::serialise(damaged), tally);
      if (testing::Test::HasFatalFailure()) return tally;
    }
  }
  return tally;
}

TEST(DecodeMutants, TheTreeLosesNothing) {
  for (const auto& original : originals()) {
    const auto messages = test::parse(original.batch);
    ASSERT_TRUE(messages) << original.name;
    EXPECT_EQ(test::serialise(*messages), original.batch) << original.name;
  }
}

TEST(DecodeMutants, EveryDamageIsNoticed) {
  const auto damages = test::message_damages();
  ASSERT_GE(damages.size(), 40U);
  Tally all;
  for (const auto& damage : damages) {
    const auto tally = judge_all(damage);
    if (HasFatalFailure()) return;
    EXPECT_GT(tally.instances, 0U) << damage.name << " was nowhere possible";
    EXPECT_GT(tally.refused + tally.different, 0U) << damage.name << " changed nothing";
    all.instances += tally.instances;
    all.refused += tally.refused;
    all.different += tally.different;
    all.equal += tally.equal;
  }
  EXPECT_GT(all.instances, 2000U);
  EXPECT_GT(all.different, all.refused);
  RecordProperty("instances", static_cast<int>(all.instances));
  RecordProperty("refused", static_cast<int>(all.refused));
  RecordProperty("different", static_cast<int>(all.different));
  RecordProperty("equal", static_cast<int>(all.equal));
  std::printf("%zu kinds, %zu instances: %zu refused, %zu different, %zu equal\n", damages.size(),
              all.instances, all.refused, all.different, all.equal);
}

TEST(DecodeMutants, RewordingsAreAccepted) {
  for (const auto& damage : test::message_rewordings()) {
    const auto tally = judge_all(damage);
    if (HasFatalFailure()) return;
    EXPECT_GT(tally.instances, 0U) << damage.name << " was nowhere possible";
    EXPECT_EQ(tally.equal, tally.instances) << damage.name;
  }
}

}  // namespace
}  // namespace firewright::nftables
