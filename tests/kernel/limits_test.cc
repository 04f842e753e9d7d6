// Limits in a real kernel: of more packets than a limit lets through, exactly the first ones pass.
// The rates are so low that no token comes back while a test runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/kernel/harness/compiled.h"
#include "tests/kernel/harness/judge.h"
#include "tests/kernel/harness/loader.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

TestPacket opening(Protocol protocol, std::string_view source, std::uint16_t source_port,
                   std::uint16_t port) {
  TestPacket test;
  ir::Packet& packet = test.packet;
  packet.in = "eth0";
  packet.protocol = protocol;
  if (const auto v4 = parse_ipv4(source)) {
    packet.source = *v4;
    packet.destination = *parse_ipv4("192.0.2.10");
  } else {
    packet.source = parse_ipv6(source).value();
    packet.destination = *parse_ipv6("2001:db8::10");
  }
  packet.source_port = Port{source_port};
  packet.destination_port = Port{port};
  return test;
}

class Limit : public testing::TestWithParam<Loader> {
 protected:
  void SetUp() override { SKIP_WITHOUT_BED(); }

  // One character a packet, in their order: '+' accepted, '-' not, '?' did not arrive as new.
  // `exceptions` may be broken into lines where TOML would not have it.
  static std::string verdicts(std::string exceptions, const std::vector<TestPacket>& packets,
                              TestBed::Accepted accepted = TestBed::Accepted::dropped) {
    std::replace(exceptions.begin(), exceptions.end(), '\n', ' ');
    const Compiled compiled =
        compile("limit.toml", target_of(GetParam()), "[inbound]\nallow = [" + exceptions + "]\n");
    if (!compiled.ok()) return compiled.errors;
    const Choice choice{.interfaces = {"lo", "eth0"}, .flows = {}, .packets = packets};
    const Trial trial =
        try_packets(choice, [&] { return load(GetParam(), compiled.artifact); }, accepted);
    if (!trial.outcome.done()) return trial.outcome.text;
    std::string text;
    for (const auto& seen : trial.observations) {
      const bool as_meant = seen.arrived && seen.state == ir::ConntrackState::fresh;
      text += !as_meant ? '?' : seen.accepted ? '+' : '-';
    }
    return text;
  }
};

TEST_P(Limit, OfARateLetsABurstThrough) {
  std::vector<TestPacket> packets;
  for (std::uint16_t i = 0; i < 12; ++i)
    packets.push_back(
        opening(protocol::tcp, "198.51.100.7", static_cast<std::uint16_t>(40000 + i), 2201));
  EXPECT_EQ(verdicts(R"({ protocol = "tcp", port = 2201, family = "ipv4",
                          limit = { rate = "5/hour", burst = 7 } })",
                     packets),
            "+++++++-----");
}

TEST_P(Limit, WithoutABurstLetsFiveThrough) {
  std::vector<TestPacket> packets;
  for (std::uint16_t i = 0; i < 8; ++i)
    packets.push_back(
        opening(protocol::udp, "2001:db8:51::7", static_cast<std::uint16_t>(40000 + i), 2202));
  EXPECT_EQ(
      verdicts(R"({ protocol = "udp", port = 2202, family = "ipv6", limit = "4/hour" })", packets),
      "+++++---");
}

TEST_P(Limit, PerSourceHasABucketForEach) {
  std::vector<TestPacket> packets;
  for (std::uint16_t i = 0; i < 4; ++i) {
    for (const char* source : {"198.51.100.7", "198.51.100.8", "2001:db8:51::7", "2001:db8:51::8"})
      packets.push_back(
          opening(protocol::tcp, source, static_cast<std::uint16_t>(40000 + i), 2203));
  }
  EXPECT_EQ(verdicts(R"({ protocol = "tcp", port = 2203,
                          limit = { rate = "6/hour", burst = 3, per = "source" } })",
                     packets),
            "++++++++++++----");
}

TEST_P(Limit, IsOneForAllProtocolsOfAnException) {
  std::vector<TestPacket> packets;
  for (std::uint16_t i = 0; i < 4; ++i) {
    for (const Protocol protocol : {protocol::tcp, protocol::udp})
      packets.push_back(
          opening(protocol, "198.51.100.7", static_cast<std::uint16_t>(40000 + i), 2204));
  }
  EXPECT_EQ(verdicts(R"({ protocol = ["tcp", "udp"], port = 2204, family = "ipv4",
                          limit = { rate = "6/hour", burst = 5 } })",
                     packets),
            "+++++---");
}

TEST_P(Limit, OfOneExceptionIsNotSpentByAnother) {
  std::vector<TestPacket> packets;
  for (std::uint16_t i = 0; i < 3; ++i) {
    for (const std::uint16_t port : {std::uint16_t{2205}, std::uint16_t{2206}})
      packets.push_back(
          opening(protocol::tcp, "198.51.100.7", static_cast<std::uint16_t>(40000 + i), port));
  }
  EXPECT_EQ(verdicts(R"({ protocol = "tcp", port = 2205, family = "ipv4",
                          limit = { rate = "1/hour", burst = 1 } },
                        { protocol = "tcp", port = 2206, family = "ipv4",
                          limit = { rate = "1/hour", burst = 2 } })",
                     packets),
            "++-+--");
}

TEST_P(Limit, OfConnectionsCountsThoseThatAreOpen) {
  std::vector<TestPacket> packets;
  for (std::uint16_t i = 0; i < 6; ++i)
    packets.push_back(
        opening(protocol::tcp, "198.51.100.7", static_cast<std::uint16_t>(40000 + i), 2207));
  EXPECT_EQ(
      verdicts(R"({ protocol = "tcp", port = 2207, family = "ipv4", limit = { connections = 4 } })",
               packets, TestBed::Accepted::delivered),
      "++++--");
}

TEST_P(Limit, OfConnectionsPerSourceCountsThoseOfEach) {
  std::vector<TestPacket> packets;
  for (std::uint16_t i = 0; i < 3; ++i) {
    for (const char* source : {"198.51.100.7", "198.51.100.8", "2001:db8:51::7", "2001:db8:51::8"})
      packets.push_back(
          opening(protocol::tcp, source, static_cast<std::uint16_t>(40000 + i), 2208));
  }
  EXPECT_EQ(verdicts(R"({ protocol = "tcp", port = 2208,
                          limit = { connections = 2, per = "source" } })",
                     packets, TestBed::Accepted::delivered),
            "++++++++----");
}

INSTANTIATE_TEST_SUITE_P(Loaders, Limit, testing::ValuesIn(all_loaders),
                         [](const auto& test) { return std::string(to_string(test.param)); });

}  // namespace
}  // namespace firewright::kernel
