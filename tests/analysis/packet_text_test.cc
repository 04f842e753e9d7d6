#include "compiler/analysis/packet_text.h"

#include <gtest/gtest.h>

namespace firewright::analysis {
namespace {

struct Parsed {
  std::optional<ir::Packet> packet;
  std::string message;
  std::string place;  // the text under the caret
};

Parsed parse(const std::string& text) {
  Sources sources;
  Sink sink;
  Parsed parsed;
  parsed.packet = parse_packet(sources.add("<packet>", text), sources, sink);
  EXPECT_EQ(parsed.packet.has_value(), !sink.has_errors()) << text;
  if (!sink.diagnostics().empty()) {
    const auto& diagnostic = sink.diagnostics().front();
    parsed.message = diagnostic.message();
    EXPECT_LE(diagnostic.span.end, text.size());
    parsed.place = text.substr(diagnostic.span.begin, diagnostic.span.end - diagnostic.span.begin);
  }
  return parsed;
}

TEST(PacketText, ReadsWhatItPrints) {
  for (const std::string text : {
           "tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0 new",
           "udp [2001:db8::9]:5353 -> [2001:db8::1]:53 in eth0 untracked",
           "icmp 8/0 203.0.113.9 -> 192.0.2.10 in eth0 new",
           "icmpv6 128/0 2001:db8::9 -> 2001:db8::1 in eth0 new",
           "tcp 192.0.2.10:40000 -> 203.0.113.9:25 out eth0 new user 0 group 5",
           "esp 203.0.113.9 -> 192.0.2.10 in wan out lan established",
           "200 203.0.113.9 -> 192.0.2.10 new",
           "protocol/1 2001:db8::9 -> 2001:db8::1 new",
           "protocol/58 203.0.113.9 -> 192.0.2.10 new",
       }) {
    const auto parsed = parse(text);
    ASSERT_TRUE(parsed.packet) << parsed.message;
    EXPECT_EQ(to_text(*parsed.packet), text);
  }
}

TEST(PacketText, FillsInWhatIsUnsaid) {
  const auto packet = parse("tcp 203.0.113.9 -> 192.0.2.10:22").packet;
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->hook, ir::Hook::inbound);
  EXPECT_EQ(packet->source_port, Port{49152});
  EXPECT_EQ(packet->state, ir::ConntrackState::fresh);
  EXPECT_EQ(parse("icmp/echo-request 2001:db8::1 2001:db8::2").packet->protocol, protocol::icmpv6);
  EXPECT_EQ(parse("ping 192.0.2.1 192.0.2.2").packet->icmp, IcmpTypeCode{8U << 8U});
  EXPECT_EQ(parse("tcp 192.0.2.1 192.0.2.2:1 out eth0").packet->hook, ir::Hook::outbound);
  EXPECT_EQ(parse("tcp 192.0.2.1 192.0.2.2:1 out a in b").packet->hook, ir::Hook::forward);
  EXPECT_EQ(parse("tcp 192.0.2.1 192.0.2.2:1 profile domain").packet->profile, ir::Profile::domain);
  EXPECT_EQ(parse("tcp 192.0.2.1 192.0.2.2:1 program \"C:\\a b.exe\"").packet->program,
            "C:\\a b.exe");
}

TEST(PacketText, SaysWhatIsWrongAtItsPlace) {
  struct Case {
    std::string text;
    std::string message;
    std::string place;
  };
  for (const auto& [text, message, place] : {
           Case{"", "it is empty", ""},
           Case{"tpc 192.0.2.1 -> 192.0.2.2:1", "`tpc` is not a protocol", "tpc"},
           Case{"tcp", "the source address is missing", ""},
           Case{"tcp 192.0.2.1", "the destination address is missing", ""},
           Case{"tcp 192.0.2.1 -> 192.0.2.2", "the destination port is missing", "192.0.2.2"},
           Case{"tcp 192.0.2.1 -> 192.0.2.2:99999", "`99999` is not a port", "192.0.2.2:99999"},
           Case{"tcp 192.0.2.1 -> [2001:db8::1]:22",
                "source and destination are of different families", "[2001:db8::1]:22"},
           Case{"tcp 192.0.2.1 -> [2001:db8::1:22", "`[` without `]`", "[2001:db8::1:22"},
           Case{"tcp web -> 192.0.2.2:80", "`web` is not an address", "web"},
           Case{"icmp 192.0.2.1 -> 192.0.2.2", "an ICMP packet needs a type", "icmp"},
           Case{"icmpv6/128 192.0.2.1 -> 192.0.2.2",
                "`icmpv6/128` does not go with these addresses", "icmpv6/128"},
           Case{"icmp/packet-too-big 192.0.2.1 -> 192.0.2.2",
                "`packet-too-big` does not exist in ICMP", "icmp/packet-too-big"},
           Case{"icmp/300 192.0.2.1 -> 192.0.2.2", "`300` is not an ICMP type", "icmp/300"},
           Case{"icmp/8 192.0.2.1:1 -> 192.0.2.2", "ICMP has no ports", "192.0.2.1:1"},
           Case{"esp 192.0.2.1 -> 192.0.2.2:1", "protocol `esp` has no ports", "192.0.2.2:1"},
           Case{"tcp 192.0.2.1 -> 192.0.2.2:1 inn eth0", "`inn` is not understood here", "inn"},
           Case{"tcp 192.0.2.1 -> 192.0.2.2:1 in", "`in` needs a value", "in"},
           Case{"tcp 192.0.2.1 -> 192.0.2.2:1 out e user bob", "`bob` is not a numeric id", "bob"},
           Case{"tcp 192.0.2.1 -> 192.0.2.2:1 profile home", "`home` is not a profile", "home"},
       }) {
    const auto parsed = parse(text);
    EXPECT_EQ(parsed.message, "this is not a packet: " + message) << text;
    EXPECT_EQ(parsed.place, place) << text;
  }
  EXPECT_EQ(parse(std::string(5000, 'x')).message,
            "this is not a packet: it is longer than 4096 bytes");
  EXPECT_EQ(parse("tcp 192.0.2.1 -> 192.0.2.2:1 in eth0 user 0").message,
            "this is not a packet: only outbound packets have an owner");
}

}  // namespace
}  // namespace firewright::analysis
