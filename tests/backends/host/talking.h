// For tests of flows: a client, the host that routes, and a server, who talk in both families.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/kernel/harness/namespace.h"
#include "tests/kernel/harness/network.h"

namespace firewright::host {

using kernel::FileDescriptor;
using kernel::HarnessError;
using kernel::must_run;
using kernel::Network;

struct Addresses {
  Family family;
  const char* client;
  const char* near;  // of the host, towards the client
  const char* far;   // of the host, towards the server
  const char* server;
};
inline constexpr Addresses families[] = {
    {Family::ipv4, "192.0.2.10", "192.0.2.1", "198.51.100.1", "198.51.100.10"},
    {Family::ipv6, "2001:db8:1::10", "2001:db8:1::1", "2001:db8:2::1", "2001:db8:2::10"}};

inline kernel::Deadline soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(10);
}

inline void give(const std::string& interface, const std::string& v4, const std::string& v6) {
  must_run({"ip", "addr", "add", v4 + "/24", "dev", interface});
  must_run({"ip", "addr", "add", v6 + "/64", "dev", interface, "nodad"});
}

inline void set_up(Network& network) {
  for (const char* name : {"client", "host", "server"}) network.add_host(name);
  network.join("client", "eth0", "host", "near");
  network.join("server", "eth0", "host", "far");
  network.enter("client");
  give("eth0", "192.0.2.10", "2001:db8:1::10");
  must_run({"ip", "route", "add", "default", "via", "192.0.2.1"});
  must_run({"ip", "-6", "route", "add", "default", "via", "2001:db8:1::1"});
  network.enter("server");
  give("eth0", "198.51.100.10", "2001:db8:2::10");
  must_run({"ip", "route", "add", "default", "via", "198.51.100.1"});
  must_run({"ip", "-6", "route", "add", "default", "via", "2001:db8:2::1"});
  network.enter("host");
  kernel::write_file("/proc/sys/net/ipv4/ip_forward", "1");
  kernel::write_file("/proc/sys/net/ipv6/conf/all/forwarding", "1");
  give("near", "192.0.2.1", "2001:db8:1::1");
  give("far", "198.51.100.1", "2001:db8:2::1");
}

// What the test gives back has to be `expected`; what it throws is a failure.
inline void expect_in_network(const std::function<std::string(Network&)>& body,
                              const std::string& expected) {
  const auto ran = kernel::in_namespace([&] {
    Network network;
    set_up(network);
    return body(network);
  });
  if (ran.refused()) GTEST_SKIP() << ran.text;
  ASSERT_TRUE(ran.done()) << ran.text;
  EXPECT_EQ(ran.text, expected);
}

inline void nft(const std::string& rules) { must_run({"nft", "-f", "-"}, rules); }

inline constexpr auto track_all = R"(
table inet t {
  chain in { type filter hook input priority 0; ct state established accept; }
  chain through { type filter hook forward priority 0; ct state established accept; }
  chain out { type filter hook output priority 0; ct state established accept; }
})";

// --- Talking

struct Talk {
  FileDescriptor caller, callee;
};

// Of a connection both ends of which are open.
inline Talk call(const Network& network, const std::string& from, const std::string& to,
                 const std::string& address, std::uint16_t port, const FileDescriptor& listener) {
  network.enter(from);
  Talk talk;
  talk.caller = kernel::start_connect(address, port);
  if (!kernel::wait_connected(talk.caller, soon()))
    throw HarnessError(from + " cannot connect to " + address);
  network.enter(to);
  auto callee = kernel::wait_accepted(listener, soon());
  if (!callee) throw HarnessError(to + " accepts nothing");
  talk.callee = std::move(*callee);
  if (kernel::transfer(talk.caller, talk.callee, 100, soon()) != 100)
    throw HarnessError("nothing arrives");
  return talk;
}

inline Talk talk(const Network& network, const std::string& from, const std::string& to,
                 Family family, const std::string& address, std::uint16_t port) {
  network.enter(to);
  const auto listener = kernel::listen_on(family, port);
  return call(network, from, to, address, port, listener);
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
inline SocketAddress socket_address(const std::string& address, std::uint16_t port) {
  SocketAddress result;
  if (address.find(':') == std::string::npos) {
    auto* in = reinterpret_cast<sockaddr_in*>(&result.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &in->sin_addr);
    result.size = sizeof *in;
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&result.storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    ::inet_pton(AF_INET6, address.c_str(), &in->sin6_addr);
    result.size = sizeof *in;
  }
  return result;
}

inline FileDescriptor open_socket(const std::string& address, int type, int protocol) {
  const int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  FileDescriptor socket(::socket(family, type | SOCK_CLOEXEC, protocol));
  if (!socket.open()) throw HarnessError("no socket");
  return socket;
}

inline FileDescriptor udp_bound(const std::string& address, std::uint16_t port) {
  auto socket = open_socket(address, SOCK_DGRAM, 0);
  const auto name = socket_address(address, port);
  if (::bind(socket.get(), name.get(), name.size) != 0) throw HarnessError("bind");
  return socket;
}

inline FileDescriptor udp_connected(const std::string& address, std::uint16_t port) {
  auto socket = open_socket(address, SOCK_DGRAM, 0);
  const auto name = socket_address(address, port);
  if (::connect(socket.get(), name.get(), name.size) != 0) throw HarnessError("connect");
  return socket;
}

inline void must_arrive(const FileDescriptor& socket) {
  pollfd waiting{.fd = socket.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, 10000) != 1) throw HarnessError("nothing arrives");
}

// Sends again and again until something arrives: the first datagrams may find their own address not
// yet ready, or the neighbour not yet known.
inline void send_until_it_arrives(const std::function<bool()>& send, const FileDescriptor& socket) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (!send()) throw HarnessError("cannot send");
    pollfd waiting{.fd = socket.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 100) == 1) return;
  }
  throw HarnessError("nothing arrives");
}

// A datagram there and one back.
inline void ask_and_answer(const FileDescriptor& caller, const FileDescriptor& callee) {
  send_until_it_arrives([&] { return ::send(caller.get(), "?", 1, 0) == 1; }, callee);
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  char byte = 0;
  if (::recvfrom(callee.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&from), &size) != 1)
    throw HarnessError("no answer");
  const auto* back = reinterpret_cast<const sockaddr*>(&from);
  send_until_it_arrives([&] { return ::sendto(callee.get(), "!", 1, 0, back, size) == 1; }, caller);
}

inline void ping(const std::string& address) {
  const bool v4 = address.find(':') == std::string::npos;
  const auto socket = open_socket(address, SOCK_RAW, v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6});
  std::string packet(8, '\0');
  packet[0] = static_cast<char>(v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST);
  packet[5] = 7;
  if (v4) packet[2] = static_cast<char>(0xf7), packet[3] = static_cast<char>(0xf8);
  const auto to = socket_address(address, 0);
  const auto send = [&] {
    return ::sendto(socket.get(), packet.data(), packet.size(), 0, to.get(), to.size) == 8;
  };
  send_until_it_arrives(send, socket);
}

// --- Telling

// The port that the kernel chose for a caller says nothing.
inline std::string text(const Flow& flow) {
  const auto port = [](Port p) {
    return p.value >= 32768 ? std::string("*") : std::to_string(p.value);
  };
  const bool six = flow.family() == Family::ipv6;
  const auto end = [&](const Address& address, Port p) {
    const auto name = to_string(address);
    if (!has_ports(flow.protocol)) return name;
    return (six ? "[" + name + "]" : name) + ":" + port(p);
  };
  std::string out = std::string(ir::to_string(flow.hook)) + " " + to_string(flow.protocol) + " " +
                    end(flow.source, flow.source_port) + " -> " +
                    end(flow.destination, flow.destination_port);
  if (flow.icmp.value != 0) out += " type " + std::to_string(flow.icmp.type());
  if (!flow.in.empty()) out += " in " + flow.in;
  if (!flow.out.empty()) out += " out " + flow.out;
  if (flow.tracked) out += " tracked";
  if (!flow.sockets.empty()) out += " sockets " + std::to_string(flow.sockets.size());
  if (flow.management) out += " management";
  return out + "\n";
}

inline std::vector<Flow> flows_now() {
  std::string error;
  auto flows = live_flows(Session{}, error);
  if (!flows) throw HarnessError("no flows: " + error);
  return std::move(*flows);
}

inline std::string told(const std::vector<Flow>& flows) {
  std::string out;
  for (const auto& flow : flows) out += text(flow);
  return out;
}

// The one flow that is between these ports.
inline Flow the_flow(std::uint16_t destination_port, std::uint16_t source_port = 0) {
  std::optional<Flow> found;
  for (auto& flow : flows_now()) {
    if (flow.destination_port.value != destination_port) continue;
    if (source_port != 0 && flow.source_port.value != source_port) continue;
    if (found) throw HarnessError("more than one flow");
    found = std::move(flow);
  }
  if (!found) throw HarnessError("no such flow");
  return *found;
}

inline std::uint16_t own_port(const FileDescriptor& socket) {
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size);
  return ntohs(name.sin6_port);
}

// What a socket has become: "open", "closed" or the error; waits until it is told something.
inline std::string fate(const FileDescriptor& socket) {
  pollfd waiting{.fd = socket.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, 10000) != 1) return "open";
  char byte = 0;
  const auto got = ::recv(socket.get(), &byte, 1, MSG_DONTWAIT);
  return got > 0 ? "data" : got == 0 ? "closed" : std::strerror(errno);
}

inline bool goes_on(const Talk& talk) {
  return kernel::transfer(talk.caller, talk.callee, 5000, soon()) == 5000 &&
         kernel::transfer(talk.callee, talk.caller, 5000, soon()) == 5000;
}

}  // namespace firewright::host
