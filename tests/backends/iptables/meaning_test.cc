// What the file says is what the program says: random programs, packets at their boundaries, the
// naive evaluator on one side and the interpreter of the text on the other.
#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "backends/iptables/capable.h"
#include "backends/iptables/encode.h"
#include "tests/backends/iptables/build_program.h"
#include "tests/backends/iptables/interpreter.h"
#include "tests/backends/iptables/large_program.h"
#include "tests/backends/iptables/random_program.h"

namespace firewright::iptables::test {
namespace {

// FIREWRIGHT_TEST_SEED and FIREWRIGHT_TEST_ROUNDS choose others.
unsigned setting(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::stoul(text));
}

unsigned number_of(const ir::Predicate& predicate) {
  if (const auto* rate = std::get_if<ir::RateLimit>(&predicate.test)) return rate->packets;
  return std::get<ir::ConnectionLimit>(predicate.test).connections;
}

std::string text_of(const ir::Verdict& verdict, Family family) {
  switch (verdict.kind) {
    case ir::VerdictKind::accept: return "accept";
    case ir::VerdictKind::drop: return "drop";
    case ir::VerdictKind::reject:
      if (verdict.reject == ir::RejectKind::tcp_reset) return "reject tcp-reset";
      if (verdict.reject == ir::RejectKind::port_unreachable)
        return family == Family::ipv4 ? "reject icmp-port-unreachable"
                                      : "reject icmp6-port-unreachable";
      break;
    case ir::VerdictKind::next:
    case ir::VerdictKind::jump:
    case ir::VerdictKind::go_to:
    case ir::VerdictKind::return_: break;
  }
  return "?";
}

TextDecision expected(const ir::Program& program, const ir::Packet& packet,
                      const LimitValue& holds) {
  const auto decision = ir::evaluate(
      program, packet, [&](const ir::Predicate& predicate) { return holds(number_of(predicate)); });
  TextDecision result;
  result.verdict = text_of(decision->verdict, packet.family());
  for (const auto* rule : decision->effects) {
    if (rule->effects.log) result.logs.push_back(*rule->effects.log);
    if (rule->effects.count) result.counts.push_back(*rule->effects.count);
  }
  return result;
}

void compare(const ir::Program& program, const backend::Options& options, Random& random,
             const std::string& context) {
  Sink sink;
  const auto sayable = capable(program, options, sink);
  for (const auto& diagnostic : sink.diagnostics())
    ADD_FAILURE() << diagnostic.message() << '\n' << context << to_text(program);
  ASSERT_EQ(sayable, program) << context;
  const auto artifact = encode(sayable, options);
  std::vector<TextTable> tables;
  const auto* sets = artifact.find("sets");
  for (const auto* part : {"v4", "v6"})
    tables.push_back(
        read_table(artifact.find(part)->bytes, sets == nullptr ? std::string() : sets->bytes));

  for (int i = 0; i < 400; ++i) {
    const auto packet = random_packet(random, program);
    const auto salt = below(random, 1000);
    const LimitValue holds = [&](unsigned number) {
      return (number * 2654435761U + salt) % 3 != 0;
    };
    const auto& table = tables[packet.family() == Family::ipv4 ? 0 : 1];
    const auto& part = artifact.parts[packet.family() == Family::ipv4 ? 0 : 1];
    const auto seen = run(table, packet, holds);
    const auto wanted = expected(program, packet, holds);
    ASSERT_EQ(seen.verdict, wanted.verdict) << context << to_text(packet) << '\n'
                                            << to_text(program) << part.bytes;
    ASSERT_EQ(seen.logs, wanted.logs) << context << to_text(packet) << '\n'
                                      << to_text(program) << part.bytes;
    ASSERT_EQ(seen.counts, wanted.counts) << context << to_text(packet) << '\n'
                                          << to_text(program) << part.bytes;
  }
}

TEST(IptablesMeaning, FileSaysWhatTheProgramSays) {
  const auto first = setting("FIREWRIGHT_TEST_SEED", 1);
  const auto rounds = setting("FIREWRIGHT_TEST_ROUNDS", 100);
  for (unsigned seed = first; seed < first + rounds; ++seed) {
    Random random(seed);
    backend::Options options;
    options.iptables_coexist = seed % 3 == 0;
    const auto program = random_program(random);
    ASSERT_NO_FATAL_FAILURE(
        compare(program, options, random, "seed " + std::to_string(seed) + '\n'));
  }
}

TEST(IptablesMeaning, TreesSayWhatTheProgramSays) {
  const auto first = setting("FIREWRIGHT_TEST_SEED", 1);
  for (unsigned seed = first; seed < first + 40; ++seed) {
    Random random(seed);
    backend::Options options;
    options.iptables_coexist = seed % 3 == 0;
    const auto program = large_program(random);
    ASSERT_NO_FATAL_FAILURE(
        compare(program, options, random, "seed " + std::to_string(seed) + '\n'));
  }
}

TEST(IptablesMeaning, SetsSayWhatTheProgramSays) {
  const auto first = setting("FIREWRIGHT_TEST_SEED", 1);
  for (unsigned seed = first; seed < first + 40; ++seed) {
    Random random(seed);
    backend::Options options;
    options.iptables_ipset = true;
    options.iptables_coexist = seed % 3 == 0;
    const auto program = large_program(random);
    ASSERT_NO_FATAL_FAILURE(
        compare(program, options, random, "seed " + std::to_string(seed) + '\n'));
  }
}

// A limit's state must live in one rule of the kernel.
TEST(IptablesMeaning, EachLimitStandsInOneLine) {
  const auto first = setting("FIREWRIGHT_TEST_SEED", 1);
  for (unsigned seed = first; seed < first + 60; ++seed) {
    Random random(seed);
    const auto program = random_program(random);
    for (const auto& part : encode(program, {}).parts)
      for (const auto& chain : program.chains)
        for (const auto& rule : chain.rules)
          for (const auto& predicate : rule.match.predicates) {
            const bool is_rate = std::holds_alternative<ir::RateLimit>(predicate.test);
            const auto number = std::to_string(number_of(predicate));
            unsigned lines = 0;
            for (const auto* option : {"--limit ", "--hashlimit-upto ", "--connlimit-upto "}) {
              const auto text = option + number + (is_rate ? "/minute " : " ");
              for (auto at = part.bytes.find(text); at != std::string::npos;
                   at = part.bytes.find(text, at + 1))
                ++lines;
            }
            EXPECT_LE(lines, 1U) << "seed " << seed << '\n' << to_text(program) << part.bytes;
          }
  }
}

// The interpreter is only worth something if it refuses what it does not know.
TEST(IptablesMeaning, InterpreterRefusesTheUnknown) {
  const auto packet = ir::Packet{};
  const auto try_rule = [&](const std::string& rule) {
    const auto table = read_table("*filter\n:INPUT DROP [0:0]\n-A INPUT " + rule + "\nCOMMIT\n");
    return run(table, packet, [](unsigned) { return true; }).verdict;
  };
  EXPECT_EQ(try_rule("-p tcp -j ACCEPT"), "accept");
  for (const auto* rule :
       {"-p 0 -j ACCEPT", "-p tcp -m time -j ACCEPT", "--dport 1 -j ACCEPT",
        "-p tcp --unknown -j ACCEPT", "-j NFLOG", "-j REJECT --reject-with tcp-reset",
        "-p tcp --dports 1 -j ACCEPT", "-p tcp -j ACCEPT -s 192.0.2.1",
        "-p tcp -m multiport --dports 1 --dport 2 -j ACCEPT"})
    EXPECT_THROW((void)try_rule(rule), std::runtime_error) << rule;
}

}  // namespace
}  // namespace firewright::iptables::test
