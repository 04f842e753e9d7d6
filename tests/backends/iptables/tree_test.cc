// Long lists and many exceptions become trees: how many lines a packet meets, that trees mean what
// the program means, and that both variants of iptables take them and give them back.
#include "backends/iptables/tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>

#include "backends/iptables/encode.h"
#include "backends/iptables/update.h"
#include "tests/backends/iptables/build_program.h"
#include "tests/backends/iptables/in_network.h"
#include "tests/backends/iptables/interpreter.h"
#include "tests/backends/iptables/large_program.h"
#include "tests/backends/iptables/reading.h"

namespace firewright::iptables::test {
namespace {

using semantics::Answer;

std::string table_of(const ir::Program& program, const std::string& part = "v4") {
  return encode(program, {}).find(part)->bytes;
}

// The most lines that a packet can meet from this chain's first line on, whatever it is.
class LongestPath {
 public:
  explicit LongestPath(const TextTable& table) : table_(table) {}

  std::size_t from(const std::string& chain) {
    if (const auto known = known_.find(chain); known != known_.end()) return known->second;
    const auto rules = table_.chains.find(chain);
    std::size_t rest = 0;
    if (rules != table_.chains.end())
      for (auto rule = rules->second.rbegin(); rule != rules->second.rend(); ++rule) {
        const auto& words = rule->words;
        const bool to_chain = words.size() >= 2 && table_.chains.contains(words.back());
        const auto option = words.size() >= 2 ? words[words.size() - 2] : std::string();
        if (to_chain && option == "-j") rest += from(words.back());
        if (to_chain && option == "-g") rest = std::max(rest, from(words.back()));
        ++rest;
      }
    return known_[chain] = rest;
  }

 private:
  const TextTable& table_;
  std::map<std::string, std::size_t> known_;
};

std::size_t longest_path(const std::string& text) {
  const auto table = read_table(text);
  return LongestPath(table).from("INPUT");
}

std::size_t count_lines(const std::string& text) {
  std::size_t lines = 0;
  for (auto at = text.find("\n-A "); at != std::string::npos; at = text.find("\n-A ", at + 1))
    ++lines;
  return lines;
}

// An IPv4 rule for every other address of 10.0.0.0/8, so many of them.
ir::Rule from_many(ir::Rule rule, unsigned count) {
  std::vector<Interval<Ipv4>> list;
  for (unsigned i = 0; i < count; ++i)
    list.push_back({Ipv4{0x0a000000U + 2 * i}, Ipv4{0x0a000000U + 2 * i}});
  ir::restrict_families(rule.match, {Family::ipv4});
  rule.match.source.v4 = Ipv4Set(std::move(list));
  return rule;
}

TEST(IptablesTree, SeventeenAddressesAreATree) {
  const auto sixteen = table_of(inbound({from_many(allow("x").tcp({22}), 16)}));
  EXPECT_EQ(sixteen.find("-g "), std::string::npos) << sixteen;
  const auto text = table_of(inbound({from_many(allow("x").tcp({22}), 17)}));
  EXPECT_NE(text.find("-A INPUT -p tcp --dport 22 -m comment --comment \"x\" -j firewright-from-1\n"
                      "-A INPUT -j DROP\n-A FORWARD -j DROP\n"
                      "-A firewright-from-1 -s 10.0.0.0/29 -g firewright-from-1-1\n"
                      "-A firewright-from-1 -m iprange --src-range 10.0.0.8-10.0.0.18 "
                      "-g firewright-from-1-2\n"
                      "-A firewright-from-1 -s 10.0.0.0/26 -g firewright-from-1-3\n"
                      "-A firewright-from-1-1 -s 10.0.0.0 -j ACCEPT\n"),
            std::string::npos)
      << text;
}

TEST(IptablesTree, LinesThatAPacketMeetsGrowWithTheLogarithm) {
  std::map<unsigned, std::size_t> path;
  for (const unsigned count : {10U, 100U, 1000U, 10'000U, 50'000U})
    path[count] = longest_path(table_of(one_by_one(count)));
  EXPECT_EQ(path[10], 11U);
  EXPECT_LE(path[100], 24U);
  // Each step is ten times as many exceptions.
  EXPECT_LE(path[1000], path[100] + 12);
  EXPECT_LE(path[10'000], path[1000] + 12);
  EXPECT_LE(path[50'000], path[10'000] + 12);
}

TEST(IptablesTree, LongListsLikewise) {
  std::map<unsigned, std::size_t> path;
  for (const unsigned count : {100U, 1000U, 10'000U, 100'000U})
    path[count] = longest_path(table_of(inbound({from_many(allow("x").tcp({22}), count)})));
  EXPECT_LE(path[100], 24U);
  EXPECT_LE(path[1000], path[100] + 12);
  EXPECT_LE(path[10'000], path[1000] + 12);
  EXPECT_LE(path[100'000], path[10'000] + 24);  // twice as many lines a chain, for less depth
}

// Addresses whose common prefixes grow one bit at a time: a tree by bits would be 32 deep.
TEST(IptablesTree, LopsidedListsLikewise) {
  std::vector<std::string> list;
  for (unsigned bit = 0; bit < 30; ++bit) list.push_back(to_string(Ipv4{3U << bit}));
  EXPECT_LE(longest_path(table_of(inbound({allow("x").from(list).tcp({22})}))), 16U);
}

TEST(IptablesTree, ManyPortsLikewise) {
  std::vector<unsigned> odd;
  for (unsigned port = 1; port < 65'536; port += 2) odd.push_back(port);
  const auto text = table_of(inbound(
      {allow("x").tcp(odd), allow("y").protocol(protocol::sctp).destination_ports(ports(odd))}));
  EXPECT_LE(longest_path(text), 90U);
  EXPECT_LE(count_lines(text), 2 * 32'768U / 15 * 5 / 4);
}

// One line for each address or each multiport, and few above.
TEST(IptablesTree, LinesAreFew) {
  EXPECT_LE(count_lines(table_of(one_by_one(10'000))), 13'000U);
  EXPECT_LE(count_lines(table_of(inbound({from_many(allow("x").tcp({22}), 10'000)}))), 13'000U);
}

TEST(IptablesTree, EqualListsShareATree) {
  const auto a = from_many(allow("a").tcp({22}), 200);
  const auto b = from_many(allow("b").udp({53}), 200);
  const auto once = count_lines(table_of(inbound({a})));
  const auto twice = count_lines(table_of(inbound({a, b})));
  EXPECT_EQ(twice, once + 1);
}

// A network and hosts in it are looked up one after the other.
TEST(IptablesTree, NetworksAroundHosts) {
  auto program = one_by_one(300);
  auto& rules = program.chains.front().rules;
  rules.insert(rules.begin() + 150, allow("around").from({"10.0.0.0/8"}).udp({53}));
  rules.insert(rules.begin() + 20, allow("within").from({"10.0.0.128/25"}).tcp({22}));
  const auto read = read_artifact(encode(program, {}));
  ASSERT_TRUE(read.program.has_value());
  EXPECT_EQ(semantics::compare(program, *read.program).answer, Answer::equal);
  EXPECT_LE(longest_path(table_of(program)), 45U);
}

// Each is a reset for TCP and an ICMP error for the rest.
TEST(IptablesTree, ManyRejections) {
  std::vector<ir::Rule> rules;
  for (unsigned i = 0; i < 300; ++i) {
    const auto from = {to_string(Ipv4{0xc0000200U + 3 * i})};
    rules.push_back(reject("x", ir::RejectKind::tcp_reset).from(from).protocol(protocol::tcp));
    rules.push_back(reject("x", ir::RejectKind::port_unreachable).from(from));
    if (i % 2 == 0) continue;
    rules[rules.size() - 2].match.states = ir::StateSet{ir::ConntrackState::fresh};
    rules[rules.size() - 1].match.states = ir::StateSet{ir::ConntrackState::fresh};
  }
  for (const bool lone : {false, true}) {
    // One that rejects TCP in its own way may not change places with resets.
    if (lone)
      rules.insert(rules.begin() + 300,
                   reject("y", ir::RejectKind::admin_prohibited).from({"192.0.2.0/25"}));
    const auto program = inbound(rules);
    const auto artifact = encode(program, {});
    EXPECT_LE(longest_path(artifact.find("v4")->bytes), lone ? 200U : 100U);
    const auto read = read_artifact(artifact);
    ASSERT_TRUE(read.program.has_value());
    EXPECT_EQ(semantics::compare(program, *read.program).answer, Answer::equal);
  }
}

TEST(IptablesTree, NamesAreShortUniqueAndAlwaysTheSame) {
  for (const unsigned count : {100U, 10'000U}) {
    const auto text = table_of(one_by_one(count));
    EXPECT_EQ(text, table_of(one_by_one(count)));
    std::set<std::string> names;
    for (auto at = text.find("\n:"); at != std::string::npos; at = text.find("\n:", at + 1)) {
      const auto name = text.substr(at + 2, text.find(' ', at) - at - 2);
      EXPECT_TRUE(names.insert(name).second) << name;
      EXPECT_LE(name.size(), 28U) << name;
    }
  }
}

TEST(IptablesTree, LargeProgramsMeanTheSame) {
  unsigned trees = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto program = large_program(random);
    backend::Options options;
    options.iptables_coexist = seed % 3 == 0;
    const auto artifact = encode(program, options);
    if (artifact.find("v4")->bytes.find(" -g ") != std::string::npos) ++trees;
    const auto read = read_artifact(artifact);
    ASSERT_TRUE(read.program.has_value()) << (read.errors.empty() ? "" : read.errors.front());
    const auto comparison = semantics::compare(program, *read.program);
    ASSERT_EQ(comparison.answer, Answer::equal) << to_text(comparison);
    ASSERT_EQ(contradiction(program, *read.program, comparison, 30), "");
  }
  EXPECT_GE(trees, 150U);
}

constexpr std::array<const char*, 2> variants{"legacy", "nft"};

class IptablesTreeLoad : public InNetwork {};

// With --test, then for real; what is saved then means the same.
TEST_F(IptablesTreeLoad, BothVariantsTakeThem) {
  std::vector<ir::Program> programs{one_by_one(2000),
                                    inbound({from_many(allow("x").tcp({22}), 70'000)})};
  for (unsigned seed = 1; seed <= 8; ++seed) {
    Random random(seed);
    programs.push_back(large_program(random));
  }
  for (const auto& program : programs) {
    const auto artifact = encode(program, {});
    const std::string flags = needs_noflush(program, {}) ? " --noflush" : "";
    for (const std::string variant : variants) {
      std::string script;
      for (const auto& part : artifact.parts) {
        write(part.name, part.bytes);
        const std::string command = (part.name == "v4" ? "iptables-" : "ip6tables-") + variant;
        script += command + "-restore" + flags + " --test < " + part.name + "\n";
        script += command + "-restore" + flags + " < " + part.name + "\n";
        script += command + "-save -t filter > saved." + part.name + "\n";
      }
      const auto result = in_namespace(script);
      ASSERT_EQ(result.code, 0) << variant << '\n' << result.output;
      const auto read = read_files(contents("saved.v4"), contents("saved.v6"));
      ASSERT_TRUE(read.program.has_value());
      EXPECT_EQ(semantics::compare(program, *read.program).answer, Answer::equal) << variant;
    }
  }
}

std::set<std::string> declared(const std::string& text) {
  std::set<std::string> names;
  const auto begin = text.find("*filter");
  for (auto at = text.find("\n:", begin); at != std::string::npos; at = text.find("\n:", at + 1))
    names.insert(text.substr(at + 2, text.find(' ', at) - at - 2));
  return names;
}

// What an earlier policy left goes, in all ways to load.
TEST_F(IptablesTreeLoad, ChainsOfAnEarlierPolicyGo) {
  for (const bool coexist : {false, true})
    for (const std::size_t hooks : {1U, 3U})
      for (const std::string variant : variants) {
        SCOPED_TRACE(variant + " " + std::to_string(coexist) + " " + std::to_string(hooks));
        auto large = one_by_one(500);
        auto small = one_by_one(20);
        large.chains.resize(hooks);
        small.chains.resize(hooks);
        backend::Options options;
        options.iptables_coexist = coexist;
        const bool whole = !needs_noflush(large, options);
        const auto first = encode(large, options).find("v4")->bytes;
        const auto second = encode(small, options).find("v4")->bytes;
        const auto restore = "iptables-" + variant + "-restore" + (whole ? "" : " --noflush");
        const auto save = "iptables-" + variant + "-save -t filter";
        write("first", first);
        ASSERT_EQ(in_namespace(restore + " < first\n" + save + " > before").code, 0);
        const auto before = contents("before");
        EXPECT_TRUE(declared(before).contains("firewright-from-1-3")) << before;
        EXPECT_FALSE(declared(second).contains("firewright-from-1-4"));
        write("second", whole ? second : update(second, before));
        const auto result = in_namespace("iptables-" + variant + "-restore < before\n" + restore +
                                         " < second\n" + save + " > after");
        ASSERT_EQ(result.code, 0) << result.output;
        auto wanted = declared(second);
        wanted.insert({"INPUT", "FORWARD", "OUTPUT"});
        EXPECT_EQ(declared(contents("after")), wanted);
      }
}

// Where only some built-in chains are ours, what is ours of a saved table is whole: the trees too.
TEST_F(IptablesTreeLoad, PartOfATableCanBePutBack) {
  auto program = one_by_one(300);
  program.chains.resize(1);
  const auto part = encode(program, {}).find("v4")->bytes;
  const std::vector<std::string> built_in{"INPUT"};
  for (const std::string variant : variants) {
    SCOPED_TRACE(variant);
    write("first", part);
    const auto restore = "iptables-" + variant + "-restore --noflush";
    const auto save = "iptables-" + variant + "-save -t filter";
    ASSERT_EQ(in_namespace(restore + " < first\n" + save + " > before").code, 0);
    write("part", built_in_part(contents("before"), built_in));
    const auto result = in_namespace(restore + " < part\n" + save + " > after");
    ASSERT_EQ(result.code, 0) << result.output;
    const auto read = read_files(contents("after"), "");
    ASSERT_TRUE(read.program.has_value()) << contents("part");
    const auto before = read_files(contents("before"), "");
    EXPECT_EQ(semantics::compare(*before.program, *read.program).answer, Answer::equal);
  }
}

}  // namespace
}  // namespace firewright::iptables::test
