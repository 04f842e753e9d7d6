#include "compiler/lower/audit.h"

#include <map>
#include <set>
#include <vector>

namespace firewright::lower {
namespace {

using ir::ConntrackState;

constexpr std::string_view counter_prefix = "audit-";
constexpr std::size_t longest_name = 40;  // of the exception's part of a counter's name
// All of a LOG target's prefix but what iptables needs (linux/netfilter/xt_LOG.h: 30 with the end).
constexpr std::size_t longest_log_prefix = 29;

// Letters, digits and '-' only, as instances and counters are called.
std::string plain(std::string_view label) {
  std::string name;
  for (const char c : label) {
    const bool keep = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!keep && (name.empty() || name.back() == '-')) continue;
    name += keep ? c : '-';
    if (name.size() == longest_name) break;
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "exception" : name;
}

struct Class {
  std::string_view name;
  ir::StateSet states;
  ProtocolSet protocols;
  FamilySet families = FamilySet::all();
};

// Every packet is in one of them, once.
std::vector<Class> classes() {
  const ir::StateSet opening{ConntrackState::fresh, ConntrackState::untracked};
  const auto tcp = ProtocolSet::of(protocol::tcp);
  const auto udp = ProtocolSet::of(protocol::udp);
  const auto icmp = ProtocolSet::of(protocol::icmp);
  const auto icmpv6 = ProtocolSet::of(protocol::icmpv6);
  const auto all = ProtocolSet::all();
  return {
      {.name = "invalid", .states = {ConntrackState::invalid}, .protocols = all},
      {.name = "ongoing",
       .states = {ConntrackState::established, ConntrackState::related},
       .protocols = all},
      {.name = "tcp", .states = opening, .protocols = tcp},
      {.name = "udp", .states = opening, .protocols = udp},
      {.name = "icmp", .states = opening, .protocols = icmp, .families = {Family::ipv4}},
      {.name = "icmp", .states = opening, .protocols = icmpv6, .families = {Family::ipv6}},
      {.name = "other",
       .states = opening,
       .protocols = all - tcp - udp - icmp,
       .families = {Family::ipv4}},
      {.name = "other",
       .states = opening,
       .protocols = all - tcp - udp - icmpv6,
       .families = {Family::ipv6}},
  };
}

// The part of a match that is of a class; none: nothing is.
std::optional<ir::Match> part_of(ir::Match match, const Class& one) {
  match.states = match.states & one.states;
  match.protocols = match.protocols & one.protocols;
  ir::restrict_families(match, match.families & one.families);
  if (match.states.empty() || match.protocols.empty() || match.families.empty())
    return std::nullopt;
  return match;
}

bool denies(const ir::Rule& rule) {
  return rule.verdict.kind == ir::VerdictKind::drop || rule.verdict.kind == ir::VerdictKind::reject;
}

class Auditing {
 public:
  explicit Auditing(const ir::Chain& chain) : direction_(to_string(*chain.hook)) {
    result_ = chain;
    result_.rules.clear();
    result_.policy = ir::VerdictKind::accept;
    for (const auto& rule : chain.rules) add(rule);
    ir::Rule rest;
    rest.verdict = ir::Verdict::accept();
    rest.origin.kind = ir::OriginKind::default_verdict;
    result_.rules.push_back(std::move(rest));
  }
  [[nodiscard]] ir::Chain take() { return std::move(result_); }

 private:
  void add(const ir::Rule& rule) {
    if (!denies(rule)) {
      result_.rules.push_back(rule);
      return;
    }
    if (!rule.effects.empty()) {
      result_.rules.push_back(rule);
      result_.rules.back().verdict = ir::Verdict::next();
    }
    switch (rule.origin.kind) {
      case ir::OriginKind::exception: return watch(rule, rule.match, name_of(rule.origin));
      case ir::OriginKind::drop_invalid: return watch(rule, rule.match, "invalid");
      case ir::OriginKind::loopback:
      case ir::OriginKind::established:
      case ir::OriginKind::icmp_errors:
      case ir::OriginKind::neighbour_discovery:
      case ir::OriginKind::default_log:
      case ir::OriginKind::default_verdict:
      case ir::OriginKind::decoded: break;
    }
    for (const auto& one : classes())
      if (auto match = part_of(rule.match, one))
        watch(rule, *match, "default-" + std::string(one.name));
  }

  void watch(const ir::Rule& rule, const ir::Match& match, const std::string& name) {
    ir::Rule log;
    log.match = match;
    log.match.predicates.push_back(
        {.instance = "audit-log-" + direction_ + "-" + name,
         .test = ir::RateLimit{.packets = 10, .unit = ir::TimeUnit::second, .burst = 20}});
    std::string prefix = "audit " + direction_.substr(0, 3) + " " + name;
    if (prefix.size() > longest_log_prefix - 2) prefix.resize(longest_log_prefix - 2);
    log.effects.log = prefix + ": ";
    log.verdict = ir::Verdict::next();
    log.origin = rule.origin;
    log.origin.kind = ir::OriginKind::default_log;
    result_.rules.push_back(std::move(log));

    ir::Rule count = rule;
    count.match = match;
    count.effects = {};
    count.effects.count = std::string(counter_prefix) + direction_ + "-" + name;
    count.verdict = ir::Verdict::accept();
    result_.rules.push_back(std::move(count));
  }

  // Two exceptions of one label are two, and the rules of one exception share its counter.
  std::string name_of(const ir::Origin& origin) {
    const std::pair key{origin.span, origin.label};
    if (const auto known = names_.find(key); known != names_.end()) return known->second;
    const auto wanted = "deny-" + plain(origin.label);
    auto name = wanted;
    for (int n = 2; !taken_.insert(name).second; ++n) name = wanted + "-" + std::to_string(n);
    return names_.emplace(key, name).first->second;
  }

  std::string direction_;
  ir::Chain result_;
  std::map<std::pair<Span, std::string>, std::string> names_;
  std::set<std::string> taken_;
};

}  // namespace

ir::Program audit(const ir::Program& program) {
  ir::Program result;
  for (const auto& chain : program.chains) result.chains.push_back(Auditing(chain).take());
  return result;
}

bool is_audit_counter(std::string_view name) { return name.starts_with(counter_prefix); }

}  // namespace firewright::lower
