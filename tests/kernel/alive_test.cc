// What a firewall must not kill: neighbour discovery and path-MTU discovery, end to end. Three
// hosts: client and server deny all inbound packets but one TCP port, and the router between them
// has a narrower link on the client's side.
#include <gtest/gtest.h>

#include <string>

#include "tests/kernel/harness/compiled.h"
#include "tests/kernel/harness/loader.h"
#include "tests/kernel/harness/namespace.h"
#include "tests/kernel/harness/network.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

constexpr std::uint16_t open_port = 8080;
constexpr std::uint16_t closed_port = 8081;
constexpr int narrow = 1300;  // bytes a packet; IPv6 asks for at least 1280
constexpr std::size_t amount = 512 * 1024;
constexpr std::string_view policy = "[inbound]\nallow = [\"tcp/8080\"]\n";

struct Addresses {
  Family family;
  const char* client;
  const char* server;
};
constexpr Addresses families[] = {{Family::ipv4, "192.0.2.10", "198.51.100.10"},
                                  {Family::ipv6, "2001:db8:1::10", "2001:db8:2::10"}};

Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(15); }

void give(const std::string& interface, const std::string& v4, const std::string& v6) {
  must_run({"ip", "addr", "add", v4 + "/24", "dev", interface});
  must_run({"ip", "addr", "add", v6 + "/64", "dev", interface, "nodad"});
}

void set_up(Network& network) {
  for (const char* host : {"client", "router", "server"}) network.add_host(host);
  network.join("client", "eth0", "router", "near");
  network.join("server", "eth0", "router", "far");
  network.enter("router");
  write_file("/proc/sys/net/ipv4/ip_forward", "1");
  write_file("/proc/sys/net/ipv6/conf/all/forwarding", "1");
  give("near", "192.0.2.1", "2001:db8:1::1");
  give("far", "198.51.100.1", "2001:db8:2::1");
  must_run({"ip", "link", "set", "near", "mtu", std::to_string(narrow)});
  network.enter("client");
  give("eth0", "192.0.2.10", "2001:db8:1::10");
  must_run({"ip", "route", "add", "default", "via", "192.0.2.1"});
  must_run({"ip", "-6", "route", "add", "default", "via", "2001:db8:1::1"});
  network.enter("server");
  give("eth0", "198.51.100.10", "2001:db8:2::10");
  must_run({"ip", "route", "add", "default", "via", "198.51.100.1"});
  must_run({"ip", "-6", "route", "add", "default", "via", "2001:db8:2::1"});
}

void forget_neighbours(const Network& network) {
  for (const char* host : {"client", "router", "server"}) {
    network.enter(host);
    must_run({"ip", "-4", "neigh", "flush", "all"});
    must_run({"ip", "-6", "neigh", "flush", "all"});
  }
}

// `from` connects to `to` and gets a large answer. An empty text, or what went wrong.
std::string talk(const Network& network, const std::string& from, const std::string& to,
                 Family family, const std::string& address, bool through_narrow_link) {
  const std::string what = from + " to " + to + ", " + std::string(to_string(family)) + ": ";
  forget_neighbours(network);
  network.enter(to);
  const FileDescriptor listener = listen_on(family, open_port);
  const FileDescriptor unreachable_listener = listen_on(family, closed_port);
  network.enter(from);
  const FileDescriptor denied = start_connect(address, closed_port);
  const FileDescriptor caller = start_connect(address, open_port);
  if (!wait_connected(caller, soon())) return what + "no connection\n";
  // It set out first on the same way, so an answer would be here by now.
  if (is_connected(denied)) return what + "connected to a port that is closed\n";
  const auto callee = wait_accepted(listener, soon());
  if (!callee) return what + "nobody to accept\n";
  const std::size_t received = transfer(*callee, caller, amount, soon());
  if (received != amount)
    return what + "only " + std::to_string(received) + " bytes came through\n";
  const int mtu = path_mtu(*callee, family);
  if (through_narrow_link && mtu != narrow)
    return what + "the path's MTU was not found: " + std::to_string(mtu) + "\n";
  return "";
}

class AliveUnderDenyAll : public testing::TestWithParam<Loader> {};

TEST_P(AliveUnderDenyAll, NeighboursAndPathMtuAreFound) {
  SKIP_WITHOUT_BED();
  const Compiled compiled = compile("deny-all.toml", target_of(GetParam()), std::string(policy));
  ASSERT_TRUE(compiled.ok()) << compiled.errors;
  const Outcome outcome = in_namespace([&] {
    Network network;
    set_up(network);
    for (const char* host : {"client", "server"}) {
      network.enter(host);
      if (const auto error = load(GetParam(), compiled.artifact)) throw HarnessError(*error);
    }
    std::string wrong;
    for (const auto& addresses : families) {
      wrong += talk(network, "client", "server", addresses.family, addresses.server, true);
      wrong += talk(network, "server", "client", addresses.family, addresses.client, false);
    }
    return wrong;
  });
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_EQ(outcome.text, "");
}

// The test above can fail: without neighbour discovery in the baseline nothing is found.
TEST(DeadWithoutNeighbourDiscovery, NobodyIsReached) {
  SKIP_WITHOUT_BED();
  const Compiled compiled =
      compile("deny-all.toml", Target::nftables,
              "[baseline]\nneighbour-discovery = false\n" + std::string(policy));
  ASSERT_TRUE(compiled.ok()) << compiled.errors;
  const Outcome outcome = in_namespace([&]() -> std::string {
    Network network;
    set_up(network);
    network.enter("client");
    write_file("/proc/sys/net/ipv6/neigh/eth0/retrans_time_ms", "50");
    if (const auto error = load(Loader::netlink_batch, compiled.artifact))
      throw HarnessError(*error);
    const FileDescriptor socket = start_connect("2001:db8:2::10", open_port);
    // The kernel gives up after three questions and says so.
    return wait_connected(socket, soon()) ? "connected" : "not connected";
  });
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_EQ(outcome.text, "not connected");
}

INSTANTIATE_TEST_SUITE_P(Loaders, AliveUnderDenyAll, testing::ValuesIn(all_loaders),
                         [](const auto& test) { return std::string(to_string(test.param)); });

}  // namespace
}  // namespace firewright::kernel
