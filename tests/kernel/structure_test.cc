// Many exceptions, as each backend holds them, against real packets: lookups in sets of nftables,
// trees of chains of iptables.
#include <gtest/gtest.h>

#include <iostream>
#include <string>

#include "tests/kernel/harness/compiled.h"
#include "tests/kernel/harness/judge.h"
#include "tests/kernel/harness/loader.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

constexpr std::uint64_t seed = 20260102;

std::string number(int n) { return std::to_string(n); }

// Single addresses, prefixes of three lengths, a range that is no prefix; one port, several, a
// range; both families; denies among them.
std::string many_exceptions() {
  std::string text = "[inbound]\nallow = [\n";
  for (int i = 0; i < 60; ++i) {
    text += "{ name = \"a" + number(i) + "\", protocol = ";
    text += i % 5 == 0 ? "[\"tcp\", \"udp\"]" : i % 2 == 0 ? "\"tcp\"" : "\"udp\"";
    text += ", port = ";
    text += i % 4 == 0 ? "\"" + number(2000 + 40 * i) + "-" + number(2019 + 40 * i) + "\""
                       : "[" + number(2000 + 40 * i) + ", " + number(2002 + 40 * i) + "]";
    text += ", from = [\"198.51.100." + number(4 * i) + "\", \"2001:db8:1::" + number(i) + "\"";
    if (i % 3 == 0)
      text += ", \"10." + number(i) + ".0.0/16\", \"2001:db8:" + number(i) + "::/48\"";
    if (i % 7 == 0) text += ", \"172.16." + number(i) + ".3-172.16." + number(i) + ".77\"";
    text += "] },\n";
  }
  text += "]\ndeny = [\n";
  for (int i = 0; i < 20; ++i)
    text += "{ name = \"d" + number(i) + "\", from = \"10." + number(3 * i) + ".8.0/" +
            number(21 + i % 4) + "\", protocol = \"tcp\", port = " + number(2000 + 120 * i) +
            " },\n";
  return text + "]\n[outbound]\ndefault = \"drop\"\n";
}

class Structure : public testing::TestWithParam<Loader> {};

TEST_P(Structure, DoesWithRealPacketsWhatItSays) {
  SKIP_WITHOUT_BED();
  const auto compiled = compile("many.toml", target_of(GetParam()), many_exceptions());
  ASSERT_TRUE(compiled.ok()) << compiled.errors;
  const auto choice = choose(compiled.program, {.seed = seed, .at_least = 6000});
  const auto trial = try_packets(choice, [&] { return load(GetParam(), compiled.artifact); });
  ASSERT_TRUE(trial.outcome.done()) << trial.outcome.text;
  const auto tally = judge(compiled.program, choice.packets, trial.observations);
  std::cout << report(tally);
  EXPECT_TRUE(tally.mismatches.empty()) << "seed " << seed;
  EXPECT_GE(tally.arrived - tally.undecided, 3000U);
}

INSTANTIATE_TEST_SUITE_P(Loaders, Structure, testing::ValuesIn(all_loaders),
                         [](const auto& test) { return std::string(to_string(test.param)); });

}  // namespace
}  // namespace firewright::kernel
