// What is no packet, and what is said about it.

#include <gtest/gtest.h>

#include "compiler/analysis/packet_text.h"
#include "compiler/diagnostics/render.h"

namespace firewright::analysis {
namespace {

std::string said_of(const std::string& packet) {
  Sources sources;
  Sink sink;
  (void)parse_packet(sources.add("<packet>", packet), sources, sink);
  return render_text(sink, sources);
}

TEST(PacketRefusalsTest, TheWholeMessage) {
  EXPECT_EQ(said_of("tcp 203.0.113.9:40000 -> 192.0.2.10 in eth0"),
            "<packet>:1:26: error: this is not a packet: the destination port is missing "
            "[bad-packet]\n"
            "    1 | tcp 203.0.113.9:40000 -> 192.0.2.10 in eth0\n"
            "      |                          ^~~~~~~~~~\n"
            "      = help: write it like `tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0`\n");
}

TEST(PacketRefusalsTest, InterfacesThatNoHostHas) {
  for (const std::string name :
       {"sixteen-letters-", "a/b", "a:b", ".", "..", "\"a b\"", "\"\"", "a\"b"}) {
    const auto said = said_of("esp 203.0.113.9 -> 192.0.2.10 in " + name);
    EXPECT_NE(said.find("[bad-packet]"), std::string::npos) << name;
    EXPECT_EQ(said.substr(0, 14), "<packet>:1:34:") << said;
  }
  EXPECT_EQ(said_of("esp 203.0.113.9 -> 192.0.2.10 in fifteen-letters"), "");
}

TEST(PacketRefusalsTest, QuotesThatAreNotClosed) {
  EXPECT_EQ(said_of("esp 203.0.113.9 -> 192.0.2.10 program \"C:\\a b"),
            "<packet>:1:39: error: this is not a packet: this quote is not closed [bad-packet]\n"
            "    1 | esp 203.0.113.9 -> 192.0.2.10 program \"C:\\a b\n"
            "      |                                       ^~~~~~~\n"
            "      = help: write it like `tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0`\n");
}

}  // namespace
}  // namespace firewright::analysis
