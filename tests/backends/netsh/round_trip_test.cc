// What is written and read back means what it meant: examples and random programs, proved over all
// packets; and beside the model of the store, which is another reading of the same documents.
#include <gtest/gtest.h>

#include "backends/netsh/capable.h"
#include "backends/netsh/encode.h"
#include "tests/backends/netsh/examples.h"
#include "tests/backends/netsh/model.h"
#include "tests/backends/netsh/programs.h"
#include "tests/backends/netsh/random_program.h"
#include "tests/backends/netsh/reading.h"

namespace firewright::netsh {
namespace {

using namespace test;
using semantics::Answer;

std::string text_of(const Files& files) {
  std::string text;
  for (const auto& [part, bytes] : files)
    if (part != "apply" && part != "rollback") text += "--- " + part + "\n" + bytes;
  return text;
}

void expect_same(const ir::Program& program, const backend::Options& options) {
  const auto files = files_of(encode(program, options));
  const auto read = read_files(files);
  for (const auto& error : read.errors) ADD_FAILURE() << error;
  for (const auto& other : read.others) ADD_FAILURE() << other;
  ASSERT_TRUE(read.program.has_value()) << text_of(files);
  for (const auto& chain : read.program->chains)
    for (const auto& rule : chain.rules) {
      ASSERT_TRUE(ir::valid(rule.match)) << ir::to_text(rule.match);
      ASSERT_TRUE(rule.origin.span.known()) << rule.origin.label;
    }
  const auto comparison = compare_filtered(program, *read.program);
  ASSERT_EQ(comparison.answer, Answer::equal)
      << comparison.why
      << (comparison.difference
              ? ir::to_text(comparison.difference->packet) + ": " + comparison.difference->first +
                    ", read back " + comparison.difference->second
              : "")
      << "\n"
      << ir::to_text(program) << text_of(files);
  ASSERT_EQ(contradiction(program, *read.program, comparison, 100), "");
}

TEST(RoundTrip, Examples) {
  std::size_t exact = 0;
  for (const auto& example : all_examples()) {
    SCOPED_TRACE(example.name);
    exact += example.options.approximate ? 0 : 1;
    for (const bool disable : {true, false}) {
      auto options = example.options;
      options.netsh_disable_others = disable;
      expect_same(example.program, options);
    }
  }
  EXPECT_GE(exact, 2U);
  EXPECT_GE(policy_examples().size(), 5U);
}

TEST(RoundTrip, RandomPrograms) {
  for (std::uint32_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    expect_same(sayable_program(random), other_rules(random.one_in(2)));
    if (HasFatalFailure() || HasFailure()) return;
  }
}

// The model reads the same lines with other code.
TEST(RoundTrip, TheModelAgrees) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto artifact = encode(sayable_program(random), other_rules(random.one_in(2)));
    const auto read = read_files(files_of(artifact));
    ASSERT_TRUE(read.program.has_value());
    model::Firewall firewall;
    ASSERT_TRUE(model::apply(artifact, "", firewall));
    for (const auto& packet : random_packets(random, 200))
      ASSERT_EQ(ir::evaluate(*read.program, packet)->verdict.kind == ir::VerdictKind::accept,
                firewall.passes(packet))
          << ir::to_text(packet) << ir::to_text(*read.program);
  }
}

}  // namespace
}  // namespace firewright::netsh
