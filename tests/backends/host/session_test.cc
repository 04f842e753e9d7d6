// Whose connection this is: sockets of ancestors, and what the environment says.
#include "backends/host/session.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "backends/host/flows.h"
#include "tests/backends/host/scratch.h"
#include "tests/kernel/harness/namespace.h"
#include "tests/kernel/harness/network.h"

namespace firewright::host {
namespace {

using kernel::FileDescriptor;
using kernel::HarnessError;
using kernel::Network;

std::string told(const Session& session) {
  std::string out;
  for (const auto& c : session.connections)
    out += to_string(c.protocol) + " " + to_string(c.local) + ":" +
           std::to_string(c.local_port.value) + " " + to_string(c.peer) + ":" +
           std::to_string(c.peer_port.value) + " " + c.how + "\n";
  if (!session.unknown.empty()) out += "unknown: " + session.unknown + "\n";
  return out;
}

// --- A made-up /proc

class MadeUp : public test::Scratch {
 protected:
  void process(int id, const std::string& name, int parent,
               const std::vector<std::uint32_t>& sockets = {},
               const std::vector<std::string>& variables = {},
               const std::string& network = "net:[1]") {
    const auto folder = at(std::to_string(id));
    std::filesystem::create_directories(folder + "/fd");
    std::filesystem::create_directories(folder + "/ns");
    test::spill(folder + "/stat", std::to_string(id) + " (" + name + ") S " +
                                      std::to_string(parent) + " 1 1 0 -1 4194560");
    std::string text;
    for (const auto& variable : variables) text += variable + '\0';
    test::spill(folder + "/environ", text);
    std::filesystem::create_symlink(network, folder + "/ns/net");
    std::filesystem::create_symlink("/dev/null", folder + "/fd/0");
    for (const auto inode : sockets)
      std::filesystem::create_symlink("socket:[" + std::to_string(inode) + "]",
                                      folder + "/fd/" + std::to_string(inode));
  }

  static Socket connected(std::uint32_t inode, const std::string& peer, std::uint16_t peer_port,
                          std::uint16_t port = 22) {
    Socket socket;
    socket.protocol = protocol::tcp;
    socket.local = *parse_ipv4("192.0.2.10");
    socket.local_port = Port{port};
    socket.peer = *parse_ipv4(peer);
    socket.peer_port = Port{peer_port};
    socket.inode = inode;
    return socket;
  }

  [[nodiscard]] std::string find(int of, const std::vector<Socket>& sockets) const {
    return told(find_session(of, path(), &sockets));
  }

  const std::vector<Socket> sockets_ = {connected(101, "203.0.113.9", 40000),
                                        connected(102, "203.0.113.10", 40001),
                                        connected(103, "203.0.113.11", 40002)};
};

TEST_F(MadeUp, AnAncestorHoldsTheSocket) {
  process(1, "systemd", 0);
  process(50, "sshd", 1);
  process(60, "sshd: a (b) c)", 50, {101, 999});
  process(61, "bash", 60);
  process(70, "firewright", 61);
  process(80, "sshd", 50, {102});
  EXPECT_EQ(find(70, sockets_),
            "tcp 192.0.2.10:22 203.0.113.9:40000 held by sshd: a (b) c) (pid 60)\n");
}

TEST_F(MadeUp, AListenerIsNoSession) {
  auto listener = connected(101, "0.0.0.0", 0);
  listener.listening = true;
  process(1, "init", 0);
  process(60, "inetd", 1, {101});
  process(70, "sh", 60);
  EXPECT_EQ(find(70, {listener}), "");
}

TEST_F(MadeUp, TheEnvironmentOfAnAncestorWhereSudoDropsIt) {
  process(1, "systemd", 0);
  process(61, "bash", 1, {}, {"HOME=/", "SSH_CONNECTION=203.0.113.9 40000 192.0.2.10 22"});
  process(62, "sudo", 61);
  process(70, "firewright", 62);
  EXPECT_EQ(find(70, sockets_),
            "tcp 192.0.2.10:22 203.0.113.9:40000 SSH_CONNECTION of bash (pid 61)\n");
}

TEST_F(MadeUp, AnEnvironmentThatIsStaleIsIgnored) {
  process(70, "firewright", 0, {}, {"SSH_CONNECTION=203.0.113.9 50000 192.0.2.10 22"});
  EXPECT_EQ(find(70, sockets_), "");
  // Unless nobody can tell.
  EXPECT_EQ(told(find_session(70, path(), nullptr)),
            "tcp 192.0.2.10:22 203.0.113.9:50000 SSH_CONNECTION of firewright (pid 70)\n");
}

TEST_F(MadeUp, NonsenseInTheEnvironment) {
  for (const char* value : {"", "x", "203.0.113.9 40000 192.0.2.10",
                            "203.0.113.9 40000 192.0.2.10 22 1", "203.0.113.9 99999 192.0.2.10 22",
                            "2001:db8::1 40000 192.0.2.10 22", "203.0.113.9 40000 192.0.2.10 0"}) {
    std::filesystem::remove_all(at("70"));
    process(70, "firewright", 0, {}, {std::string("SSH_CONNECTION=") + value});
    EXPECT_EQ(told(find_session(70, path(), nullptr)), "") << value;
  }
}

TEST_F(MadeUp, AddressesAsSshdWritesThem) {
  process(70, "firewright", 0, {}, {"SSH_CONNECTION=::ffff:203.0.113.9 40000 192.0.2.10 22"});
  EXPECT_EQ(find(70, sockets_),
            "tcp 192.0.2.10:22 203.0.113.9:40000 SSH_CONNECTION of firewright (pid 70)\n");
  std::filesystem::remove_all(at("70"));
  process(70, "firewright", 0, {}, {"SSH_CONNECTION=fe80::9%eth0 40000 fe80::1%eth0 22"});
  EXPECT_EQ(told(find_session(70, path(), nullptr)),
            "tcp fe80::1:22 fe80::9:40000 SSH_CONNECTION of firewright (pid 70)\n");
}

// The shell came by ssh to the host, and the process was sent into a namespace.
TEST_F(MadeUp, AConnectionOfAnotherNetworkNamespaceIsIgnored) {
  const std::string said = "SSH_CONNECTION=203.0.113.9 40000 192.0.2.10 22";
  process(61, "bash", 0, {}, {said}, "net:[2]");
  process(70, "firewright", 61, {}, {said}, "net:[1]");
  EXPECT_EQ(told(find_session(70, path(), nullptr)), "");
}

TEST_F(MadeUp, InTmuxTheClientsCount) {
  process(1, "systemd", 0);
  process(40, "tmux: server", 1, {}, {"SSH_CONNECTION=203.0.113.9 1 192.0.2.10 22"});
  process(41, "bash", 40, {}, {"TMUX=/tmp/tmux-0/default,40,0"});
  process(70, "firewright", 41);
  process(60, "sshd", 1, {102});
  process(61, "bash", 60);
  process(62, "tmux: client", 61);
  process(63, "sshd", 1, {103});
  process(64, "bash", 63);
  EXPECT_EQ(find(70, sockets_), "tcp 192.0.2.10:22 203.0.113.10:40001 held by sshd (pid 60)\n");
}

TEST_F(MadeUp, MoshServesAnyPeer) {
  Socket served;
  served.protocol = protocol::udp;
  served.local = Ipv4{};
  served.peer = Ipv4{};
  served.local_port = Port{60001};
  served.listening = true;
  served.inode = 104;
  process(1, "systemd", 0);
  process(60, "mosh-server", 1, {104}, {"SSH_CONNECTION=203.0.113.9 5 192.0.2.10 22"});
  process(61, "bash", 60);
  EXPECT_EQ(find(61, {served}),
            "udp 192.0.2.10:60001 203.0.113.9:0 held by mosh-server (pid 60)\n");
  std::filesystem::remove_all(at("60"));
  process(60, "mosh-server", 1, {104});
  EXPECT_EQ(find(61, {served}), "udp 0.0.0.0:60001 0.0.0.0:0 held by mosh-server (pid 60)\n");
}

TEST_F(MadeUp, WhatCannotBeReadIsSaid) {
  process(70, "firewright", 60);
  EXPECT_EQ(find(70, sockets_), "unknown: cannot look at process 60\n");
  process(60, "sshd", 0);
  std::filesystem::remove_all(at("60/fd"));
  std::filesystem::remove(at("60/environ"));
  EXPECT_EQ(find(70, sockets_),
            "unknown: cannot read the open files of sshd (pid 60); cannot read the environment of "
            "sshd (pid 60)\n");
  // Processes that are their own ancestors.
  std::filesystem::remove_all(at("60"));
  process(60, "loop", 70, {101});
  EXPECT_EQ(find(70, sockets_), "tcp 192.0.2.10:22 203.0.113.9:40000 held by loop (pid 60)\n");
}

TEST_F(MadeUp, OwnersOfFlows) {
  process(1, "systemd", 0);
  process(60, "sshd", 1, {101});
  process(65, "sshd", 60, {101});
  std::vector<Flow> flows(2);
  flows[0].sockets = {sockets_[0]};
  flows[1].sockets = {sockets_[1]};
  name_owners(flows, path());
  EXPECT_EQ(flows[0].owner, "sshd (pid 65)");
  EXPECT_EQ(flows[1].owner, "");
}

// --- Real processes

kernel::Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

// What the body gives back in a child, which leads a session of its own if told so.
std::string in_child(bool own_session, const std::function<std::string()>& body) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw HarnessError("pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    if (own_session) (void)!::setsid();
    const auto text = body();
    (void)!::write(ends[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return text;
}

TEST(CurrentSession, OfAGrandchildOfWhoAccepted) {
  for (const auto family : {Family::ipv4, Family::ipv6}) {
    const auto ran = kernel::in_namespace([&] {
      Network network;
      network.add_host("client");
      network.add_host("host");
      network.join("client", "eth0", "host", "eth0");
      for (const char* name : {"client", "host"}) {
        network.enter(name);
        const std::string last = name == std::string("client") ? "9" : "10";
        kernel::must_run({"ip", "addr", "add", "192.0.2." + last + "/24", "dev", "eth0"});
        kernel::must_run(
            {"ip", "addr", "add", "2001:db8::" + last + "/64", "dev", "eth0", "nodad"});
      }
      network.enter("host");
      auto listener = kernel::listen_on(family, 22);
      network.enter("client");
      const auto caller =
          kernel::start_connect(family == Family::ipv4 ? "192.0.2.10" : "2001:db8::10", 22);
      const auto other =
          kernel::start_connect(family == Family::ipv4 ? "192.0.2.10" : "2001:db8::10", 22);
      if (!kernel::wait_connected(caller, soon()) || !kernel::wait_connected(other, soon()))
        throw HarnessError("not connected");
      network.enter("host");
      // sshd's child holds the socket, and the shell does not.
      return in_child(true, [&] {
        const auto accepted = kernel::wait_accepted(listener, soon());
        if (!accepted) return std::string("nothing accepted");
        const auto held = accepted->get();
        return in_child(true, [&] {
          ::close(held);
          ::close(caller.get());  // it is on the client, but inherited
          return in_child(false, [&] {
            const auto session = current_session();
            std::string error;
            const auto flows = live_flows(error);
            if (!flows) return error;
            std::size_t managed = 0;
            for (const auto& flow : *flows) managed += flow.management ? 1U : 0U;
            return std::to_string(session.connections.size()) + " connection of " +
                   std::string(to_string(Address(session.connections.at(0).peer))) + ", " +
                   std::to_string(managed) + " of " + std::to_string(flows->size()) + " flows";
          });
        });
      });
    });
    if (ran.refused()) GTEST_SKIP() << ran.text;
    EXPECT_EQ(ran.text, family == Family::ipv4 ? "1 connection of 192.0.2.9, 1 of 2 flows"
                                               : "1 connection of 2001:db8::9, 1 of 2 flows");
  }
}

}  // namespace
}  // namespace firewright::host
