// Damaged texts: every one that means something else is noticed, with a packet that the naive
// evaluator confirms; every one that does not is accepted.
#include <gtest/gtest.h>

#include "backends/nftables/capable.h"
#include "backends/nftables/encode.h"
#include "tests/backends/nftables/programs.h"
#include "tests/backends/nftables/text_damage.h"
#include "tests/backends/nftables/text_reading.h"

namespace firewright::nftables {
namespace {

using semantics::Answer;
using test::allow;
using test::tcp;
using test::TextDamage;

struct Original {
  std::string name;
  ir::Program program;
  std::string text;
};

Original encoded(std::string name, const ir::Program& program, const backend::Options& options) {
  Sink sink;
  const auto artifact = encode(capable(program, options, sink), options);
  return {std::move(name), program, artifact.find("text")->bytes};
}

// What the example policies do not hold: maps, limits that rules share, answers, counters.
ir::Program more() {
  ir::Match established;
  established.states = {ir::ConntrackState::established, ir::ConntrackState::related};
  ir::Match invalid;
  invalid.states = {ir::ConntrackState::invalid};
  const auto rate = [](bool per_source) {
    return ir::Predicate{
        "ssh",
        ir::RateLimit{
            .packets = 10, .unit = ir::TimeUnit::minute, .burst = 20, .per_source = per_source}};
  };
  const auto connections = [](const char* name, bool per_source) {
    return ir::Predicate{name, ir::ConnectionLimit{.connections = 50, .per_source = per_source}};
  };
  auto first = allow("baseline", established);
  first.origin.kind = ir::OriginKind::established;
  auto second = allow("baseline", invalid);
  second.origin.kind = ir::OriginKind::drop_invalid;
  second.verdict = ir::Verdict::drop();
  auto ssh = allow("ssh", test::fresh_with(tcp(22), {rate(true)}));
  auto web = allow("web", test::fresh_with(tcp(80), {connections("web", false)}));
  web.effects = {.log = "web: ", .count = "web"};
  auto web_too = web;
  web_too.match = test::fresh_with(test::udp(443), web.match.predicates);
  auto mail = allow("mail", test::fresh_with(test::with_source(tcp(25), {"192.0.2.0/24"}),
                                             {connections("mail", true)}));
  auto reject =
      allow("no", test::with_source(tcp(113), {"198.51.100.4-198.51.100.9", "2001:db8::/32"}));
  reject.verdict = ir::Verdict::rejected(ir::RejectKind::port_unreachable);
  auto answer = allow("answer", test::udp(53));
  answer.verdict = ir::Verdict::rejected(ir::RejectKind::port_unreachable);
  auto log = allow("log", {});
  log.effects.log = "denied: ";
  log.verdict = ir::Verdict::next();
  log.match.predicates = {
      {"default-log",
       ir::RateLimit{
           .packets = 5, .unit = ir::TimeUnit::second, .burst = 10, .per_source = false}}};
  return test::program({first, second, ssh, web, web_too, mail, reject, answer, log});
}

const std::vector<Original>& originals() {
  static const auto list = [] {
    std::vector<Original> all;
    for (const auto& example : test::examples())
      all.push_back(encoded(example.name, example.program, example.options));
    all.push_back(encoded("more", more(), {}));
    for (const std::uint32_t seed : {3U, 7U, 11U})
      all.push_back(encoded("seed " + std::to_string(seed), test::random_program(seed), {}));
    return all;
  }();
  return list;
}

// Of one kind in one text.
constexpr std::size_t places = 8;

struct Tally {
  std::size_t instances = 0, refused = 0, different = 0, equal = 0;
};

void judge(const Original& original, const std::string& damaged, Tally& tally) {
  ++tally.instances;
  const auto read = test::read_script(damaged);
  if (!read.program) {
    ++tally.refused;
    ASSERT_FALSE(read.errors.empty());
    return;
  }
  ASSERT_TRUE(read.errors.empty()) << read.errors[0];
  const auto comparison = semantics::compare(original.program, *read.program);
  ASSERT_EQ(test::contradiction(original.program, *read.program, comparison, 150), "") << damaged;
  ++(comparison.answer == Answer::equal ? tally.equal : tally.different);
}

Tally judge_all(const TextDamage& damage) {
  Tally tally;
  for (const auto& original : originals()) {
    SCOPED_TRACE(damage.name + " of " + original.name);
    for (const auto& damaged : damage.apply(original.text, places)) {
      judge(original, damaged, tally);
      if (testing::Test::HasFatalFailure()) return tally;
    }
  }
  return tally;
}

TEST(TextMutants, EveryDamageIsNoticed) {
  ASSERT_GE(test::text_damages().size(), 40U);
  Tally all;
  for (const auto& damage : test::text_damages()) {
    const auto tally = judge_all(damage);
    if (HasFatalFailure()) return;
    EXPECT_GT(tally.instances, 0U) << damage.name << " was nowhere possible";
    EXPECT_GT(tally.refused + tally.different, 0U) << damage.name << " changed nothing";
    all.instances += tally.instances;
    all.refused += tally.refused;
    all.different += tally.different;
    all.equal += tally.equal;
  }
  EXPECT_GT(all.instances, 4000U);
  EXPECT_GT(all.different, 2500U);
  RecordProperty("kinds", std::to_string(test::text_damages().size()));
  RecordProperty("instances", std::to_string(all.instances));
  RecordProperty("refused", std::to_string(all.refused));
  RecordProperty("different", std::to_string(all.different));
  RecordProperty("equal", std::to_string(all.equal));
}

TEST(TextMutants, OtherWordsAreAccepted) {
  ASSERT_GE(test::text_rewordings().size(), 15U);
  for (const auto& rewording : test::text_rewordings()) {
    const auto tally = judge_all(rewording);
    if (HasFatalFailure()) return;
    EXPECT_GT(tally.instances, 0U) << rewording.name << " was nowhere possible";
    EXPECT_EQ(tally.equal, tally.instances) << rewording.name << ": " << tally.refused
                                            << " refused, " << tally.different << " different";
  }
}

}  // namespace
}  // namespace firewright::nftables
