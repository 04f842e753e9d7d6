#include "backends/netsh/capable.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "backends/netsh/gaps.h"
#include "backends/netsh/plan.h"
#include "backends/netsh/spell.h"

namespace firewright::netsh {
namespace {

using ir::Hook;
using ir::OriginKind;
using ir::Rule;
using ir::VerdictKind;

constexpr std::string_view left_out = "the exception is left out";

bool has(const std::vector<Unspeakable>& list, Unspeakable wanted) {
  for (const auto item : list)
    if (item == wanted) return true;
  return false;
}

bool drops(const Rule& rule) { return rule.verdict.kind == VerdictKind::drop; }

class Checker {
 public:
  Checker(const backend::Options& options, Sink& sink) : options_(options), sink_(sink) {}

  ir::Program run(const ir::Program& program) {
    ir::Program said;
    for (const Hook hook : {Hook::inbound, Hook::outbound})
      if (program.find(hook) == nullptr)
        refuse(Gap::unmanaged, Span{}, std::string(ir::to_string(hook)));
    for (const auto& chain : program.chains) {
      if (!chain.hook) continue;  // only jumps lead there, and each of them is refused
      said.chains.push_back(*chain.hook == Hook::forward ? forward(chain) : filtered(chain));
    }
    return said;
  }

 private:
  // --- reporting

  bool first_time(Gap gap, Span span, const std::string& where) {
    return reported_.insert({gap, span, where}).second;
  }

  // Nothing that denies more would serve.
  void refuse(Gap gap, Span span, const std::string& where) {
    if (!first_time(gap, span, where)) return;
    std::string what(wording(gap).what);
    if (!span.known() && !where.empty()) what += " (" + where + ")";
    sink_.report(Kind::cannot_say, span, {"netsh", std::move(what)}).help = wording(gap).way_out;
  }
  void refuse(Gap gap, const Rule& rule) { refuse(gap, rule.origin.span, name(rule)); }

  // `instead` denies at least as much: a warning if that is what the user asked for. The caller
  // goes on with it either way; after an error nothing comes of it.
  void approximate(Gap gap, const Rule& rule, std::string_view instead) {
    if (!first_time(gap, rule.origin.span, name(rule))) return;
    std::string what(wording(gap).what);
    if (!rule.origin.span.known()) what += " (" + name(rule) + ")";
    if (options_.approximate) {
      sink_.report(Kind::approximated, rule.origin.span,
                   {"netsh", what + ": " + std::string(instead)});
      return;
    }
    std::string help(wording(gap).way_out);
    help += "; with `--approximate`, ";
    help += instead;
    sink_.report(Kind::cannot_say, rule.origin.span, {"netsh", std::move(what)}).help =
        std::move(help);
  }

  static std::string name(const Rule& rule) {
    return rule.origin.label.empty() ? std::string(ir::to_string(rule.origin.kind))
                                     : rule.origin.label;
  }

  // --- one rule

  // What is left of a rule when everything is gone that cannot be said; nothing: it is left out.
  std::vector<Rule> say(Rule rule, Hook hook) {
    say_effects(rule);
    switch (rule.verdict.kind) {
      case VerdictKind::reject:
        approximate(Gap::reject, rule, "it is dropped");
        rule.verdict = ir::Verdict::drop();
        break;
      case VerdictKind::jump:
      case VerdictKind::go_to:
      case VerdictKind::return_: refuse(Gap::jump, rule); return {};
      case VerdictKind::next: return {};
      case VerdictKind::accept:
      case VerdictKind::drop: break;
    }
    if (!concerns_windows(rule)) return {rule};
    if (!say_conditions(rule, hook)) return {};
    return drops(rule) ? say_drop(std::move(rule)) : say_accept(std::move(rule), hook);
  }

  void say_effects(Rule& rule) {
    if (rule.effects.log) {
      const bool of_default = rule.origin.kind == OriginKind::default_log;
      approximate(of_default ? Gap::default_log : Gap::log, rule, "nothing is logged");
    }
    if (rule.effects.count) approximate(Gap::count, rule, "nothing is counted");
    rule.effects = {};
  }

  // False: the rule is left out. A rule that drops cannot be, so it loses the condition instead.
  bool say_conditions(Rule& rule, Hook hook) {
    auto& match = rule.match;
    bool kept = true;
    for (const auto& predicate : match.predicates) {
      const Gap gap = std::holds_alternative<ir::RateLimit>(predicate.test) ? Gap::rate_limit
                      : std::holds_alternative<ir::ConnectionLimit>(predicate.test)
                          ? Gap::connection_limit
                          : Gap::opaque_match;
      kept = without(gap, rule, "it is dropped always") && kept;
    }
    if (!match.in.is_any() || !match.out.is_any())
      kept = without(Gap::interface, rule, "it is dropped on every interface") && kept;
    if (!match.users.is_all() || !match.groups.is_all())
      kept = without(Gap::owner, rule, "it is dropped for every owner") && kept;
    // A limit is for new connections; whoever loses the limit loses the state with it.
    const bool limited = !match.predicates.empty();
    const bool tells_states_apart = !ignores_state(match, hook);
    if (tells_states_apart && !limited)
      kept = without(Gap::state, rule, "it is dropped in every state") && kept;
    match.predicates.clear();
    match.in = match.out = ir::InterfaceSet::any();
    match.users = match.groups = OwnerSet::all();
    if (tells_states_apart) match.states = ir::StateSet::all();
    return kept;
  }
  // Whether all packets that Windows filters meet the rule alike, as far as their state goes:
  // replies pass in any case, and inbound nothing is invalid.
  static bool ignores_state(const ir::Match& match, Hook hook) {
    using ir::ConntrackState;
    auto states = match.states | ir::StateSet{ConntrackState::established, ConntrackState::related};
    if (hook == Hook::inbound) states.insert(ConntrackState::invalid);
    return states.is_all();
  }
  bool without(Gap gap, const Rule& rule, std::string_view for_drop) {
    approximate(gap, rule, drops(rule) ? for_drop : left_out);
    return drops(rule);
  }

  std::vector<Rule> say_accept(Rule rule, Hook hook) {
    auto& match = rule.match;
    const auto wrong = unspeakable(match);
    if (has(wrong, Unspeakable::program) || has(wrong, Unspeakable::windows_service)) {
      approximate(has(wrong, Unspeakable::program) ? Gap::program : Gap::windows_service, rule,
                  left_out);
      return {};
    }
    if (has(wrong, Unspeakable::ports_without_tcp_or_udp)) {
      approximate(Gap::ports, rule, "it is allowed for tcp and udp only");
      match.protocols = match.protocols & with_ports();
    }
    if (has(wrong, Unspeakable::port_zero)) {
      approximate(Gap::port_zero, rule, "it is left out");
      const PortSet zero = PortSet::of(Port{0});
      if (!match.source_ports.is_all()) match.source_ports = match.source_ports - zero;
      if (!match.destination_ports.is_all())
        match.destination_ports = match.destination_ports - zero;
    }
    if (has(wrong, Unspeakable::protocol_in_other_family)) {
      approximate(Gap::icmp_family, rule, left_out);
      return {};
    }
    narrow_addresses(rule, hook, wrong);
    if (match.protocols.empty() || match.families.empty() || match.source_ports.empty() ||
        match.destination_ports.empty())
      return {};
    return {rule};
  }

  void narrow_addresses(Rule& rule, Hook hook, const std::vector<Unspeakable>& wrong) {
    constexpr std::string_view narrower =
        "the addresses of `0.0.0.0/8` and of `::/16` are left out";
    if (has(wrong, Unspeakable::unspecified_address)) {
      approximate(Gap::unspecified_address, rule, narrower);
      for (auto* set : {&rule.match.source, &rule.match.destination}) {
        if (!without_loopback(set->v4).is_all()) set->v4 = set->v4 - unsafe_ipv4();
        if (!without_loopback(set->v6).is_all()) set->v6 = set->v6 - unsafe_ipv6();
      }
    }
    ir::restrict_families(rule.match, rule.match.families);
    if (!has(unspeakable(rule.match), Unspeakable::one_family_without_addresses)) return;
    approximate(Gap::one_family, rule, narrower);
    auto& match = rule.match;
    auto& remote = hook == Hook::inbound ? match.source : match.destination;
    const auto& local = hook == Hook::inbound ? match.destination : match.source;
    if (without_loopback(remote.v4).is_all() && without_loopback(local.v4).is_all())
      remote.v4 = remote.v4 - unsafe_ipv4();
    if (without_loopback(remote.v6).is_all() && without_loopback(local.v6).is_all())
      remote.v6 = remote.v6 - unsafe_ipv6();
  }

  // Addresses are not looked at here: the plan may find a way round them.
  std::vector<Rule> say_drop(Rule rule) {
    auto& match = rule.match;
    const auto wrong = unspeakable(match);
    if (has(wrong, Unspeakable::program)) {
      approximate(Gap::program, rule, "it is dropped for every program");
      match.program.clear();
    }
    if (has(wrong, Unspeakable::windows_service)) {
      approximate(Gap::windows_service, rule, "it is dropped for every service");
      match.windows_service.clear();
    }
    if (has(wrong, Unspeakable::port_zero)) refuse(Gap::port_zero, rule);
    if (has(wrong, Unspeakable::protocol_in_other_family)) refuse(Gap::icmp_family, rule);
    if (!has(wrong, Unspeakable::ports_without_tcp_or_udp)) return {rule};
    approximate(Gap::ports, rule, "protocols other than tcp and udp are dropped on every port");
    Rule others = rule;
    others.match.protocols = match.protocols - with_ports();
    others.match.source_ports = others.match.destination_ports = PortSet::all();
    match.protocols = match.protocols & with_ports();
    if (match.protocols.empty()) return {others};
    return {rule, others};
  }

  static ProtocolSet with_ports() {
    return {{protocol::tcp, protocol::tcp}, {protocol::udp, protocol::udp}};
  }

  // --- a chain

  ir::Chain filtered(const ir::Chain& chain) {
    ir::Chain said = chain;
    said.rules.clear();
    for (const auto& rule : chain.rules)
      for (auto& part : say(rule, *chain.hook)) said.rules.push_back(std::move(part));
    check_baseline(said);
    // Every round mends at least one rule for good.
    for (std::size_t round = 0; round <= 2 * chain.rules.size() + 2; ++round)
      if (!mend(said)) break;
    return said;
  }

  void check_baseline(const ir::Chain& chain) {
    const Rule* denies = nullptr;
    bool loopback = false, replies = false;
    for (const auto& rule : chain.rules) {
      const bool accepts = rule.verdict.kind == VerdictKind::accept;
      if (rule.origin.kind == OriginKind::loopback && accepts) loopback = true;
      if (rule.origin.kind == OriginKind::established && accepts) replies = true;
      if (concerns_windows(rule) && drops(rule)) denies = &rule;
      if (matches_everything(rule.match)) break;
    }
    const bool denies_rest = plan(chain).accepts_by_default == false;
    if (denies == nullptr && !denies_rest) return;
    const Span span = denies == nullptr ? Span{} : denies->origin.span;
    const std::string where(ir::to_string(*chain.hook));
    if (!loopback) refuse(Gap::restricted_loopback, span, where);
    if (!replies) refuse(Gap::filtered_replies, span, where);
  }

  // Changes a rule that drops and that the plan has no way for into one that drops more. False:
  // there is none.
  bool mend(ir::Chain& chain) {
    const auto planned = plan(chain);
    if (!planned.unspeakable.empty()) {
      const std::size_t index = planned.unspeakable.front();
      auto wider = wider_addresses(chain.rules[index]);
      // Behind a rule that drops more, others may have nothing left to say: all errors come at
      // once.
      if (!options_.approximate)
        for (const auto other : planned.unspeakable)
          static_cast<void>(wider_addresses(chain.rules[other]));
      if (!wider) return false;
      chain.rules[index] = std::move(*wider);
      return true;
    }
    if (planned.behind_accept.empty()) return false;
    const auto index = static_cast<std::ptrdiff_t>(planned.behind_accept.front());
    const auto rules = chain.rules.begin();
    approximate(Gap::behind_baseline, rules[index], "that ICMP is blocked as well");
    auto first = rules;
    while (first != rules + index &&
           !(concerns_windows(*first) && first->verdict.kind == VerdictKind::accept))
      ++first;
    if (first == rules + index) return false;
    std::rotate(first, rules + index, rules + index + 1);
    return true;
  }

  // Says what is the matter with the rule's addresses. Nothing: no wider ones would serve.
  std::optional<Rule> wider_addresses(const Rule& rule) {
    const Gap gap = has(unspeakable(rule.match), Unspeakable::unspecified_address)
                        ? Gap::unspecified_address
                        : Gap::one_family;
    Rule wider = rule;
    widen_addresses(wider.match);
    if (!unspeakable(wider.match).empty()) {
      refuse(gap, rule);
      return std::nullopt;
    }
    approximate(gap, rule, "it is dropped from and to every address of both families");
    return wider;
  }

  static void widen_addresses(ir::Match& match) {
    const ProtocolSet icmp{{protocol::icmp, protocol::icmp}, {protocol::icmpv6, protocol::icmpv6}};
    const FamilySet families = icmp.contains(match.protocols) ? match.families : FamilySet::all();
    match.families = FamilySet::all();
    match.source = match.destination = AddressSet::all();
    ir::restrict_families(match, families);
  }

  // Windows Firewall sees no forwarded packet: a default is all that can be asked for.
  ir::Chain forward(const ir::Chain& chain) {
    ir::Chain said = chain;
    said.rules.clear();
    const bool drops_rest = !plan(chain).accepts_by_default;
    for (const auto& rule : chain.rules) {
      const bool asked =
          rule.origin.kind == OriginKind::exception || rule.origin.kind == OriginKind::decoded;
      if (!asked) {
        for (auto& part : say(rule, Hook::forward)) said.rules.push_back(std::move(part));
      } else if (drops_rest || rule.verdict.kind == VerdictKind::accept) {
        approximate(Gap::forwarding, rule, left_out);
      } else {
        refuse(Gap::forwarding, rule);
      }
    }
    return said;
  }

  const backend::Options& options_;
  Sink& sink_;
  std::set<std::tuple<Gap, Span, std::string>> reported_;
};

}  // namespace

ir::Program capable(const ir::Program& program, const backend::Options& options, Sink& sink) {
  return Checker(options, sink).run(program);
}

}  // namespace firewright::netsh
