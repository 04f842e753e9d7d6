// Open connections through a host, as it sees them.
#include "backends/host/flows.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "tests/backends/host/talking.h"

namespace firewright::host {
namespace {

TEST(LiveFlows, OfAHostWithoutTracking) {
  for (const auto& a : families) {
    const bool four = a.family == Family::ipv4;
    expect_in_network(
        [&](Network& network) {
          const auto inbound = talk(network, "client", "host", a.family, a.near, 8080);
          const auto outbound = talk(network, "host", "server", a.family, a.server, 9090);
          const auto through = talk(network, "client", "server", a.family, a.server, 7070);
          const auto itself = talk(network, "host", "host", a.family, a.near, 6060);
          network.enter("host");
          const auto udp = udp_connected(a.server, 53);
          const auto bound = udp_bound(a.near, 123);
          return told(flows_now());
        },
        // The listener on 8080 is gone; the ports tell who called.
        four ? "inbound tcp 192.0.2.10:* -> 192.0.2.1:8080 in near sockets 1\n"
               "outbound tcp 198.51.100.1:* -> 198.51.100.10:9090 out far sockets 1\n"
               "outbound udp 198.51.100.1:* -> 198.51.100.10:53 out far sockets 1\n"
             : "inbound tcp [2001:db8:1::10]:* -> [2001:db8:1::1]:8080 in near sockets 1\n"
               "outbound tcp [2001:db8:2::1]:* -> [2001:db8:2::10]:9090 out far sockets 1\n"
               "outbound udp [2001:db8:2::1]:* -> [2001:db8:2::10]:53 out far sockets 1\n");
  }
}

TEST(LiveFlows, OfAHostThatTracks) {
  for (const auto& a : families) {
    const bool four = a.family == Family::ipv4;
    expect_in_network(
        [&](Network& network) {
          nft(track_all);
          nft("add rule inet t through tcp dport 5050 drop");
          const auto inbound = talk(network, "client", "host", a.family, a.near, 8080);
          const auto outbound = talk(network, "host", "server", a.family, a.server, 9090);
          const auto through = talk(network, "client", "server", a.family, a.server, 7070);
          network.enter("host");
          const auto itself = talk(network, "host", "host", a.family, a.near, 6060);
          network.enter("server");
          const auto service = udp_bound(a.server, 53);
          const auto silent = udp_bound(a.server, 54);
          network.enter("client");
          const auto asker = udp_connected(a.server, 53);
          ask_and_answer(asker, service);
          const auto unheard = udp_connected(a.server, 54);
          (void)!::send(unheard.get(), "?", 1, 0);
          must_arrive(silent);
          ping(a.server);
          const auto half_open = kernel::start_connect(a.server, 5050);
          network.enter("host");
          return told(flows_now());
        },
        four ? "inbound tcp 192.0.2.10:* -> 192.0.2.1:8080 in near tracked sockets 1\n"
               "outbound tcp 198.51.100.1:* -> 198.51.100.10:9090 out far tracked sockets 1\n"
               "forward icmp 192.0.2.10 -> 198.51.100.10 type 8 in near out far tracked\n"
               "forward tcp 192.0.2.10:* -> 198.51.100.10:7070 in near out far tracked\n"
               "forward udp 192.0.2.10:* -> 198.51.100.10:53 in near out far tracked\n"
             : "inbound tcp [2001:db8:1::10]:* -> [2001:db8:1::1]:8080 in near tracked sockets 1\n"
               "outbound tcp [2001:db8:2::1]:* -> [2001:db8:2::10]:9090 out far tracked sockets "
               "1\n"
               "forward tcp [2001:db8:1::10]:* -> [2001:db8:2::10]:7070 in near out far tracked\n"
               "forward udp [2001:db8:1::10]:* -> [2001:db8:2::10]:53 in near out far tracked\n"
               "forward icmpv6 2001:db8:1::10 -> 2001:db8:2::10 type 128 in near out far "
               "tracked\n");
  }
}

// Tracking begins with the first rule that asks for it; who was connected before is not forgotten.
TEST(LiveFlows, OlderThanTheTracking) {
  expect_in_network(
      [&](Network& network) {
        const auto before = talk(network, "client", "host", Family::ipv4, "192.0.2.1", 8080);
        network.enter("host");
        nft(track_all);
        const auto after = talk(network, "client", "host", Family::ipv4, "192.0.2.1", 8081);
        network.enter("host");
        return told(flows_now());
      },
      "inbound tcp 192.0.2.10:* -> 192.0.2.1:8080 in near sockets 1\n"
      "inbound tcp 192.0.2.10:* -> 192.0.2.1:8081 in near tracked sockets 1\n");
}

// Who listens tells who accepted, whatever the ports.
TEST(LiveFlows, AListenerOnAHighPort) {
  expect_in_network(
      [&](Network& network) {
        network.enter("host");
        const auto listener = kernel::listen_on(Family::ipv4, 20000);
        const auto held = call(network, "client", "host", "192.0.2.1", 20000, listener);
        network.enter("host");
        return told(flows_now());
      },
      "inbound tcp 192.0.2.10:* -> 192.0.2.1:20000 in near sockets 1\n");
}

TEST(LiveFlows, IPv4ThroughASocketOfIPv6) {
  expect_in_network(
      [&](Network& network) {
        network.enter("host");
        const auto listener = open_socket("::", SOCK_STREAM | SOCK_NONBLOCK, 0);
        const auto name = socket_address("::", 8080);
        if (::bind(listener.get(), name.get(), name.size) != 0 || ::listen(listener.get(), 8) != 0)
          throw HarnessError("listen");
        const auto held = call(network, "client", "host", "192.0.2.1", 8080, listener);
        network.enter("host");
        auto out = told(flows_now());
        nft(track_all);
        const auto more = call(network, "client", "host", "192.0.2.1", 8080, listener);
        network.enter("host");
        return out + told(flows_now());
      },
      "inbound tcp 192.0.2.10:* -> 192.0.2.1:8080 in near sockets 1\n"
      "inbound tcp 192.0.2.10:* -> 192.0.2.1:8080 in near sockets 1\n"
      "inbound tcp 192.0.2.10:* -> 192.0.2.1:8080 in near tracked sockets 1\n");
}

// The filter sees what DNAT has made of the destination, and the source before SNAT.
TEST(LiveFlows, Translated) {
  expect_in_network(
      [&](Network& network) {
        nft(track_all);
        nft(R"(table ip n {
          chain pre { type nat hook prerouting priority dstnat;
            tcp dport 8000 dnat to 198.51.100.10:80
            tcp dport 8001 redirect to :8081
          }
          chain post { type nat hook postrouting priority srcnat;
            oifname far ip saddr 192.0.2.0/24 masquerade
          }
        })");
        network.enter("server");
        const auto far_listener = kernel::listen_on(Family::ipv4, 80);
        network.enter("host");
        const auto near_listener = kernel::listen_on(Family::ipv4, 8081);
        const auto published = call(network, "client", "server", "192.0.2.1", 8000, far_listener);
        const auto redirected = call(network, "client", "host", "192.0.2.1", 8001, near_listener);
        const auto masked = talk(network, "client", "server", Family::ipv4, "198.51.100.10", 90);
        network.enter("host");
        return told(flows_now());
      },
      "inbound tcp 192.0.2.10:* -> 192.0.2.1:8081 in near tracked sockets 1\n"
      "forward tcp 192.0.2.10:* -> 198.51.100.10:80 in near out far tracked\n"
      "forward tcp 192.0.2.10:* -> 198.51.100.10:90 in near out far tracked\n");
}

TEST(LiveFlows, ClosedOnOneSideIsOpenAndClosedOnBothIsNot) {
  for (const bool tracked : {false, true}) {
    expect_in_network(
        [&](Network& network) {
          if (tracked) nft(track_all);
          network.enter("host");
          const auto listener = kernel::listen_on(Family::ipv4, 8080);
          auto half = call(network, "client", "host", "192.0.2.1", 8080, listener);
          auto whole = call(network, "client", "host", "192.0.2.1", 8080, listener);
          ::shutdown(half.caller.get(), SHUT_WR);
          whole.caller = FileDescriptor();
          if (fate(half.callee) != "closed" || fate(whole.callee) != "closed")
            throw HarnessError("not closed");
          whole.callee = FileDescriptor();
          network.enter("host");
          return told(flows_now());
        },
        std::string("inbound tcp 192.0.2.10:* -> 192.0.2.1:8080 in near") +
            (tracked ? " tracked" : "") + " sockets 1\n");
  }
}

TEST(LiveFlows, ALinkLocalAddressHasTheInterfaceThatHasIt) {
  expect_in_network(
      [&](Network& network) {
        nft(track_all);
        must_run({"ip", "addr", "add", "fe80::1/64", "dev", "near", "nodad"});
        must_run({"ip", "addr", "add", "fe80::2/64", "dev", "far", "nodad"});
        // Both ends name their addresses: the interfaces have others of the kernel's own, and one
        // of them may be taken for an answer, or not be ready.
        const auto on_link = [](const char* address, const char* interface, std::uint16_t port) {
          auto result = socket_address(address, port);
          reinterpret_cast<sockaddr_in6*>(&result.storage)->sin6_scope_id =
              ::if_nametoindex(interface);
          return result;
        };
        const auto bound = [](const SocketAddress& address) {
          auto socket = open_socket("::", SOCK_DGRAM, 0);
          if (::bind(socket.get(), address.get(), address.size) != 0) throw HarnessError("bind");
          return socket;
        };
        for (const auto& [from, own, near] :
             {std::tuple{"client", "fe80::1", "near"}, std::tuple{"server", "fe80::2", "far"}}) {
          network.enter("host");
          const auto service = bound(on_link(own, near, 53));
          network.enter(from);
          must_run({"ip", "addr", "add", "fe80::10/64", "dev", "eth0", "nodad"});
          const auto caller = bound(on_link("fe80::10", "eth0", 0));
          const auto to = on_link(own, "eth0", 53);
          if (::connect(caller.get(), to.get(), to.size) != 0) throw HarnessError("connect");
          ask_and_answer(caller, service);
        }
        network.enter("host");
        std::set<std::string> lines;
        for (const auto& flow : flows_now())
          lines.insert(to_string(flow.destination) + " in " + flow.in + "\n");
        std::string out;
        for (const auto& line : lines) out += line;
        return out;
      },
      "fe80::1 in near\nfe80::2 in far\n");
}

TEST(LiveFlows, AsAPacket) {
  Flow flow;
  flow.hook = ir::Hook::forward;
  flow.protocol = protocol::tcp;
  flow.source = *parse_ipv4("203.0.113.9");
  flow.destination = *parse_ipv4("192.0.2.10");
  flow.source_port = Port{40000};
  flow.destination_port = Port{22};
  flow.in = "eth0";
  flow.out = "eth1";
  EXPECT_EQ(ir::to_text(first_packet(flow)),
            "tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0 out eth1 new");
}

// --- Who is who

TEST(LiveFlows, TheSessionIsMarked) {
  for (const bool tracked : {false, true}) {
    expect_in_network(
        [&](Network& network) {
          if (tracked) nft(track_all);
          network.enter("host");
          const auto listener = kernel::listen_on(Family::ipv4, 22);
          const auto mine = call(network, "client", "host", "192.0.2.1", 22, listener);
          const auto other = call(network, "client", "host", "192.0.2.1", 22, listener);
          network.enter("host");
          const Endpoints here{.protocol = protocol::tcp,
                               .local = *parse_ipv4("192.0.2.1"),
                               .peer = *parse_ipv4("192.0.2.10"),
                               .local_port = Port{22},
                               .peer_port = Port{own_port(mine.caller)},
                               .how = {}};
          std::string error;
          const auto flows = live_flows(Session{.connections = {here}, .unknown = {}}, error);
          if (!flows) return error;
          std::string out;
          for (const auto& flow : *flows)
            out += flow.source_port == here.peer_port ? (flow.management ? "mine " : "lost ")
                                                      : (flow.management ? "wrong " : "other ");
          return out.find("wrong") == std::string::npos && out.find("mine") != std::string::npos
                     ? std::to_string(flows->size()) + " flows"
                     : out;
        },
        "2 flows");
  }
}

// mosh: one socket for any peer. Tracking shows the peer; without it, ssh had said who came.
TEST(LiveFlows, ASessionOverASocketThatServesAnyPeer) {
  for (const bool tracked : {false, true}) {
    expect_in_network(
        [&](Network& network) {
          if (tracked) nft(track_all);
          network.enter("host");
          const auto service = udp_bound("192.0.2.1", 6001);
          network.enter("client");
          const auto caller = udp_connected("192.0.2.1", 6001);
          ask_and_answer(caller, service);
          network.enter("host");
          const Endpoints here{.protocol = protocol::udp,
                               .local = *parse_ipv4("192.0.2.1"),
                               .peer = *parse_ipv4("192.0.2.10"),
                               .local_port = Port{6001},
                               .peer_port = {},
                               .how = {}};
          std::string error;
          const auto flows = live_flows(Session{.connections = {here}, .unknown = {}}, error);
          return flows ? told(*flows) : error;
        },
        tracked ? "inbound udp 192.0.2.10:* -> 192.0.2.1:6001 in near tracked management\n"
                : "inbound udp 192.0.2.10:0 -> 192.0.2.1:6001 in near management\n");
  }
}

TEST(LiveFlows, TheOwnerIsTheProcessThatHoldsTheSocket) {
  expect_in_network(
      [&](Network& network) {
        const auto held = talk(network, "client", "host", Family::ipv4, "192.0.2.1", 8080);
        network.enter("host");
        auto flows = flows_now();
        name_owners(flows);
        const auto own = " (pid " + std::to_string(::getpid()) + ")";
        return std::string(flows.at(0).owner.ends_with(own) ? "own" : flows.at(0).owner);
      },
      "own");
}

}  // namespace
}  // namespace firewright::host
