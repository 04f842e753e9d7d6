// What is written and read back means what it meant: examples and random programs, proved over all
// packets.
#include <gtest/gtest.h>

#include <cstdlib>

#include "backends/iptables/capable.h"
#include "backends/iptables/encode.h"
#include "tests/backends/iptables/build_program.h"
#include "tests/backends/iptables/reading.h"

namespace firewright::iptables::test {
namespace {

using semantics::Answer;

std::string text_of(const backend::Artifact& artifact) {
  return artifact.find("v4")->bytes + artifact.find("v6")->bytes;
}

unsigned rounds_or(unsigned fallback) {
  const char* text = std::getenv("FIREWRIGHT_TEST_ROUNDS");
  return text == nullptr ? fallback : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

void expect_same(const ir::Program& program, const backend::Options& options, std::size_t packets) {
  const auto artifact = encode(program, options);
  const auto read = read_artifact(artifact);
  for (const auto& error : read.errors) ADD_FAILURE() << error;
  for (const auto& other : read.others) ADD_FAILURE() << other;
  ASSERT_TRUE(read.program.has_value()) << text_of(artifact);
  for (const auto& chain : read.program->chains)
    for (const auto& rule : chain.rules) {
      ASSERT_TRUE(ir::valid(rule.match)) << ir::to_text(rule.match);
      ASSERT_TRUE(rule.origin.span.known()) << rule.origin.label;
      ASSERT_EQ(rule.match.families.size(), 1U);
    }
  const auto comparison = semantics::compare(program, *read.program);
  ASSERT_EQ(comparison.answer, Answer::equal) << to_text(comparison) << '\n'
                                              << ir::to_text(program) << text_of(artifact);
  ASSERT_EQ(contradiction(program, *read.program, comparison, packets), "");
}

TEST(IptablesRoundTrip, ExamplePolicies) {
  EXPECT_GE(examples().size(), 9U);
  for (const auto& example : examples())
    for (const bool coexist : {false, true}) {
      SCOPED_TRACE(example.name);
      auto options = example.options;
      options.iptables_coexist = coexist;
      expect_same(example.program, options, 200);
    }
}

TEST(IptablesRoundTrip, RandomPrograms) {
  const auto rounds = rounds_or(1000);
  for (unsigned seed = 1; seed <= rounds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    backend::Options options;
    options.iptables_coexist = seed % 3 == 0;
    options.policy_name = "say \"" + std::to_string(seed);
    expect_same(random_program(random), options, 20);
    if (HasFailure()) return;
  }
}

// Equal limits of different exceptions stay apart, in whatever chains they end up, and the two
// families find together what the policy calls one.
TEST(IptablesRoundTrip, EqualLimits) {
  const auto same = [](const std::string& name, bool per_source) {
    return rate(name, 10, ir::TimeUnit::minute, 5, per_source);
  };
  std::vector<std::string> addresses;
  for (unsigned i = 0; i < 9; ++i) addresses.push_back("192.0.2." + std::to_string(2 * i));
  expect_same(inbound({allow("chained").from(addresses).tcp({22}).limit(same("chained", true)),
                       allow("flat").family(Family::ipv4).tcp({23}).limit(same("flat", true)),
                       allow("both").tcp({24}).limit(same("both", true)),
                       allow("six").family(Family::ipv6).tcp({25}).limit(same("six", false)),
                       allow("four").family(Family::ipv4).tcp({26}).limit(same("four", false))}),
              {}, 200);
  expect_same(
      inbound({allow("four").family(Family::ipv4).tcp({22}).limit(connections("four", 3, true)),
               allow("both").tcp({23}).limit(connections("both", 3, true)),
               allow("chained").from(addresses).tcp({24}).limit(connections("chained", 3, true)),
               allow("last").tcp({25}).limit(connections("last", 3, true))}),
      {}, 200);
}

// A log that is split for the families, on both hooks, with equal parameters.
TEST(IptablesRoundTrip, LimitsOfTheDefaultLog) {
  ir::Program program;
  for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound}) {
    const std::string name = "default-log-" + std::string(to_string(hook));
    ir::Rule log;
    log.origin = {.kind = ir::OriginKind::default_log, .label = "log", .reason = {}, .span = {}};
    log.effects.log = "denied: ";
    log.match.predicates = {rate(name, 5, ir::TimeUnit::second, 10, false)};
    program.chains.push_back(
        chain(hook, ir::VerdictKind::drop,
              {allow("ssh").tcp({22}), log, default_rule(ir::Verdict::drop())}));
  }
  Sink sink;
  const auto sayable = capable(program, {}, sink);
  EXPECT_FALSE(sink.has_errors());
  expect_same(sayable, {}, 200);
}

}  // namespace
}  // namespace firewright::iptables::test
