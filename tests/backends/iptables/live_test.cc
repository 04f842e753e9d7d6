// What the kernel has after a load, as iptables-save of both variants prints it, read back: it
// means what the program means. Everything happens in network namespaces that `unshare` makes.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "backends/iptables/encode.h"
#include "backends/iptables/update.h"
#include "tests/backends/iptables/build_program.h"
#include "tests/backends/iptables/in_network.h"
#include "tests/backends/iptables/reading.h"

namespace firewright::iptables::test {
namespace {

using semantics::Answer;

constexpr std::array<const char*, 2> variants{"legacy", "nft"};

class IptablesLive : public InNetwork {
 protected:
  // The artifact's files, loaded and saved by one variant.
  Read loaded(const backend::Artifact& artifact, const std::string& flags,
              const std::string& variant) {
    write("v4", artifact.find("v4")->bytes);
    write("v6", artifact.find("v6")->bytes);
    std::string script;
    for (const auto& [part, command] :
         {std::pair<std::string, std::string>{"v4", "iptables-"}, {"v6", "ip6tables-"}})
      script += command + variant + "-restore" + flags + " < " + part + "\n" + command + variant +
                "-save -t filter > saved." + part + "\n";
    const auto ran = in_namespace(script);
    EXPECT_EQ(ran.code, 0) << ran.output;
    return read_files(contents("saved.v4"), contents("saved.v6"));
  }

  void expect_live(const ir::Program& program, const backend::Options& options) {
    if (cannot_load(program)) return;
    const auto artifact = encode(program, options);
    const std::string flags = needs_noflush(program, options) ? " --noflush" : "";
    for (const auto* variant : variants) {
      SCOPED_TRACE(variant);
      const auto read = loaded(artifact, flags, variant);
      const auto saved = contents("saved.v4") + contents("saved.v6");
      EXPECT_EQ(read.others, std::vector<std::string>{}) << saved;
      ASSERT_EQ(read.errors, std::vector<std::string>{}) << saved;
      const auto comparison = semantics::compare(program, *read.program);
      ASSERT_EQ(comparison.answer, Answer::equal) << to_text(comparison) << '\n'
                                                  << ir::to_text(program) << saved;
    }
  }
};

TEST_F(IptablesLive, ExamplePolicies) {
  for (const auto& example : examples())
    for (const bool coexist : {false, true}) {
      SCOPED_TRACE(example.name);
      auto options = example.options;
      options.iptables_coexist = coexist;
      expect_live(example.program, options);
      if (HasFatalFailure()) return;
    }
}

TEST_F(IptablesLive, RandomPrograms) {
  for (unsigned seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    backend::Options options;
    options.iptables_coexist = seed % 4 == 0;
    expect_live(random_program(random), options);
    if (HasFailure()) return;
  }
}

// Rates come back in other units: 60/hour is 1/min.
TEST_F(IptablesLive, Limits) {
  using ir::TimeUnit;
  std::vector<ir::Rule> rules;
  unsigned port = 1;
  for (const auto& limit :
       {rate("a", 1, TimeUnit::day, 1, true), rate("b", 60, TimeUnit::hour, 5, false),
        rate("c", 120, TimeUnit::minute, 7, true), rate("d", 24, TimeUnit::day, 3, false),
        rate("e", 7, TimeUnit::minute, 3, false), rate("f", 86'400, TimeUnit::day, 12, true),
        rate("g", 400, TimeUnit::second, 10'000, false), connections("h", 1, true),
        connections("i", 4'294'967'295U, false)})
    rules.push_back(allow(limit.instance).family(Family::ipv4).tcp({port++}).limit(limit));
  expect_live(inbound(rules), {});
}

// Every spelling that iptables takes in hand-written files comes back in another one.
TEST_F(IptablesLive, OtherPeoplesRules) {
  if (geteuid() != 0) GTEST_SKIP() << "a user namespace has no users but its own";
  const std::string rules =
      "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:own - [0:0]\n"
      "-A INPUT -p 4 -j ACCEPT\n"
      "-A INPUT -p 94 -j ACCEPT\n"
      "-A INPUT -p 253 -j own\n"
      "-A INPUT -p icmp -m icmp --icmp-type any -j ACCEPT\n"
      "-A INPUT -p icmp -m icmp --icmp-type host-unreachable -j ACCEPT\n"
      "-A INPUT -p icmp -m icmp ! --icmp-type 3 -g own\n"
      "-A INPUT -p tcp --syn -m comment --comment -j -j ACCEPT\n"
      "-A INPUT -p udp -m udp --sport :53 --dport 1: -m limit --limit 60/hour -j LOG"
      " --log-level debug --log-uid --log-prefix \"a \\\"b\\\" \"\n"
      "-A INPUT -p tcp -m connlimit --connlimit-above 3 -j REJECT\n"
      "-A INPUT -p tcp -m connlimit --connlimit-upto 3 --connlimit-mask 0 -j REJECT"
      " --reject-with tcp-reset\n"
      "-A INPUT -s 10.0.0.0/255.0.255.0 -d 192.0.2.77/28 -j ACCEPT\n"
      "-A INPUT -m iprange ! --src-range 10.0.0.1-10.0.0.9 -m state --state NEW -j ACCEPT\n"
      "-A INPUT -s 192.0.2.1,192.0.2.9 -d 198.51.100.1,198.51.100.2 -j own\n"
      "-A INPUT ! -i eth+ ! -s 192.0.2.0/24 ! -p tcp -j RETURN\n"
      "-A INPUT -p tcp -m multiport ! --ports 1,2:5 -j DROP\n"
      "-A INPUT -p tcp -m multiport --ports 1,2:5 -j LOG\n"
      "-A INPUT -p sctp -m sctp --dport 5 -j DROP\n"
      "-A INPUT -p dccp -m dccp ! --dport 5 -j DROP\n"
      "-A INPUT -m conntrack ! --ctstate NEW,UNTRACKED -j DROP\n"
      "-A OUTPUT -m owner ! --uid-owner 0-99 --gid-owner 5 -j DROP\n"
      "-A OUTPUT -m owner ! --uid-owner 7 -j REJECT --reject-with icmp-host-prohibited\n"
      "-A OUTPUT -m owner --socket-exists -j DROP\n"
      "-A own -f -j NFLOG --nflog-group 3 --nflog-prefix x\n"
      "-A own -m tcp -p tcp --tcp-flags ALL NONE -j RETURN\n"
      "-A own -i + -j ACCEPT\n"
      "COMMIT\n";
  const auto written = read_files(rules, "");
  ASSERT_EQ(written.errors, std::vector<std::string>{});
  backend::Artifact artifact;
  artifact.parts.push_back({.name = "v4", .suffix = {}, .bytes = rules});
  artifact.parts.push_back({.name = "v6", .suffix = {}, .bytes = "*filter\nCOMMIT\n"});
  for (const auto* variant : variants) {
    SCOPED_TRACE(variant);
    const auto read = loaded(artifact, "", variant);
    ASSERT_EQ(read.errors, std::vector<std::string>{}) << contents("saved.v4");
    const auto comparison = semantics::compare(*written.program, *read.program);
    EXPECT_EQ(comparison.answer, Answer::equal) << to_text(comparison) << contents("saved.v4");
  }
}

}  // namespace
}  // namespace firewright::iptables::test
