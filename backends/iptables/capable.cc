#include "backends/iptables/capable.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "backends/iptables/product.h"
#include "backends/iptables/rates.h"

namespace firewright::iptables {
namespace {

using Predicates = std::vector<ir::Predicate>;

constexpr std::size_t interface_name_max = 15;  // IFNAMSIZ without its NUL
constexpr std::size_t log_prefix_max = 29;      // of the 30 bytes of xt_log_info.prefix

// Something that cannot be said, and the ways out.
struct Problem {
  std::string what;
  std::string help;
  // Whether `--approximate` has something better than to leave an exception out; `help` says so.
  bool can_be_less = false;
};

const std::string other_targets = "or leave it to other targets with `only-on`";

std::optional<Problem> problem_of(const ir::InterfaceSet& set) {
  for (const auto& pattern : set.patterns()) {
    const auto name = "`" + to_string(pattern) + "`";
    const auto& text = pattern.name;
    if (text.size() + (pattern.wildcard ? 1 : 0) > interface_name_max)
      return Problem{"the interface " + name + ", which is longer than " +
                         std::to_string(interface_name_max) + " characters",
                     "name a shorter interface, " + other_targets};
    if (!pattern.wildcard && text.ends_with('+'))
      return Problem{"the interface " + name + ", whose `+` would stand for any ending",
                     "use a wildcard (`*`), " + other_targets};
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
      return c > ' ' && c < 0x7f && std::string_view("\"\\'/!*").find(c) == std::string_view::npos;
    });
    if (!plain || text.starts_with('-'))
      return Problem{"the interface " + name,
                     "use letters, digits, `.`, `_`, `-`, `:`, `@` only, " + other_targets};
  }
  return std::nullopt;
}

std::optional<Problem> problem_of(const OwnerSet& set, ir::Hook hook, const std::string& what) {
  if (set.is_all()) return std::nullopt;
  if (hook != ir::Hook::outbound)
    return Problem{"the " + what + " behind a packet that this host did not send",
                   "`user` and `group` are known in `[outbound]` only"};
  if (set.contains(OwnerSet::max()))
    return Problem{"the " + what + " 4294967295, which Linux gives to nobody",
                   "end the range at 4294967294"};
  return std::nullopt;
}

bool has_family(ir::RejectKind kind, Family family) {
  switch (kind) {
    case ir::RejectKind::tcp_reset:
    case ir::RejectKind::port_unreachable:
    case ir::RejectKind::host_unreachable:
    case ir::RejectKind::net_unreachable:
    case ir::RejectKind::admin_prohibited: return true;
    case ir::RejectKind::proto_unreachable:
    case ir::RejectKind::net_prohibited:
    case ir::RejectKind::host_prohibited: return family == Family::ipv4;
    case ir::RejectKind::policy_fail:
    case ir::RejectKind::reject_route: return family == Family::ipv6;
  }
  return false;
}

std::optional<Problem> problem_of(const ir::Verdict& verdict, const ir::Match& match) {
  switch (verdict.kind) {
    case ir::VerdictKind::accept:
    case ir::VerdictKind::drop:
    case ir::VerdictKind::next: return std::nullopt;
    case ir::VerdictKind::jump:
    case ir::VerdictKind::go_to:
    case ir::VerdictKind::return_:
      return Problem{"`" + to_string(verdict) + "` to a chain of the program", ""};
    case ir::VerdictKind::reject: break;
  }
  if (verdict.reject == ir::RejectKind::tcp_reset &&
      match.protocols != ProtocolSet::of(protocol::tcp))
    return Problem{"a TCP reset for packets that are not TCP", "say `protocol = \"tcp\"`"};
  for (const auto family : match.families)
    if (!has_family(verdict.reject, family))
      return Problem{"reject with `" + std::string(to_string(verdict.reject)) + "` in " +
                         std::string(to_string(family)),
                     "say `family`, " + other_targets};
  return std::nullopt;
}

std::optional<Problem> problem_of(const ir::Effects& effects) {
  if (!effects.log) return std::nullopt;
  const auto& prefix = *effects.log;
  if (prefix.size() > log_prefix_max)
    return Problem{"a log prefix of " + std::to_string(prefix.size()) + " bytes",
                   "say a prefix of at most " + std::to_string(log_prefix_max) +
                       " with `log = \"...\"`, " + other_targets};
  if (!std::all_of(prefix.begin(), prefix.end(), [](char c) { return c >= ' ' && c < 0x7f; }))
    return Problem{"a log prefix that is not of printable ASCII",
                   "say another one with `log = \"...\"`, " + other_targets};
  return std::nullopt;
}

std::optional<Problem> problem_of(const ir::Match& match, ir::Hook hook) {
  if (!match.profiles.is_all())
    return Problem{"network profiles, which only Windows has", "name interfaces in the zone"};
  if (!match.program.empty())
    return Problem{"`program`, which only Windows knows", "add `only-on = [\"netsh\"]`"};
  if (!match.windows_service.empty())
    return Problem{"`windows-service`, which only Windows knows", "add `only-on = [\"netsh\"]`"};
  if (hook != ir::Hook::outbound)
    if (auto problem = problem_of(match.in)) return problem;
  if (hook != ir::Hook::inbound)
    if (auto problem = problem_of(match.out)) return problem;
  if (auto problem = problem_of(match.users, hook, "user")) return problem;
  if (auto problem = problem_of(match.groups, hook, "group")) return problem;
  for (const auto family : match.families)
    if (!can_say(match.icmp, family))
      return Problem{"some codes of ICMP type 255, which it takes for any type",
                     "leave that type out, " + other_targets};
  for (const auto& predicate : match.predicates)
    if (const auto* opaque = std::get_if<ir::OpaqueMatch>(&predicate.test))
      return Problem{"the match `" + opaque->text + "`", ""};
  return std::nullopt;
}

class Checker {
 public:
  Checker(const ir::Program& program, bool approximate, Sink& sink)
      : program_(program), approximate_(approximate), sink_(sink) {
    for (const auto& chain : program.chains)
      for (const auto& rule : chain.rules)
        for (const auto& predicate : rule.match.predicates) {
          users_[predicate].push_back(&rule);
          instances_.insert(predicate.instance);
        }
  }

  ir::Program check() {
    ir::Program result;
    for (const auto& chain : program_.chains) {
      if (!chain.hook) {
        sink_.report(Kind::cannot_say, {}, {"iptables", "the chain `" + chain.name + "`"});
        continue;
      }
      ir::Chain checked = chain;
      checked.rules.clear();
      for (const auto& rule : chain.rules) check(rule, *chain.hook, checked.rules);
      result.chains.push_back(std::move(checked));
    }
    return result;
  }

 private:
  void check(const ir::Rule& rule, ir::Hook hook, std::vector<ir::Rule>& out) {
    auto problem = problem_of(rule.match, hook);
    if (!problem) problem = problem_of(rule.verdict, rule.match);
    if (!problem) problem = problem_of(rule.effects);
    if (!problem) problem = shared_apart(rule);
    if (problem) {
      refuse(rule, *problem);
      return;
    }
    auto checked = rule;
    if (!check_rates(checked)) return;
    if (spans_families(rule))
      split(checked, out);
    else
      out.push_back(std::move(checked));
  }

  // Without this rule a packet goes on to the rules below: for an exception that accepts, that can
  // only deny more.
  void refuse(const ir::Rule& rule, const Problem& problem) {
    const bool may_be_left_out = rule.verdict.kind == ir::VerdictKind::accept &&
                                 rule.origin.kind == ir::OriginKind::exception;
    if (approximate_ && may_be_left_out) {
      warn(rule, problem.what + ": left out");
      return;
    }
    if (!told_.emplace(rule.origin.span, problem.what).second) return;
    auto& diagnostic = sink_.report(Kind::cannot_say, rule.origin.span, {"iptables", problem.what});
    diagnostic.help = problem.help;
    if (may_be_left_out && !problem.can_be_less && !problem.help.empty())
      diagnostic.help += "; `--approximate` leaves the exception out";
  }

  void warn(const ir::Rule& rule, const std::string& what) {
    if (told_.emplace(rule.origin.span, what).second)
      sink_.report(Kind::approximated, rule.origin.span, {"iptables", what});
  }

  // A limit is one rule of the kernel; rules that share it jump there, and go on from there alike.
  std::optional<Problem> shared_apart(const ir::Rule& rule) const {
    for (const auto& predicate : rule.match.predicates)
      for (const auto* other : users_.at(predicate))
        if (other->match.predicates != rule.match.predicates || other->effects != rule.effects ||
            other->verdict != rule.verdict || other->origin.label != rule.origin.label)
          return Problem{"one limit, `" + predicate.instance + "`, shared by unlike rules", ""};
    return std::nullopt;
  }

  // Rates that the kernel would round are refused, or lowered. False: the rule is left out.
  bool check_rates(ir::Rule& rule) {
    for (auto& predicate : rule.match.predicates) {
      auto* rate = std::get_if<ir::RateLimit>(&predicate.test);
      if (rate == nullptr || can_say(*rate)) continue;
      const auto what =
          "the rate " + rate_text(*rate) + " with burst " + std::to_string(rate->burst);
      const auto within = largest_within(*rate);
      if (approximate_ && within) {
        warn(rule, what + ": " + rate_text(*within) + " with burst " +
                       std::to_string(within->burst) + " instead");
        *rate = *within;
        continue;
      }
      auto help = within ? "the nearest below is `{ rate = \"" + rate_text(*within) +
                               "\", burst = " + std::to_string(within->burst) +
                               " }`, which `--approximate` takes"
                         : std::string("say a higher rate or a smaller burst");
      refuse(rule, {what, std::move(help), within.has_value()});
      return false;
    }
    return true;
  }

  static bool is_global(const ir::Predicate& predicate) {
    if (const auto* rate = std::get_if<ir::RateLimit>(&predicate.test)) return !rate->per_source;
    if (const auto* connections = std::get_if<ir::ConnectionLimit>(&predicate.test))
      return !connections->per_source;
    return false;
  }

  [[nodiscard]] bool spans_families(const ir::Predicate& predicate) const {
    if (!is_global(predicate)) return false;
    FamilySet families;
    for (const auto* rule : users_.at(predicate)) families = families | rule->match.families;
    return families.is_all();
  }

  [[nodiscard]] bool spans_families(const ir::Rule& rule) const {
    return std::any_of(rule.match.predicates.begin(), rule.match.predicates.end(),
                       [&](const ir::Predicate& p) { return spans_families(p); });
  }

  // The two families are two tables, and no state goes from one to the other.
  void split(const ir::Rule& rule, std::vector<ir::Rule>& out) {
    // Of the log of what the default denies the policy says only that its rate is bounded.
    const bool own_choice = rule.origin.kind == ir::OriginKind::default_log;
    if (!own_choice && !approximate_) {
      refuse(rule, {"a limit that IPv4 and IPv6 share",
                    "say `per = \"source\"` or `family`, " + other_targets +
                        "; `--approximate` gives half to each family",
                    true});
      return;
    }
    for (const auto family : rule.match.families) {
      auto part = rule;
      restrict_families(part.match, {family});
      if (!split_predicates(part, rule, family, own_choice)) return;
      out.push_back(std::move(part));
    }
  }

  bool split_predicates(ir::Rule& part, const ir::Rule& whole, Family family, bool own_choice) {
    for (std::size_t i = 0; i < part.match.predicates.size(); ++i) {
      auto& predicate = part.match.predicates[i];
      const auto& original = whole.match.predicates[i];
      if (!is_global(predicate)) continue;
      // The name of the original, since all rules of one limit have to come to the same new one.
      predicate.instance = family_instance(original.instance, family);
      if (own_choice) continue;
      if (!halve(predicate)) {
        refuse(whole, {"a limit that IPv4 and IPv6 share, and that is too small for two halves",
                       "say `per = \"source\"` or `family`, " + other_targets});
        return false;
      }
      warn(whole, "a limit that IPv4 and IPv6 share: half of it for each");
    }
    return true;
  }

  static bool halve(ir::Predicate& predicate) {
    if (auto* connections = std::get_if<ir::ConnectionLimit>(&predicate.test)) {
      connections->connections /= 2;
      return connections->connections > 0;
    }
    auto& rate = std::get<ir::RateLimit>(predicate.test);
    rate.packets /= 2;
    rate.burst /= 2;
    if (rate.packets == 0 || rate.burst == 0) return false;
    const auto within = largest_within(rate);
    if (within) rate = *within;
    return within.has_value();
  }

  std::string family_instance(const std::string& instance, Family family) {
    auto& name = family_instances_[{instance, family}];
    if (!name.empty()) return name;
    name = instance + '-' + std::string(to_string(family));
    while (!instances_.insert(name).second) name += "-2";
    return name;
  }

  const ir::Program& program_;
  bool approximate_;
  Sink& sink_;
  std::map<ir::Predicate, std::vector<const ir::Rule*>> users_;
  std::set<std::string> instances_;
  std::map<std::pair<std::string, Family>, std::string> family_instances_;
  std::set<std::pair<Span, std::string>> told_;  // one exception may be several rules
};

}  // namespace

ir::Program capable(const ir::Program& program, const backend::Options& options, Sink& sink) {
  return Checker(program, options.approximate, sink).check();
}

}  // namespace firewright::iptables
