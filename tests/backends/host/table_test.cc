// One table of a kernel that others use too.
#include "backends/host/table.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "backends/host/dump.h"
#include "backends/host/live.h"
#include "backends/host/process.h"
#include "backends/nftables/batch.h"
#include "tests/backends/in_namespace.h"

namespace firewright::host {
namespace {

using nftables::DataType;
using nftables::Elements;
using nftables::Field;
using nftables::Match;
using nftables::Range;
using nftables::Ruleset;
using nftables::VerdictCode;

const TableName ours{NFPROTO_INET, "firewright"};

nftables::Rule rule(std::vector<nftables::Statement> statements, std::string comment = {}) {
  return {.statements = std::move(statements), .comment = std::move(comment)};
}
Match match(Field field, std::variant<Range, Elements, nftables::SetName> value) {
  return {.field = field, .negated = false, .value = std::move(value), .implied = false};
}
nftables::Verdict verdict(VerdictCode code, std::string chain = {}) {
  return {.code = code, .chain = std::move(chain)};
}
nftables::Rule port(std::uint16_t number) {
  return rule({match(Field::l4proto, Range{6, 6}), match(Field::tcp_dport, Range{number, number}),
               verdict(VerdictCode::accept)});
}
nftables::Set set_of(std::vector<Range> keys) {
  return {.name = "from-list-v4",
          .type = DataType::ipv4_addr,
          .elements = {.keys = std::move(keys), .verdicts = {}},
          .dynamic = false,
          .size = 0,
          .timeout_seconds = 0,
          .comment = {}};
}
nftables::Rule from_list() {
  return rule({match(Field::nfproto, Range{NFPROTO_IPV4, NFPROTO_IPV4}),
               match(Field::ip_saddr, nftables::SetName{"from-list-v4"}),
               verdict(VerdictCode::drop)});
}
std::vector<Range> addresses(std::initializer_list<std::uint32_t> lasts) {
  std::vector<Range> keys;
  for (const auto last : lasts) keys.push_back({0xc0000200U + last, 0xc0000200U + last});
  return keys;
}

// An input chain of these rules and a last drop.
Ruleset table(std::vector<nftables::Rule> rules) {
  rules.push_back(rule({verdict(VerdictCode::drop)}));
  Ruleset ruleset;
  ruleset.table = ours.second;
  ruleset.chains = {
      {.name = "input",
       .base =
           nftables::BaseHook{.hook = ir::Hook::inbound, .priority = 0, .policy_accepts = false},
       .rules = std::move(rules)}};
  return ruleset;
}

nftables::Rule from_list_inline() {
  return rule({match(Field::l4proto, Range{6, 6}),
               match(Field::tcp_dport, Elements{.keys = {{80, 80}, {443, 443}}, .verdicts = {}}),
               verdict(VerdictCode::accept)});
}

// The first message that makes the table, with the flag that it belongs to whoever sends it.
std::string owned(const std::string& batch) {
  std::string result;
  std::vector<std::string> messages;
  for (std::size_t at = 0; at < batch.size();) {
    nlmsghdr header;
    std::memcpy(&header, batch.data() + at, sizeof header);
    messages.push_back(batch.substr(at, NLMSG_ALIGN(header.nlmsg_len)));
    at += NLMSG_ALIGN(header.nlmsg_len);
  }
  auto& made = messages[1];
  const nlattr flags{.nla_len = 8, .nla_type = NFTA_TABLE_FLAGS};
  const std::uint32_t owner = htonl(0x2);
  made.append(reinterpret_cast<const char*>(&flags), sizeof flags);
  made.append(reinterpret_cast<const char*>(&owner), sizeof owner);
  const auto length = static_cast<std::uint32_t>(made.size());
  std::memcpy(made.data(), &length, sizeof length);
  return messages.front() + made + messages.back();
}

// A datagram over loopback, which comes up first; port 0: none.
bool send_to_ourselves(std::uint16_t to_port) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  bool done = ioctl(socket, SIOCGIFFLAGS, &request) == 0;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  done = done && ioctl(socket, SIOCSIFFLAGS, &request) == 0;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(to_port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (to_port != 0)
    done = done && sendto(socket, "x", 1, 0, reinterpret_cast<const sockaddr*>(&address),
                          sizeof address) == 1;
  close(socket);
  return done;
}

std::string nft(const std::vector<std::string>& words) {
  std::vector<std::string> command{"nft"};
  command.insert(command.end(), words.begin(), words.end());
  const auto ran = run(command, {});
  return ran.err + ran.out;
}
std::string script(const std::string& text) { return run({"nft", "-f", "-"}, text).err; }
std::string listing() { return nft({"-a", "list", "table", "inet", "firewright"}); }

std::string shown(const TableChange& change) {
  if (!change.result.ok()) return "refused: " + change.result.error + "\n";
  const auto& d = change.delta;
  std::string text = change.changed ? "changed" : "unchanged";
  if (d.whole) text += " whole";
  if (!change.refused_in_place.empty()) text += ", not in place: " + change.refused_in_place;
  const auto add = [&](const char* what, std::size_t kept, std::size_t added, std::size_t gone) {
    text += std::string(", ") + what + " " + std::to_string(kept) + "+" + std::to_string(added) +
            "-" + std::to_string(gone);
  };
  text += ", messages " + std::to_string(d.messages);
  add("rules", d.kept_rules, d.new_rules, d.gone_rules);
  if (d.kept_sets + d.new_sets + d.gone_sets != 0)
    add("sets", d.kept_sets, d.new_sets, d.gone_sets);
  if (d.new_elements + d.gone_elements != 0) add("elements", 0, d.new_elements, d.gone_elements);
  return text + "\n";
}
// One after the other, which operands of "+" need not be.
std::string in_order(std::initializer_list<std::string> parts) {
  std::string text;
  for (const auto& part : parts) text += part;
  return text;
}
std::string put(const Ruleset& ruleset) { return shown(put_table(ours, to_batch(ruleset))); }

void expect_in_namespace(const std::function<std::string()>& body, const std::string& expected) {
  const auto ran = test::in_namespace(body);
  if (!ran.refused.empty()) GTEST_SKIP() << ran.refused;
  EXPECT_EQ(ran.output, expected);
}

// Each line that says a handle, of rules and of what holds them.
std::set<std::string> handles() {
  std::set<std::string> lines;
  std::istringstream text(listing());
  for (std::string line; std::getline(text, line);)
    if (line.find("# handle") != std::string::npos) lines.insert(line);
  return lines;
}
// Of the lines before, how many are still there.
std::string kept(const std::set<std::string>& before) {
  const auto now = handles();
  std::size_t count = 0;
  for (const auto& line : before) count += now.contains(line) ? 1U : 0U;
  return "kept " + std::to_string(count) + " of " + std::to_string(before.size()) + "\n";
}

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
TEST(PutTable, IntervalsAreMadeAnewWithTheirRules) {
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
      "changed, messages 8, rules 0+4-0, sets 0+1-0\n"
      "unchanged, messages 0, rules 4+0-0, sets 1+0-0\n"
      "changed, messages 5, rules 3+1-1, sets 0+1-1\n"
      "kept 5 of 7\n"
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
        text += put(other);
        other.comment = "another";
        return in_order({text, put(other), put(other)});
      },
      "changed, messages 8, rules 0+4-0\n"
      "changed, messages 4, rules 3+1-1\nkept 6 of 8\n"
      "changed, messages 1, rules 4+0-0\nkept 6 of 8\n"
      "changed whole, messages 9, rules 0+4-4\n"
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
      "changed, messages 9, rules 0+4-0\n"
      "changed, messages 8, rules 2+2-2\n"
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

constexpr const char* foreign = R"(
table ip nat {
  chain PREROUTING {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local counter packets 3 bytes 180 jump DOCKER
  }
  chain DOCKER {
    iifname "docker0" return
    tcp dport 8080 dnat to 172.17.0.2:80
  }
}
table inet f2b-table {
  set addr-set-sshd {
    type ipv4_addr; flags timeout; timeout 10h; elements = { 192.0.2.5, 198.51.100.7 }
  }
  chain f2b-chain {
    type filter hook input priority -1; policy accept;
    tcp dport 22 ip saddr @addr-set-sshd reject
  }
}
table ip6 firewright {
  chain input {
    type filter hook input priority 0; policy accept;
  }
}
table ip filter {
  map ports {
    type inet_service : verdict; flags interval; elements = { 1-5 : accept, 9 : drop }
  }
  chain LIBVIRT_FWI {
    oifname "virbr0" ct state related,established accept
    tcp dport vmap @ports
  }
}
)";

TEST(PutTable, TablesOfOthersStayAsTheyAre) {
  expect_in_namespace(
      [] {
        if (const auto wrong = script(foreign); !wrong.empty()) return "skip: " + wrong;
        const auto all = [] {
          auto text = nft({"-s", "-a", "list", "ruleset"});
          // Seconds pass.
          for (std::size_t at = 0; (at = text.find(" expires ", at)) != std::string::npos;)
            text.erase(at, text.find_first_of(",\n }", at + 9) - at);
          return text;
        };
        const auto before = all();
        for (std::uint16_t i = 0; i < 100; ++i) {
          auto ruleset = table({port(i), from_list(), port(static_cast<std::uint16_t>(i % 7))});
          ruleset.sets = {set_of(addresses({i, i + 1U, 200}))};
          ruleset.comment = i % 10 == 0 ? "another" : "one";
          if (const auto text = put(ruleset);
              !text.starts_with("changed,") && !text.starts_with("changed whole"))
            return text;
        }
        (void)put_table(ours, {});
        return all() == before ? std::string("same") : all() + before;
      },
      "same");
}

TEST(PutTable, AStaleGenerationIsRefused) {
  expect_in_namespace(
      [] {
        std::string error;
        std::string text = put(table({port(1)}));
        const auto dump = dump_nftables(error);
        if (!dump) return error;
        text += script("add table ip other");
        const auto before = nft({"list", "ruleset"});
        for (const bool dry_run : {true, false}) {
          const auto result = load_batch(to_batch(table({port(2)})),
                                         {.dry_run = dry_run, .generation = dump->generation});
          text +=
              (result.reason == Reason::raced ? "raced: " : "not raced: ") + result.error + "\n";
        }
        text += nft({"list", "ruleset"}) == before ? "same\n" : "changed\n";
        const auto now = dump_nftables(error);
        return text + (load_batch(to_batch(table({port(2)})), {.generation = now->generation}).ok()
                           ? "loaded"
                           : "not loaded");
      },
      "changed, messages 4, rules 0+2-0\n"
      "raced: somebody else has changed the ruleset meanwhile\n"
      "raced: somebody else has changed the ruleset meanwhile\n"
      "same\nloaded");
}

TEST(PutTable, WithoutTheRightToDoSo) {
  expect_in_namespace(
      [] {
        (void)put(table({port(1)}));
        if (setuid(65534) != 0) return std::string("still root");
        const auto result = put_table(ours, to_batch(table({port(2)}))).result;
        return (result.reason == Reason::permission ? "permission: " : "other: ") + result.error;
      },
      "permission: the kernel does not list its ruleset: Operation not permitted (CAP_NET_ADMIN is "
      "needed)");
}

TEST(DumpNftables, OfOneTable) {
  expect_in_namespace(
      [] {
        std::string error;
        std::string text;
        const auto none = dump_nftables(error, ours);
        text += none && none->messages.empty() ? "none\n" : "some\n";
        text += script(foreign);
        auto ruleset = table({port(22), from_list(), from_list_inline()});
        ruleset.sets = {set_of(addresses({1, 2}))};
        ruleset.counters = {"count-x"};
        text += put(ruleset);
        const auto all = dump_nftables(error);
        const auto one = dump_nftables(error, ours);
        if (!all || !one) return error;
        const auto rest = without_tables(all->messages, {ours});
        text += one->generation == all->generation ? "one generation\n" : "two\n";
        text += without_tables(one->messages, {ours}).empty() ? "nothing else\n" : "more\n";
        text +=
            rest.size() + one->messages.size() == all->messages.size() ? "all of it" : "not all";
        return text;
      },
      "none\nchanged, messages 11, rules 0+4-0, sets 0+1-0\none generation\nnothing else\nall of "
      "it");
}

// Another table as fast as it can, while 300 times ours is changed.
TEST(PutTable, AgainstAWriterWithoutAPause) {
  const std::string batches[] = {to_batch(table({port(22), port(80)})),
                                 to_batch(table({port(443), port(22)}))};
  const auto body = [&]() -> std::string {
    auto other_table = table({port(1)});
    other_table.table = "other";
    const auto other_batch = to_batch(other_table);
    std::atomic<bool> stop = false;
    std::atomic<std::size_t> written = 0;
    std::thread other([&] {
      while (!stop)
        if (load_batch(other_batch).ok()) ++written;
    });
    std::string wrong;
    for (int round = 0; round < 300 && wrong.empty(); ++round) {
      const auto& batch = batches[round % 2];
      if (const auto change = put_table(ours, batch); !change.changed)
        wrong = "round " + std::to_string(round) + ": " + shown(change);
      // Nobody else writes our table, so that there is nothing left to do.
      else if (const auto again = put_table(ours, batch); again.changed || !again.result.ok())
        wrong = "round " + std::to_string(round) + ", again: " + shown(again);
    }
    stop = true;
    other.join();
    return written == 0 ? "the other never wrote" : wrong;
  };
  expect_in_namespace(body, "");
}

// Two that both write our table: one wins each time, and neither leaves a mixture.
TEST(PutTable, TwoWritersOfOneTable) {
  const std::string batches[] = {to_batch(table({port(22), port(80), port(81)})),
                                 to_batch(table({port(443), port(81), port(22)}))};
  const auto body = [&]() -> std::string {
    const auto write = [&](const std::string& batch, std::string& wrong) {
      for (int round = 0; round < 100 && wrong.empty(); ++round)
        if (const auto change = put_table(ours, batch); !change.result.ok())
          wrong = change.result.error;
        else if (!change.refused_in_place.empty())
          wrong = change.refused_in_place;
    };
    std::string wrong[2];
    std::thread other([&] { write(batches[1], wrong[1]); });
    write(batches[0], wrong[0]);
    other.join();
    std::size_t equal = 0;
    std::string error;
    const auto dump = dump_nftables(error, ours);
    for (const auto& batch : batches)
      if (const auto rest = delta(dump->messages, batch, ours, error); rest && rest->empty())
        ++equal;
    return wrong[0] + wrong[1] + (equal == 1 ? "" : "a mixture");
  };
  expect_in_namespace(body, "");
}

}  // namespace
}  // namespace firewright::host
