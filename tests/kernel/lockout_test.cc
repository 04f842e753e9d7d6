// The lockout guard, with real connections: a client, and the host that is administered over one of
// them. Whoever holds the accepted socket above the command is the administrator's session.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kernel/harness/network.h"
#include "tests/kernel/life.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

using testing::HasSubstr;

Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

struct Addresses {
  Family family;
  std::string client, host;
};

void set_up(Network& network) {
  for (const char* name : {"client", "host"}) network.add_host(name);
  network.join("client", "eth0", "host", "eth0");
  for (const auto& [host, last] : {std::pair{"client", "10"}, {"host", "1"}}) {
    network.enter(host);
    must_run({"ip", "addr", "add", std::string("192.0.2.") + last + "/24", "dev", "eth0"});
    must_run(
        {"ip", "addr", "add", std::string("2001:db8::") + last + "/64", "dev", "eth0", "nodad"});
  }
}

// A server of its own process, which is nobody's session: it accepts one connection and holds it.
class Server {
 public:
  Server(Family family, std::uint16_t port) {
    const auto listener = listen_on(family, port);
    child_ = fork();
    if (child_ != 0) return;
    const auto accepted = wait_accepted(listener, soon());
    char buffer[256];
    while (accepted && read(accepted->get(), buffer, sizeof buffer) > 0) continue;
    for (;;) pause();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }

 private:
  pid_t child_ = -1;
};

FileDescriptor connect_to(const std::string& address, std::uint16_t port) {
  auto socket = start_connect(address, port);
  if (!wait_connected(socket, soon())) throw HarnessError("no connection to " + address);
  return socket;
}

// The peer has reset it or closed it.
bool is_dead(const FileDescriptor& socket) {
  return wait_until([&] {
    char byte = 'x';
    if (send(socket.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
      return true;
    return recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 0;
  });
}

bool mentions(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

constexpr const char* both = "[inbound]\nallow = [\"ssh\", \"http\"]\n";
constexpr const char* only_http = "[inbound]\nallow = [\"http\"]\n";
constexpr const char* only_ssh =
    "[inbound]\nallow = [\"ssh\"]\nreject = [{ service = \"http\", name = \"no web\" }]\n";

std::string guarded(const Addresses& addresses) {
  Network network;
  set_up(network);
  network.enter("host");
  const Server web(addresses.family, 80);
  const auto ssh_listener = listen_on(addresses.family, 22);
  const Life life;
  life.must_apply(both);
  network.enter("client");
  const auto web_connection = connect_to(addresses.host, 80);
  const auto ssh_connection = connect_to(addresses.host, 22);
  network.enter("host");
  const auto session = wait_accepted(ssh_listener, soon());
  if (!session) return "no session";
  const auto alive = [&] { return transfer(ssh_connection, *session, 100, soon()) == 100; };

  const auto before = ruleset();
  const auto refused = life.apply(only_http);
  std::string problems =
      check(refused.status == 1, said(refused)) +
      check(mentions(refused.err, "cuts off the connection that you work through") &&
                mentions(refused.err, "by the default of inbound") &&
                mentions(refused.err, "nothing was changed"),
            said(refused)) +
      check(ruleset() == before, "something was changed");

  const auto allowed = life.apply(only_ssh);
  problems += check(allowed.status == 0, said(allowed)) +
              check(mentions(allowed.err, "open now and not to be opened again: tcp ") &&
                        mentions(allowed.err, "denied by `no web` (<stdin>:3)"),
                    said(allowed)) +
              check(alive(), "the session is dead");

  const auto ended = life.apply(only_ssh, {"--end-denied-flows"});
  problems += check(ended.status == 0 && mentions(ended.out, "1 connection ended"), said(ended)) +
              check(is_dead(web_connection), "the web connection goes on") +
              check(alive(), "the session is dead");

  const auto forced = life.apply(only_http, {"--allow-lockout"});
  return problems + check(forced.status == 0, said(forced)) +
         check(mentions(forced.err, "this is your own connection"), said(forced)) +
         check(alive(), "the open session is cut");
}

TEST(Lockout, TheSessionIsKeptAndDeniedFlowsAreNamedAndEnded) {
  SKIP_WITHOUT_BED();
  for (const auto& addresses : {Addresses{Family::ipv4, "192.0.2.10", "192.0.2.1"},
                                Addresses{Family::ipv6, "2001:db8::10", "2001:db8::1"}}) {
    const auto outcome = in_namespace([&] { return guarded(addresses); });
    ASSERT_TRUE(outcome.done()) << outcome.text;
    EXPECT_EQ(outcome.text, "");
  }
}

// The first firewall of a host: nothing was tracked before.
TEST(Lockout, AHostWithoutAFirewallIsGuardedToo) {
  SKIP_WITHOUT_BED();
  const auto outcome = in_namespace([] {
    Network network;
    set_up(network);
    network.enter("host");
    const auto listener = listen_on(Family::ipv4, 2222);
    network.enter("client");
    const auto connection = connect_to("192.0.2.1", 2222);
    network.enter("host");
    const auto session = wait_accepted(listener, soon());
    if (!session) return std::string("no session");
    const Life life;
    const auto refused = life.apply(both);
    const auto dry = life.apply(both, {"--dry-run", "--format", "json"});
    return said(refused) + ruleset() +
           check(mentions(dry.out, "\"own_connection\": true"), dry.out);
  });
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_THAT(outcome.text, testing::StartsWith("exit 1\n"));
  EXPECT_THAT(outcome.text, HasSubstr("192.0.2.1:2222"));
  EXPECT_THAT(outcome.text, HasSubstr("--allow-lockout loads it all the same"));
  EXPECT_EQ(outcome.text.find("table inet"), std::string::npos) << outcome.text;
  EXPECT_EQ(outcome.text.find("own_connection"), std::string::npos) << outcome.text;
}

}  // namespace
}  // namespace firewright::kernel
