// The end of one connection, and of no other.
#include "backends/host/flows.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "tests/backends/host/talking.h"

namespace firewright::host {
namespace {

constexpr auto established_only = R"(
table inet t {
  chain in { type filter hook input priority 0; policy accept;
    ct state established accept; meta l4proto { tcp, udp } drop; }
  chain through { type filter hook forward priority 0; policy accept;
    ct state established accept; meta l4proto { tcp, udp } drop; }
  chain out { type filter hook output priority 0; policy accept; }
})";

TEST(EndFlow, EndsOneConnectionToThisHostAndNoOther) {
  for (const auto& a : families)
    for (const bool tracked : {false, true}) {
      expect_in_network(
          [&](Network& network) {
            if (tracked) nft(track_all);
            network.enter("host");
            const auto listener = kernel::listen_on(a.family, 8080);
            const auto ended = call(network, "client", "host", a.near, 8080, listener);
            const auto other = call(network, "client", "host", a.near, 8080, listener);
            network.enter("host");
            const auto flow = the_flow(8080, own_port(ended.caller));
            if (tracked) nft("flush ruleset\n" + std::string(established_only));
            const auto result = end_flow(flow);
            if (!result.ok()) return result.error;
            std::string out = "host: " + fate(ended.callee) + ", client: " + fate(ended.caller);
            // Both may try; the server first.
            const auto sent = ::send(ended.callee.get(), "x", 1, MSG_NOSIGNAL);
            out += sent < 0 ? "\n" : ", sent again\n";
            out += goes_on(other) ? "the other goes on\n" : "the other does not go on\n";
            network.enter("host");
            out += std::to_string(flows_now().size()) + " left, again: ";
            out += end_flow(flow).ok() ? "ok\n" : "not ok\n";
            return out + (goes_on(other) ? "goes on" : "does not go on");
          },
          "host: Software caused connection abort, client: Connection reset by peer\n"
          "the other goes on\n"
          "1 left, again: ok\n"
          "goes on");
    }
}

TEST(EndFlow, EndsAConnectionFromThisHost) {
  for (const bool tracked : {false, true}) {
    expect_in_network(
        [&](Network& network) {
          if (tracked) nft(track_all);
          const auto ended = talk(network, "host", "server", Family::ipv6, "2001:db8:2::10", 9090);
          network.enter("host");
          const auto result = end_flow(the_flow(9090));
          if (!result.ok()) return result.error;
          return "host: " + fate(ended.caller) + ", server: " + fate(ended.callee) + ", " +
                 std::to_string(flows_now().size()) + " left";
        },
        "host: Software caused connection abort, server: Connection reset by peer, 0 left");
  }
}

// Nobody here holds a socket of it. What was established is new again, and new is denied.
TEST(EndFlow, EndsAForwardedConnectionAndNoOther) {
  for (const auto& a : families) {
    expect_in_network(
        [&](Network& network) {
          nft(track_all);
          network.enter("server");
          const auto listener = kernel::listen_on(a.family, 8080);
          const auto ended = call(network, "client", "server", a.server, 8080, listener);
          const auto other = call(network, "client", "server", a.server, 8080, listener);
          network.enter("host");
          const auto flow = the_flow(8080, own_port(ended.caller));
          nft("flush ruleset\n" + std::string(established_only));
          const auto result = end_flow(flow);
          if (!result.ok()) return result.error;
          // What is sent later on the other arrives: by then this would have.
          (void)!::send(ended.caller.get(), "x", 1, MSG_NOSIGNAL);
          (void)!::send(ended.callee.get(), "x", 1, MSG_NOSIGNAL);
          std::string out = goes_on(other) ? "the other goes on" : "the other does not go on";
          char byte = 0;
          const bool there = ::recv(ended.callee.get(), &byte, 1, MSG_DONTWAIT) > 0;
          const bool back = ::recv(ended.caller.get(), &byte, 1, MSG_DONTWAIT) > 0;
          network.enter("host");
          return out + (there || back ? ", this too, " : ", this does not, ") +
                 std::to_string(flows_now().size()) + " left";
        },
        "the other goes on, this does not, 1 left");
  }
}

TEST(EndFlow, EndsDatagramsAndLeavesTheSocketThatServesOthers) {
  expect_in_network(
      [&](Network& network) {
        nft(track_all);
        network.enter("host");
        const auto service = udp_bound("192.0.2.1", 53);
        network.enter("client");
        const auto ended = udp_connected("192.0.2.1", 53);
        const auto other = udp_connected("192.0.2.1", 53);
        ask_and_answer(ended, service);
        ask_and_answer(other, service);
        network.enter("host");
        const auto flow = the_flow(53, own_port(ended));
        nft("flush ruleset\n" + std::string(established_only));
        const auto result = end_flow(flow);
        if (!result.ok()) return result.error;
        // Denied, then the other, which arrives alone.
        (void)!::send(ended.get(), "x", 1, 0);
        (void)!::send(other.get(), "y", 1, 0);
        must_arrive(service);
        char byte = 0;
        (void)!::recv(service.get(), &byte, 1, 0);
        const auto more = ::recv(service.get(), &byte, 1, MSG_DONTWAIT);
        return std::string(1, byte) + (more > 0 ? " and more" : "");
      },
      "y");
}

TEST(EndFlow, LeavesANewerEntryOfTheSameTuple) {
  expect_in_network(
      [&](Network& network) {
        nft(track_all);
        network.enter("host");
        const auto service = udp_bound("192.0.2.1", 53);
        network.enter("client");
        const auto caller = udp_connected("192.0.2.1", 53);
        const auto other = udp_connected("192.0.2.1", 53);
        ask_and_answer(caller, service);
        network.enter("host");
        const auto older = the_flow(53);
        if (!end_flow(older).ok()) return std::string("not ended");
        const auto between = flows_now().size();
        // The kernel's number of an entry is made of where it lies: another has to take the place.
        ask_and_answer(other, service);
        char byte = 0;
        (void)!::recv(caller.get(), &byte, 1, MSG_DONTWAIT);
        ask_and_answer(caller, service);
        const bool again = end_flow(older).ok();
        return std::to_string(between) + " between, " + std::to_string(flows_now().size()) +
               " after" + (again ? "" : ", an error");
      },
      "0 between, 2 after");
}

}  // namespace
}  // namespace firewright::host
