// Long lists and many exceptions in sets of ipset: what the sets look like, that files with them
// mean what the program means, that damage to them is caught, and that the kernel takes them.
#include "backends/iptables/sets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "backends/iptables/encode.h"
#include "backends/iptables/update.h"
#include "tests/backends/iptables/build_program.h"
#include "tests/backends/iptables/in_network.h"
#include "tests/backends/iptables/interpreter.h"
#include "tests/backends/iptables/large_program.h"
#include "tests/backends/iptables/mutate.h"
#include "tests/backends/iptables/reading.h"

namespace firewright::iptables::test {
namespace {

using semantics::Answer;

backend::Artifact with_sets(const ir::Program& program, bool coexist = false) {
  backend::Options options;
  options.iptables_ipset = true;
  options.iptables_coexist = coexist;
  return encode(program, options);
}

const std::string& part(const backend::Artifact& artifact, const std::string& name) {
  return artifact.find(name)->bytes;
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t times = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++times;
  return times;
}

// So many addresses with gaps between them.
std::vector<std::string> list(const std::string& before, unsigned count,
                              const std::string& behind = {}) {
  std::vector<std::string> items;
  for (unsigned i = 0; i < count; ++i) items.push_back(before + std::to_string(2 * i) + behind);
  return items;
}

// A bit of everything that becomes a set.
ir::Program mixture() {
  std::vector<ir::Rule> rules;
  rules.push_back(deny("bad hosts").from(list("203.0.113.", 30)));
  rules.push_back(deny("bad networks").from(list("10.", 20, ".0.0/16")).log("bad: "));
  auto both = list("2001:db8:5::", 20);
  for (auto& item : list("192.0.2.", 20)) both.push_back(std::move(item));
  rules.push_back(allow("list").from(both).tcp({443}).count("list"));
  rules.push_back(allow("to").to(list("198.51.100.", 20)).udp({53}));
  rules.push_back(allow("limited")
                      .from(list("198.51.100.", 20))
                      .tcp({22})
                      .limit(rate("limited", 10, ir::TimeUnit::minute, 5, true)));
  for (unsigned i = 0; i < 20; ++i) {
    const auto number = std::to_string(i);
    rules.push_back(allow("host " + number).from({"198.51.100." + number}).tcp({1000 + 7 * i}));
    rules.push_back(allow("net " + number)
                        .from({"2001:db8:" + number + "::/48"})
                        .udp({2000 + 7 * i, 3000 + 7 * i}));
  }
  rules.push_back(default_rule(ir::Verdict::drop()));
  return {.chains = {chain(ir::Hook::inbound, ir::VerdictKind::drop, std::move(rules))}};
}

TEST(IptablesSets, NoneUnlessAskedFor) {
  const auto artifact = encode(mixture(), {});
  EXPECT_EQ(artifact.find("sets"), nullptr);
  EXPECT_EQ(part(artifact, "v4").find("--match-set"), std::string::npos);
}

TEST(IptablesSets, WhatTheyLookLike) {
  const auto artifact = with_sets(mixture());
  EXPECT_EQ(artifact.default_part, 0U);
  ASSERT_EQ(artifact.parts.size(), 3U);
  EXPECT_EQ(artifact.parts[2].suffix, ".ipset");
  const auto& sets = part(artifact, "sets");
  for (const auto* type : {"hash:ip family inet ", "hash:net family inet ", "hash:ip family inet6 ",
                           "hash:ip,port family inet ", "hash:net,port family inet6 "})
    EXPECT_NE(sets.find(std::string(type) + "hashsize 64 maxelem 65536 -exist\n"),
              std::string::npos)
        << type << sets;
  EXPECT_NE(sets.find(" 198.51.100.19,tcp:1133 -exist\n"), std::string::npos) << sets;
  EXPECT_NE(sets.find(" 2001:db8:19::/48,udp:3133 -exist\n"), std::string::npos) << sets;
  // One line for twenty exceptions, and no tree.
  EXPECT_EQ(count(part(artifact, "v4"), "-p tcp -m set --match-set fw-ip4-port-"), 1U);
  EXPECT_EQ(count(part(artifact, "v4"), "src,dst"), 1U);
  EXPECT_EQ(part(artifact, "v4").find(" -g "), std::string::npos) << part(artifact, "v4");
}

TEST(IptablesSets, NamesAreShortUniqueAndSayWhatIsInThem) {
  const auto artifact = with_sets(mixture());
  EXPECT_EQ(part(artifact, "sets"), part(with_sets(mixture()), "sets"));
  std::set<std::string> names;
  for (const auto& line : lines_of(part(artifact, "sets")))
    if (line.starts_with("create ")) {
      const auto name = words_of(line)[1];
      EXPECT_LE(name.size(), 31U);
      EXPECT_TRUE(name.starts_with("fw-"));
      EXPECT_TRUE(names.insert(name).second);
    }
  EXPECT_GE(names.size(), 6U);
  // Other contents, another name; what did not change keeps its own.
  auto other = mixture();
  other.chains.front().rules.front().match.source.v4 =
      other.chains.front().rules.front().match.source.v4 | Ipv4Set::of(Ipv4{0x01020304});
  const auto changed = part(with_sets(other), "sets");
  std::size_t kept = 0;
  for (const auto& name : names) kept += changed.find(name) == std::string::npos ? 0 : 1;
  EXPECT_EQ(kept, names.size() - 1);
}

// The kernel takes no address of all zeros where a set holds addresses, and no prefix of length 0.
TEST(IptablesSets, TheEndsOfTheAddressSpace) {
  auto items = list("192.0.2.", 20);
  items.insert(items.end(), {"0.0.0.0", "255.255.255.255", "::", "ffff::"});
  for (auto& item : list("2001:db8::", 20)) items.push_back(std::move(item));
  auto halves = list("10.0.", 20, ".0/24");
  halves.emplace_back("128.0.0.0/1");
  const auto program =
      inbound({allow("a").from(items).tcp({22}), allow("b").from(halves).tcp({23})});
  const auto artifact = with_sets(program);
  EXPECT_EQ(part(artifact, "sets").find("hash:ip "), std::string::npos);
  const auto read = read_artifact(artifact);
  ASSERT_TRUE(read.program.has_value()) << read.errors.front();
  EXPECT_EQ(semantics::compare(program, *read.program).answer, Answer::equal);
}

TEST(IptablesSets, AllButALongList) {
  ir::Rule rule = allow("most").tcp({22}).from(list("192.0.2.", 30));
  rule.match.source.v4 = ~rule.match.source.v4;
  const auto program = inbound({rule});
  const auto artifact = with_sets(program);
  EXPECT_NE(part(artifact, "v4").find("-m set ! --match-set fw-ip4-"), std::string::npos)
      << part(artifact, "v4");
  const auto read = read_artifact(artifact);
  ASSERT_TRUE(read.program.has_value());
  EXPECT_EQ(semantics::compare(program, *read.program).answer, Answer::equal);
}

// A port of a set takes room; a range of ports does not, where it stays one.
TEST(IptablesSets, WideRangesOfPortsAreNotTakenApart) {
  std::vector<ir::Rule> rules;
  for (unsigned i = 0; i < 40; ++i)
    rules.push_back(
        allow("wide " + std::to_string(i))
            .from({"198.51.100." + std::to_string(i)})
            .protocol(protocol::udp)
            .destination_ports(PortSet{{Port{static_cast<std::uint16_t>(1024 + i)}, Port{9000}}}));
  const auto program = inbound(rules);
  const auto artifact = with_sets(program);
  EXPECT_EQ(part(artifact, "sets").find("add "), std::string::npos);
  EXPECT_NE(part(artifact, "v4").find(" -g "), std::string::npos);
  const auto read = read_artifact(artifact);
  ASSERT_TRUE(read.program.has_value());
  EXPECT_EQ(semantics::compare(program, *read.program).answer, Answer::equal);
}

TEST(IptablesSets, LargeProgramsMeanTheSame) {
  unsigned sets = 0, pairs = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto program = large_program(random);
    const auto artifact = with_sets(program, seed % 3 == 0);
    const auto& text = part(artifact, "v4") + part(artifact, "v6");
    if (text.find("--match-set") != std::string::npos) ++sets;
    if (text.find("-port-") != std::string::npos) ++pairs;
    const auto read = read_artifact(artifact);
    ASSERT_TRUE(read.program.has_value()) << (read.errors.empty() ? "" : read.errors.front());
    const auto comparison = semantics::compare(program, *read.program);
    ASSERT_EQ(comparison.answer, Answer::equal) << to_text(comparison);
    ASSERT_EQ(contradiction(program, *read.program, comparison, 30), "");
  }
  EXPECT_GE(sets, 150U);
  EXPECT_GE(pairs, 80U);
}

// --- damage to the sets

using Lines = FileLines;

std::vector<Lines> each_line(const Lines& lines, const std::string& command,
                             const std::function<std::optional<std::string>(std::string)>& change) {
  std::vector<Lines> result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].starts_with(command)) continue;
    auto changed = lines;
    const auto line = change(lines[i]);
    if (line && *line == lines[i]) continue;
    if (line)
      changed[i] = *line;
    else
      changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    result.push_back(std::move(changed));
  }
  return result;
}

std::string replaced(std::string line, const std::string& from, const std::string& to) {
  if (const auto at = line.find(from); at != std::string::npos) line.replace(at, from.size(), to);
  return line;
}

std::vector<MutantKind> damages_to_sets() {
  const auto replacing = [](const std::string& name, const std::string& command,
                            const std::string& from, const std::string& to) {
    return MutantKind{name, [=](const Lines& lines) {
                        return each_line(lines, command,
                                         [&](auto line) { return replaced(line, from, to); });
                      }};
  };
  std::vector<MutantKind> list;
  list.push_back({"an element gone", [](const Lines& lines) {
                    return each_line(lines, "add ", [](auto) { return std::nullopt; });
                  }});
  list.push_back({"a set gone", [](const Lines& lines) {
                    return each_line(lines, "create ", [](auto) { return std::nullopt; });
                  }});
  list.push_back({"a set gone with its elements", [](const Lines& lines) {
                    std::vector<Lines> result;
                    for (const auto& line : lines) {
                      if (!line.starts_with("create ")) continue;
                      const auto name = words_of(line)[1];
                      result.push_back(lines);
                      std::erase_if(result.back(), [&](const std::string& one) {
                        return one.find(name) != std::string::npos;
                      });
                    }
                    return result;
                  }});
  list.push_back({"an element in another set", [](const Lines& lines) {
                    std::vector<std::string> names;
                    for (const auto& line : lines)
                      if (line.starts_with("create ")) names.push_back(words_of(line)[1]);
                    std::vector<Lines> result;
                    for (const auto& name : names)
                      for (auto& one : each_line(lines, "add ", [&](auto line) {
                             return replaced(line, words_of(line)[1], name);
                           }))
                        result.push_back(std::move(one));
                    return result;
                  }});
  list.push_back({"an element more", [](const Lines& lines) {
                    return each_line(lines, "create ", [](const std::string& line) {
                      const bool v4 = line.find(" inet ") != std::string::npos;
                      return line + "\nadd " + words_of(line)[1] +
                             (v4 ? " 192.0.2.201" : " 2001:db8::ffff:1") +
                             (line.find(",port ") == std::string::npos ? ""
                              : v4                                     ? ",tcp:9"
                                                                       : ",udp:9") +
                             " -exist";
                    });
                  }});
  list.push_back(replacing("another address", "add ", ".1", ".2"));
  list.push_back(replacing("a longer prefix", "add ", "/16", "/17"));
  list.push_back(replacing("a shorter prefix", "add ", "/48", "/47"));
  list.push_back(replacing("udp for tcp", "add ", ",tcp:", ",udp:"));
  list.push_back(replacing("tcp for udp", "add ", ",udp:", ",sctp:"));
  list.push_back(replacing("another port", "add ", ":1", ":2"));
  list.push_back(replacing("an exception from the set", "add ", " -exist", " nomatch -exist"));
  list.push_back(replacing("an element that expires", "add ", " -exist", " timeout 60 -exist"));
  list.push_back(replacing("all elements expire", "create ", " -exist", " timeout 60 -exist"));
  list.push_back(replacing("the other family", "create ", " inet ", " inet6 "));
  list.push_back(replacing("addresses for networks", "create ", "hash:net", "hash:ip"));
  list.push_back(replacing("without ports", "create ", ",port", ""));
  list.push_back(replacing("with ports", "create ", "hash:ip ", "hash:ip,port "));
  list.push_back(replacing("another type", "create ", "hash:ip ", "hash:mac "));
  list.push_back(replacing("a mask", "create ", " -exist", " netmask 24 -exist"));
  list.push_back(replacing("room for fewer", "create ", "maxelem 65536", "maxelem 3"));
  return list;
}

std::vector<MutantKind> damages_to_rules() {
  const auto replacing = [](const std::string& name, const std::string& from,
                            const std::string& to) {
    return MutantKind{name, [=](const Lines& lines) {
                        return each_line(lines, "-A ",
                                         [&](auto line) { return replaced(line, from, to); });
                      }};
  };
  std::vector<MutantKind> list;
  list.push_back(replacing("destination for source", " src ", " dst "));
  list.push_back(replacing("source for destination", " dst ", " src "));
  list.push_back(replacing("the source's port", " src,dst ", " src,src "));
  list.push_back(replacing("the destination with its port", " src,dst ", " dst,dst "));
  list.push_back(replacing("one direction of two", " src,dst ", " src "));
  list.push_back(replacing("two directions of one", " src ", " src,dst "));
  list.push_back(replacing("not in the set", "--match-set", "! --match-set"));
  list.push_back(replacing("a set that is not there", "--match-set fw-", "--match-set fx-"));
  list.push_back({"another set", [](const Lines& lines) {
                    std::vector<std::string> names;
                    for (const auto& line : lines)
                      if (const auto at = line.find("--match-set "); at != std::string::npos)
                        names.push_back(words_of(line.substr(at))[1]);
                    std::vector<Lines> result;
                    for (const auto& name : names)
                      for (auto& one : each_line(lines, "-A ", [&](const std::string& line) {
                             const auto at = line.find("--match-set ");
                             return at == std::string::npos
                                        ? line
                                        : replaced(line, words_of(line.substr(at))[1], name);
                           }))
                        result.push_back(std::move(one));
                    return result;
                  }});
  list.push_back({"the set lost", [](const Lines& lines) {
                    return each_line(lines, "-A ", [](const std::string& line) {
                      const auto at = line.find(" -m set ");
                      if (at == std::string::npos) return line;
                      return line.substr(0, at) +
                             line.substr(line.find(" -", line.find(" --", at) + 3));
                    });
                  }});
  return list;
}

// Each is refused, or different with a packet on which the naive evaluator finds it too.
void every_one_is_caught(const ir::Program& program, const std::string& damaged,
                         const std::vector<MutantKind>& kinds) {
  const auto artifact = with_sets(program);
  for (const auto& kind : kinds) {
    SCOPED_TRACE(kind.name);
    const auto mutants = kind.mutants(lines_of(part(artifact, damaged)));
    EXPECT_FALSE(mutants.empty());
    const auto step = mutants.size() / 40 + 1;
    for (std::size_t i = 0; i < mutants.size(); i += step) {
      const auto text = text_of(mutants[i]);
      const auto pick = [&](const std::string& name) {
        return name == damaged ? text : part(artifact, name);
      };
      const auto read = read_files(pick("v4"), pick("v6"), pick("sets"));
      ASSERT_EQ(read.program.has_value(), read.errors.empty());
      if (!read.program) continue;
      const auto comparison = semantics::compare(program, *read.program);
      ASSERT_EQ(comparison.answer, Answer::different) << text;
      ASSERT_EQ(contradiction(program, *read.program, comparison, 150), "") << text;
    }
  }
}

TEST(IptablesSets, DamageToSetsIsCaught) {
  every_one_is_caught(mixture(), "sets", damages_to_sets());
}

TEST(IptablesSets, DamageToTheirRulesIsCaught) {
  every_one_is_caught(mixture(), "v4", damages_to_rules());
}

// Another order, kernel's own options, comments: all the same.
TEST(IptablesSets, HarmlessChangesAreAccepted) {
  const auto program = mixture();
  const auto artifact = with_sets(program);
  auto lines = lines_of(part(artifact, "sets"));
  const auto same = [&](const Lines& changed) {
    const auto read = read_files(part(artifact, "v4"), part(artifact, "v6"), text_of(changed));
    ASSERT_TRUE(read.program.has_value()) << read.errors.front();
    EXPECT_EQ(semantics::compare(program, *read.program).answer, Answer::equal);
  };
  std::partition(lines.begin(), lines.end(),
                 [](const std::string& line) { return line.starts_with("create "); });
  std::reverse(std::find_if(lines.begin(), lines.end(),
                            [](const std::string& line) { return line.starts_with("add "); }),
               lines.end());
  same(lines);
  for (auto& line : lines)
    if (line.starts_with("create "))
      line = replaced(line, " -exist", " bucketsize 12 initval 0x12345678 counters");
    else
      line = replaced(line, " -exist", " packets 3 bytes 120");
  lines.emplace_back("COMMIT");
  lines.emplace_back("create nobodys hash:mac hashsize 64 maxelem 65536");
  lines.emplace_back("add nobodys 00:00:5E:00:53:01");
  same(lines);
}

TEST(IptablesSets, WhatIsNotKnownIsNotGuessed) {
  const std::string rules = "*filter\n-A INPUT -m set --match-set x src -j ACCEPT\nCOMMIT\n";
  // Without the sets, the match is kept as it is.
  const auto alone = read_files(rules, "");
  ASSERT_TRUE(alone.program.has_value());
  ASSERT_EQ(alone.others.size(), 1U);
  for (const auto* opaque : {"create x hash:mac\n", "create x hash:ip timeout 60\n",
                             "create x hash:net\nadd x 192.0.2.0/24 nomatch\n",
                             "create x hash:ip,port\n", "create x hash:wonder of=many words\n"}) {
    const auto read = read_files(rules, "", opaque);
    EXPECT_TRUE(read.program.has_value()) << opaque;
    EXPECT_EQ(read.others.size(), 1U) << opaque;
  }
  for (const auto* wrong :
       {"", "create x hash:ip\nflush x\n", "create x hash:ip\nadd x 192.0.2.0/24\n",
        "create x hash:ip\nadd x 0.0.0.0\n", "create x hash:net\nadd x 0.0.0.0/0\n",
        "create x hash:ip\nadd x host.example\n", "create x hash:ip\nadd x 192.0.2.1-192.0.2.9\n",
        "create x hash:ip\nadd y 192.0.2.1\n", "create x hash:ip\ncreate x hash:ip\n",
        "create x hash:ip family inet6\n", "create x hash:ip\nadd x\n",
        "create x hash:ip maxelem 1\nadd x 192.0.2.1\nadd x 192.0.2.2\n",
        "create x hash:ip unheard-of\n", "create x hash:ip\nadd x 192.0.2.1"})
    EXPECT_FALSE(read_files(rules, "", wrong).program.has_value()) << wrong;
}

// --- the kernel

constexpr std::array<const char*, 2> variants{"legacy", "nft"};

class IptablesSetsLoad : public InNetwork {
 protected:
  void SetUp() override {
    InNetwork::SetUp();
    if (IsSkipped()) return;
    if (const auto tried = in_namespace("ipset list -n"); tried.code != 0)
      GTEST_SKIP() << "no ipset: " << tried.output;
  }
};

// Sets, then rules, twice; what is saved then means the same.
TEST_F(IptablesSetsLoad, BothVariantsTakeThem) {
  std::vector<ir::Program> programs{mixture(), one_by_one(2000)};
  for (unsigned seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    programs.push_back(large_program(random));
  }
  for (const auto& program : programs) {
    const auto artifact = with_sets(program);
    const std::string flags = needs_noflush(program, {}) ? " --noflush" : "";
    for (const std::string variant : variants) {
      std::string script = "ipset restore < sets\nipset restore < sets\n";
      for (const auto& one : artifact.parts) write(one.name, one.bytes);
      for (const auto& [name, tool] :
           {std::pair<std::string, std::string>{"v4", "iptables-"}, {"v6", "ip6tables-"}}) {
        script += tool + variant + "-restore" + flags + " --test < " + name + "\n";
        script += tool + variant + "-restore" + flags + " < " + name + "\n";
        script += tool + variant + "-save -t filter > saved." + name + "\n";
      }
      script += "ipset save > saved.sets\n";
      const auto result = in_namespace(script);
      ASSERT_EQ(result.code, 0) << variant << '\n' << result.output;
      const auto read =
          read_files(contents("saved.v4"), contents("saved.v6"), contents("saved.sets"));
      ASSERT_TRUE(read.program.has_value()) << read.errors.front();
      EXPECT_EQ(semantics::compare(program, *read.program).answer, Answer::equal) << variant;
    }
  }
}

}  // namespace
}  // namespace firewright::iptables::test
