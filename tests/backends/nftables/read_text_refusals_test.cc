// What the reader refuses, at the token that it does not know.
#include <gtest/gtest.h>

#include <ostream>

#include "tests/backends/nftables/text_reading.h"

namespace firewright::nftables {
namespace {

using test::rules;

struct Refusal {
  const char* rule;
  const char* error;
};
void PrintTo(const Refusal& r, std::ostream* out) { *out << r.rule; }
class TextRefused : public testing::TestWithParam<Refusal> {};
TEST_P(TextRefused, AtTheToken) { EXPECT_EQ(rules(GetParam().rule), GetParam().error); }
// The rule stands in line 4.
INSTANTIATE_TEST_SUITE_P(
    Rules, TextRefused,
    testing::Values(
        Refusal{"tcp dport frobnicate accept",
                "artifact-unknown 4:11-21 `frobnicate` is not understood here, so what this does "
                "is not known"},
        Refusal{"tcp dport 70000 accept",
                "artifact-syntax 4:11-16 not nft's language as it is known here: expected a port "
                "without leading zeros"},
        Refusal{"tcp dport 022 accept",
                "artifact-syntax 4:11-14 not nft's language as it is known here: expected a port "
                "without leading zeros"},
        Refusal{"tcp dport 9-2 accept",
                "artifact-conflict 4:11-14 this contradicts itself: this range ends before it "
                "begins"},
        Refusal{"tcp dport accept",
                "artifact-unknown 4:11-17 `accept` is not understood here, so what this does is "
                "not known"},
        Refusal{"tcp dport",
                "artifact-syntax 4:10-10 not nft's language as it is known here: expected a port"},
        Refusal{"tcp frob 5 accept",
                "artifact-unknown 4:5-9 `frob` is not understood here, so what this does is not "
                "known"},
        Refusal{"frob 5 accept",
                "artifact-unknown 4:1-5 `frob` is not understood here, so what this does is not "
                "known"},
        Refusal{"ip saddr www.example.com accept",
                "artifact-unknown 4:10-25 `www.example.com` is not understood here, so what this "
                "does is not known"},
        Refusal{"ip saddr 192.0.2.0/33 accept",
                "artifact-syntax 4:20-22 not nft's language as it is known here: expected a "
                "prefix length of at most 32"},
        Refusal{"ip saddr 192.0.2.300 accept",
                "artifact-syntax 4:10-13 not nft's language as it is known here: expected an IPv4 "
                "address"},
        Refusal{"meta skuid www-data accept",
                "artifact-unknown 4:12-20 `www-data` is not understood here, so what this does is "
                "not known"},
        Refusal{
            "iif 2 accept",
            "artifact-unknown 4:5-6 `2` is not understood here, so what this does is not known"},
        Refusal{"iifname a-name-of-17-byte accept",
                "artifact-unknown 4:9-26 `a-name-of-17-byte` is not understood here, so what this "
                "does is not known"},
        Refusal{"queue num 1",
                "artifact-unknown 4:1-6 `queue` is not understood here, so what "
                "this does is not known"},
        Refusal{"masquerade",
                "artifact-unknown 4:1-11 `masquerade` is not understood here, so "
                "what this does is not known"},
        Refusal{"meta mark set 1",
                "artifact-unknown 4:11-14 `set` is not understood here, so "
                "what this does is not known"},
        Refusal{"notrack",
                "artifact-unknown 4:1-8 `notrack` is not understood here, so what "
                "this does is not known"},
        Refusal{"tcp dport 22 jump { accept }",
                "artifact-unknown 4:19-20 `{` is not understood here, so what this does is not "
                "known"},
        Refusal{"accept drop",
                "artifact-syntax 4:8-12 not nft's language as it is known here: expected the end "
                "of the rule: nothing comes behind a verdict"},
        Refusal{"tcp dport vmap { 22 : accept } counter",
                "artifact-syntax 4:32-39 not nft's language as it is known here: expected the end "
                "of the rule: nothing comes behind a verdict"},
        Refusal{"tcp dport vmap { 22-30 : accept, 25 : drop }",
                "artifact-conflict 4:1-45 this contradicts itself: elements of this map overlap "
                "and differ in their verdict"},
        Refusal{"tcp dport vmap { * : accept }",
                "artifact-unknown 4:18-19 `*` is not understood here, so what this does is not "
                "known"},
        Refusal{"tcp dport { 22 : accept } accept",
                "artifact-syntax 4:16-17 not nft's language as it is known here: expected no `:`: "
                "this is no map"},
        Refusal{"tcp dport { 22 80 } accept",
                "artifact-syntax 4:16-18 not nft's language as it is known here: expected `,` or "
                "`}`"},
        Refusal{"udp dport 53 tcp sport 5 accept",
                "artifact-conflict 4:14-23 this contradicts itself: another protocol than tcp is "
                "named before"},
        Refusal{"meta l4proto { tcp, udp } tcp dport 22 accept",
                "artifact-conflict 4:27-36 this contradicts itself: another protocol than tcp is "
                "named before"},
        Refusal{"ip saddr 192.0.2.1 ip6 saddr ::1 accept",
                "artifact-conflict 4:20-29 this contradicts itself: no packet is IPv4 and IPv6"},
        Refusal{"udp dport 53 reject with tcp reset",
                "artifact-conflict 4:14-35 this contradicts itself: another protocol than tcp is "
                "named before"},
        Refusal{"reject with icmp frob",
                "artifact-syntax 4:18-22 not nft's language as it is known here: expected an "
                "answer that reject knows"},
        Refusal{"limit rate 0/second accept",
                "artifact-conflict 4:7-20 this contradicts itself: a rate or burst of zero or of "
                "more than 32 bits"},
        Refusal{"limit rate 5/fortnight accept",
                "artifact-syntax 4:14-23 not nft's language as it is known here: expected a unit "
                "of time"},
        Refusal{"jump nowhere",
                "artifact-undefined 4:1-13 chain `nowhere` is used and nowhere "
                "defined"},
        Refusal{"tcp dport @nothing accept",
                "artifact-undefined 4:12-19 set `nothing` is used and nowhere defined"},
        Refusal{"limit name nothing",
                "artifact-undefined 4:12-19 limit `nothing` is used and nowhere defined"},
        Refusal{"counter name nothing",
                "artifact-undefined 4:14-21 counter `nothing` is used and nowhere defined"},
        Refusal{"tcp dport $ports accept",
                "artifact-undefined 4:11-17 variable `ports` is used and nowhere defined"},
        Refusal{"log prefix \"x",
                "artifact-truncated 4:12-14 the artifact ends in the middle of a string"},
        Refusal{"tcp dport 22 \x01",
                "artifact-syntax 4:14-15 not nft's language as it is known here: `\\x01` is no "
                "token"},
        Refusal{"tcp dport { 22 accept",
                "artifact-truncated 7:1-1 the artifact ends in the middle of a table"}));

// A chain whose type was misspelt is on no hook; nft refuses it, and its rules would not be read.
TEST(TextChains, HaveAPolicyOnAHookOnly) {
  const auto read = test::read_script(
      "table inet t {\n  chain c {\n    ype filter hook input priority 0; policy drop;\n  }\n}\n");
  EXPECT_EQ(read.errors,
            std::vector<std::string>{"artifact-syntax 3:39-45 not nft's language as it is known "
                                     "here: a policy of a chain that is on no hook"});
}

}  // namespace
}  // namespace firewright::nftables
