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
