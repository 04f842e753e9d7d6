// What the phases do to a running firewall, at every step, for random programs and packets.
#include <gtest/gtest.h>

#include "backends/netsh/capable.h"
#include "backends/netsh/check.h"
#include "backends/netsh/encode.h"
#include "tests/backends/netsh/model.h"
#include "tests/backends/netsh/programs.h"
#include "tests/backends/netsh/random_program.h"

namespace firewright::netsh {
namespace {

using model::Firewall;
using namespace test;

bool accepted(const ir::Program& program, const ir::Packet& packet) {
  return ir::evaluate(program, packet)->verdict.kind == ir::VerdictKind::accept;
}

// Other people's rules.
Firewall random_firewall(Random& random) {
  Firewall firewall;
  for (const char* line :
       {"advfirewall firewall add rule name=CoreNet dir=in action=allow protocol=udp profile=any",
        "advfirewall firewall add rule name=CoreNet dir=out action=allow protocol=any profile=any",
        "advfirewall firewall add rule name=Web dir=in action=allow protocol=tcp localport=80-91 "
        "profile=domain",
        "advfirewall firewall add rule name=Ban dir=in action=block remoteip=192.0.2.0/25 "
        "profile=any",
        "advfirewall firewall add rule name=Ban dir=out action=block remoteip=198.51.100.7 "
        "profile=any"})
    if (random.one_in(2)) firewall.run(line);
  firewall.on = !random.one_in(4);
  firewall.block_inbound = !random.one_in(4);
  firewall.block_outbound = random.one_in(4);
  return firewall;
}

std::string show(const ir::Program& program) { return ir::to_text(program); }

constexpr std::uint32_t seeds = 300;

TEST(Phases, ExactOrRefused) {
  std::size_t exact = 0;
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto program = random_program(random);
    Sink sink;
    const auto said = capable(program, {}, sink);
    if (sink.has_errors()) continue;
    ++exact;
    ASSERT_EQ(said, program);
    Firewall firewall;
    const auto artifact = encode(said, {});
    ASSERT_TRUE(model::apply(artifact, "", firewall));
    for (const auto& packet : random_packets(random, 200))
      ASSERT_EQ(firewall.passes(packet), accepted(program, packet))
          << ir::to_text(packet) << "\n"
          << show(program) << artifact.parts[artifact.default_part].bytes;
  }
  EXPECT_GT(exact, seeds / 8);
}

TEST(Phases, ApproximationDeniesMoreAndIsSaidExactly) {
  std::size_t approximated = 0;
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto program = random_program(random);
    Sink sink;
    const auto said = capable(program, approximating(), sink);
    if (sink.has_errors()) continue;
    ASSERT_EQ(sink.warnings() == 0, said == program);
    approximated += sink.warnings() > 0 ? 1 : 0;
    Sink again;
    ASSERT_EQ(capable(said, {}, again), said);
    ASSERT_FALSE(again.has_errors());
    Firewall firewall;
    ASSERT_TRUE(model::apply(encode(said, {}), "", firewall));
    for (const auto& packet : random_packets(random, 200)) {
      ASSERT_EQ(firewall.passes(packet), accepted(said, packet)) << ir::to_text(packet) << "\n"
                                                                 << show(said);
      if (accepted(said, packet)) {
        ASSERT_TRUE(accepted(program, packet)) << ir::to_text(packet) << "\n"
                                               << show(program) << show(said);
      }
    }
  }
  EXPECT_GT(approximated, seeds / 8);
}

// V23: no step lets in what neither the old nor the new firewall does, and none denies what both
// let in, but for the moment in which everybody's rules are off.
TEST(Phases, EveryStepLiesBetweenOldAndNew) {
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto packets = random_packets(random, 100);
    Firewall firewall = random_firewall(random);
    std::string generation;
    for (int round = 0; round < 3; ++round) {
      const auto options = other_rules(random.one_in(2));
      const auto artifact = encode(sayable_program(random), options);
      const Firewall before = firewall;
      Firewall end = firewall;
      ASSERT_TRUE(model::apply(artifact, generation, end));
      const bool gap_out = artifact.find("50-others") != nullptr;
      ASSERT_TRUE(model::apply(
          artifact, generation, firewall, [&](std::string_view file, std::string_view line) {
            const bool moment =
                gap_out && file == "50-others" && line.find("enable=yes") == std::string::npos;
            const bool enabling =
                file == "50-others" && line.find("-block new") != std::string::npos;
            for (const auto& packet : packets) {
              const bool was = before.passes(packet), will = end.passes(packet);
              const bool is = firewall.passes(packet);
              ASSERT_TRUE(!is || was || will)
                  << "let in after " << line << ": " << ir::to_text(packet);
              ASSERT_TRUE(is || !was || !will || moment || enabling)
                  << "denied after " << line << ": " << ir::to_text(packet);
            }
          }));
      if (HasFatalFailure()) return;
      generation = model::generation_of(artifact);
      for (const auto& rule : firewall.rules)
        if (rule.name.starts_with("firewright-")) {
          ASSERT_TRUE(rule.name.starts_with(generation)) << rule.name;
        }
    }
  }
}

TEST(Phases, TwiceIsOnce) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto artifact = encode(sayable_program(random), {});
    Firewall once;
    ASSERT_TRUE(model::apply(artifact, "", once));
    Firewall twice = once;
    ASSERT_TRUE(model::apply(artifact, model::generation_of(artifact), twice));
    EXPECT_EQ(once.rules.size(), twice.rules.size());
    for (const auto& packet : random_packets(random, 100))
      EXPECT_EQ(once.passes(packet), twice.passes(packet));
  }
}

TEST(Phases, RandomScriptsKeepTheRules) {
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto artifact = encode(sayable_program(random), {});
    Expected expected;
    expected.blocks = artifact.find("20-block") != nullptr;
    expected.profiles = expected.programs = expected.services = true;
    for (const auto& part : artifact.parts) {
      const auto mode = part.suffix.ends_with(".cmd") ? ScriptMode::batch : ScriptMode::file;
      for (const auto& finding : check_script(part.bytes, mode, expected))
        ADD_FAILURE() << part.name << ":" << finding.line << ": " << finding.rule << " "
                      << finding.text;
    }
  }
}

}  // namespace
}  // namespace firewright::netsh
