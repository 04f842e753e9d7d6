// One table of a kernel made to be another one: what stays, what goes, in how many messages.
#include "backends/host/table.h"

#include <gtest/gtest.h>
#include <libmnl/libmnl.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/backends/host/tables.h"

namespace firewright::host {
namespace {

using namespace test_tables;

TEST(PutTable, TheSameIsNotSent) {
  expect_in_namespace(
      [] {
        const auto ruleset = table({port(22), from_list_inline()});
        auto text = in_order({put(ruleset), put(ruleset)});
        const auto before = handles();
        const auto change = put_table(ours, to_batch(ruleset));
        return text + (change.delta.empty() && change.before.empty() ? "no bytes\n" : "") +
               kept(before);
      },
      "changed, messages 7, rules 0+3-0\nunchanged, messages 0, rules 3+0-0\nkept 5 of 5\n");
}

TEST(PutTable, WhatStaysKeepsItsHandle) {
  expect_in_namespace(
      [] {
        std::string text = put(table({port(1), port(2), port(3), port(4)}));
        const auto before = handles();
        // One goes, one comes in the middle, one at the front.
        text += put(table({port(9), port(1), port(3), port(8), port(4)}));
        return in_order(
            {text, kept(before), put(table({port(9), port(1), port(3), port(8), port(4)}))});
      },
      "changed, messages 7, rules 0+5-0\n"
      "changed, messages 3, rules 4+2-1\n"
      "kept 6 of 7\n"
      "unchanged, messages 0, rules 6+0-0\n");
}

TEST(PutTable, RulesThatMoveAndEqualRules) {
  expect_in_namespace(
      [] {
        std::string text = put(table({port(1), port(1), port(2), port(3), port(1)}));
        const std::vector<std::vector<nftables::Rule>> all = {
            {port(3), port(1), port(1), port(2), port(1)},
            {port(1), port(1)},
            {port(1), port(2), port(1), port(2), port(1)},
            {},
            {port(5)}};
        for (const auto& rules : all) {
          text += put(table(rules)).substr(0, 7) + ": ";
          std::istringstream lines(nft({"list", "chain", "inet", "firewright", "input"}));
          for (std::string line; std::getline(lines, line);)
            if (const auto at = line.find("dport "); at != std::string::npos)
              text += line.substr(at + 6, 1);
          text += "\n";
        }
        return text;
      },
      "changed, messages 8, rules 0+6-0\nchanged: 31121\nchanged: 11\nchanged: 12121\n"
      "changed: \nchanged: 5\n");
}

TEST(PutTable, ElementsOneByOne) {
  expect_in_namespace(
      [] {
        auto first = table({from_list()});
        first.sets = {set_of(addresses({1, 2, 3}))};
        auto second = first;
        second.sets = {set_of(addresses({1, 3, 4, 9}))};
        std::string text = put(first);
        const auto before = handles();
        text += in_order({put(second), kept(before), put(second)});
        const auto list = nft({"list", "set", "inet", "firewright", "from-list-v4"});
        for (const char* address :
             {"192.0.2.1,", "192.0.2.2", "192.0.2.3,", "192.0.2.4,", "192.0.2.9"})
          text += list.find(address) != std::string::npos ? '+' : '-';
        return text;
      },
      "changed, messages 6, rules 0+2-0, sets 0+1-0\n"
      "changed, messages 2, rules 2+0-0, sets 1+0-0, elements 0+2-1\n"
      "kept 5 of 5\n"
      "unchanged, messages 0, rules 2+0-0, sets 1+0-0\n"
      "+-+++");
}

// The rest of the chain stays.
// Where there is none yet, in two steps; later at once.
TEST(PutTable, IntervalsAreFilledAnewAndTheirRulesKept) {
  expect_in_namespace(
      [] {
        auto first = table({port(1), from_list(), port(2)});
        first.sets = {set_of({{0, 0xff}, {0xc0000200, 0xc00002ff}, {0xc0000300, 0xffffffff}})};
        auto second = first;
        second.sets[0].elements.keys.erase(second.sets[0].elements.keys.begin() + 1);
        std::string text = put(first);
        const auto before = handles();
        return in_order({text, put(first), put(second), kept(before), put(second)});
      },
      "changed, prepared 9, messages 1, rules 4+0-1, sets 1+0-0\n"
      "unchanged, messages 0, rules 4+0-0, sets 1+0-0\n"
      "changed, messages 2, rules 4+0-0, sets 1+0-0, elements 0+3-5\n"
      "kept 7 of 7\n"
      "unchanged, messages 0, rules 4+0-0, sets 1+0-0\n");
}

TEST(PutTable, ADefinitionThatDiffers) {
  expect_in_namespace(
      [] {
        const auto with_rate = [](std::uint64_t rate) {
          auto ruleset =
              table({port(1), rule({nftables::UseLimit{"limit-x"}, verdict(VerdictCode::accept)}),
                     rule({nftables::UseCounter{"count-x"}, verdict(VerdictCode::accept)})});
          ruleset.limits = {{.name = "limit-x",
                             .limit = {.rate = rate, .unit = ir::TimeUnit::second, .burst = 5}}};
          ruleset.counters = {"count-x"};
          return ruleset;
        };
        std::string text = put(with_rate(3));
        const auto before = handles();
        text += in_order({put(with_rate(4)), kept(before)});
        // The chain's policy alone changes in place.
        auto other = with_rate(4);
        other.chains[0].base->policy_accepts = true;
        text += in_order({put(other), kept(before)});
        // Another hook does not.
        other.chains[0].base->hook = ir::Hook::forward;
        return in_order({text, put(other), put(other)});
      },
      "changed, messages 8, rules 0+4-0\n"
      "changed, messages 4, rules 3+1-1\nkept 6 of 8\n"
      "changed, messages 1, rules 4+0-0\nkept 6 of 8\n"
      "changed whole, messages 9, rules 0+4-4\n"
      "unchanged, messages 0, rules 4+0-0\n");
}

TEST(PutTable, ChainsComeAndGoWithTheMapsThatLeadToThem) {
  expect_in_namespace(
      [] {
        const auto leading_to = [](const std::string& chain, bool named) {
          const Elements states{
              .keys = {{1, 1}, {2, 2}},
              .verdicts = {verdict(VerdictCode::drop), verdict(VerdictCode::jump, chain)}};
          auto ruleset = table({port(1)});
          ruleset.chains[0].rules.insert(
              ruleset.chains[0].rules.begin(),
              named ? rule({match(Field::l4proto, Range{6, 6}), verdict(VerdictCode::jump, chain)})
                    : rule({nftables::VerdictMap{.field = Field::ct_state, .elements = states}}));
          ruleset.chains.push_back({.name = chain, .base = std::nullopt, .rules = {port(7)}});
          return ruleset;
        };
        return in_order({put(leading_to("a-1", false)), put(leading_to("b-1", false)),
                         put(leading_to("b-1", true)), put(leading_to("a-1", true)),
                         put(table({port(1)}))});
      },
      "changed, prepared 10, messages 1, rules 4+0-1\n"
      "changed, prepared 7, messages 5, rules 4+0-4\n"
      "changed, messages 2, rules 3+1-1\n"
      "changed, messages 6, rules 2+2-2\n"
      "changed, messages 3, rules 2+0-2\n");
}

// Whatever others have put into our table goes; so does what they have made of its state.
TEST(PutTable, WhatOthersDidToOurTable) {
  expect_in_namespace(
      [] {
        auto ruleset = table({port(22), from_list()});
        ruleset.sets = {set_of(addresses({1, 2}))};
        std::string text = put(ruleset);
        const auto before = listing();
        for (const char* change :
             {"add rule inet firewright input tcp dport { 80, 443 } accept",
              "insert rule inet firewright input ip saddr 10.0.0.0/8 counter packets 7 bytes 9 "
              "accept",
              "flush chain inet firewright input",
              "delete element inet firewright from-list-v4 { 192.0.2.2 }",
              "add element inet firewright from-list-v4 { 198.51.100.1 }",
              "add chain inet firewright input { policy accept; }",
              "add chain inet firewright more { type filter hook output priority 5; }",
              "add chain inet firewright more\nadd map inet firewright m { type inet_service : "
              "verdict; elements = { 1 : jump more, 2 : drop } }\nadd rule inet firewright input "
              "tcp "
              "dport vmap @m",
              "add counter inet firewright c\nadd map inet firewright m { type ipv4_addr : "
              "counter; "
              "elements = { 192.0.2.1 : \"c\" } }\nadd rule inet firewright input counter name ip "
              "saddr map @m",
              "add set inet firewright s { type ipv4_addr . inet_service; flags interval; elements "
              "= "
              "{ 192.0.2.0/24 . 1-5 } }",
              "add set inet firewright s { type ipv4_addr; timeout 1h; elements = { 192.0.2.9 } }",
              "add rule inet firewright input jump { tcp dport 7 drop; }",
              "add table inet firewright { flags dormant; }", "delete table inet firewright",
              "delete table inet firewright\nadd table inet firewright"}) {
          if (const auto wrong = script(change); !wrong.empty()) return change + (": " + wrong);
          const auto change_made = put_table(ours, to_batch(ruleset));
          if (!change_made.changed) text += std::string(change) + ": " + shown(change_made);
          if (!change_made.refused_in_place.empty()) text += change_made.refused_in_place + "\n";
          // All but the numbers of rules is as before.
          const auto bare = [](std::string now) {
            for (std::size_t at = 0; (at = now.find(" # handle ", at)) != std::string::npos;)
              now.erase(at, now.find('\n', at) - at);
            return now;
          };
          if (bare(listing()) != bare(before)) text += std::string(change) + ":\n" + listing();
        }
        return text;
      },
      "changed, messages 7, rules 0+3-0, sets 0+1-0\n");
}

TEST(PutTable, ATableThatBelongsToAProgram) {
  expect_in_namespace(
      [] {
        // The owner is the socket that made it.
        mnl_socket* owner = mnl_socket_open(NETLINK_NETFILTER);
        if (owner == nullptr || mnl_socket_bind(owner, 0, MNL_SOCKET_AUTOPID) != 0)
          return std::string();
        auto batch = to_batch(table({port(1)}));
        const auto only = owned(batch);
        if (mnl_socket_sendto(owner, only.data(), only.size()) < 0) return std::string("not sent");
        auto text = in_order({shown(put_table(ours, batch)), shown(put_table(ours, {}))});
        mnl_socket_close(owner);
        return text + shown(put_table(ours, batch));
      },
      "refused: table `firewright` belongs to a running program, which alone may change it\n"
      "refused: table `firewright` belongs to a running program, which alone may change it\n"
      "changed, messages 4, rules 0+2-0\n");
}

TEST(PutTable, NothingWantedIsNoTable) {
  expect_in_namespace(
      [] {
        std::string text = in_order({shown(put_table(ours, {})), put(table({port(1)}))});
        const auto gone = put_table(ours, {});
        text += in_order({shown(gone), nft({"list", "ruleset"})});
        text += shown(put_table(ours, gone.before));
        auto other = table({port(1)});
        other.table = "other";
        return text + shown(put_table(ours, to_batch(other)));
      },
      "unchanged, messages 0, rules 0+0-0\nchanged, messages 4, rules 0+2-0\n"
      "changed, messages 1, rules 0+0-2\nchanged, messages 4, rules 0+2-0\n"
      "refused: what is to be loaded makes no table `firewright`\n");
}

TEST(PutTable, ADryRunChangesNothing) {
  expect_in_namespace(
      [] {
        std::string text = put(table({port(1)}));
        const auto before = listing();
        text += shown(put_table(ours, to_batch(table({port(2)})), {.dry_run = true}));
        auto wrong = table({rule({verdict(VerdictCode::jump, "nowhere")})});
        text += shown(put_table(ours, to_batch(wrong), {.dry_run = true}));
        text += shown(put_table(ours, to_batch(wrong)));
        return text + (listing() == before ? "same" : listing());
      },
      "changed, messages 4, rules 0+2-0\nchanged, messages 2, rules 1+1-1\n"
      "refused: kernel refused message 4 (new rule in chain input): No such file or directory\n"
      "refused: kernel refused message 4 (new rule in chain input): No such file or directory\n"
      "same");
}

// What packets have counted and filled in stays while something else changes.
TEST(PutTable, CountersAndBucketsLiveOn) {
  expect_in_namespace(
      [] {
        if (!send_to_ourselves(0)) return std::string("no loopback");
        const auto version = [](std::uint16_t other) {
          auto ruleset = table({port(other)});
          auto& rules = ruleset.chains[0].rules;
          ruleset.sets = {{.name = "limit-x-v4",
                           .type = DataType::ipv4_addr,
                           .elements = {},
                           .dynamic = true,
                           .size = 100,
                           .timeout_seconds = 600,
                           .comment = {}}};
          ruleset.counters = {"count-x"};
          rules.insert(
              rules.begin(),
              rule({match(Field::l4proto, Range{17, 17}),
                    match(Field::nfproto, Range{NFPROTO_IPV4, NFPROTO_IPV4}),
                    nftables::UseCounter{"count-x"},
                    nftables::DynamicSet{
                        .set = "limit-x-v4",
                        .key = Field::ip_saddr,
                        .update = true,
                        .test = nftables::Limit{.rate = 1, .unit = ir::TimeUnit::hour, .burst = 5}},
                    verdict(VerdictCode::accept)}));
          return ruleset;
        };
        std::string text = put(version(1));
        const auto seen = [] {
          const auto now = listing();
          return std::string(now.find("packets 2 ") != std::string::npos ? "counted " : "lost ") +
                 (now.find("127.0.0.1 limit rate") != std::string::npos ? "bucket\n"
                                                                        : "no bucket\n");
        };
        send_to_ourselves(9);
        send_to_ourselves(9);
        text += in_order({seen(), put(version(2)), seen(), put(version(2)), seen()});
        const auto first = put_table(ours, to_batch(version(3)));
        text += in_order({shown(put_table(ours, first.before)), seen(),
                          script("add element inet firewright limit-x-v4 { 192.0.2.77 }"),
                          put(version(4)), seen()});
        return text + (listing().find("192.0.2.77") != std::string::npos ? "still there" : "gone");
      },
      "changed, messages 7, rules 0+3-0, sets 0+1-0\ncounted bucket\n"
      "changed, messages 2, rules 2+1-1, sets 1+0-0\ncounted bucket\n"
      "unchanged, messages 0, rules 3+0-0, sets 1+0-0\ncounted bucket\n"
      "changed, messages 2, rules 2+1-1, sets 1+0-0\ncounted bucket\n"
      "changed, messages 2, rules 2+1-1, sets 1+0-0\ncounted bucket\nstill there");
}

}  // namespace
}  // namespace firewright::host
