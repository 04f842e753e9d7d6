// Protocols, ports, ICMP types and services, as the exceptions that hold them show.
#include <gtest/gtest.h>

#include "compiler/policy/catalogue.h"
#include "compiler/policy/services.h"
#include "tests/policy/reading.h"

namespace firewright::policy {
namespace {

std::string text(const Transport& t) {
  std::string out;
  for (const auto family : t.families) out += family == Family::ipv4 ? "4" : "6";
  const auto add = [&](const char* name, const auto& set) {
    if (set.is_all()) return;
    out += std::string(" ") + name + " ";
    bool first = true;
    for (const auto& i : set.intervals()) {
      if (!first) out += ",";
      first = false;
      out += std::to_string(i.first.value);
      if (i.last != i.first) out += "-" + std::to_string(i.last.value);
    }
  };
  add("proto", t.protocols);
  add("sport", t.source_ports);
  add("dport", t.destination_ports);
  add("icmp", t.icmp);
  return out;
}

std::string text(const std::optional<Spanned<std::vector<Transport>>>& transports) {
  if (!transports) return "any";
  std::string out;
  for (const auto& transport : transports->value)
    out += (out.empty() ? "" : "; ") + text(transport);
  return out;
}

struct Row {
  const char* exception;
  const char* transports;
};

class Exceptions : public testing::TestWithParam<Row> {};

TEST_P(Exceptions, StandForTransports) {
  Reading reading;
  ASSERT_EQ(
      reading.read_text("[services]\napp = [\"tcp/8080\", \"tcp/8081,9000-9010\", \"udp/8080\"]\n"
                        "[inbound]\nallow = [" +
                        std::string(GetParam().exception) + "]\n"),
      "");
  ASSERT_EQ(reading.policy.inbound.exceptions.size(), 1U);
  EXPECT_EQ(text(reading.policy.inbound.exceptions[0].transports), GetParam().transports);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Exceptions,
    testing::Values(
        Row{"{}", "any"}, Row{R"({ from = "192.0.2.1" })", "any"},
        Row{R"("tcp/22")", "46 proto 6 dport 22"},
        Row{R"("tcp/22,80, 443")", "46 proto 6 dport 22,80,443"},
        Row{R"("udp/5000-5010,5005-5020")", "46 proto 17 dport 5000-5020"},
        Row{R"("sctp/1")", "46 proto 132 dport 1"},
        Row{R"("dccp/65535")", "46 proto 33 dport 65535"}, Row{R"("protocol/esp")", "46 proto 50"},
        Row{R"("protocol/50")", "46 proto 50"}, Row{R"("protocol/1")", "4 proto 1"},
        Row{R"("protocol/58")", "6 proto 58"}, Row{R"("protocol/icmp")", "4 proto 1; 6 proto 58"},
        Row{R"("icmp/echo-request")", "4 proto 1 icmp 2048-2303; 6 proto 58 icmp 32768-33023"},
        Row{R"("icmp/packet-too-big")", "6 proto 58 icmp 512-767"},
        Row{R"("icmpv4/3/4")", "4 proto 1 icmp 772"},
        Row{R"("icmpv6/128")", "6 proto 58 icmp 32768-33023"},
        Row{R"({ protocol = "icmp" })", "4 proto 1; 6 proto 58"},
        Row{R"({ protocol = "icmpv4" })", "4 proto 1"},
        Row{R"({ protocol = "icmpv6", icmp-type = [135, "136", "1/4"] })",
            "6 proto 58 icmp 260,34560-35071"},
        Row{R"({ icmp-type = "echo-request" })",
            "4 proto 1 icmp 2048-2303; 6 proto 58 icmp 32768-33023"},
        Row{R"({ protocol = ["esp", "ah", 47] })", "46 proto 47,50-51"},
        Row{R"({ protocol = ["tcp", "icmp"] })", "46 proto 6; 4 proto 1; 6 proto 58"},
        Row{R"({ protocol = "tcp" })", "46 proto 6"},
        Row{R"({ protocol = "tcp", port = 22 })", "46 proto 6 dport 22"},
        Row{R"({ protocol = ["udp", "tcp"], port = [53, "5353"], source-port = "1024-65535" })",
            "46 proto 6 sport 1024-65535 dport 53,5353; 46 proto 17 sport 1024-65535 dport "
            "53,5353"},
        Row{R"({ protocol = "udp", source-port = 67 })", "46 proto 17 sport 67"},
        Row{R"("app")", "46 proto 6 dport 8080-8081,9000-9010; 46 proto 17 dport 8080"},
        Row{R"({ service = ["app", "ssh"] })",
            "46 proto 6 dport 8080-8081,9000-9010; 46 proto 17 dport 8080; 46 proto 6 dport 22"}),
    [](const auto& row) { return "Row" + std::to_string(row.index); });

TEST(Services, MayRepeatTheCatalogueWordForWord) {
  Reading reading;
  EXPECT_EQ(
      reading.read_text("[services]\nhttps = [\"tcp/443\"]\n[inbound]\nallow = [\"https\"]\n"), "");
}

TEST(Catalogue, IsReadWithoutAWord) {
  Sources sources;
  Sink sink;
  const auto read = read_catalogue(catalogue_text(), sources, sink);
  EXPECT_EQ(render_text(sink, sources), "");
  EXPECT_EQ(read.services.size(), catalogue().services.size());
  EXPECT_GE(read.services.size(), 150U);
  for (const auto& service : read.services) {
    EXPECT_FALSE(service.transports.empty()) << service.name;
    EXPECT_FALSE(service.description.empty()) << service.name;
    EXPECT_FALSE(service.category.empty()) << service.name;
    EXPECT_EQ(read.find(service.name), &service);
  }
  EXPECT_EQ(read.find("no-such-service"), nullptr);
}

TEST(Catalogue, RefusesWhatItDoesNotKnow) {
  Sources sources;
  Sink sink;
  const auto read = read_catalogue(
      "[a]\nports = [\"tcp/1\"]\ncolour = \"red\"\n[b]\naliases = [\"a\"]\n", sources, sink);
  EXPECT_EQ(read.services.size(), 2U);
  EXPECT_EQ(sink.errors(), 3U);
}

}  // namespace
}  // namespace firewright::policy
