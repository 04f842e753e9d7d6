// Chains that look addresses up by `goto` are read as lists, and rules that differ in their
// addresses are held as one: whatever the file looks like, packets get what it says.
#include "backends/iptables/decode_trees.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/backends/iptables/interpreter.h"
#include "tests/backends/iptables/reading.h"

namespace firewright::iptables::test {
namespace {

constexpr unsigned chains = 7;

std::string chain_named(unsigned number) {
  return number == 0 ? "INPUT" : "c" + std::to_string(number);
}

std::string prefix(Random& random) {
  const auto length = 24 + below(random, 9);
  const auto rest = (1U << (32 - length)) - 1;
  return "192.0.2." + std::to_string(below(random, 64) & ~rest) +
         (length == 32 ? "" : "/" + std::to_string(length));
}

// Mostly what trees are made of, and now and then something else.
std::string random_rule(Random& random, unsigned chain) {
  std::string rule = " -s " + prefix(random);
  if (below(random, 12) == 0) rule = " -d " + prefix(random);
  if (below(random, 20) == 0) rule = "";
  if (below(random, 8) == 0) rule += " -p tcp";
  if (below(random, 30) == 0) rule += " -m comment --comment x";
  if (chain + 1 < chains && below(random, 100) < 45) {
    const auto target = chain + 1 + below(random, chains - chain - 1);
    return rule + (below(random, 5) == 0 ? " -j " : " -g ") + chain_named(target);
  }
  const auto kind = below(random, 20);
  if (kind == 0) return rule + " -j RETURN";
  if (kind == 1) return rule + " -j LOG --log-prefix x";
  return rule + (kind < 8 ? " -j DROP" : " -j ACCEPT");
}

std::string random_table(Random& random) {
  std::string text =
      "*filter\n:INPUT " + std::string(below(random, 2) == 0 ? "DROP" : "ACCEPT") + " [0:0]\n";
  for (unsigned chain = 1; chain < chains; ++chain) text += ":" + chain_named(chain) + " - [0:0]\n";
  for (unsigned chain = 0; chain < chains; ++chain)
    for (unsigned i = 0; i < 2 + below(random, 7); ++i)
      text += "-A " + chain_named(chain) + random_rule(random, chain) + '\n';
  return text + "COMMIT\n";
}

std::string verdict_of(const ir::Program& program, const ir::Packet& packet) {
  const auto decision = ir::evaluate(program, packet);
  if (!decision) return "nothing";
  return decision->verdict.kind == ir::VerdictKind::accept ? "accept" : "drop";
}

TEST(IptablesDecodeTrees, PacketsGetWhatTheFileSays) {
  unsigned read_as_lists = 0;
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto text = random_table(random);
    const auto table = read_table(text);
    const auto read = read_files(text, "");
    ASSERT_TRUE(read.program.has_value()) << text;
    if (read.program->find("v4 c6") == nullptr) ++read_as_lists;
    for (unsigned i = 0; i < 150; ++i) {
      ir::Packet packet;
      packet.in = "eth0";
      packet.source = Ipv4{0xc0000200U + below(random, 68)};
      packet.destination = Ipv4{0xc0000200U + below(random, 68)};
      packet.protocol = below(random, 2) == 0 ? protocol::tcp : protocol::udp;
      const auto said = run(table, packet, [](unsigned) { return true; });
      ASSERT_EQ(verdict_of(*read.program, packet), said.verdict) << to_text(packet) << '\n' << text;
      const auto decision = ir::evaluate(*read.program, packet);
      ASSERT_EQ(decision->effects.size(), said.logs.size()) << to_text(packet) << '\n' << text;
    }
  }
  EXPECT_GE(read_as_lists, 20U);
}

// The program without what its rules are called.
std::string text_of(const std::string& rules) {
  const auto read = read_files(
      "*filter\n:INPUT DROP [0:0]\n:a - [0:0]\n:b - [0:0]\n:c - [0:0]\n" + rules + "COMMIT\n", "");
  if (!read.program) return "error";
  auto text = ir::to_text(*read.program);
  for (auto at = text.find("  # "); at != std::string::npos; at = text.find("  # "))
    text.erase(at, text.find('\n', at) - at);
  return text;
}

TEST(IptablesDecodeTrees, ATreeIsOneChain) {
  const auto text = text_of(
      "-A INPUT -p tcp -j a\n-A a -s 192.0.2.0/25 -g b\n-A a -s 192.0.2.0/24 -g c\n"
      "-A b -s 192.0.2.1 -j ACCEPT\n-A b -s 192.0.2.200 -j DROP\n-A c -s 192.0.2.2 -j ACCEPT\n"
      "-A c -s 192.0.2.130 -j ACCEPT\n");
  EXPECT_EQ(text.find("goto"), std::string::npos) << text;
  EXPECT_NE(text.find("192.0.2.1"), std::string::npos) << text;
  EXPECT_EQ(text.find("192.0.2.200"), std::string::npos) << text;  // is not in 192.0.2.0/25
  EXPECT_EQ(text.find("192.0.2.2,"), std::string::npos) << text;   // has gone to b
}

// Rules that are held as one are deleted and come in between one by one.
TEST(IptablesDecodeTrees, RulesThatAreAlikeAreStillRules) {
  const std::string three =
      "-A INPUT -s 192.0.2.1 -j ACCEPT\n-A INPUT -s 192.0.2.3 -j ACCEPT\n"
      "-A INPUT -s 192.0.2.5 -j ACCEPT\n";
  const auto all = text_of(three);
  EXPECT_EQ(text_of(three + "-A INPUT -s 192.0.2.7 -j ACCEPT\n-D INPUT -s 192.0.2.7 -j ACCEPT\n"),
            all);
  EXPECT_EQ(text_of(three + "-A INPUT -s 192.0.2.7 -j ACCEPT\n-D INPUT 4\n"), all);
  EXPECT_EQ(text_of("-A INPUT -s 192.0.2.1 -j ACCEPT\n-A INPUT -s 192.0.2.5 -j ACCEPT\n"
                    "-I INPUT 2 -s 192.0.2.3 -j ACCEPT\n"),
            all);
  EXPECT_EQ(text_of(three + "-D INPUT -s 192.0.2.9 -j ACCEPT\n"), "error");
  EXPECT_EQ(text_of("-A INPUT -s 192.0.2.9 -j ACCEPT\n" + three + "-D INPUT 1\n"), all);
}

}  // namespace
}  // namespace firewright::iptables::test
