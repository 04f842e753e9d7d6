// Messages, tables and chains; and what is refused, with its place.
#include <gtest/gtest.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <random>

#include "backends/nftables/decode.h"
#include "backends/nftables/encode.h"
#include "tests/backends/nftables/decoding.h"
#include "tests/backends/nftables/hand_written.h"
#include "tests/backends/nftables/programs.h"

namespace firewright::nftables {
namespace {

using namespace test;
using std::string_literals::operator""s;

constexpr std::uint8_t ip_family = 2;
constexpr std::uint32_t drop_policy = 0;

std::string program_of(const std::string& bytes) {
  const auto decoded = test::decode("batch", bytes);
  EXPECT_EQ(decoded.broken, "");
  if (!decoded.program) return decoded.errors;
  auto text = ir::to_text(*decoded.program);
  // Without the blank lines between chains.
  for (auto at = text.find("\n\n"); at != std::string::npos; at = text.find("\n\n"))
    text.erase(at, 1);
  return text;
}
std::string program_of(const Table& table) { return program_of(table.bytes()); }

Table filtered() { return Table().base("input", NF_INET_LOCAL_IN, 0); }

TEST(DecodeRuleset, NothingIsNoProgram) { EXPECT_EQ(program_of(""), ""); }

TEST(DecodeRuleset, ChainsOfEveryHook) {
  EXPECT_EQ(program_of(Table()
                           .base("out", NF_INET_LOCAL_OUT, 0)
                           .base("through", NF_INET_FORWARD, 0, "filter", drop_policy)
                           .base("in", NF_INET_LOCAL_IN, 0)),
            "chain in hook inbound policy accept\n"
            "chain out hook outbound policy accept\n"
            "chain through hook forward policy drop\n");
}

TEST(DecodeRuleset, TheOrderOfPriorities) {
  // Of those that are equal, the youngest first.
  EXPECT_EQ(program_of(Table()
                           .base("later", NF_INET_LOCAL_IN, 10)
                           .base("old", NF_INET_LOCAL_IN, 0)
                           .base("young", NF_INET_LOCAL_IN, 0)
                           .base("first", NF_INET_LOCAL_IN, -5)),
            "chain first hook inbound policy accept\n"
            "chain young hook inbound policy accept\n"
            "chain old hook inbound policy accept\n"
            "chain later hook inbound policy accept\n");
}

TEST(DecodeRuleset, ATableOfOneFamilySaysNothingOfTheOther) {
  auto table = Table(ip_family).base("input", NF_INET_LOCAL_IN, 0, "filter", drop_policy);
  table.rule("input", {verdict(NFT_RETURN)});
  EXPECT_EQ(program_of(table),
            "chain input hook inbound policy drop\n"
            "  family {ipv6} -> accept  # decoded \"input is of one family\"\n"
            "  family {ipv4} -> return  # decoded \"input 1\"\n");
}

TEST(DecodeRuleset, SeveralTablesNameTheirChains) {
  const auto one = Table(1, "a").base("input", NF_INET_LOCAL_IN, 0).rule("input", {accept()});
  const auto two = Table(1, "b")
                       .base("input", NF_INET_LOCAL_IN, 1)
                       .chain("other")
                       .rule("input", {verdict(NFT_JUMP, "other")});
  EXPECT_EQ(program_of(one.also(two)),
            "chain a/input hook inbound policy accept\n"
            "  any -> accept  # decoded \"a/input 1\"\n"
            "chain b/input hook inbound policy accept\n"
            "  any -> jump b/other  # decoded \"b/input 1\"\n"
            "chain b/other\n");
  const auto three = Table(ip_family, "a").base("input", NF_INET_LOCAL_IN, 1);
  EXPECT_EQ(program_of(one.also(three)),
            "chain inet a/input hook inbound policy accept\n"
            "  any -> accept  # decoded \"inet a/input 1\"\n"
            "chain ip a/input hook inbound policy accept\n");
}

TEST(DecodeRuleset, NamedObjectsOfSeveralTablesAreSeveral) {
  const auto table = [](const char* name, std::int32_t priority) {
    return Table(1, name)
        .base("input", NF_INET_LOCAL_IN, priority)
        .made("web", NFT_OBJECT_LIMIT, limit(1, 1, 5).find(NFTA_EXPR_DATA)->children)
        .made("count-web", NFT_OBJECT_COUNTER, {})
        .rule("input",
              {object(NFT_OBJECT_LIMIT, "web"), object(NFT_OBJECT_COUNTER, "count-web"), accept()});
  };
  EXPECT_EQ(
      program_of(table("a", 0).also(table("b", 1))),
      "chain a/input hook inbound policy accept\n"
      "  while {web:rate 1/second burst 5} ; count \"a/web\" -> accept  # decoded \"a/input 1\"\n"
      "chain b/input hook inbound policy accept\n"
      "  while {web-2:rate 1/second burst 5} ; count \"b/web\" -> accept  # decoded \"b/input "
      "1\"\n");
}

TEST(DecodeRuleset, CommentsAreLabels) {
  EXPECT_EQ(program_of(
                filtered().rule("input", {accept()}, {raw(NFTA_RULE_USERDATA, "\7\1x\0\4ssh\0"s)})),
            "chain input hook inbound policy accept\n  any -> accept  # decoded \"ssh\"\n");
  // Broken user data are no comment.
  EXPECT_EQ(
      program_of(filtered().rule("input", {accept()}, {raw(NFTA_RULE_USERDATA, "\0\xffss"s)})),
      "chain input hook inbound policy accept\n  any -> accept  # decoded \"input 1\"\n");
}

TEST(DecodeRuleset, RulesBringTheirPlaces) {
  const auto table = filtered().rule("input", {accept()}).rule("input", {drop()});
  const auto bytes = table.bytes();
  Sources sources;
  Sink sink;
  const auto file = sources.add("x", bytes);
  const backend::ArtifactFile files[] = {{.file = file, .part = "batch"}};
  const auto program = nftables::decode(sources, files, sink);
  ASSERT_TRUE(program);
  const auto& rules = program->chains[0].rules;
  EXPECT_EQ(rules[1].origin.span.end, bytes.size());
  EXPECT_EQ(rules[0].origin.span.end, rules[1].origin.span.begin);
  EXPECT_EQ(program_of(bytes.substr(0, rules[1].origin.span.begin)),
            "chain input hook inbound policy accept\n  any -> accept  # decoded \"input 1\"\n");
}

// --- execution

TEST(DecodeRuleset, ATableIsDeletedWithAllItHolds) {
  auto table = filtered().rule("input", {drop()});
  table.add(NFT_MSG_DELTABLE, {text(NFTA_TABLE_NAME, "t")});
  EXPECT_EQ(program_of(table), "");
  EXPECT_EQ(program_of(table.also(filtered().rule("input", {accept()}))),
            "chain input hook inbound policy accept\n  any -> accept  # decoded \"input 1\"\n");
}

TEST(DecodeRuleset, RulesInFrontAndBetween) {
  const auto numbered = [](std::uint64_t handle) { return Nodes{u64(NFTA_RULE_HANDLE, handle)}; };
  const auto at = [](std::uint64_t handle) { return Nodes{u64(NFTA_RULE_POSITION, handle)}; };
  const auto port = [](std::uint16_t number) {
    return protocol_is(6) + transport(2, 2) + equal(be16(number)) + accept();
  };
  auto table = filtered().rule("input", port(1), numbered(11)).rule("input", port(2), numbered(12));
  table.rule("input", port(3), {}, 0x400);            // in front of all
  table.rule("input", port(4), at(11));               // behind the first
  table.rule("input", port(5), at(12), 0x400);        // in front of the second
  table.rule("input", port(6), numbered(12), 0x100);  // in place of the second
  EXPECT_EQ(rules_of(table.bytes()),
            "protocol {tcp} dport {3} -> accept\nprotocol {tcp} dport {1} -> accept\n"
            "protocol {tcp} dport {4} -> accept\nprotocol {tcp} dport {5} -> accept\n"
            "protocol {tcp} dport {6} -> accept\n");
  table.add(NFT_MSG_DELRULE, {text(NFTA_RULE_TABLE, "t"), text(NFTA_RULE_CHAIN, "input"),
                              u64(NFTA_RULE_HANDLE, 11)});
  EXPECT_TRUE(rules_of(table.bytes())
                  .starts_with("protocol {tcp} dport {3} -> accept\n"
                               "protocol {tcp} dport {4}"));
  table.add(NFT_MSG_DELRULE, {text(NFTA_RULE_TABLE, "t")});
  EXPECT_EQ(rules_of(table.bytes()), "");
}

TEST(DecodeRuleset, ThePolicyMayChangeLater) {
  auto table = filtered();
  table.chain("input", {u32(NFTA_CHAIN_POLICY, NF_DROP)});
  EXPECT_EQ(program_of(table), "chain input hook inbound policy drop\n");
}

TEST(DecodeRuleset, WhatIsDeletedMustBeThere) {
  const auto gone = [](int kind, const Nodes& attributes) {
    auto table = filtered();
    table.add(kind, attributes);
    return program_of(table);
  };
  EXPECT_EQ(gone(NFT_MSG_DELTABLE, {text(NFTA_TABLE_NAME, "x")}),
            "artifact-undefined: table `x` is used and nowhere defined\n");
  EXPECT_EQ(gone(NFT_MSG_DELCHAIN, {text(NFTA_CHAIN_TABLE, "t"), text(NFTA_CHAIN_NAME, "x")}),
            "artifact-undefined: chain `x` is used and nowhere defined\n");
  EXPECT_EQ(gone(NFT_MSG_DELSET, {text(NFTA_SET_TABLE, "t"), text(NFTA_SET_NAME, "x")}),
            "artifact-undefined: set `x` is used and nowhere defined\n");
  EXPECT_EQ(gone(NFT_MSG_DELOBJ,
                 {text(NFTA_OBJ_TABLE, "t"), text(NFTA_OBJ_NAME, "x"), u32(NFTA_OBJ_TYPE, 1)}),
            "artifact-undefined: object `x` is used and nowhere defined\n");
  EXPECT_EQ(gone(NFT_MSG_DELRULE, {text(NFTA_RULE_TABLE, "t"), text(NFTA_RULE_CHAIN, "input"),
                                   u64(NFTA_RULE_HANDLE, 9)}),
            "artifact-undefined: rule `to delete` is used and nowhere defined\n");
  // "destroy" minds nothing.
  EXPECT_EQ(gone(26, {text(NFTA_TABLE_NAME, "x")}), "chain input hook inbound policy accept\n");
  EXPECT_EQ(gone(26, {text(NFTA_TABLE_NAME, "t")}), "");
  EXPECT_EQ(gone(27, {text(NFTA_CHAIN_TABLE, "t"), text(NFTA_CHAIN_NAME, "x")}),
            "chain input hook inbound policy accept\n");
  EXPECT_EQ(gone(27, {text(NFTA_CHAIN_TABLE, "t"), text(NFTA_CHAIN_NAME, "input")}), "");
  EXPECT_EQ(gone(29, {text(NFTA_SET_TABLE, "t"), text(NFTA_SET_NAME, "x")}),
            "chain input hook inbound policy accept\n");
}

TEST(DecodeRuleset, WhatIsDeletedMayBeNamedByItsHandle) {
  const std::string input = "chain input hook inbound policy accept\n";
  const auto in_table = text(NFTA_CHAIN_TABLE, "t");
  auto chain = filtered().chain("other", {u64(NFTA_CHAIN_HANDLE, 7)});
  chain.rule("input", {verdict(NFT_JUMP, "other")});
  EXPECT_TRUE(program_of(chain).starts_with(input)) << program_of(chain);
  chain.add(NFT_MSG_DELCHAIN, {in_table, u64(NFTA_CHAIN_HANDLE, 7)});
  EXPECT_TRUE(program_of(chain).starts_with("artifact-undefined: chain `other`"));

  auto set = filtered().set("s", 0, 4, {plain(be32(1))}, {u64(NFTA_SET_HANDLE, 8)});
  set.add(NFT_MSG_DELSET, {in_table, u64(NFTA_SET_HANDLE, 8)});
  set.rule("input", ipv4() + network(12, 4) + lookup("s") + drop());
  EXPECT_TRUE(program_of(set).starts_with("artifact-undefined: set `s`")) << program_of(set);

  const auto object = [&](int kind, const Nodes& named) {
    auto table = filtered().add(
        NFT_MSG_NEWOBJ, {in_table, text(NFTA_OBJ_NAME, "o"), u32(NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER),
                         nest(NFTA_OBJ_DATA, {}), u64(NFTA_OBJ_HANDLE, 9)});
    table.add(kind, Nodes{in_table} + named);
    return program_of(table.rule("input", {test::object(NFT_OBJECT_COUNTER, "o"), drop()}));
  };
  constexpr int destroy = 31;
  const Nodes by_name{text(NFTA_OBJ_NAME, "o"), u32(NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER)};
  for (const auto kind : {static_cast<int>(NFT_MSG_DELOBJ), destroy})
    for (const auto& named : {Nodes{u64(NFTA_OBJ_HANDLE, 9)}, by_name})
      EXPECT_TRUE(object(kind, named).starts_with("artifact-undefined: object `o`"))
          << object(kind, named);
  EXPECT_TRUE(object(destroy, {u64(NFTA_OBJ_HANDLE, 1)}).starts_with(input));

  auto rule = filtered().rule("input", {drop()}, {u64(NFTA_RULE_HANDLE, 3)});
  rule.add(28, {in_table, text(NFTA_RULE_CHAIN, "input"), u64(NFTA_RULE_HANDLE, 3)});
  EXPECT_EQ(program_of(rule), input);
}

TEST(DecodeRuleset, WhatDoesNothingIsLeftOut) {
  // A chain that nothing reaches, and a table that is switched off.
  EXPECT_EQ(program_of(filtered().chain("unused").rule("unused", {expression("queue", {})})),
            "chain input hook inbound policy accept\n");
  auto table = filtered().rule("input", {drop()});
  table.add(NFT_MSG_NEWTABLE,
            {text(NFTA_TABLE_NAME, "t"), u32(NFTA_TABLE_FLAGS, NFT_TABLE_F_DORMANT)});
  EXPECT_EQ(program_of(table), "");
}

TEST(DecodeRuleset, WhatIsNotComparedIsSaid) {
  const auto warning = [](const Table& table) { return notes_of(table.bytes()); };
  const auto said = [](const std::string& chain, const std::string& type) {
    return "artifact-not-compared: chain `" + chain + "` of table `t`, of type " + type +
           " takes part in filtering and is not compared\n";
  };
  EXPECT_EQ(warning(Table().base("pre", NF_INET_PRE_ROUTING, 0).rule("pre", {drop()})),
            said("pre", "filter"));
  EXPECT_EQ(warning(Table().base("pre", NF_INET_PRE_ROUTING, 0)), "");
  EXPECT_EQ(warning(Table().base("pre", NF_INET_PRE_ROUTING, 0, "filter", drop_policy)),
            said("pre", "filter"));
  EXPECT_EQ(warning(Table().base("n", NF_INET_LOCAL_OUT, -100, "nat").rule("n", {drop()})),
            said("n", "nat"));
  EXPECT_EQ(warning(Table().base("raw", NF_INET_LOCAL_OUT, -300).rule("raw", {drop()})),
            said("raw", "filter"));
  EXPECT_EQ(warning(Table(7).base("b", NF_INET_LOCAL_IN, 0).rule("b", {drop()})),
            said("b", "filter"));
  EXPECT_EQ(warning(filtered().rule("input", {drop()})), "");
}

// --- refusals

std::string refused(const Nodes& expressions) { return rules_of(with_rule(expressions).bytes()); }

TEST(DecodeRuleset, ExpressionsThatAreNotUnderstood) {
  const auto said = [](const std::string& name) {
    return "artifact-unknown: `" + name +
           "` is not understood here, so what this does is not known\n";
  };
  for (const auto* name : {"nat", "masq", "redir", "queue", "dup", "fwd", "tproxy", "notrack",
                           "synproxy", "flow_offload", "match", "target", "nonsense"})
    EXPECT_EQ(refused({expression(name, {})}), said(name));
  EXPECT_EQ(
      refused({expression("meta", {u32(NFTA_META_KEY, NFT_META_MARK), u32(NFTA_META_SREG, 1)})}),
      said("meta set"));
  EXPECT_EQ(refused({expression("ct", {u32(NFTA_CT_KEY, NFT_CT_MARK), u32(NFTA_CT_SREG, 1)})}),
            said("ct set"));
  EXPECT_EQ(refused({expression("payload",
                                {u32(NFTA_PAYLOAD_SREG, 1), u32(NFTA_PAYLOAD_BASE, 1),
                                 u32(NFTA_PAYLOAD_OFFSET, 0xffffffff), u32(NFTA_PAYLOAD_LEN, 3)})}),
            said("payload set"));
  EXPECT_EQ(refused({meta(77)}), said("meta key 77"));
  EXPECT_EQ(refused({ct(77)}), said("ct key 77"));
  EXPECT_EQ(refused({verdict(NF_QUEUE)}), said("verdict 3"));
  EXPECT_EQ(refused({object(NFT_OBJECT_CT_TIMEOUT, "x")}),
            "artifact-undefined: object `x` is used and nowhere defined\n");
}

TEST(DecodeRuleset, RulesOfIptablesAreReadElsewhere) {
  const auto bytes = with_rule({expression("match", {})}).bytes();
  Sources sources;
  Sink sink;
  const auto file = sources.add("x", bytes);
  const backend::ArtifactFile files[] = {{.file = file, .part = "batch"}};
  EXPECT_FALSE(nftables::decode(sources, files, sink));
  ASSERT_EQ(sink.diagnostics().size(), 1U);
  EXPECT_EQ(sink.diagnostics()[0].help,
            "rules that iptables-nft wrote are read through iptables-save");
  EXPECT_EQ(bytes.substr(sink.diagnostics()[0].span.begin + 8, 5), "match");
}

TEST(DecodeRuleset, AttributesThatAreNotKnown) {
  auto odd = equal("\x06");
  odd.find(NFTA_EXPR_DATA)->children.push_back(u32(99, 1));
  EXPECT_EQ(refused({meta(NFT_META_L4PROTO), odd}),
            "artifact-unknown: `attribute of cmp` is not understood here, so what this does is not "
            "known\n");
}

TEST(DecodeRuleset, RegistersThatAreNoneOrEmpty) {
  EXPECT_EQ(refused({equal("\x06")}),
            "artifact-conflict: this contradicts itself: a register is read that nothing has been "
            "put into\n");
  EXPECT_EQ(
      refused({meta(NFT_META_L4PROTO, 5)}),
      "artifact-syntax: not an nftables message as it is known here: a register that is none\n");
  EXPECT_EQ(
      refused({meta(NFT_META_IIFNAME, NFT_REG32_15)}),
      "artifact-syntax: not an nftables message as it is known here: a register that is none\n");
  EXPECT_EQ(
      refused({meta(NFT_META_L4PROTO, NFT_REG_VERDICT)}),
      "artifact-syntax: not an nftables message as it is known here: a register that is none\n");
}

TEST(DecodeRuleset, ExpressionsWithoutAllTheyNeed) {
  for (const auto* name : {"payload", "meta", "ct", "cmp", "range", "bitwise", "byteorder",
                           "immediate", "limit", "connlimit", "quota", "reject", "exthdr"})
    EXPECT_TRUE(refused({expression(name, {})}).starts_with("artifact-") &&
                !refused({expression(name, {})}).empty())
        << name << refused({expression(name, {})});
}

TEST(DecodeRuleset, JumpsThatLeadNowhere) {
  EXPECT_EQ(refused({verdict(NFT_JUMP, "x")}),
            "artifact-undefined: chain `x` is used and nowhere defined\n");
  EXPECT_EQ(refused({verdict(NFT_JUMP, "input")}),
            "artifact-conflict: this contradicts itself: a jump to the base chain `input`\n");
  auto circle = filtered().chain("a").chain("b");
  circle.rule("input", {verdict(NFT_JUMP, "a")})
      .rule("a", {verdict(NFT_JUMP, "b")})
      .rule("b", {verdict(NFT_GOTO, "a")});
  EXPECT_EQ(program_of(circle),
            "artifact-conflict: this contradicts itself: chains jump in a circle\n");
  const auto name = [](int i) {
    std::string text = "c";
    text += std::to_string(i);
    return text;
  };
  auto deep = filtered();
  for (int i = 0; i < 20; ++i) deep.chain(name(i));
  deep.rule("input", {verdict(NFT_JUMP, name(0))});
  for (int i = 0; i + 1 < 20; ++i) deep.rule(name(i), {verdict(NFT_JUMP, name(i + 1))});
  EXPECT_EQ(
      program_of(deep),
      "artifact-conflict: this contradicts itself: chains jump deeper than the kernel follows\n");
}

TEST(DecodeRuleset, LookupsThatFindNothing) {
  EXPECT_EQ(refused({meta(NFT_META_L4PROTO), lookup("x")}),
            "artifact-undefined: set `x` is used and nowhere defined\n");
  auto table = Table().set("s", 0, 2, {plain("\x06")}).base("input", NF_INET_LOCAL_IN, 0);
  table.rule("input", {meta(NFT_META_L4PROTO), lookup("s"), accept()});
  EXPECT_EQ(rules_of(table.bytes()),
            "artifact-syntax: not an nftables message as it is known here: a key of another length "
            "than its set has\n");
  auto data = Table().set("s", 0, 1, {plain("\x06")}).base("input", NF_INET_LOCAL_IN, 0);
  data.rule("input", {meta(NFT_META_L4PROTO), lookup("s", false, NFT_REG_VERDICT)});
  EXPECT_EQ(rules_of(data.bytes()),
            "artifact-conflict: this contradicts itself: `s` is asked for data that it has not\n");
}

Message frame(std::uint16_t type) {
  Message message;
  message.type = type;
  message.family = 0;
  return message;
}

TEST(DecodeRuleset, Frames) {
  auto messages = filtered().messages();
  messages.insert(messages.begin(), frame(NFNL_MSG_BATCH_BEGIN));
  EXPECT_EQ(program_of(serialise(messages)),
            "artifact-truncated: the artifact ends in the middle of a transaction\n");
  messages.push_back(frame(NFNL_MSG_BATCH_END));
  EXPECT_EQ(program_of(serialise(messages)), "chain input hook inbound policy accept\n");
  messages.push_back(frame(NFNL_MSG_BATCH_END));
  EXPECT_TRUE(program_of(serialise(messages)).starts_with("artifact-conflict"));
}

TEST(DecodeRuleset, BytesThatAreNoMessages) {
  EXPECT_EQ(program_of("short"),
            "artifact-truncated: the artifact ends in the middle of a message\n");
  EXPECT_EQ(
      program_of(std::string(16, '\0')),
      "artifact-syntax: not an nftables message as it is known here: a message shorter than its "
      "header\n");
  auto other = frame(0x0100);  // connection tracking
  EXPECT_EQ(program_of(serialise(Messages{other})),
            "artifact-kind: `message of type 256` is no artifact that is known here: it is none of "
            "nftables\n");
  auto bytes = filtered().bytes();
  EXPECT_EQ(program_of(bytes.substr(0, bytes.size() - 1)),
            "artifact-truncated: the artifact ends in the middle of a message\n");
  // An attribute that claims more than there is.
  bytes[20] = '\x7f';
  EXPECT_EQ(program_of(bytes),
            "artifact-syntax: not an nftables message as it is known here: a broken attribute\n");
  auto interrupted = filtered().messages();
  interrupted[0].flags |= 0x10;  // NLM_F_DUMP_INTR
  EXPECT_EQ(
      program_of(serialise(interrupted)),
      "artifact-conflict: this contradicts itself: the ruleset changed while it was dumped\n");
}

TEST(DecodeRuleset, OneFileOfAKnownPart) {
  EXPECT_EQ(
      test::decode("v4", "x").errors,
      "artifact-kind: `v4` is no artifact that is known here: nftables has the parts `batch` and "
      "`text`\n");
  Sources sources;
  Sink sink;
  EXPECT_FALSE(nftables::decode(sources, {}, sink));
  EXPECT_EQ(sink.diagnostics()[0].message(),
            "the artifact is not whole: it takes one file, `batch` or `text`");
}

// Whatever is damaged, there is a program of valid rules or an error with a place.
TEST(DecodeRuleset, AnyBytes) {
  std::mt19937 random(1);
  for (std::uint32_t seed = 0; seed < 12; ++seed) {
    const auto batch =
        encode(seed == 0 ? many_things() : random_program(seed), {}).find("batch")->bytes;
    for (int i = 0; i < 150; ++i) {
      auto damaged = batch;
      for (std::uint32_t n = 0; n <= random() % 3; ++n) {
        const auto at = random() % damaged.size();
        damaged[at] = random() % 2 == 0 ? static_cast<char>(random())
                                        : static_cast<char>(damaged[at] ^ (1 << random() % 8));
      }
      if (random() % 10 == 0) damaged.resize(random() % damaged.size());
      ASSERT_EQ(test::decode("batch", damaged).broken, "") << "seed " << seed << ", damage " << i;
    }
  }
}

}  // namespace
}  // namespace firewright::nftables
