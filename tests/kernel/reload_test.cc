// Nothing is wrongly let in and nothing wrongly dropped while the firewall is replaced under
// traffic. `./dev bench reload` does the same for longer, and beside other programs.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/kernel/harness/compiled.h"
#include "tests/kernel/harness/loader.h"
#include "tests/kernel/harness/namespace.h"
#include "tests/kernel/harness/traffic.h"
#include "tests/kernel/harness/two_policies.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

constexpr int reloads = 20;
constexpr std::uint64_t enough = 200;  // packets of each stream

std::string said(const TrafficCount& count) {
  std::string text =
      "lost " + std::to_string(count.lost()) + ", let in " + std::to_string(count.let_in());
  for (const auto& tcp : count.tcp)
    text += tcp.broken.empty() ? (tcp.bytes > 0 ? ", alive" : ", silent") : ", " + tcp.broken;
  // What the machine dropped tells nothing about the firewall.
  if (count.machine_dropped != 0)
    text += ", the machine itself dropped " + std::to_string(count.machine_dropped);
  for (const auto& kind : {count.allowed, count.denied})
    for (const auto& stream : kind)
      if (stream.sent < enough) text += ", too little traffic";
  return text;
}

// The command with its state in a folder of its own, as far as it keeps any.
class Command {
 public:
  Command() {
    auto pattern = (std::filesystem::temp_directory_path() / "firewright-reload-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw HarnessError("no folder in " + pattern);
    folder_ = pattern;
    const auto help = must_run({FIREWRIGHT_BINARY, "apply", "--help"});
    for (const std::string option : {"--state-dir", "--run-dir"})
      if (help.find(option) != std::string::npos)
        more_.insert(more_.end(), {option, (folder_ / option.substr(2)).string()});
    // The traffic comes from this very process, and one policy opens none of it anew.
    if (help.find("--allow-lockout") != std::string::npos) more_.emplace_back("--allow-lockout");
    ::unsetenv("SSH_CONNECTION");
  }
  ~Command() { std::filesystem::remove_all(folder_); }
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  Command(Command&&) = delete;
  Command& operator=(Command&&) = delete;

  void apply(const std::string& policy) const {
    std::vector<std::string> command{FIREWRIGHT_BINARY, "apply", "-"};
    command.insert(command.end(), more_.begin(), more_.end());
    must_run(command, policy);
  }

 private:
  std::filesystem::path folder_;
  std::vector<std::string> more_;
};

TEST(Reload, LosesNothingAndLetsNothingIn) {
  SKIP_WITHOUT_BED();
  const auto outcome = in_namespace([] {
    Network network;
    join_host_and_client(network);
    const Command firewright;
    firewright.apply(policy_of_sources());
    Traffic traffic(network);
    traffic.let_pass(enough);
    for (int i = 1; i <= reloads; ++i)
      firewright.apply(i % 2 == 1 ? policy_of_sets() : policy_of_sources());
    traffic.let_pass(enough);
    return said(traffic.finish());
  });
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_EQ(outcome.text, "lost 0, let in 0, alive, alive");
}

// Named sets that hold the client, in what denies it a port and in what allows it another: of
// single addresses, of prefixes, or of both; `odd` chooses among those beside it.
struct More {
  std::string allow, deny;  // further exceptions
};
std::string policy_of_lists(bool prefixes, int odd, const More& more = {}) {
  std::string list;
  for (int i = 0; i < 40; ++i) {
    const auto number = std::to_string(2 * i + odd);
    list += prefixes ? "\"10." + number + ".0.0/16\", \"2001:db8:" + number + "ff::/48\", "
                     : "\"10.0.0." + number + "\", \"2001:db8:ff::" + number + "\", ";
  }
  const std::string client =
      prefixes ? "\"192.0.2.0/29\", \"2001:db8::/120\"" : "\"192.0.2.2\", \"2001:db8::2\"";
  return "[inbound]\nallow = [\n  { protocol = \"udp\", port = 5002, name = \"to all\" },\n"
         "  { protocol = \"tcp\", port = 5003 },\n"
         "  { protocol = \"udp\", port = 5001, name = \"listed\", from = [" +
         list + client + "] },\n" + more.allow + "]\ndeny = [" + more.deny +
         "{ protocol = \"udp\", port = 5002, name = \"denied\", from = [" + list + client +
         ", \"198.51.100." + std::to_string(odd) + "\"] }]\n";
}

// What a limit says, and ports beside it that stand in a set of intervals.
More limited(int number) {
  return {.allow =
              "  { name = \"limited\", protocol = [\"tcp\", \"udp\"], port = 7000, family = "
              "\"ipv4\", limit = \"" +
              std::to_string(10 + number) + "/minute\" },\n",
          .deny = "{ name = \"ports\", protocol = \"udp\", port = [5002, \"" +
                  std::to_string(6000 + number) + "-6100\"] }, "};
}

// Exceptions with a source and a port each, the client's among them: few are rules, many lookups.
std::string policy_of_pairs(int count) {
  std::string allow, deny;
  for (int i = 0; i < count; ++i) {
    const auto port = std::to_string(7000 + 2 * i);
    const auto from = "[\"10.0.0." + std::to_string(2 * i) + "\", \"2001:db8:ff::" + port + "\"]";
    allow += "{ protocol = \"udp\", port = " + port + ", from = " + from + " },\n";
    deny += "{ protocol = \"udp\", port = [5002, " + port + "], from = " + from + " },\n";
  }
  const std::string client = "from = [\"192.0.2.2\", \"2001:db8::2\"] },\n";
  return "[inbound]\nallow = [\n{ protocol = \"udp\", port = 5002 },\n{ protocol = \"tcp\", port = "
         "5003 "
         "},\n{ protocol = \"udp\", port = 5001, " +
         client + allow + "]\ndeny = [\n{ protocol = \"udp\", port = 5002, " + client + deny +
         "]\n";
}

struct Pair {
  std::string name, first, second;
};

TEST(Reload, SetsThatChangeHaveNoHoles) {
  SKIP_WITHOUT_BED();
  const Pair pairs[] = {
      {"prefixes beside", policy_of_lists(true, 0), policy_of_lists(true, 1)},
      {"addresses beside", policy_of_lists(false, 0), policy_of_lists(false, 1)},
      {"addresses to prefixes", policy_of_lists(false, 0), policy_of_lists(true, 0)},
      {"rules to lookups", policy_of_pairs(4), policy_of_pairs(40)},
      {"limits beside", policy_of_lists(true, 0, limited(0)), policy_of_lists(true, 0, limited(1))},
  };
  for (const auto& [name, first, second] : pairs) {
    const auto outcome = in_namespace([&] {
      Network network;
      join_host_and_client(network);
      const Command firewright;
      firewright.apply(first);
      Traffic traffic(network);
      traffic.let_pass(enough);
      for (int i = 1; i <= reloads; ++i) firewright.apply(i % 2 == 1 ? second : first);
      traffic.let_pass(enough);
      return said(traffic.finish());
    });
    ASSERT_TRUE(outcome.done()) << outcome.text;
    EXPECT_EQ(outcome.text, "lost 0, let in 0, alive, alive") << name;
  }
}

// The test above can fail: both kinds of hole are seen.
TEST(Reload, AHoleIsSeen) {
  SKIP_WITHOUT_BED();
  const Compiled compiled = compile("sources.toml", Target::nftables, policy_of_sources());
  ASSERT_TRUE(compiled.ok()) << compiled.errors;
  const auto outcome = in_namespace([&]() -> std::string {
    Network network;
    join_host_and_client(network);
    const auto reload = [&] {
      if (const auto error = load(Loader::netlink_batch, compiled.artifact))
        throw HarnessError(*error);
    };
    reload();
    Traffic traffic(network);
    traffic.let_pass(enough);
    must_run({"nft", "flush", "ruleset"});
    traffic.let_pass(enough);
    reload();
    traffic.let_pass(enough);
    must_run({"nft", "-f", "-"},
             "table inet wall {\nchain input { type filter hook input priority -1;\nmeta l4proto "
             "udp drop; }\n}\n");
    traffic.let_pass(enough);
    must_run({"nft", "delete", "table", "inet", "wall"});
    traffic.let_pass(enough);
    const auto count = traffic.finish();
    // Each hole was open for so many packets of two streams, but for a burst on the way.
    const bool let_in =
        count.denied[0].received >= enough / 2 && count.denied[1].received >= enough / 2;
    const bool lost = count.lost() >= enough;
    return (let_in ? "let in, " : "not let in, ") + std::string(lost ? "lost" : "not lost");
  });
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_EQ(outcome.text, "let in, lost");
}

}  // namespace
}  // namespace firewright::kernel
