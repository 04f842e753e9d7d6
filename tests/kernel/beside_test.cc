// Other people's tables beside ours, and other people's writes while we write.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "tests/kernel/life.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

constexpr const char* one = "[inbound]\nallow = [\"ssh\", { service = \"http\", count = true }]\n";
constexpr const char* two =
    "[inbound]\nallow = [\"ssh\", \"https\"]\ndeny = [{ from = \"192.0.2.0/24\", name = \"bad\" "
    "}]\n";

// What Docker, libvirt and fail2ban leave in a kernel, in kind: NAT and filter chains with jumps,
// maps, and bans that run out.
constexpr const char* foreign = R"(
table ip nat {
  chain DOCKER { iifname != "docker0" tcp dport 8080 dnat to 172.17.0.2:80; }
  chain PREROUTING { type nat hook prerouting priority dstnat; fib daddr type local jump DOCKER; }
  chain POSTROUTING {
    type nat hook postrouting priority srcnat;
    ip saddr 172.17.0.0/16 oifname != "docker0" counter masquerade
  }
}
table ip filter {
  chain DOCKER { ip daddr 172.17.0.2 tcp dport 80 counter accept; }
  chain FORWARD { type filter hook forward priority filter; policy accept; jump DOCKER; }
}
table inet f2b-table {
  set addr-set-sshd { type ipv4_addr; flags timeout; elements = { 203.0.113.7 timeout 1h }; }
  chain f2b-chain {
    type filter hook input priority filter - 1; policy accept;
    tcp dport 22 ip saddr @addr-set-sshd reject with icmp port-unreachable
  }
}
table ip libvirt_network {
  map uplinks { type ifname : verdict; elements = { "virbr0" : accept }; }
  chain forward { type filter hook forward priority filter; policy accept; oifname vmap @uplinks; }
}
)";

std::string foreign_tables() {
  std::string text;
  for (const auto* table : {"ip nat", "ip filter", "inet f2b-table", "ip libvirt_network"}) {
    const std::string name(table);
    const auto space = name.find(' ');
    text += must_run({"nft", "-a", "--stateless", "list", "table", name.substr(0, space),
                      name.substr(space + 1)});
  }
  return text;
}

TEST(Beside, ForeignTablesOutliveAHundredApplies) {
  SKIP_WITHOUT_BED();
  const auto outcome = in_namespace(
      [] {
        must_run({"nft", "-f", "-"}, foreign);
        const auto before = foreign_tables();
        const Life life;
        for (int i = 0; i < 100; ++i) life.must_apply(i % 2 == 0 ? one : two);
        const auto rolled_back = life.run({"rollback"});
        const auto ban = must_run({"nft", "list", "set", "inet", "f2b-table", "addr-set-sshd"});
        return check(rolled_back.status == 0, rolled_back.err) +
               check(foreign_tables() == before, foreign_tables()) +
               check(ban.find("203.0.113.7 timeout 1h expires") != std::string::npos, ban);
      },
      /*seconds=*/300);
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_EQ(outcome.text, "");
}

// Runs until it is killed.
class Writer {
 public:
  explicit Writer(const std::string& loop) {
    child_ = fork();
    if (child_ != 0) return;
    execlp("bash", "bash", "-c", loop.c_str(), nullptr);
    _exit(127);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }

 private:
  pid_t child_ = -1;
};

// Somebody writes other tables all the time: each write makes another generation of the ruleset.
TEST(Beside, ARacingWriterLosesNothingAndSpoilsNothing) {
  SKIP_WITHOUT_BED();
  const auto* more = std::getenv("FIREWRIGHT_RACES");
  const int rounds = more == nullptr ? 40 : std::atoi(more);
  const auto outcome = in_namespace(
      [&] {
        const Life life;
        life.must_apply(one);
        const auto first = must_run({"nft", "--stateless", "list", "table", "inet", "firewright"});
        life.must_apply(two);
        const auto second = must_run({"nft", "--stateless", "list", "table", "inet", "firewright"});
        must_run({"nft", "add", "table", "inet", "theirs"});
        must_run({"nft", "add", "set", "inet", "theirs", "s", "{ type ipv4_addr; }"});
        std::string problems;
        {
          const Writer writer(
              "for ((i = 1; i < 1000000; i++)); do nft add element inet theirs s { 10.$((i / 65536 "
              "% 256)).$((i / 256 % 256)).$((i % 256)) } && echo >> " +
              life.path("written") + "; done");
          for (int i = 0; i < rounds; ++i) {
            life.must_apply(i % 2 == 0 ? one : two);
            const auto ours =
                must_run({"nft", "--stateless", "list", "table", "inet", "firewright"});
            problems += check(ours == (i % 2 == 0 ? first : second), "round " + std::to_string(i));
          }
        }
        // No write of theirs is lost: an element for each that was told to be done.
        std::ifstream file(life.path("written"));
        const auto written = static_cast<std::size_t>(std::count(
            std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>(), '\n'));
        const auto theirs = must_run({"nft", "list", "table", "inet", "theirs"});
        std::size_t elements = 0;
        for (auto at = theirs.find("10."); at != std::string::npos; at = theirs.find("10.", at + 1))
          if (at > 0 && theirs[at - 1] == ' ') ++elements;
        return problems + check(written > 0 && (elements == written || elements == written + 1),
                                std::to_string(written) + " written, " + std::to_string(elements));
      },
      1200);
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_EQ(outcome.text, "");
}

// Somebody writes into our own table: what is confirmed is what the policy says, or it is refused.
TEST(Beside, AWriterInOurOwnTableIsNoticed) {
  SKIP_WITHOUT_BED();
  const auto outcome = in_namespace(
      [] {
        const Life life;
        life.must_apply(one);
        std::string problems;
        int refused = 0;
        {
          const Writer writer(
              "while :; do nft insert rule inet firewright input tcp dport 23 accept; done");
          for (int i = 0; i < 20; ++i) {
            const auto result = life.apply(i % 2 == 0 ? two : one);
            if (result.status != 0) ++refused;
            // A rule that slips in between loading and reading back is a failed proof.
            problems +=
                check(result.status == 0 || result.status == 3 || result.status == 4, result.err);
          }
        }
        life.must_apply(two);
        return problems + check(life.run({"status"}).status == 0, "drift");
      },
      300);
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_EQ(outcome.text, "");
}

}  // namespace
}  // namespace firewright::kernel
