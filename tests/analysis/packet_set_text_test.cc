#include "compiler/analysis/packet_set_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/analysis/explain_set.h"
#include "tests/analysis/checked.h"

namespace firewright::analysis {
namespace {

constexpr const char* policy_text = R"(
[addresses]
office = ["203.0.113.0/24", "2001:db8:10::/48"]
[zones]
wan = { interfaces = ["eth0"] }
[services]
admin = ["tcp/8443"]
[inbound]
allow = ["http", { service = "ssh", from = "office" }]
)";

class PacketSetTest : public testing::Test {
 protected:
  PacketSetTest() : checked_(policy_text) {}

  std::string read(const std::string& text) {
    Sink sink;
    const auto set = parse_packet_set(checked_.sources.add("<packet>", text), checked_.sources,
                                      checked_.policy, Target::nftables, sink);
    if (!set) return sink.diagnostics().empty() ? "?" : sink.diagnostics()[0].message();
    auto out = std::string(to_string(set->hook));
    for (const auto& match : set->matches) out += " | " + to_text(match);
    return out;
  }
  [[nodiscard]] bool is_set(const std::string& text) const {
    return is_packet_set(text, checked_.policy);
  }

  Checked checked_;
};

TEST_F(PacketSetTest, Grammar) {
  const std::string in = R"( | in not {"lo"} state {new})";
  EXPECT_EQ(read("any"), "inbound" + in);
  EXPECT_EQ(read("tcp any -> port 3389"), "inbound" + in + " protocol {tcp} dport {3389}");
  EXPECT_EQ(read("tcp/80,443"), "inbound" + in + " protocol {tcp} dport {80, 443}");
  EXPECT_EQ(read("tcp port 22"), "inbound" + in + " protocol {tcp} dport {22}");
  EXPECT_EQ(read("tcp port 22 -> any"), "inbound" + in + " protocol {tcp} sport {22}");
  EXPECT_EQ(read("admin"), "inbound" + in + " protocol {tcp} dport {8443}");
  EXPECT_EQ(read("ssh from office"),
            "inbound" + in +
                " protocol {tcp} dport {22} from4 {203.0.113.0/24} from6 {2001:db8:10::/48}");
  EXPECT_EQ(read("udp from 192.0.2.0/24 -> 53 in wan"),
            R"(inbound | family {ipv4} in {"eth0"} state {new} protocol {udp} dport {53} )"
            "from4 {192.0.2.0/24}");
  EXPECT_EQ(read("udp 192.0.2.1,192.0.2.8-192.0.2.9:1-1023 -> [2001:db8::1]:53"),
            "`from` is IPv4 only and `to` is IPv6 only: no packet is both");
  EXPECT_EQ(read("tcp 2001:db8::/32 -> [2001:db8::1]:22 new established"),
            R"(inbound | family {ipv6} in not {"lo"} state {new, established} protocol {tcp} )"
            "dport {22} from6 {2001:db8::/32} to6 {2001:db8::1}");
  EXPECT_EQ(read("tcp any -> port 25 out eth0 user 1000"),
            R"(outbound | out {"eth0"} state {new} protocol {tcp} dport {25} user {1000})");
  EXPECT_EQ(read("any any -> any in wg0 out lo ipv6"),
            R"(forward | family {ipv6} in {"wg0"} out {"lo"} state {new})");
  EXPECT_EQ(read("icmp/echo-request from office"),
            R"(inbound | family {ipv4} in not {"lo"} state {new} protocol {icmp} icmp {8/0-8/255} )"
            "from4 {203.0.113.0/24}"
            R"( | family {ipv6} in not {"lo"} state {new} protocol {icmpv6} icmp {128/0-128/255} )"
            "from6 {2001:db8:10::/48}");
  EXPECT_EQ(read("icmpv4/3/4"),
            R"(inbound | family {ipv4} in not {"lo"} state {new} protocol {icmp} icmp {3/4})");
}

TEST_F(PacketSetTest, Refusals) {
  const std::string no = "this is not a packet: ";
  EXPECT_EQ(read(""), no + "it is empty");
  EXPECT_EQ(read("frob any"), no + "`frob` is no protocol and no service");
  EXPECT_EQ(read("tcp any -> port"), no + "behind `port` the ports are missing");
  EXPECT_EQ(read("tcp any ->"), no + "behind `->` the destination is missing");
  EXPECT_EQ(read("tcp any -> port 70000"), no + "`70000` is no port");
  EXPECT_EQ(read("tcp home -> 22"), no + "`home` is no address, no prefix and no group");
  EXPECT_EQ(read("esp any -> port 22"), no + "`esp` has no ports");
  EXPECT_EQ(read("any any -> port 22"), no + "`any` has no ports");
  EXPECT_EQ(read("ssh any -> port 23"), no + "`ssh` has none of these ports");
  EXPECT_EQ(read("tcp/22 any -> port 22"), no + "the ports are said twice");
  EXPECT_EQ(read("tcp any -> 22 frob"), no + "`frob` is not understood here");
  EXPECT_EQ(read("tcp any -> 22 in"), no + "`in` needs a value");
  EXPECT_EQ(read("tcp any -> 22 user 1000"), no + "only outbound packets have an owner");
  EXPECT_EQ(read("tcp any -> 22 out eth0 user root"), no + "`root` is not a numeric id");
  EXPECT_EQ(read("icmp/frob any"), no + "`frob` is no ICMP type");
  EXPECT_EQ(read(std::string(5000, 'x')), no + "it is longer than 4096 bytes");
}

TEST_F(PacketSetTest, ASinglePacketIsNone) {
  for (const auto* packet :
       {"tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0", "icmp 8 203.0.113.9 192.0.2.10",
        "udp [2001:db8::9]:5353 -> [2001:db8::1]:53 in eth0 untracked",
        "icmp/echo-request 203.0.113.9 -> 192.0.2.10", "ping 203.0.113.9 192.0.2.10",
        "tcp 192.0.2.10 -> 203.0.113.80:443 out eth0 user 1000", "protocol/47 192.0.2.1 192.0.2.2",
        "", "nonsense"})
    EXPECT_FALSE(is_set(packet)) << packet;
  for (const auto* set : {"any", "ssh", "tcp any -> 22", "tcp/22 203.0.113.9 -> 192.0.2.10",
                          "tcp 203.0.113.0/24 -> 192.0.2.10:22", "tcp office -> 192.0.2.10:22",
                          "udp from 192.0.2.1 -> 53", "icmp any -> any"})
    EXPECT_TRUE(is_set(set)) << set;
}

TEST_F(PacketSetTest, IsExplainedInParts) {
  Sink sink;
  const auto set = parse_packet_set(checked_.sources.add("<packet>", "tcp any -> port 22"),
                                    checked_.sources, checked_.policy, Target::nftables, sink);
  ASSERT_TRUE(set);
  Vocabulary vocabulary;
  vocabulary.add(checked_.policy, Target::nftables);
  const auto explanation = explain(checked_.programs[0], *set, vocabulary, {});
  ASSERT_TRUE(explanation.proved);
  ASSERT_EQ(explanation.parts.size(), 2U);
  EXPECT_EQ(explanation.parts[0].verdict, ir::Verdict::accept());
  ASSERT_EQ(explanation.parts[0].boxes.size(), 1U);
  const auto& opened = explanation.parts[0].boxes[0];
  EXPECT_EQ(opened.words.sentence(), "inbound ssh from office");
  EXPECT_EQ(say(opened.treatment, set->hook, checked_.sources),
            "accept, by `ssh from office` (p.toml:9)");
  EXPECT_EQ(explanation.parts[1].verdict, ir::Verdict::drop());
  EXPECT_EQ(explanation.parts[1].boxes[0].words.sentence(), "inbound ssh from any except office");
  EXPECT_FALSE(explain(checked_.programs[0], *set, vocabulary, {.nodes = 1}).proved);
}

}  // namespace
}  // namespace firewright::analysis
