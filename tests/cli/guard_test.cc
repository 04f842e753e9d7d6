#include "compiler/cli/guard.h"

#include <gtest/gtest.h>

namespace firewright::cli {
namespace {

ir::Program accepting(std::uint16_t port) {
  ir::Rule rule;
  rule.match.protocols = ProtocolSet::of(protocol::tcp);
  rule.match.destination_ports = PortSet::of(Port{port});
  rule.verdict = ir::Verdict::accept();
  ir::Chain inbound;
  inbound.name = "inbound";
  inbound.hook = ir::Hook::inbound;
  inbound.policy = ir::VerdictKind::drop;
  inbound.rules.push_back(rule);
  return {{inbound}};
}

// A host that cannot list its connections still does not cut off who changes it.
TEST(Guard, JudgesTheSessionAloneWhereTheHostsConnectionsAreNotKnown) {
  host::Session session;
  session.connections.push_back({.protocol = protocol::tcp,
                                 .local = Ipv4{0xC0000201U},
                                 .peer = Ipv4{0xC6336407U},
                                 .local_port = Port{22},
                                 .peer_port = Port{50112},
                                 .how = "held by sshd (pid 812)"});
  const auto guarded = guard(accepting(443), {}, session, std::nullopt, "no conntrack");
  EXPECT_TRUE(guarded.assumed);
  EXPECT_EQ(guarded.unknown, "no conntrack");
  ASSERT_NE(guarded.management(), nullptr);
  EXPECT_EQ(say(*guarded.management()),
            "tcp 198.51.100.7:50112 -> 192.0.2.1:22 (inbound, held by sshd (pid 812)): denied by "
            "the default of inbound; this is your own connection");
  EXPECT_EQ(guard(accepting(22), {}, session, std::nullopt, "").management(), nullptr);
}

}  // namespace
}  // namespace firewright::cli
