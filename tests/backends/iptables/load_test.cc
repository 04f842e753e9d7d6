// The kernel and both variants of iptables-restore take what the encoder writes. Everything here
// happens in a network namespace that `unshare` makes for the one command.
#include <gtest/gtest.h>

#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "backends/iptables/capable.h"
#include "backends/iptables/encode.h"
#include "backends/iptables/update.h"
#include "tests/backends/iptables/build_program.h"
#include "tests/backends/iptables/in_network.h"
#include "tests/backends/iptables/random_program.h"

namespace firewright::iptables::test {
namespace {

constexpr std::array<const char*, 2> variants{"legacy", "nft"};

class IptablesLoad : public InNetwork {
 protected:
  static std::string restore(const std::string& family, const std::string& variant) {
    return (family == "v4" ? "iptables-" : "ip6tables-") + variant + "-restore";
  }
  static std::string save(const std::string& family, const std::string& variant) {
    return (family == "v4" ? "iptables-" : "ip6tables-") + variant + "-save -t filter 2>/dev/null" +
           " | grep -v '^#' | sed 's/\\[.*\\]/[0:0]/'";
  }

  // With --test, then for real, then what was saved once more: nothing may change.
  void expect_loads(const ir::Program& program, const backend::Options& options,
                    const std::string& context) {
    if (cannot_load(program)) return;
    Sink sink;
    const auto artifact = encode(capable(program, options, sink), options);
    for (const auto& diagnostic : sink.diagnostics()) ADD_FAILURE() << diagnostic.message();
    const std::string flags = needs_noflush(program, options) ? " --noflush" : "";
    std::string script;
    for (const auto& part : artifact.parts) {
      write(part.name, part.bytes);
      for (const auto* variant : variants) {
        const auto load = restore(part.name, variant);
        const auto saved = save(part.name, variant);
        script += load + flags + " --test < " + part.name + "\n";
        script += load + flags + " < " + part.name + "\n";
        script += saved + " > first; grep -q COMMIT first; " + load + " < first; " + saved +
                  " > second; cmp first second\n";
      }
    }
    const auto result = in_namespace(script);
    EXPECT_EQ(result.code, 0) << context << result.output << artifact.parts[0].bytes
                              << artifact.parts[1].bytes;
    // Warnings too are a sign of something that an expert would not write.
    EXPECT_EQ(without_known_warnings(result.output), "")
        << context << artifact.parts[0].bytes << artifact.parts[1].bytes;
  }

  // ip6tables says so of extension headers, AH among them: the kernel looks behind them for a
  // packet's protocol. The rule is as true as the program's.
  static std::string without_known_warnings(const std::string& output) {
    std::istringstream stream(output);
    std::string rest;
    for (std::string line; std::getline(stream, line);)
      if (!line.starts_with("Warning: never matched protocol: ")) rest += line + '\n';
    return rest;
  }
};

TEST_F(IptablesLoad, RandomPrograms) {
  for (unsigned seed = 1; seed <= 25; ++seed) {
    Random random(seed);
    backend::Options options;
    options.iptables_coexist = seed % 4 == 0;
    options.policy_name = "seed \"" + std::to_string(seed) + "\"";
    expect_loads(random_program(random), options, "seed " + std::to_string(seed) + "\n");
    if (HasFailure()) break;
  }
}

// Names that would mean something to a shell, to printf or to iptables itself.
TEST_F(IptablesLoad, HostileNamesStayNames) {
  const std::vector<std::string> names{
      "a\" -j ACCEPT",
      "\" -j ACCEPT -m comment --comment \"",
      "line\nfeed\n-A INPUT -j ACCEPT",
      "100%s%n",
      "a | b; c & d $(e) `f`",
      "--",
      "-",
      "!",
      "-j ACCEPT",
      "#",
      "back\\slash\\",
      "trailing \\\"",
      "it's",
      "caf\u00e9 \u65e5\u672c\u8a9e \U0001f525",
      " blanks  ",
      "\t",
      std::string(300, 'x'),
      std::string(300, '"'),
      std::string(299, '\\'),
      "\x01\x7f",
  };
  for (const auto& name : names) {
    const auto program = inbound({allow(name).tcp({22}), deny(name).udp({53}).count("c")});
    backend::Options options;
    options.policy_name = name;
    expect_loads(program, options, name + "\n");
    // Two exceptions and two final drops, whatever they are called.
    const auto text = encode(program, options).parts[0].bytes;
    unsigned rules = 0;
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
      if (text.compare(at, 3, "-A ") == 0) ++rules;
    EXPECT_EQ(rules, 4U) << text;
  }
}

TEST_F(IptablesLoad, CommentsArriveAsTheyWereWritten) {
  const std::string name = "caf\u00e9 \"\u65e5\u672c\" \\ it's %s | ! --";
  const auto artifact = encode(inbound({allow(name).tcp({22})}), {});
  write("v4", artifact.parts[0].bytes);
  for (const auto* variant : variants) {
    const auto result = in_namespace(restore("v4", variant) + " < v4\n" + save("v4", variant));
    // iptables-save escapes the apostrophe too.
    EXPECT_NE(result.output.find(
                  "--comment \"caf\u00e9 \\\"\u65e5\u672c\\\" \\\\ it\\'s %s | ! --\" -j ACCEPT"),
              std::string::npos)
        << result.output;
  }
}

TEST_F(IptablesLoad, LogPrefixes) {
  for (const std::string prefix :
       {"", "x", "-j ACCEPT", "!", "a\"b\\c'd", "12345678901234567890123456789", " "})
    expect_loads(inbound({deny("x").tcp({23}).log(prefix)}), {}, prefix + "\n");
}

TEST_F(IptablesLoad, EveryRejectKind) {
  std::vector<ir::Rule> rules{reject("reset", ir::RejectKind::tcp_reset).protocol(protocol::tcp)};
  for (const auto kind : {ir::RejectKind::port_unreachable, ir::RejectKind::host_unreachable,
                          ir::RejectKind::net_unreachable, ir::RejectKind::admin_prohibited})
    rules.push_back(reject("x", kind).udp({1}));
  for (const auto kind : {ir::RejectKind::proto_unreachable, ir::RejectKind::net_prohibited,
                          ir::RejectKind::host_prohibited})
    rules.push_back(reject("x", kind).family(Family::ipv4).udp({1}));
  for (const auto kind : {ir::RejectKind::policy_fail, ir::RejectKind::reject_route})
    rules.push_back(reject("x", kind).family(Family::ipv6).udp({1}));
  expect_loads(inbound(rules), {}, "");
}

TEST_F(IptablesLoad, LimitsAtTheirEnds) {
  using ir::TimeUnit;
  for (const auto& limit :
       {rate("a", 1, TimeUnit::day, 1, true),
        rate("b", 1'000'000, TimeUnit::second, 1'000'000, true),
        rate("c", 400, TimeUnit::second, 10'000, false), rate("d", 1, TimeUnit::day, 1, false),
        rate("e", 7, TimeUnit::minute, 3, false), rate("f", 10, TimeUnit::day, 12, true),
        connections("g", 1, true), connections("h", 4'294'967'295U, false)})
    expect_loads(inbound({allow("x").family(Family::ipv4).tcp({22}).limit(limit)}), {},
                 limit.instance);
}

TEST_F(IptablesLoad, EveryProtocol) {
  const auto all_but_zero = ~ProtocolSet::of(Protocol{0});
  expect_loads(inbound({allow("x").protocols(all_but_zero)}), {}, "");
}

TEST_F(IptablesLoad, IcmpTypesByNameAndNumber) {
  std::vector<unsigned> types;
  for (unsigned type = 0; type < 255; ++type) types.push_back(type);
  expect_loads(inbound({allow("x").icmp(Family::ipv4, icmp_types(types)),
                        allow("y").icmp(Family::ipv6, icmp_types(types))}),
               {}, "");
}

// --- beside other people's rules

const char* const others =
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:f2b-sshd - [0:0]\n"
    ":DOCKER-USER - [0:0]\n-A INPUT -p tcp -j f2b-sshd\n-A FORWARD -j DOCKER-USER\n"
    "-A FORWARD -i docker0 -j ACCEPT\n-A DOCKER-USER -j RETURN\n"
    "-A f2b-sshd -s 203.0.113.9/32 -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n";

backend::Options coexist() {
  backend::Options options;
  options.iptables_coexist = true;
  return options;
}

std::vector<std::string> nine_addresses() {
  std::vector<std::string> list;
  for (unsigned i = 0; i < 9; ++i) list.push_back("192.0.2." + std::to_string(2 * i));
  return list;
}

class IptablesCoexist : public IptablesLoad {
 protected:
  std::string v4_file(const ir::Program& program, const backend::Options& options) {
    return encode(program, options).parts[0].bytes;
  }
  // What stands in the table after `before` was loaded and then `file`, updated to what was there.
  std::string after(const std::string& variant, const std::string& before,
                    const std::string& file) {
    write("before", before);
    const auto loaded = in_namespace(restore("v4", variant) + " < before\n" + save("v4", variant));
    EXPECT_EQ(loaded.code, 0) << loaded.output;
    write("file", update(file, loaded.output));
    const auto result =
        in_namespace(restore("v4", variant) + " < before\n" + restore("v4", variant) +
                     " --noflush < file\n" + save("v4", variant));
    EXPECT_EQ(result.code, 0) << result.output << update(file, loaded.output);
    return result.output;
  }
};

unsigned times(const std::string& text, const std::string& part) {
  unsigned count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_F(IptablesCoexist, LoadingAgainChangesNothing) {
  const auto file =
      v4_file(inbound({allow("ssh").tcp({22}), allow("office").from(nine_addresses()).tcp({443})}),
              coexist());
  for (const auto* variant : variants) {
    const auto first = after(variant, others, file);
    EXPECT_EQ(times(first, "-A INPUT -j firewright-input\n"), 1U) << first;
    EXPECT_EQ(times(first, "-A FORWARD -j firewright-forward\n"), 1U) << first;
    EXPECT_EQ(times(first, "-A OUTPUT -j firewright-output\n"), 1U) << first;
    EXPECT_NE(first.find("-A f2b-sshd -s 203.0.113.9/32"), std::string::npos) << first;
    EXPECT_NE(first.find("-A FORWARD -i docker0 -j ACCEPT"), std::string::npos) << first;
    EXPECT_NE(first.find(":FORWARD DROP"), std::string::npos) << first;
    EXPECT_NE(first.find(":INPUT ACCEPT"), std::string::npos) << first;
    EXPECT_EQ(after(variant, first, file), first);
  }
}

TEST_F(IptablesCoexist, SurplusJumpsAndStaleChainsGo) {
  const auto old_file =
      v4_file(inbound({allow("office").from(nine_addresses()).tcp({443})}), coexist());
  const auto new_file = v4_file(inbound({allow("ssh").tcp({22})}), coexist());
  for (const auto* variant : variants) {
    auto before = after(variant, others, old_file);
    EXPECT_NE(before.find(":firewright-from-1 "), std::string::npos) << before;
    // Someone has loaded the file by hand, twice.
    const std::string jump = "-A INPUT -j firewright-input\n";
    before.insert(before.find(jump), jump + jump);
    const auto result = after(variant, before, new_file);
    EXPECT_EQ(times(result, jump), 1U) << result;
    EXPECT_EQ(result.find("firewright-from-1"), std::string::npos) << result;
    EXPECT_EQ(result, after(variant, others, new_file));
  }
}

TEST_F(IptablesCoexist, AHookThatIsNoLongerManagedLosesItsJump) {
  auto program = inbound({allow("ssh").tcp({22})});
  const auto old_file = v4_file(program, coexist());
  program.chains.pop_back();  // forward
  const auto new_file = v4_file(program, coexist());
  for (const auto* variant : variants) {
    const auto result = after(variant, after(variant, others, old_file), new_file);
    EXPECT_EQ(result.find("firewright-forward"), std::string::npos) << result;
    EXPECT_NE(result.find("-A FORWARD -j DOCKER-USER"), std::string::npos) << result;
  }
}

TEST_F(IptablesCoexist, UnmanagedHookKeepsItsRulesInReplaceMode) {
  auto program = inbound({allow("office").from(nine_addresses()).tcp({443})});
  program.chains.pop_back();  // forward
  const auto file = v4_file(program, {});
  for (const auto* variant : variants) {
    const auto first = after(variant, others, file);
    EXPECT_NE(first.find("-A FORWARD -j DOCKER-USER\n-A FORWARD -i docker0 -j ACCEPT\n"),
              std::string::npos)
        << first;
    EXPECT_EQ(first.find("-A INPUT -p tcp -j f2b-sshd"), std::string::npos) << first;
    EXPECT_NE(first.find(":INPUT DROP"), std::string::npos) << first;
    EXPECT_EQ(after(variant, first, file), first);
  }
}

TEST_F(IptablesCoexist, AChainThatOthersJumpToIsEmptiedButStays) {
  const auto old_file =
      v4_file(inbound({allow("office").from(nine_addresses()).tcp({443})}), coexist());
  const auto new_file = v4_file(inbound({allow("ssh").tcp({22})}), coexist());
  for (const auto* variant : variants) {
    auto before = after(variant, others, old_file);
    before.insert(before.find("COMMIT"), "-A DOCKER-USER -p tcp -j firewright-from-1\n");
    const auto result = after(variant, before, new_file);
    EXPECT_NE(result.find(":firewright-from-1 "), std::string::npos) << result;
    EXPECT_EQ(result.find("-A firewright-from-1"), std::string::npos) << result;
  }
}

}  // namespace
}  // namespace firewright::iptables::test
