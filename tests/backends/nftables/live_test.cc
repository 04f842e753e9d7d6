// What stands in the kernel means what was compiled, whichever way it got there.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "backends/host/dump.h"
#include "backends/host/host.h"
#include "backends/host/process.h"
#include "backends/nftables/capable.h"
#include "backends/nftables/encode.h"
#include "tests/backends/in_namespace.h"
#include "tests/backends/nftables/decoding.h"
#include "tests/backends/nftables/programs.h"
#include "tests/backends/nftables/text_reading.h"

namespace firewright::nftables {
namespace {

// Empty, or what is wrong.
std::string compare_dump(const ir::Program& program) {
  std::string error;
  const auto dump = host::dump_nftables(error);
  if (!dump) return "no dump: " + error;
  const auto decoded = test::decode("batch", dump->messages);
  if (!decoded.program) return decoded.errors;
  return decoded.broken + decoded.notes + test::difference(program, *decoded.program);
}

std::string load_text(const std::string& text) {
  const auto loaded = host::run({"nft", "-f", "-"}, text);
  return loaded.ok() ? "" : "nft refuses the text: " + loaded.err;
}

std::string both_ways(const ir::Program& program, const backend::Artifact& artifact) {
  const auto loaded = host::load_batch(artifact.find("batch")->bytes);
  if (!loaded.ok()) return "the batch is refused: " + loaded.error;
  if (auto wrong = compare_dump(program); !wrong.empty()) return "after the batch: " + wrong;
  if (!test::enter_namespace().empty()) return "no second namespace";
  if (auto wrong = load_text(artifact.find("text")->bytes); !wrong.empty()) return wrong;
  if (auto wrong = compare_dump(program); !wrong.empty()) return "after nft -f: " + wrong;
  return {};
}

void expect_in_namespace(const std::function<std::string()>& body, const std::string& expected) {
  const auto ran = test::in_namespace(body);
  if (!ran.refused.empty()) GTEST_SKIP() << ran.refused;
  EXPECT_EQ(ran.output, expected);
}

TEST(DecodeLive, ExamplePolicies) {
  for (const auto& example : test::examples()) {
    SCOPED_TRACE(example.name);
    const auto artifact = encode(example.sayable, example.options);
    expect_in_namespace([&] { return both_ways(example.program, artifact); }, "");
  }
}

TEST(DecodeLive, RandomPrograms) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Sink sink;
    const auto program = capable(test::random_program(seed), {}, sink);
    const auto artifact = encode(program, {});
    expect_in_namespace([&] { return both_ways(program, artifact); }, "");
  }
}

TEST(DecodeLive, AnEmptyRulesetIsNoProgram) {
  expect_in_namespace([] { return compare_dump({}); }, "");
}

// Rules in nobody's particular style, by way of nft and the kernel, and as the text says them: two
// decoders that share nothing agree.
constexpr const char* written_rules[] = {
    "ip saddr 10.0.0.0/8 tcp dport { 22, 80-90 } accept",
    "tcp dport != 22 accept",
    "tcp sport < 1024 tcp dport >= 5000 drop",
    "meta l4proto { tcp, udp } th dport 53 accept",
    "ip saddr . tcp dport { 192.0.2.1 . 22, 192.0.2.2 . 22, 192.0.2.3 . 80 } accept",
    "ip saddr . tcp dport != @pairs drop",
    "ip saddr . tcp dport @ranges accept",
    "ip saddr . tcp dport vmap { 192.0.2.1 . 22 : accept, 192.0.2.2 . 23 : drop, "
    "192.0.2.9 . 24 : jump other }",
    "ip saddr @sources accept",
    "ip6 saddr != 2001:db8::/29 udp sport 53 accept",
    "ip6 daddr { fe80::/10, ff00::/8, 2001:db8::1-2001:db8::7 } drop",
    "iifname \"eth*\" accept",
    "iifname != { \"eth0\", \"wg*\" } accept",
    "iif != lo ip daddr 127.0.0.0/8 drop",
    "ct state { new, untracked } accept",
    "ct state vmap { established : accept, related : accept, invalid : drop }",
    "meta protocol ip accept",
    "ip protocol { tcp, udp } drop",
    "ip6 nexthdr { tcp, udp } accept",
    "icmp type { echo-request, echo-reply } icmp code 0 accept",
    "icmpv6 type { nd-neighbor-solicit, nd-router-advert } accept",
    "icmp code != 0 accept",
    "meta skuid { 0, 1000-1999 } accept",
    "log prefix \"x: \" level info flags all",
    "log group 3 prefix \"abc\" accept",
    "limit name \"slow\" accept",
    "counter name \"seen\" accept",
    "tcp dport 22 counter log prefix \"ssh \" limit rate 3/minute burst 2 packets accept",
    "ct count 10 accept",
    "tcp dport 1 reject with tcp reset",
    "ip saddr 192.0.2.1 reject with icmp host-prohibited",
    "ip6 saddr ::1 reject with icmpv6 policy-fail",
    "reject",
    "tcp dport 22 ct state new update @metered { ip saddr limit rate 3/minute burst 2 packets } "
    "accept",
    "tcp dport 22 add @metered { ip saddr } drop",
    "udp dport 1-1023 udp sport != 53 drop",
    "tcp dport . tcp sport { 22 . 1024-65535 } accept",
    "ip saddr { 192.0.2.0/24, 192.0.2.128/25, 198.51.100.7 } drop",
    "ct state new tcp dport vmap { 22 : jump other, 80 : goto other, 81-90 : accept, 92 : return }",
    "ip saddr . ip daddr { 10.0.0.0/8 . 192.0.2.0/24 } accept",
    "iifname . ip saddr { \"eth0\" . 10.0.0.1, \"eth1\" . 10.0.0.2 } accept",
    "meta l4proto . th dport { tcp . 22, udp . 53, tcp . 53 } accept",
};

std::string agree(const std::string& text) {
  if (auto wrong = load_text(text); !wrong.empty()) return wrong;
  const auto read = test::decode("text", text);
  if (!read.program) return "as text: " + read.errors;
  return compare_dump(*read.program);
}

TEST(DecodeLive, TextAndMessagesAgree) {
  for (const char* family : {"inet", "ip"})
    for (const std::string rule : written_rules) {
      if (family == std::string("ip") && rule.find("ip6") != std::string::npos) continue;
      if (family == std::string("ip") && rule.find("icmpv6") != std::string::npos) continue;
      SCOPED_TRACE(rule);
      const std::string text = "table " + std::string(family) + R"( t {
  set sources { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.1 } }
  set pairs { type ipv4_addr . inet_service; elements = { 192.0.2.1 . 22, 192.0.2.3 . 80 } }
  set ranges { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/8 . 22-25 } }
  set metered { type ipv4_addr; size 65535; flags dynamic,timeout; timeout 1m; }
  counter seen {
  }
  limit slow { rate 5/second burst 7 packets; }
  chain other {
    tcp dport 99 accept
  }
  chain input {
    type filter hook input priority 0; policy drop;
    )" + rule + "\n  }\n}\n";
      const auto ran = test::in_namespace([&] { return agree(text); });
      if (!ran.refused.empty()) GTEST_SKIP() << ran.refused;
      // What the model does not hold is said in notes, alike but for the words.
      if (rule.find("nexthdr") == std::string::npos)
        EXPECT_EQ(ran.output, "");
      else
        EXPECT_EQ(ran.output.find("holds"), std::string::npos) << ran.output;
    }
}

// While another thread puts one ruleset in the place of another, a dump is the one or the other.
TEST(DecodeLive, ADumpIsOfOneGeneration) {
  const auto first = test::many_things();
  const auto second = test::web_server();
  const std::string batches[] = {encode(first, {}).find("batch")->bytes,
                                 encode(second, {}).find("batch")->bytes};
  const auto body = [&]() -> std::string {
    if (!host::load_batch(batches[0]).ok()) return "not loaded";
    std::atomic<bool> loading = true;
    std::thread other([&] {
      for (int i = 0; i < 200; ++i) (void)host::load_batch(batches[i % 2]);
      loading = false;
    });
    std::string wrong;
    std::size_t dumps = 0;
    while (wrong.empty() && (loading || dumps == 0)) {
      std::string error;
      const auto dump = host::dump_nftables(error);
      // Never quiet for long enough is an honest answer.
      if (!dump && error == "the ruleset changes faster than it can be read") continue;
      if (!dump) wrong = error;
      if (!dump) break;
      ++dumps;
      const auto decoded = test::decode("batch", dump->messages);
      if (!decoded.program)
        wrong = decoded.errors;
      else if (!test::difference(first, *decoded.program).empty())
        wrong = test::difference(second, *decoded.program);
    }
    other.join();
    return wrong;
  };
  expect_in_namespace(body, "");
}

TEST(DecodeLive, RulesOfIptablesAreReadThroughIptablesSave) {
  const auto result = test::in_namespace([] {
    const auto restored = host::run({"iptables-nft-restore"},
                                    "*filter\n-A INPUT -m conntrack --ctstate NEW -j ACCEPT\n"
                                    "COMMIT\n");
    if (!restored.ok()) return "-" + restored.err;
    std::string error;
    const auto dump = host::dump_nftables(error);
    return dump ? test::decode("batch", dump->messages).errors : error;
  });
  if (!result.refused.empty()) GTEST_SKIP() << result.refused;
  if (result.output.starts_with("-")) GTEST_SKIP() << result.output;
  EXPECT_EQ(result.output,
            "artifact-unknown: `match` is not understood here, so what this does is not known\n");
}

// Long enough for several messages of elements, and for several reads.
TEST(DecodeLive, ALongAddressList) {
  std::vector<std::string> items;
  for (int i = 0; i < 20000; ++i)
    items.push_back("10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".8/29");
  const auto program =
      test::program({test::allow("list", test::with_source(test::tcp(22), {"192.0.2.1"}))});
  auto large = program;
  std::vector<Interval<Ipv4>> intervals;
  for (const auto& item : items)
    intervals.push_back(std::get<Interval<Ipv4>>(parse_address_item(item).value));
  large.chains[0].rules[0].match.source.v4 = Ipv4Set(std::move(intervals));
  const auto artifact = encode(large, {});
  expect_in_namespace([&] { return both_ways(large, artifact); }, "");
}

}  // namespace
}  // namespace firewright::nftables
