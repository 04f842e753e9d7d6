// What is written as text and read back means what it meant: examples and random programs, proved
// over all packets.
#include <gtest/gtest.h>

#include <cstdlib>

#include "backends/nftables/capable.h"
#include "backends/nftables/encode.h"
#include "tests/backends/nftables/programs.h"
#include "tests/backends/nftables/text_reading.h"

namespace firewright::nftables {
namespace {

using semantics::Answer;

std::uint32_t rounds_or(std::uint32_t fallback) {
  const char* said = std::getenv("FIREWRIGHT_TEST_ROUNDS");
  return said == nullptr ? fallback : static_cast<std::uint32_t>(std::stoul(said));
}

void expect_same(const ir::Program& program, const backend::Options& options, std::size_t packets) {
  Sink sink;
  const auto sayable = capable(program, options, sink);
  ASSERT_FALSE(sink.has_errors()) << sink.diagnostics()[0].message();
  const auto artifact = encode(sayable, options);
  const auto& text = artifact.find("text")->bytes;
  const auto read = test::read_script(text);
  for (const auto& error : read.errors) ADD_FAILURE() << error;
  for (const auto& other : read.others) ADD_FAILURE() << other;
  ASSERT_TRUE(read.program.has_value()) << text;
  for (const auto& chain : read.program->chains)
    for (const auto& rule : chain.rules) {
      ASSERT_TRUE(ir::valid(rule.match)) << ir::to_text(rule.match);
      ASSERT_TRUE(rule.origin.span.known()) << rule.origin.label;
    }
  const auto comparison = semantics::compare(program, *read.program);
  ASSERT_EQ(comparison.answer, Answer::equal) << test::shown(comparison) << '\n'
                                              << ir::to_text(program) << text;
  ASSERT_EQ(test::contradiction(program, *read.program, comparison, packets), "");
}

TEST(TextRoundTrip, ExamplePolicies) {
  EXPECT_GE(test::examples().size(), 11U);
  for (const auto& example : test::examples()) {
    SCOPED_TRACE(example.name);
    expect_same(example.program, example.options, 300);
  }
}

TEST(TextRoundTrip, WebServer) { expect_same(test::web_server(), {.policy_name = "web"}, 300); }

TEST(TextRoundTrip, NothingManaged) { expect_same({}, {}, 20); }

TEST(TextRoundTrip, RandomPrograms) {
  const auto rounds = rounds_or(500);
  for (std::uint32_t seed = 0; seed < rounds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_same(test::random_program(seed), {.policy_name = std::to_string(seed)}, 30);
    if (HasFailure()) return;
  }
}

TEST(TextRoundTrip, Crowds) {
  const auto rounds = rounds_or(200);
  for (std::uint32_t seed = 0; seed < rounds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_same(test::crowd(seed), {}, 30);
    if (HasFailure()) return;
  }
}

// Of any program, with as many lookups as can be made.
TEST(TextRoundTrip, RandomProgramsStructured) {
  const auto rounds = rounds_or(200);
  for (std::uint32_t seed = 0; seed < rounds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_same(test::random_program(seed),
                {.nftables_layout = backend::NftablesLayout::structured}, 30);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace firewright::nftables
