#include "backends/nftables/capable.h"

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backends/nftables/names.h"

namespace firewright::nftables {
namespace {

constexpr const char* target = "nftables";

// One thing of a rule that nft cannot say. `widen` takes the narrowing away, where it is one.
struct Problem {
  std::string what;
  std::string help;
  std::function<void(ir::Match&)> widen;
};

constexpr const char* limit_help = "choose a rate and burst that the kernel can count";

// The kernel counts a bucket in nanoseconds, in 64 bits (net/netfilter/nft_limit.c).
void check_rate(const ir::RateLimit& rate, std::vector<Problem>& problems) {
  if (rate.packets == 0 || rate.burst == 0) {
    problems.push_back({"a rate or burst of zero", limit_help, {}});
    return;
  }
  const std::uint64_t cost = 1'000'000'000 * ir::seconds(rate.unit) / rate.packets;
  constexpr std::uint64_t longest = std::uint64_t{1} << 62U;
  if (cost == 0)
    problems.push_back({"a rate of more than 1000000000/second", limit_help, {}});
  else if (cost > longest / rate.burst)
    problems.push_back({"a burst that takes longer than a century to fill", limit_help, {}});
}

class Check {
 public:
  explicit Check(ir::Hook hook) : hook_(hook) {}

  std::vector<Problem> operator()(const ir::Rule& rule) {
    match(rule.match);
    effects(rule.effects);
    verdict(rule);
    return std::move(problems_);
  }

 private:
  void add(std::string what, std::string help, std::function<void(ir::Match&)> widen = {}) {
    problems_.push_back({std::move(what), std::move(help), std::move(widen)});
  }

  void match(const ir::Match& match) {
    if (!match.program.empty())
      add("`program`", "say `user` or `group`, or `only-on = [\"netsh\"]`",
          [](ir::Match& m) { m.program.clear(); });
    if (!match.windows_service.empty())
      add("`windows-service`", "say `only-on = [\"netsh\"]`",
          [](ir::Match& m) { m.windows_service.clear(); });
    if (!match.profiles.is_all())
      add("Windows profiles", "give the zone `interfaces`",
          [](ir::Match& m) { m.profiles = ir::ProfileSet::all(); });
    interfaces(match.in, hook_ != ir::Hook::outbound, "in", [](ir::Match& m) { m.in = {}; });
    interfaces(match.out, hook_ != ir::Hook::inbound, "out", [](ir::Match& m) { m.out = {}; });
    if (hook_ != ir::Hook::outbound && !(match.users.is_all() && match.groups.is_all()))
      add("the owner of a packet that another host sent", "say `user` and `group` in outbound only",
          [](ir::Match& m) {
            m.users = OwnerSet::all();
            m.groups = OwnerSet::all();
          });
    for (const auto& predicate : match.predicates) limit(predicate);
    mixed_limits(match.predicates);
  }

  void interfaces(const ir::InterfaceSet& set, bool available, const std::string& key,
                  const std::function<void(ir::Match&)>& widen) {
    if (set.is_any()) return;
    if (!available) {
      add("`" + key + "` in this direction", "leave it out", widen);
      return;
    }
    for (const auto& pattern : set.patterns()) {
      const std::string problem = interface_problem(pattern);
      if (problem.empty()) continue;
      add(problem, "rename the interface", widen);
      return;
    }
  }

  void limit(const ir::Predicate& predicate) {
    if (const auto* rate = std::get_if<ir::RateLimit>(&predicate.test))
      check_rate(*rate, problems_);
    else if (const auto* opaque = std::get_if<ir::OpaqueMatch>(&predicate.test))
      add("the imported match `" + opaque->text + "`", "say it in the policy's own words");
  }

  // A count of all connections lives in a chain of its own, which does not know the family.
  void mixed_limits(const std::vector<ir::Predicate>& predicates) {
    bool all_connections = false;
    bool rate_of_each = false;
    for (const auto& predicate : predicates) {
      if (const auto* rate = std::get_if<ir::RateLimit>(&predicate.test))
        rate_of_each |= rate->per_source;
      else if (const auto* limit = std::get_if<ir::ConnectionLimit>(&predicate.test))
        all_connections |= !limit->per_source;
    }
    if (all_connections && rate_of_each)
      add("a limit on all connections beside a rate of each source",
          "use `per = \"source\"` for both");
  }

  void effects(const ir::Effects& effects) {
    if (!effects.log) return;
    const std::string problem = log_prefix_problem(*effects.log);
    if (!problem.empty()) add(problem, "choose another log prefix");
  }

  void verdict(const ir::Rule& rule) {
    switch (rule.verdict.kind) {
      case ir::VerdictKind::accept:
      case ir::VerdictKind::drop:
      case ir::VerdictKind::next: return;
      case ir::VerdictKind::reject: reject(rule); return;
      case ir::VerdictKind::jump:
      case ir::VerdictKind::go_to:
      case ir::VerdictKind::return_:
        add("jumps between chains", "import the firewall as a policy");
        return;
    }
  }

  void reject(const ir::Rule& rule) {
    const auto& match = rule.match;
    switch (rule.verdict.reject) {
      case ir::RejectKind::tcp_reset:
        if (match.protocols != ProtocolSet::of(protocol::tcp))
          add("a TCP reset for what is not TCP", "narrow it to `protocol = \"tcp\"`");
        return;
      case ir::RejectKind::port_unreachable:
      case ir::RejectKind::host_unreachable:
      case ir::RejectKind::net_unreachable:
      case ir::RejectKind::admin_prohibited: return;
      case ir::RejectKind::proto_unreachable:
      case ir::RejectKind::net_prohibited:
      case ir::RejectKind::host_prohibited:
        if (match.families != FamilySet{Family::ipv4})
          add("an answer that only IPv4 has", "narrow it to `family = \"ipv4\"`");
        return;
      case ir::RejectKind::policy_fail:
      case ir::RejectKind::reject_route:
        if (match.families != FamilySet{Family::ipv6})
          add("an answer that only IPv6 has", "narrow it to `family = \"ipv6\"`");
        return;
    }
  }

  ir::Hook hook_;
  std::vector<Problem> problems_;
};

// The rule with more denied than before, or none: nothing is left of an accept.
bool approximate(ir::Rule& rule, const std::vector<Problem>& problems) {
  if (rule.verdict.kind == ir::VerdictKind::accept) return false;
  for (const auto& problem : problems) problem.widen(rule.match);
  return true;
}

bool can_approximate(const ir::Rule& rule, const std::vector<Problem>& problems) {
  switch (rule.verdict.kind) {
    case ir::VerdictKind::accept: return true;
    case ir::VerdictKind::drop:
    case ir::VerdictKind::reject:
      for (const auto& problem : problems)
        if (!problem.widen) return false;
      return true;
    case ir::VerdictKind::next:
    case ir::VerdictKind::jump:
    case ir::VerdictKind::go_to:
    case ir::VerdictKind::return_: return false;
  }
  return false;
}

// One message a thing and place: an exception may have become several rules.
using Said = std::set<std::pair<Span, std::string>>;

ir::Chain check_chain(const ir::Chain& chain, const backend::Options& options, Sink& sink,
                      Said& said) {
  ir::Chain result = chain;
  result.rules.clear();
  for (const auto& rule : chain.rules) {
    const auto problems = Check(*chain.hook)(rule);
    const bool bends = options.approximate && can_approximate(rule, problems);
    for (const auto& problem : problems) {
      if (!said.emplace(rule.origin.span, problem.what).second) continue;
      auto& diagnostic = sink.report(bends ? Kind::approximated : Kind::cannot_say,
                                     rule.origin.span, {target, problem.what});
      diagnostic.help = problem.help;
    }
    ir::Rule kept = rule;
    if (problems.empty() || !bends || approximate(kept, problems))
      result.rules.push_back(std::move(kept));
  }
  return result;
}

}  // namespace

ir::Program capable(const ir::Program& program, const backend::Options& options, Sink& sink) {
  if (!is_identifier(options.nftables_table)) {
    auto& diagnostic = sink.report(Kind::cannot_say, {},
                                   {target, "the table name `" + options.nftables_table + "`"});
    diagnostic.help = "letters, digits, `_`, `-` and `.`, and no word of nft's language";
  }
  ir::Program result;
  Said said;
  for (const auto& chain : program.chains) {
    if (!chain.hook) {
      sink.report(Kind::cannot_say, {},
                  {target, "the chain `" + chain.name + "` beside the base chains"});
      continue;
    }
    result.chains.push_back(check_chain(chain, options, sink, said));
  }
  return result;
}

}  // namespace firewright::nftables
