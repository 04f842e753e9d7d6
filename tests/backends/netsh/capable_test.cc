#include "backends/netsh/capable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "backends/netsh/gaps.h"
#include "tests/backends/netsh/programs.h"

namespace firewright::netsh {
namespace {

using namespace test;
using ir::Hook;
using ir::Verdict;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Span place{.file = FileId{0}, .begin = 10, .end = 20};

ir::Rule placed(ir::Rule rule) {
  rule.origin.span = place;
  return rule;
}
ir::Rule allow(ir::Match match) {
  return placed(exception(std::move(match), Verdict::accept(), "it"));
}
ir::Rule deny(ir::Match match) {
  return placed(exception(std::move(match), Verdict::drop(), "it"));
}

std::vector<std::string> messages(const Sink& sink) {
  std::vector<std::string> result;
  for (const auto& diagnostic : sink.diagnostics()) result.push_back(diagnostic.message());
  return result;
}

// What is refused of a program, and, with --approximate, its rules of the inbound exceptions.
struct Outcome {
  std::vector<std::string> errors, warnings, errors_left;
  ir::Program said;
};
Outcome outcome(const ir::Program& program) {
  Sink exact, approximate;
  Outcome result;
  const auto same = capable(program, {}, exact);
  EXPECT_EQ(exact.warnings(), 0U);
  if (!exact.has_errors()) {
    EXPECT_EQ(same, program);
  }
  for (const auto& diagnostic : exact.diagnostics()) {
    EXPECT_EQ(diagnostic.kind, Kind::cannot_say);
    EXPECT_FALSE(diagnostic.help.empty());
  }
  result.errors = messages(exact);
  result.said = capable(program, approximating(), approximate);
  for (const auto& diagnostic : approximate.diagnostics())
    (diagnostic.kind == Kind::approximated ? result.warnings : result.errors_left)
        .push_back(diagnostic.message());
  return result;
}

std::string refused(Gap gap) {
  return "netsh cannot say this exactly: " + std::string(wording(gap).what);
}

// One exception of inbound that is refused, and what --approximate makes of it.
struct Case {
  const char* name;
  ir::Rule rule;
  Gap gap;
  std::vector<ir::Rule> instead;
};

ir::Rule with(ir::Rule rule, const std::function<void(ir::Rule&)>& change) {
  change(rule);
  return rule;
}

std::vector<ir::Rule> exceptions_of(const ir::Program& program, Hook hook = Hook::inbound) {
  std::vector<ir::Rule> rules;
  for (const auto& rule : program.find(hook)->rules)
    if (rule.origin.kind == ir::OriginKind::exception) rules.push_back(rule);
  return rules;
}

TEST(Capable, RefusedAtItsPlaceOrApproximated) {
  const auto limited = [](auto test) {
    return with(allow(tcp(22)), [&](ir::Rule& r) {
      r.match.states = {ir::ConntrackState::fresh};
      r.match.predicates.push_back({.instance = "it", .test = test});
    });
  };
  const auto interface = [](ir::Rule& r) {
    r.match.in = ir::InterfaceSet::of({{.name = "eth1", .wildcard = false}});
  };
  const auto sctp = [](ir::Rule& r) {
    r.match.protocols =
        ProtocolSet{{protocol::tcp, protocol::tcp}, {protocol::sctp, protocol::sctp}};
  };
  const auto v4 = [](ir::Rule& r) { ir::restrict_families(r.match, {Family::ipv4}); };
  auto v4_safe = tcp(22);
  v4_safe.source.v4 = Ipv4Set{{Ipv4{0x01000000}, Ipv4{0xffffffff}}};
  ir::restrict_families(v4_safe, {Family::ipv4});
  auto sctp_drop = deny(tcp(22));
  sctp_drop.match.protocols = ProtocolSet::of(protocol::sctp);
  sctp_drop.match.destination_ports = PortSet::all();

  const std::vector<Case> table{
      {"log",
       with(allow(tcp(22)), [](ir::Rule& r) { r.effects.log = "x"; }),
       Gap::log,
       {allow(tcp(22))}},
      {"count",
       with(allow(tcp(22)), [](ir::Rule& r) { r.effects.count = "x"; }),
       Gap::count,
       {allow(tcp(22))}},
      {"rate",
       limited(ir::RateLimit{.packets = 5, .unit = ir::TimeUnit::minute}),
       Gap::rate_limit,
       {}},
      {"connections", limited(ir::ConnectionLimit{.connections = 5}), Gap::connection_limit, {}},
      {"opaque", limited(ir::OpaqueMatch{.text = "-m string"}), Gap::opaque_match, {}},
      {"interface", with(allow(tcp(22)), interface), Gap::interface, {}},
      {"interface of a drop", with(deny(tcp(22)), interface), Gap::interface, {deny(tcp(22))}},
      {"owner",
       with(allow(tcp(22)), [](ir::Rule& r) { r.match.users = OwnerSet::of(OwnerId{0}); }),
       Gap::owner,
       {}},
      {"state",
       with(allow(tcp(22)), [](ir::Rule& r) { r.match.states = {ir::ConntrackState::invalid}; }),
       Gap::state,
       {}},
      {"new, but not untracked",
       with(allow(tcp(22)), [](ir::Rule& r) { r.match.states = {ir::ConntrackState::fresh}; }),
       Gap::state,
       {}},
      {"a drop of what is new",
       with(deny(tcp(22)), [](ir::Rule& r) { r.match.states = {ir::ConntrackState::fresh}; }),
       Gap::state,
       {deny(tcp(22))}},
      {"reject",
       placed(exception(tcp(22), Verdict::rejected(ir::RejectKind::tcp_reset), "it")),
       Gap::reject,
       {deny(tcp(22))}},
      {"ports", with(allow(tcp(22)), sctp), Gap::ports, {allow(tcp(22))}},
      {"ports of a drop", with(deny(tcp(22)), sctp), Gap::ports, {deny(tcp(22)), sctp_drop}},
      {"port 0",
       allow(tcp({{Port{0}, Port{22}}})),
       Gap::port_zero,
       {allow(tcp({{Port{1}, Port{22}}}))}},
      {"one family", with(allow(tcp(22)), v4), Gap::one_family, {allow(v4_safe)}},
      {"one family of a drop", with(deny(tcp(22)), v4), Gap::one_family, {deny(tcp(22))}},
      {"the unspecified address",
       allow(from(tcp(22), address("0.0.0.0-9.255.255.255"))),
       Gap::unspecified_address,
       {allow(from(tcp(22), address("1.0.0.0-9.255.255.255")))}},
      {"the unspecified address alone",
       allow(from(tcp(22), address("::"))),
       Gap::unspecified_address,
       {}},
      {"program",
       with(allow(tcp(22)), [](ir::Rule& r) { r.match.program = "a\"b"; }),
       Gap::program,
       {}},
      {"program of a drop",
       with(deny(tcp(22)), [](ir::Rule& r) { r.match.program = "a\"b"; }),
       Gap::program,
       {deny(tcp(22))}},
      {"service",
       with(allow(tcp(22)), [](ir::Rule& r) { r.match.windows_service = "any"; }),
       Gap::windows_service,
       {}},
      {"service of a drop",
       with(deny(tcp(22)), [](ir::Rule& r) { r.match.windows_service = "any"; }),
       Gap::windows_service,
       {deny(tcp(22))}},
      {"ICMP in IPv6",
       with(allow({}), [](ir::Rule& r) { r.match.protocols = ProtocolSet::of(protocol::icmp); }),
       Gap::icmp_family,
       {}},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.name);
    // Drops are only looked at closely where something may pass them.
    const auto program = server({each.rule, exception(tcp(22), Verdict::accept(), "other")});
    const auto result = outcome(program);
    EXPECT_THAT(result.errors, ElementsAre(refused(each.gap)));
    ASSERT_EQ(result.warnings.size(), 1U);
    EXPECT_THAT(result.warnings[0], HasSubstr(std::string(wording(each.gap).what)));
    EXPECT_THAT(result.errors_left, IsEmpty());
    auto said = exceptions_of(result.said);
    said.pop_back();
    EXPECT_EQ(said, each.instead);
    Sink sink;
    (void)capable(program, {}, sink);
    EXPECT_EQ(sink.diagnostics()[0].span, place);
    EXPECT_THAT(sink.diagnostics()[0].help, HasSubstr("--approximate"));
  }
}

// Every gap in its own words: what is refused, the way out, and what `--approximate` does.
struct Spoken {
  const char* name;
  ir::Program program;
  std::string what, help;
  std::string instead;  // empty: nothing that denies more would serve
};

std::vector<Spoken> spoken() {
  const std::string linux_only = "mark the exception `only-on = [\"iptables\", \"nftables\"]`";
  const std::string left_out = "the exception is left out";
  const std::string everywhere = "it is dropped from and to every address of both families";
  const std::string baseline_v4 = "the addresses of `0.0.0.0/8` and of `::/16` are left out";
  const auto behind = [](const ir::Rule& rule) { return server({rule, allow(tcp(443))}); };
  const auto changed = [&](const ir::Rule& rule, const std::function<void(ir::Rule&)>& change) {
    return behind(with(rule, change));
  };
  const auto test = [](auto value) {
    return [value](ir::Rule& r) {
      r.match.states = {ir::ConntrackState::fresh};
      r.match.predicates.push_back({.instance = "it", .test = value});
    };
  };
  const auto rate = test(ir::RateLimit{.packets = 5});
  const auto connections = test(ir::ConnectionLimit{.connections = 5});
  const auto opaque = test(ir::OpaqueMatch{.text = "-m string"});
  const auto interface = [](ir::Rule& r) {
    r.match.in = ir::InterfaceSet::except({{.name = "eth1", .wildcard = false}});
  };
  const auto group = [](ir::Rule& r) { r.match.groups = OwnerSet::of(OwnerId{0}); };
  const auto fresh = [](ir::Rule& r) { r.match.states = {ir::ConntrackState::fresh}; };
  const auto sctp = [](ir::Rule& r) { r.match.protocols = ProtocolSet::of(protocol::sctp); };
  const auto v6 = [](ir::Rule& r) { ir::restrict_families(r.match, {Family::ipv6}); };
  const auto icmp_in_both = [](ir::Rule& r) {
    r.match = {};
    r.match.protocols = ProtocolSet::of(protocol::icmpv6);
  };
  const auto program_path = [](ir::Rule& r) { r.match.program = "server.exe"; };
  const auto service = [](ir::Rule& r) { r.match.windows_service = "a/b"; };
  const auto log = [](ir::Rule& r) { r.effects.log = "x"; };
  const auto count = [](ir::Rule& r) { r.effects.count = "x"; };
  auto forward_allow = server({});
  forward_allow.chains[2] = chain(Hook::forward, {allow(tcp(22))}, false);
  auto forward_deny = server({});
  forward_deny.chains[2] = chain(Hook::forward, {deny(tcp(22))}, true);
  auto jumps = allow(tcp(22));
  jumps.verdict = {.kind = ir::VerdictKind::go_to, .reject = {}, .chain = "x"};
  auto returns = allow(tcp(22));
  returns.verdict.kind = ir::VerdictKind::return_;
  auto logs = server({});
  auto log_rule = rule(ir::OriginKind::default_log, {}, Verdict::next());
  log_rule.effects.log = "dropped";
  logs.chains[0].rules.insert(logs.chains[0].rules.end() - 1, log_rule);

  const std::string no_forward = "Windows Firewall does not filter forwarded packets";
  const std::string no_log = "Windows Firewall has no log for a single rule";
  const std::string no_rate = "Windows Firewall has no limit on the rate of new connections";
  const std::string no_connections = "Windows Firewall has no limit on open connections";
  const std::string no_opaque = "it holds a match that is known to another firewall only";
  const std::string own_words = "say it in the policy's own words";
  const std::string no_interface = "Windows Firewall does not know interfaces by their names";
  const std::string zone = "name a zone with `profiles`, or " + linux_only;
  const std::string no_owner = "Windows Firewall does not know the owner of a socket";
  const std::string program_key = "use `program` or `windows-service`, or " + linux_only;
  const std::string no_state = "Windows Firewall has no rules on the state of a connection";
  const std::string no_jump = "Windows Firewall has no chains to jump to";
  const std::string no_ports = "Windows Firewall knows ports of tcp and udp only";
  const std::string no_family = "Windows Firewall has no word for every address of one family";
  const std::string both_families = "say it for both families, or name the addresses";
  const std::string no_zero =
      "Windows Firewall does not take `0.0.0.0` and `::`, one of which is in this set";
  const std::string icmp_family = "ICMP belongs to IPv4, and ICMPv6 to IPv6";
  const std::string bad_program =
      "`program` is not `System` or a path from a drive or a %VARIABLE% on, of at most 259 "
      "printable ASCII characters without any of / * ? \" < > |";
  const std::string good_program = "write it like `C:\\Program Files\\Example\\example.exe`";
  const std::string bad_service =
      "`windows-service` is not the short name of a service, of at most 259 printable ASCII "
      "characters without any of / \\ | \" *";
  const std::string good_service = "write it as `sc query` shows it";
  const std::string no_answer = "Windows Firewall drops without an answer";

  return {
      {"forward", forward_allow, no_forward, linux_only, left_out},
      {"forward, dropped", forward_deny, no_forward, linux_only, ""},
      {"log", changed(allow(tcp(22)), log), no_log, "leave `log` out, or " + linux_only,
       "nothing is logged"},
      {"default log", logs,
       "Windows Firewall logs all that it drops, without a prefix or a rate (default-log)",
       "leave `log` out, and turn on the log of a profile by hand", "nothing is logged"},
      {"count", changed(allow(tcp(22)), count), "Windows Firewall does not count packets",
       "leave `count` out, or " + linux_only, "nothing is counted"},
      {"rate", changed(allow(tcp(22)), rate), no_rate, linux_only, left_out},
      {"rate, dropped", changed(deny(tcp(22)), rate), no_rate, linux_only, "it is dropped always"},
      {"connections", changed(allow(tcp(22)), connections), no_connections, linux_only, left_out},
      {"connections, dropped", changed(deny(tcp(22)), connections), no_connections, linux_only,
       "it is dropped always"},
      {"opaque", changed(allow(tcp(22)), opaque), no_opaque, own_words, left_out},
      {"opaque, dropped", changed(deny(tcp(22)), opaque), no_opaque, own_words,
       "it is dropped always"},
      {"interface", changed(allow(tcp(22)), interface), no_interface, zone, left_out},
      {"interface, dropped", changed(deny(tcp(22)), interface), no_interface, zone,
       "it is dropped on every interface"},
      {"owner", changed(allow(tcp(22)), group), no_owner, program_key, left_out},
      {"owner, dropped", changed(deny(tcp(22)), group), no_owner, program_key,
       "it is dropped for every owner"},
      {"state", changed(allow(tcp(22)), fresh), no_state, linux_only, left_out},
      {"state, dropped", changed(deny(tcp(22)), fresh), no_state, linux_only,
       "it is dropped in every state"},
      {"reject", behind(placed(exception(tcp(22), Verdict::rejected({}), "it"))), no_answer,
       "use `deny`, or `default = \"drop\"`", "it is dropped"},
      {"goto", behind(jumps), no_jump, "say it in one chain", ""},
      {"return", behind(returns), no_jump, "say it in one chain", ""},
      {"ports", changed(allow(tcp(22)), sctp), no_ports, linux_only,
       "it is allowed for tcp and udp only"},
      {"ports, dropped", changed(deny(tcp(22)), sctp), no_ports, linux_only,
       "protocols other than tcp and udp are dropped on every port"},
      {"port 0", behind(allow(tcp(0))), "port 0", "leave port 0 out", "it is left out"},
      {"port 0, dropped", behind(deny(tcp(0))), "port 0", "leave port 0 out", ""},
      {"ICMP", changed(allow({}), icmp_in_both), icmp_family, "use `protocol = \"icmp\"`",
       left_out},
      {"one family", changed(allow(tcp(22)), v6), no_family, both_families, baseline_v4},
      {"one family, dropped", changed(deny(tcp(443)), v6), no_family, both_families, everywhere},
      {"0.0.0.0", behind(allow(from(tcp(22), address("0.0.0.0")))), no_zero,
       "name the addresses without it", baseline_v4},
      {"::, dropped", behind(deny(from(tcp(443), address("::/64")))), no_zero,
       "name the addresses without it", everywhere},
      {"program", changed(allow(tcp(22)), program_path), bad_program, good_program, left_out},
      {"program, dropped", changed(deny(tcp(22)), program_path), bad_program, good_program,
       "it is dropped for every program"},
      {"service", changed(allow(tcp(22)), service), bad_service, good_service, left_out},
      {"service, dropped", changed(deny(tcp(22)), service), bad_service, good_service,
       "it is dropped for every service"},
      {"behind ICMP", server({}, {deny(to({}, address("203.0.113.0/24")))}, true),
       "a block rule would also block ICMP that the baseline lets through",
       "say which protocols are denied, for example `protocol = [\"tcp\", \"udp\"]`",
       "that ICMP is blocked as well"},
  };
}

TEST(Capable, InItsOwnWords) {
  for (const auto& each : spoken()) {
    SCOPED_TRACE(each.name);
    const auto result = outcome(each.program);
    EXPECT_THAT(result.errors, ElementsAre("netsh cannot say this exactly: " + each.what));
    Sink sink;
    (void)capable(each.program, {}, sink);
    ASSERT_EQ(sink.diagnostics().size(), 1U);
    if (each.instead.empty()) {
      EXPECT_EQ(sink.diagnostics()[0].help, each.help);
      EXPECT_EQ(result.errors_left, result.errors);
      EXPECT_THAT(result.warnings, IsEmpty());
      continue;
    }
    EXPECT_EQ(sink.diagnostics()[0].help, each.help + "; with `--approximate`, " + each.instead);
    EXPECT_THAT(result.warnings, ElementsAre("netsh cannot say this exactly, so more is denied: " +
                                             each.what + ": " + each.instead));
    EXPECT_THAT(result.errors_left, IsEmpty());
  }
}

// Of two things that are wrong with a drop, the one without a way out stays.
TEST(Capable, WiderAddressesDoNotHelpPort0) {
  auto rule = deny(tcp(0));
  ir::restrict_families(rule.match, {Family::ipv6});
  EXPECT_THAT(outcome(server({rule, allow({})})).errors_left,
              ElementsAre(refused(Gap::port_zero), refused(Gap::one_family)));
}

// Where no rule is at fault, the direction is named.
TEST(Capable, OfADirection) {
  const auto without = [](ir::OriginKind kind) {
    auto program = server({}, {}, false);
    for (auto& chain : program.chains)
      std::erase_if(chain.rules, [&](const ir::Rule& r) { return r.origin.kind == kind; });
    return outcome(program).errors;
  };
  const std::string loopback =
      "netsh cannot say this exactly: Windows Firewall never filters loopback traffic";
  const std::string replies =
      "netsh cannot say this exactly: Windows Firewall lets all replies through";
  EXPECT_THAT(without(ir::OriginKind::loopback),
              ElementsAre(loopback + " (inbound)", loopback + " (outbound)"));
  EXPECT_THAT(without(ir::OriginKind::established),
              ElementsAre(replies + " (inbound)", replies + " (outbound)"));
  const std::string unmanaged =
      "netsh cannot say this exactly: the defaults of inbound and outbound are one setting of "
      "Windows Firewall, so neither can be left to others";
  EXPECT_THAT(outcome({}).errors, ElementsAre(unmanaged + " (inbound)", unmanaged + " (outbound)"));
}

TEST(Capable, NeverApproximated) {
  ir::Program no_loopback = server({});
  std::erase_if(no_loopback.chains[0].rules,
                [](const ir::Rule& r) { return r.origin.kind == ir::OriginKind::loopback; });
  ir::Program no_replies = server({});
  std::erase_if(no_replies.chains[0].rules,
                [](const ir::Rule& r) { return r.origin.kind == ir::OriginKind::established; });
  ir::Program outbound_only = server({});
  outbound_only.chains.erase(outbound_only.chains.begin());
  ir::Program jump = server({});
  jump.chains[0].rules.insert(
      jump.chains[0].rules.begin(),
      placed(exception({}, {.kind = ir::VerdictKind::jump, .reject = {}, .chain = "x"}, "it")));
  ir::Program forward_deny = server({});
  forward_deny.chains[2] = chain(Hook::forward, {deny(tcp(22))}, true);
  const std::vector<std::pair<Gap, ir::Program>> table{
      {Gap::restricted_loopback, no_loopback},
      {Gap::filtered_replies, no_replies},
      {Gap::unmanaged, outbound_only},
      {Gap::jump, jump},
      {Gap::forwarding, forward_deny},
      {Gap::port_zero, server({deny(tcp({{Port{0}, Port{22}}})), allow(tcp(22))})},
  };
  for (const auto& [gap, program] : table) {
    const auto result = outcome(program);
    ASSERT_EQ(result.errors_left.size(), 1U) << wording(gap).what;
    EXPECT_THAT(result.errors_left[0], HasSubstr(std::string(wording(gap).what)));
  }
}

// Dropped from every address, the first would leave the second nothing to say.
TEST(Capable, NamesEveryRuleOfOneFamilyAtOnce) {
  auto v4 = deny(tcp(22));
  v4.origin.label = "one";
  ir::restrict_families(v4.match, {Family::ipv4});
  auto v6 = deny(tcp(22));
  v6.origin.label = "another";
  ir::restrict_families(v6.match, {Family::ipv6});
  const auto result = outcome(server({v4, v6, allow(tcp({{Port{20}, Port{30}}}))}));
  EXPECT_EQ(result.errors.size(), 2U);
  EXPECT_THAT(result.errors, testing::Each(HasSubstr(refused(Gap::one_family))));
}

TEST(Capable, SaysAsItIs) {
  auto private_rdp = tcp(3389);
  private_rdp.profiles = {ir::Profile::private_};
  auto no_ping = icmp(Family::ipv4, IcmpSet{types(8, 8)});
  for (const auto& program :
       {server({}), server({allow(tcp(22)), allow(private_rdp), allow(no_ping)}),
        server({deny(from({}, address("203.0.113.0/24"))), allow(tcp(22))}),
        server({}, {deny(tcp(25))}, true), server({}, {allow(tcp(443)), allow(udp(53))}, false),
        server({allow(from(tcp(22), addresses({"192.0.2.0/24", "2001:db8::/32"})))})}) {
    const auto result = outcome(program);
    EXPECT_THAT(result.errors, IsEmpty());
    EXPECT_THAT(result.warnings, IsEmpty());
  }
}

TEST(Capable, TheDefaults) {
  auto logs = server({});
  ir::Rule log = rule(ir::OriginKind::default_log, {}, Verdict::next());
  log.effects.log = "dropped";
  log.match.predicates.push_back(
      {.instance = "default-log-inbound", .test = ir::RateLimit{.packets = 5, .burst = 10}});
  logs.chains[0].rules.insert(logs.chains[0].rules.end() - 1, log);
  EXPECT_THAT(outcome(logs).errors, ElementsAre(HasSubstr("logs all that it drops")));
  EXPECT_EQ(outcome(logs).said, server({}));

  auto rejects = server({allow(tcp(22))});
  auto& rules = rejects.chains[0].rules;
  rules.pop_back();
  ir::Match all_tcp;
  all_tcp.protocols = ProtocolSet::of(protocol::tcp);
  rules.push_back(
      rule(ir::OriginKind::default_verdict, all_tcp, Verdict::rejected(ir::RejectKind::tcp_reset)));
  rules.push_back(rule(ir::OriginKind::default_verdict, {},
                       Verdict::rejected(ir::RejectKind::port_unreachable)));
  EXPECT_THAT(outcome(rejects).errors, ElementsAre(HasSubstr("without an answer")));
  EXPECT_THAT(outcome(rejects).errors_left, IsEmpty());

  auto forwards = server({});
  forwards.chains[2] = chain(Hook::forward, {}, true);
  EXPECT_THAT(outcome(forwards).errors, IsEmpty());
  forwards.chains.pop_back();  // unmanaged
  EXPECT_THAT(outcome(forwards).errors, IsEmpty());
  forwards.chains.push_back(chain(Hook::forward, {allow(tcp(22))}, false));
  EXPECT_THAT(outcome(forwards).errors, ElementsAre(refused(Gap::forwarding)));
  EXPECT_THAT(exceptions_of(outcome(forwards).said, Hook::forward), IsEmpty());
}

TEST(Capable, ABlockBehindTheBaselinesIcmp) {
  // Outbound accepts the rest, so every protocol is at stake, and ICMP errors are to pass.
  const auto program = server({}, {deny(to({}, address("203.0.113.0/24")))}, true);
  const auto result = outcome(program);
  EXPECT_THAT(result.errors, ElementsAre(refused(Gap::behind_baseline)));
  EXPECT_THAT(result.warnings, ElementsAre(HasSubstr("that ICMP is blocked as well")));
  // The rule moves in front of what it takes away.
  const auto& rules = result.said.find(Hook::outbound)->rules;
  EXPECT_EQ(rules[2].origin.kind, ir::OriginKind::exception);
  EXPECT_EQ(rules[3].origin.kind, ir::OriginKind::icmp_errors);
}

TEST(Capable, OneErrorForAllRulesOfAnException) {
  auto first = allow(tcp(22)), second = allow(udp(22));
  first.effects.log = second.effects.log = "x";
  EXPECT_THAT(outcome(server({first, second})).errors, ElementsAre(refused(Gap::log)));
}

}  // namespace
}  // namespace firewright::netsh
