// Encoded and decoded, every program still means the same.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "backends/nftables/capable.h"
#include "backends/nftables/encode.h"
#include "tests/backends/nftables/decoding.h"
#include "tests/backends/nftables/programs.h"
#include "tests/backends/nftables/text_reading.h"

namespace firewright::nftables {
namespace {

void expect_same(const ir::Program& program, const backend::Options& options = {}) {
  const auto artifact = encode(program, options);
  const auto decoded = test::decode("batch", artifact.find("batch")->bytes);
  ASSERT_TRUE(decoded.program) << decoded.errors << artifact.find("text")->bytes;
  EXPECT_EQ(decoded.broken, "");
  EXPECT_EQ(decoded.notes, "");
  EXPECT_EQ(test::difference(program, *decoded.program), "")
      << artifact.find("text")->bytes << to_text(*decoded.program) << to_text(program);
}

TEST(DecodeRoundTrip, ExamplePolicies) {
  EXPECT_GE(test::examples().size(), 10U);
  for (const auto& example : test::examples()) {
    SCOPED_TRACE(example.name);
    expect_same(example.sayable, example.options);
  }
}

// More of them for a longer look: FIREWRIGHT_SEEDS=100000.
std::uint32_t seeds() {
  const char* said = std::getenv("FIREWRIGHT_SEEDS");
  return said == nullptr ? 1000 : static_cast<std::uint32_t>(std::stoul(said));
}

TEST(DecodeRoundTrip, RandomPrograms) {
  for (std::uint32_t seed = 0; seed < seeds(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Sink sink;
    const auto program = capable(test::random_program(seed), {}, sink);
    ASSERT_FALSE(sink.has_errors());
    expect_same(program);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(DecodeRoundTrip, Crowds) {
  for (std::uint32_t seed = 0; seed < seeds(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_same(test::crowd(seed));
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace firewright::nftables
