// Each command of a host's life, killed at each of its system calls and with each of them failing.
#include "tests/faults/life.h"

#include <gtest/gtest.h>

#include "tests/kernel/skip.h"

namespace firewright::faults {
namespace {

using Words = std::vector<std::string>;

constexpr const char* old_policy =
    "[policy]\nname = \"old\"\n[inbound]\nallow = [\"ssh\", \"http\", \"udp/4000-4100\"]\n"
    "deny = [{ name = \"bad networks\", from = [\"198.51.100.0/24\", \"2001:db8:bad::/48\"] }]\n";
constexpr const char* new_policy =
    "[policy]\nname = \"new\"\n[inbound]\nlog = true\n"
    "allow = [\"ssh\", \"https\", \"udp/4050-4200\",\n"
    "  { protocol = \"tcp\", port = [5432, \"6000-6010\"], "
    "from = [\"192.0.2.0/25\", \"203.0.113.7\", \"2001:db8:1::/48\", \"2001:db8:2::/64\"] }]\n"
    "[outbound]\ndefault = \"drop\"\nallow = [\"dns\"]\n";

// Two policies as files, of which the second may go elsewhere.
void write_policies(const Host& host, const std::string& more = {}) {
  host.write("old.toml", old_policy);
  host.write("new.toml", new_policy + more);
}
constexpr const char* elsewhere = "[target.nftables]\ntable = \"elsewhere\"\n";

void begin(const Host& host) {
  write_policies(host);
  host.must({"apply", host.path("old.toml")});
}
void begin_and_move(const Host& host) {
  write_policies(host, elsewhere);
  host.must({"apply", host.path("old.toml")});
}
void wait_for_confirmation(const Host& host) {
  host.must({"apply", host.path("new.toml"), "--confirm", "1h"});
}
void apply_new(const Host& host) { host.must({"apply", host.path("new.toml")}); }

// The new table, and then the old one is taken away.
Words both_tables(const std::string& before, const std::string& wanted) {
  return {before + wanted, wanted + before};
}
// One family after the other.
Words one_family(const std::string& before, const std::string& wanted) {
  const auto border = [](const std::string& rules) { return rules.find("--\n"); };
  return {before.substr(0, border(before)) + wanted.substr(border(wanted)),
          wanted.substr(0, border(wanted)) + before.substr(border(before))};
}

#define EXPECT_NOTHING_WRONG(scenario, some)                                                  \
  do {                                                                                        \
    SKIP_WITHOUT_BED();                                                                       \
    const auto outcome = kernel::in_namespace([&] { return disturb(scenario, some); }, 7200); \
    ASSERT_TRUE(outcome.done()) << outcome.text;                                              \
    EXPECT_EQ(outcome.text, "");                                                              \
  } while (false)

TEST(DisturbedLife, Apply) {
  const Life life{.begin = begin,
                  .change = {},
                  .command = [](const Host& host) { return Words{"apply", host.path("new.toml")}; },
                  .from = Life::From::policy,
                  .between = {}};
  EXPECT_NOTHING_WRONG(life, sampling(14));
}

TEST(DisturbedLife, ApplyThatWaitsForConfirmation) {
  const Life life{
      .begin = begin,
      .change = {},
      .command =
          [](const Host& host) { return Words{"apply", host.path("new.toml"), "--confirm", "1h"}; },
      .from = Life::From::record,
      .between = {}};
  EXPECT_NOTHING_WRONG(life, sampling(14));
}

TEST(DisturbedLife, FirstApplyOfAHost) {
  const Life life{.begin = [](const Host& host) { write_policies(host); },
                  .change = {},
                  .command = [](const Host& host) { return Words{"apply", host.path("new.toml")}; },
                  .from = Life::From::record,
                  .between = {}};
  EXPECT_NOTHING_WRONG(life, sampling(7));
}

TEST(DisturbedLife, FirstApplyOfAHostThatWaitsForConfirmation) {
  const Life life{
      .begin = [](const Host& host) { write_policies(host); },
      .change = {},
      .command =
          [](const Host& host) { return Words{"apply", host.path("new.toml"), "--confirm", "1h"}; },
      .from = Life::From::record,
      .between = {}};
  EXPECT_NOTHING_WRONG(life, sampling(7));
}

TEST(DisturbedLife, Confirm) {
  const Life life{.begin = begin,
                  .change = wait_for_confirmation,
                  .command = [](const Host&) { return Words{"confirm"}; },
                  .from = Life::From::lock,
                  .between = {}};
  EXPECT_NOTHING_WRONG(life, sampling(7));
}

TEST(DisturbedLife, RollbackOfAWaitingChange) {
  const Life life{.begin = begin,
                  .change = wait_for_confirmation,
                  .command = [](const Host&) { return Words{"rollback"}; },
                  .from = Life::From::lock,
                  .between = {}};
  EXPECT_NOTHING_WRONG(life, sampling(7));
}

TEST(DisturbedLife, RollbackByTheWatchdog) {
  const Life life{.begin = begin,
                  .change = wait_for_confirmation,
                  .command =
                      [](const Host& host) {
                        return Words{"rollback", "--token", host.state().pending->token};
                      },
                  .from = Life::From::lock,
                  .between = {}};
  EXPECT_NOTHING_WRONG(life, sampling(7));
}

TEST(DisturbedLife, RollbackToThePreviousFirewall) {
  const Life life{.begin = begin,
                  .change = apply_new,
                  .command = [](const Host&) { return Words{"rollback"}; },
                  .from = Life::From::lock,
                  .between = {}};
  EXPECT_NOTHING_WRONG(life, sampling(7));
}

TEST(DisturbedLife, ApplyToAnotherTable) {
  const Life life{.begin = begin_and_move,
                  .change = {},
                  .command = [](const Host& host) { return Words{"apply", host.path("new.toml")}; },
                  .from = Life::From::record,
                  .between = both_tables};
  EXPECT_NOTHING_WRONG(life, sampling(7));
}

TEST(DisturbedLife, RollbackToAnotherTable) {
  const Life life{.begin = begin_and_move,
                  .change = wait_for_confirmation,
                  .command = [](const Host&) { return Words{"rollback"}; },
                  .from = Life::From::lock,
                  .between = both_tables};
  EXPECT_NOTHING_WRONG(life, sampling(7));
}

TEST(DisturbedLife, RollbackToThePreviousFirewallInAnotherTable) {
  const Life life{.begin = begin_and_move,
                  .change = apply_new,
                  .command = [](const Host&) { return Words{"rollback"}; },
                  .from = Life::From::lock,
                  .between = both_tables};
  EXPECT_NOTHING_WRONG(life, sampling(7));
}

TEST(DisturbedLife, ApplyByIptables) {
  const Words backend{"--backend", "iptables"};
  const Life life{.kernel = Host::Kernel::iptables,
                  .begin =
                      [](const Host& host) {
                        write_policies(host);
                        host.must({"apply", host.path("old.toml"), "--backend", "iptables"});
                      },
                  .change = {},
                  .command =
                      [](const Host& host) {
                        return Words{"apply", host.path("new.toml"), "--backend", "iptables"};
                      },
                  .from = Life::From::record,
                  .between = one_family};
  EXPECT_NOTHING_WRONG(life, sampling(7));
}

TEST(DisturbedLife, RollbackByIptables) {
  const Life life{
      .kernel = Host::Kernel::iptables,
      .begin =
          [](const Host& host) {
            write_policies(host);
            host.must({"apply", host.path("old.toml"), "--backend", "iptables"});
          },
      .change =
          [](const Host& host) {
            host.must({"apply", host.path("new.toml"), "--backend", "iptables", "--confirm", "1h"});
          },
      .command = [](const Host&) { return Words{"rollback"}; },
      .from = Life::From::lock,
      .between = one_family};
  EXPECT_NOTHING_WRONG(life, sampling(7));
}

TEST(DisturbedLife, Restore) { EXPECT_NOTHING_WRONG((Boot{.begin = begin}), sampling(7)); }

TEST(DisturbedLife, RestoreElsewhereThanTheFailsafe) {
  EXPECT_NOTHING_WRONG((Boot{.begin =
                                 [](const Host& host) {
                                   write_policies(host, elsewhere);
                                   host.must({"apply", host.path("new.toml")});
                                 }}),
                       sampling(7));
}

}  // namespace
}  // namespace firewright::faults
