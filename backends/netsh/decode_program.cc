#include "backends/netsh/decode_program.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace firewright::netsh {
namespace {

using ir::Hook;
using ir::Match;
using ir::Verdict;

// Addresses or ports of one side as parts of a list: those that are numbers, and each keyword.
template <class Keyword, class Set>
struct SidePart {
  const Set* set = nullptr;  // null: any
  std::optional<Keyword> keyword;
};

template <class Keyword, class Set, class List>
std::vector<SidePart<Keyword, Set>> parts(const List& list) {
  std::vector<SidePart<Keyword, Set>> result;
  if (list.any) result.push_back({});
  if (!list.any && !list.set.empty()) result.push_back({.set = &list.set, .keyword = {}});
  for (const auto keyword : list.keywords) result.push_back({.set = nullptr, .keyword = keyword});
  return result;
}

class ProgramMaker {
 public:
  ProgramMaker(const FirewallStore& store, Sink& sink) : store_(store), sink_(sink) {}

  ir::Program run() {
    const auto rules = store_.rules();
    ir::Program program;
    for (const auto hook : {Hook::inbound, Hook::outbound})
      program.chains.push_back(chain(hook, rules));
    return program;
  }

 private:
  ir::Chain chain(Hook hook, const std::vector<const StoredRule*>& rules) {
    rules_ = {};
    hook_ = hook;
    add_switch();
    if (hook == Hook::inbound) add_block_always();
    add_rules(rules, false);
    add_rules(rules, true);
    const bool drops = add_defaults();
    return {.name = std::string(ir::to_string(hook)),
            .hook = hook,
            .policy = drops ? ir::VerdictKind::drop : ir::VerdictKind::accept,
            .rules = std::move(rules_)};
  }

  void add(Match match, Verdict verdict, Span span, std::string label) {
    if (label.empty())
      label = std::string(ir::to_string(hook_)) + " " + std::to_string(rules_.size() + 1);
    rules_.push_back({.match = std::move(match),
                      .effects = {},
                      .verdict = std::move(verdict),
                      .origin = {.kind = ir::OriginKind::decoded,
                                 .label = std::move(label),
                                 .reason = {},
                                 .span = span}});
  }

  void add_opaque(Match& match, std::string text, Span span) {
    if (reported_.insert(text).second) sink_.report(Kind::artifact_opaque, span, {text});
    match.predicates.push_back(
        {.instance = "opaque", .test = ir::OpaqueMatch{.text = std::move(text)}});
  }

  // --- settings of the profiles

  static Match of(ir::Profile profile) {
    Match match;
    match.profiles = {profile};
    return match;
  }

  // Where the firewall is off, everything passes.
  void add_switch() {
    for (const auto profile : ir::ProfileSet::all()) {
      const auto& settings = store_.profile(profile);
      if (settings.state == SwitchState::on) continue;
      auto match = of(profile);
      if (settings.state == SwitchState::unknown)
        add_opaque(match, "state of " + std::string(ir::to_string(profile)) + " is off", {});
      add(std::move(match), Verdict::accept(), settings.state_span,
          "state " + std::string(ir::to_string(profile)));
    }
  }

  void add_block_always() {
    for (const auto profile : ir::ProfileSet::all()) {
      const auto& settings = store_.profile(profile);
      if (settings.inbound == DefaultAction::block_always)
        add(of(profile), Verdict::drop(), settings.policy_span, policy_label(profile));
    }
  }

  static std::string policy_label(ir::Profile profile) {
    return "firewallpolicy " + std::string(ir::to_string(profile));
  }

  // Says whether the rest is dropped in every profile.
  bool add_defaults() {
    struct Group {
      ir::ProfileSet profiles;
      Span span;
    } allow, block;
    const auto join = [](Group& group, ir::Profile profile, Span span) {
      group.profiles.insert(profile);
      group.span = span;
    };
    for (const auto profile : ir::ProfileSet::all()) {
      const auto& settings = store_.profile(profile);
      switch (hook_ == Hook::inbound ? settings.inbound : settings.outbound) {
        case DefaultAction::allow: join(allow, profile, settings.policy_span); break;
        case DefaultAction::block_always:
        case DefaultAction::block: join(block, profile, settings.policy_span); break;
        case DefaultAction::unknown: {
          auto match = of(profile);
          add_opaque(match,
                     "firewallpolicy of " + std::string(ir::to_string(profile)) + " allows " +
                         std::string(ir::to_string(hook_)),
                     {});
          add(std::move(match), Verdict::accept(), {}, policy_label(profile));
          join(block, profile, {});
        }
      }
    }
    for (const auto* group : {&allow, &block}) {
      if (group->profiles.empty()) continue;
      Match match;
      match.profiles = group->profiles;
      add(std::move(match), group == &allow ? Verdict::accept() : Verdict::drop(), group->span,
          "firewallpolicy");
    }
    return allow.profiles.empty();
  }

  // --- rules

  void add_rules(const std::vector<const StoredRule*>& rules, bool allow) {
    for (const auto* rule : rules)
      if (rule->inbound == (hook_ == Hook::inbound) && rule->allows == allow) add_rule(*rule);
  }

  // One rule for each choice of a part of each list.
  void add_rule(const StoredRule& rule) {
    auto base = common(rule);
    const bool inbound = rule.inbound;
    if (!rule.local.any) (inbound ? base.destination : base.source) = rule.local.set;
    const auto remotes = parts<AddressKeyword, AddressSet>(rule.remote);
    for (const auto& remote : remotes) {
      Match match = &remote == &remotes.back() ? std::move(base) : base;
      if (remote.set != nullptr) (inbound ? match.source : match.destination) = *remote.set;
      if (remote.keyword)
        add_opaque(match, "remoteip=" + std::string(to_string(*remote.keyword)), rule.span);
      ir::restrict_families(match, match.families);
      if (match.families.empty()) continue;  // one part of a list of both families
      add_with_ports(rule, std::move(match));
    }
  }

  void add_with_ports(const StoredRule& rule, Match base) {
    const auto locals = parts<PortKeyword, PortSet>(rule.local_ports);
    const auto remotes = parts<PortKeyword, PortSet>(rule.remote_ports);
    for (const auto& local : locals) {
      for (const auto& remote : remotes) {
        const bool last = &local == &locals.back() && &remote == &remotes.back();
        Match match = last ? std::move(base) : base;
        if (local.set != nullptr)
          (rule.inbound ? match.destination_ports : match.source_ports) = *local.set;
        if (remote.set != nullptr)
          (rule.inbound ? match.source_ports : match.destination_ports) = *remote.set;
        if (local.keyword)
          add_opaque(match, "localport=" + std::string(to_string(*local.keyword)), rule.span);
        if (remote.keyword)
          add_opaque(match, "remoteport=" + std::string(to_string(*remote.keyword)), rule.span);
        add(std::move(match), rule.allows ? Verdict::accept() : Verdict::drop(), rule.span,
            rule.description);
      }
    }
  }

  // All but addresses and ports.
  Match common(const StoredRule& rule) {
    Match match;
    match.profiles = rule.profiles;
    match.program = rule.program;
    const bool any_service = equal_ignoring_case(rule.service, "any");
    if (!any_service) match.windows_service = rule.service;
    if (any_service) add_opaque(match, "service=any", rule.span);  // any, but a service
    if (!rule.interface_type.empty())
      add_opaque(match, "interfacetype=" + rule.interface_type, rule.span);
    if (!rule.edge.empty()) add_opaque(match, "edge=" + rule.edge, rule.span);
    if (!rule.transport.protocol) return match;
    match.protocols = ProtocolSet::of(*rule.transport.protocol);
    if (rule.transport.icmp) match.icmp = IcmpSet{*rule.transport.icmp};
    // ICMP belongs to IPv4 and ICMPv6 to IPv6, said as a word or as a number.
    if (rule.transport.protocol == protocol::icmp) ir::restrict_families(match, {Family::ipv4});
    if (rule.transport.protocol == protocol::icmpv6) ir::restrict_families(match, {Family::ipv6});
    return match;
  }

  const FirewallStore& store_;
  Sink& sink_;
  Hook hook_ = Hook::inbound;
  std::vector<ir::Rule> rules_;
  std::set<std::string> reported_;
};

}  // namespace

ir::Program to_program(const FirewallStore& store, Sink& sink) {
  return ProgramMaker(store, sink).run();
}

}  // namespace firewright::netsh
