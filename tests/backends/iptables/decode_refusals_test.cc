// What the decoder refuses, each with its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/iptables/decode.h"
#include "tests/backends/iptables/reading.h"

namespace firewright::iptables::test {
namespace {

using testing::StartsWith;

std::string first_error(const std::string& text) {
  const auto read = read_files(text, "");
  return read.errors.empty() ? "none" : read.errors.front();
}
std::string rule_error(Family family, const std::string& rule) {
  const auto read = read_rules(family, "-A INPUT " + rule + "\n");
  return read.errors.empty() ? "none" : read.errors.front();
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(IptablesRefusals, RefusedRules) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"-p nosuch", "artifact-syntax 5:13-19 "},
      {"! -p all", "artifact-syntax 5:15-18 "},
      {"-p 256", "artifact-syntax 5:13-16 "},
      {"-p 06", "artifact-syntax 5:13-15 "},
      {"--dport 22", "artifact-unknown 5:10-17 `--dport`"},
      {"-p gre --dport 22", "artifact-unknown 5:17-24 `--dport`"},
      {"! -p tcp --dport 22", "artifact-unknown 5:19-26 `--dport`"},
      {"-m tcp --dport 22", "artifact-syntax 5:13-16 "},
      {"-p udp -m tcp --dport 22", "artifact-syntax 5:20-23 "},
      {"-p tcp --dport 70000", "artifact-syntax 5:25-30 "},
      {"-p tcp --dport 9:2", "artifact-syntax 5:25-28 "},
      {"-p tcp --dport nosuch", "artifact-syntax 5:25-31 "},
      {"-p tcp --dport 1 --dport 2", "artifact-syntax 5:27-34 "},
      {"-p tcp --dport 1 --destination-port 2", "artifact-syntax 5:27-45 "},
      {"-p tcp -m multiport --dports 1 --dport 2", "artifact-syntax 5:41-48 "},
      {"-p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
       "artifact-syntax 5:39-77 "},
      {"-p tcp -m multiport --dports 1,,2", "artifact-syntax 5:39-43 "},
      {"-p tcp -m multiport", "artifact-syntax 5:20-29 "},
      {"-p gre -m multiport --dports 1", "artifact-syntax 5:20-29 "},
      {"-s 192.0.2.256", "artifact-syntax 5:13-24 "},
      {"-s 192.0.2.010", "artifact-syntax 5:13-24 "},
      {"-s 192.0.2.0/33", "artifact-syntax 5:13-25 "},
      {"-s 2001:db8::1", "artifact-syntax 5:13-24 "},
      {"-s host.example", "artifact-syntax 5:13-25 "},
      {"! -s 192.0.2.1,192.0.2.2", "artifact-syntax 5:15-34 "},
      {"-s 192.0.2.1,192.0.2.2 -m limit", "artifact-syntax 5:36-41 "},
      {"-m iprange --src-range 192.0.2.9-192.0.2.1", "artifact-syntax 5:33-52 "},
      {"-i interface-with-a-long-name", "artifact-syntax 5:13-39 "},
      {"-o eth0", "artifact-syntax 5:10-12 "},
      {"-p icmp --icmp-type nosuch", "artifact-syntax 5:30-36 "},
      {"-p icmp --icmp-type 8/256", "artifact-syntax 5:30-35 "},
      {"-p icmp -m icmp", "artifact-syntax 5:21-25 "},
      {"-p icmp --icmpv6-type 128", "artifact-unknown 5:18-31 "},
      {"-m conntrack --ctstate NOSUCH", "artifact-syntax 5:33-39 "},
      {"-m state --state DNAT", "artifact-syntax 5:27-31 "},
      {"-m conntrack", "artifact-syntax 5:13-22 "},
      {"-m owner --uid-owner root", "artifact-syntax 5:31-35 "},
      {"-m limit --limit 0/s", "artifact-syntax 5:27-30 "},
      {"-m limit --limit 20000/s", "artifact-syntax 5:27-34 "},
      {"-m limit --limit 5/fortnight", "artifact-syntax 5:27-38 "},
      {"-m limit ! --limit 5/s", "artifact-syntax 5:21-28 "},
      {"-m limit --limit-burst 10001", "artifact-syntax 5:33-38 "},
      {"-m hashlimit --hashlimit-upto 5/s", "artifact-syntax 5:13-22 "},
      {"-m hashlimit --hashlimit-name x", "artifact-syntax 5:13-22 "},
      {"-m connlimit --connlimit-mask 32", "artifact-syntax 5:13-22 "},
      {"-m nosuch --option", "artifact-unknown 5:13-19 `nosuch`"},
      {"-m tcp --nosuch", "artifact-unknown 5:17-25 `--nosuch`"},
      {"-p tcp --tcp-flags SYN NOSUCH", "artifact-syntax 5:17-28 "},
      {"-j", "artifact-syntax 5:10-12 "},
      {"!", "artifact-syntax 5:10-11 "},
      {"! ! -p tcp", "artifact-unknown 5:12-13 "},
      {"! -j DROP", "artifact-syntax 5:12-14 "},
      {"-j DROP -j DROP", "artifact-syntax 5:18-20 "},
      {"-j DROP -g own", "artifact-syntax 5:18-20 "},
      {"-j MARK --set-mark 1", "artifact-unknown 5:13-17 `MARK`"},
      {"-j NFQUEUE", "artifact-unknown 5:13-20 `NFQUEUE`"},
      {"-j nosuch", "artifact-undefined 5:13-19 the chain `nosuch`"},
      {"-g ACCEPT", "artifact-undefined 5:13-19 the chain `ACCEPT`"},
      {"-j OUTPUT", "artifact-syntax 5:13-19 "},
      {"-j REJECT --reject-with nosuch", "artifact-syntax 5:34-40 "},
      {"-j REJECT --reject-with tcp-reset", "artifact-syntax 5:13-19 "},
      {"-j DROP --reject-with tcp-reset", "artifact-unknown 5:18-31 "},
      {"-j LOG --log-prefix 123456789012345678901234567890", "artifact-syntax 5:30-60 "},
      {"-j LOG --log-level 8", "artifact-syntax 5:29-30 "},
      {"-j LOG --log-level x", "artifact-syntax 5:29-30 "},
      {"-j NFLOG --nflog-group x", "artifact-syntax 5:33-34 "},
      {"-m comment --comment " + std::string(256, 'x'),
       "artifact-syntax 5:31-287 not iptables-restore text as it is known here: `" +
           std::string(60, 'x') + "...` is no comment of at most 255 bytes"},
      {"-p tcp" + repeated(" -m multiport --ports 1,2", 6), "artifact-syntax 5:1-"},
      {"-p tcp" + repeated(" -m comment --comment x", 200),
       "artifact-syntax 5:1-4616 not iptables-restore text as it is known here: a rule of 804 "
       "words"},
      {"-m comment --comment a -m comment --comment b", "artifact-syntax 5:44-53 "},
      {"-j DROP trailing", "artifact-unknown 5:18-26 `trailing`"},
  };
  for (const auto& [rule, error] : cases)
    EXPECT_THAT(rule_error(Family::ipv4, rule), StartsWith(error)) << rule;
  EXPECT_THAT(rule_error(Family::ipv6, "-f"), StartsWith("artifact-syntax 5:10-12 "));
  EXPECT_THAT(rule_error(Family::ipv6, "-s 192.0.2.1"), StartsWith("artifact-syntax 5:13-22 "));
  EXPECT_THAT(rule_error(Family::ipv6, "-p icmp --icmp-type 8"),
              StartsWith("artifact-unknown 5:18-29 "));
}

TEST(IptablesRefusals, RefusedFiles) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"nosuch\n", "artifact-syntax 1:1-7 "},
      {"-A INPUT -j DROP\n", "artifact-syntax 1:1-17 "},
      {"*nosuch\nCOMMIT\n", "artifact-unknown 1:1-8 `*nosuch`"},
      {"*filter\nCOMMIT\n*filter\nCOMMIT\n", "artifact-conflict 3:1-8 "},
      {"*filter\n:INPUT DROP [0:0]\n",
       "artifact-truncated 3:1-1 the artifact ends in the middle "
       "of the table `filter`"},
      {"*filter\nCOMMIT", "artifact-truncated 2:1-7 the artifact ends in the middle of a line"},
      {std::string("*filter\n\0COMMIT\n", 16), "artifact-syntax 2:1-2 "},
      {"*filter\n" + std::string(10239, '#') + "\nCOMMIT\n", "artifact-syntax 2:1-10240 "},
      {"*filter\n-A INPUT -j " + std::string(1024, 'x') + "\nCOMMIT\n",
       "artifact-syntax 2:13-1037 "},
      {"*filter\n:INPUT\nCOMMIT\n", "artifact-syntax 2:1-7 "},
      {"*filter\n:INPUT - [0:0]\nCOMMIT\n", "artifact-syntax 2:8-9 "},
      {"*filter\n:INPUT REJECT [0:0]\nCOMMIT\n", "artifact-syntax 2:8-14 "},
      {"*filter\n:own DROP [0:0]\nCOMMIT\n", "artifact-syntax 2:6-10 "},
      {"*filter\n:own - [0:0]\n:own - [0:0]\nCOMMIT\n", "artifact-conflict 3:1-13 "},
      {"*filter\n:INPUT DROP\n:INPUT DROP\nCOMMIT\n", "artifact-conflict 3:1-12 "},
      {"*filter\n:MARK - [0:0]\nCOMMIT\n", "artifact-syntax 2:1-14 "},
      {"*filter\n:a-name-that-is-too-long-for-it - [0:0]\nCOMMIT\n", "artifact-syntax 2:1-40 "},
      {"*filter\n-A nosuch -j DROP\nCOMMIT\n", "artifact-undefined 2:4-10 the chain `nosuch`"},
      {"*filter\n-R INPUT 1 -j DROP\nCOMMIT\n", "artifact-unknown 2:1-3 `-R`"},
      {"*filter\n-D INPUT -j DROP\nCOMMIT\n", "artifact-undefined 2:1-17 "},
      {"*filter\n-D INPUT 1\nCOMMIT\n", "artifact-undefined 2:1-11 "},
      {"*filter\n-I INPUT 2 -j DROP\nCOMMIT\n", "artifact-syntax 2:10-11 "},
      {"*filter\n-X INPUT\nCOMMIT\n", "artifact-syntax 2:4-9 "},
      {"*filter\n-N a\n-A INPUT -j a\n-X a\nCOMMIT\n", "artifact-undefined 3:13-14 "},
      {"*filter\n-P INPUT nosuch\nCOMMIT\n", "artifact-syntax 2:10-16 "},
      {"*filter\n-A\nCOMMIT\n", "artifact-syntax 2:1-3 "},
      {"*filter\n-P INPUT\nCOMMIT\n", "artifact-syntax 2:4-9 "},
      {"*filter\n-N own\n-P own DROP\nCOMMIT\n", "artifact-syntax 3:4-7 "},
      {"*filter\n-N a b\nCOMMIT\n", "artifact-syntax 2:6-7 "},
      {"*filter\n-F INPUT b\nCOMMIT\n", "artifact-syntax 2:10-11 "},
      {"*filter\n-E a b\nCOMMIT\n", "artifact-unknown 2:1-3 `-E`"},
      {"*filter\n-A INPUT -m comment --comment \"a\nCOMMIT\n", "artifact-syntax 2:31-33 "},
      {"*filter\n:a - [0:0]\n-A a -j a\nCOMMIT\n",
       "artifact-conflict 2:1-11 this contradicts itself: the chain `v4 a` jumps to itself"},
      {"*filter\n:a -\n:b -\n-A a -j b\n-A b -p tcp -g a\nCOMMIT\n",
       "artifact-conflict 2:1-5 this contradicts itself: the chain `v4 a` jumps to itself, by way "
       "of `v4 b`"},
      {"# Table `filter' is incompatible, use 'nft' tool.\n", "artifact-unknown 1:1-50 "},
      {"*filter\n-A INPUT -m hashlimit --hashlimit-upto 5/s --hashlimit-name x\n"
       "-A INPUT -m hashlimit --hashlimit-upto 6/s --hashlimit-name x\nCOMMIT\n",
       "artifact-conflict 3:13-22 "},
  };
  for (const auto& [text, error] : cases)
    EXPECT_THAT(first_error(text), StartsWith(error)) << text.substr(0, 80);
}

// What `ipset save` does not say; and what it says and nobody here looks into.
TEST(IptablesRefusals, RefusedSets) {
  const std::string rules = "*filter\n-A INPUT -m set --match-set x src -j DROP\nCOMMIT\n";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"create x hash:net family frob\n", "artifact-syntax 1:26-30 "},
      {"create x hash:net family inet maxelem abc\n", "artifact-syntax 1:39-42 "},
      {std::string("create x\0 hash:net\n", 19), "artifact-syntax 1:9-10 "},
      {"create a-name-that-is-much-too-long-for-a-set hash:net\n", "artifact-syntax 1:8-46 "},
      {"create x hash:ip family\n", "artifact-syntax 1:18-24 "},
      {"create x hash:ip nomatch\n", "artifact-syntax 1:18-25 "},
      {"create x hash:ip\nadd x nothing\n", "artifact-syntax 2:7-14 "},
      {"create x hash:ip\ncreate x hash:ip\n", "artifact-conflict 2:8-9 "},
      {"create x hash:ip family inet6\nadd x 2001:db8::1\n", "artifact-syntax 2:29-30 "},
      {"add x 192.0.2.1\n", "artifact-undefined 1:5-6 "},
      {"destroy x\n", "artifact-unknown 1:1-8 "},
  };
  for (const auto& [sets, error] : cases) {
    const auto read = read_files(rules, "", sets);
    ASSERT_FALSE(read.errors.empty()) << sets;
    EXPECT_THAT(read.errors.front(), StartsWith(error)) << sets;
  }
  for (const auto* sets : {"create x hash:ip,port\nadd x 192.0.2.1,icmp:8/0\n",
                           "create x hash:ip timeout 5\nadd x 192.0.2.1 timeout 3\n",
                           "create x hash:net\nadd x 192.0.2.0/24 nomatch\n", "create x list:set\n",
                           "create x bitmap:port range 0-1024\nadd x 80\n"}) {
    const auto read = read_files(rules, "", sets);
    EXPECT_TRUE(read.errors.empty()) << sets << read.errors.front();
    ASSERT_FALSE(read.others.empty()) << sets;
    EXPECT_THAT(read.others.front(), StartsWith("artifact-opaque 2:13-16 ")) << sets;
  }
}

TEST(IptablesRefusals, ChainsTooDeepAreRefused) {
  const auto nested = [](unsigned depth) {
    std::string chains, rules;
    for (unsigned i = 0; i < depth; ++i) {
      chains += ":c" + std::to_string(i) + " - [0:0]\n";
      rules += (i == 0 ? "-A INPUT" : "-A c" + std::to_string(i - 1)) + " -j c" +
               std::to_string(i) + "\n";
    }
    return first_error("*filter\n" + chains + rules + "COMMIT\n");
  };
  EXPECT_EQ(nested(30), "none");
  EXPECT_THAT(nested(31), StartsWith("artifact-syntax "));
  EXPECT_THAT(nested(50'000), StartsWith("artifact-syntax "));
}

// The kinds of what is wrong with whole files.
TEST(IptablesRefusals, Files) {
  const auto kind_of = [](const std::vector<std::pair<std::string, std::string>>& parts) {
    Sources sources;
    Sink sink;
    std::vector<backend::ArtifactFile> files;
    for (const auto& [part, text] : parts)
      files.push_back({.file = sources.add(part, text), .part = part});
    EXPECT_FALSE(decode(sources, files, sink).has_value());
    return sink.diagnostics().at(0).kind;
  };
  const std::string empty = "*filter\nCOMMIT\n";
  EXPECT_EQ(kind_of({{"text", empty}}), Kind::artifact_kind);
  EXPECT_EQ(kind_of({{"v4", empty}, {"v4", empty}}), Kind::artifact_conflict);
  EXPECT_EQ(kind_of({{"v4", empty}, {"v6", "*filter\n"}}), Kind::artifact_truncated);
  EXPECT_EQ(kind_of({{"v6", "nonsense\n"}}), Kind::artifact_syntax);
  EXPECT_EQ(kind_of({{"v6", "*filter\n-A INPUT -j MARK\nCOMMIT\n"}}), Kind::artifact_unknown);
  EXPECT_EQ(kind_of({{"v6", "*filter\n-A INPUT -j x\nCOMMIT\n"}}), Kind::artifact_undefined);
}

}  // namespace
}  // namespace firewright::iptables::test
