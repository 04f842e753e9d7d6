#include "compiler/lower/lower.h"

#include <algorithm>
#include <set>

#include "compiler/lower/baseline.h"
#include "compiler/lower/match.h"

namespace firewright::lower {
namespace {

using policy::Action;
using policy::DefaultVerdict;
using policy::Direction;

ir::Hook to_hook(Direction direction) {
  switch (direction) {
    case Direction::inbound: return ir::Hook::inbound;
    case Direction::outbound: return ir::Hook::outbound;
    case Direction::forward: return ir::Hook::forward;
  }
  return ir::Hook::inbound;
}

ir::TimeUnit to_unit(policy::TimeUnit unit) {
  switch (unit) {
    case policy::TimeUnit::second: return ir::TimeUnit::second;
    case policy::TimeUnit::minute: return ir::TimeUnit::minute;
    case policy::TimeUnit::hour: return ir::TimeUnit::hour;
    case policy::TimeUnit::day: return ir::TimeUnit::day;
  }
  return ir::TimeUnit::second;
}

// Gives out names of letters, digits and '-', each once.
class Names {
 public:
  std::string take(std::string_view label) {
    std::string base;
    for (const char c : label) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      if (plain)
        base += c;
      else if (c >= 'A' && c <= 'Z')
        base += static_cast<char>(c - 'A' + 'a');
      else if (!base.empty() && base.back() != '-')
        base += '-';
      if (base.size() == longest) break;
    }
    while (base.ends_with('-')) base.pop_back();
    if (base.empty()) base = "exception";
    auto name = base;
    for (unsigned n = 2; !taken_.insert(name).second; ++n) name = base + "-" + std::to_string(n);
    return name;
  }

 private:
  static constexpr std::size_t longest = 40;
  std::set<std::string> taken_;
};

// An exception on its way to rules.
struct Lowered {
  std::vector<ir::Match> matches;
  ir::Effects effects;
  ir::Origin origin;
  Action action = Action::allow;
  bool limited = false;
  bool split = false;  // effects and verdict stand in separate rules
};

class DirectionLowering {
 public:
  DirectionLowering(const policy::Policy& policy, Direction direction, const Options& options,
                    Names& names, Sink& sink)
      : policy_(policy),
        said_(policy[direction]),
        direction_(direction),
        options_(options),
        names_(names),
        sink_(sink) {}

  ir::Chain run() {
    lowered_.reserve(said_.exceptions.size());
    for (const auto& exception : said_.exceptions) take(exception);
    ir::Chain chain;
    chain.name = policy::to_string(direction_);
    chain.hook = to_hook(direction_);
    chain.policy = said_.default_verdict == DefaultVerdict::accept ? ir::VerdictKind::accept
                                                                   : ir::VerdictKind::drop;
    emit_baseline(*chain.hook);
    reserve_rules();
    emit_class([](const Lowered& l) { return l.action == Action::deny; });
    emit_class([](const Lowered& l) { return l.action == Action::reject; });
    emit_class([](const Lowered& l) { return l.action == Action::allow && !l.limited; });
    emit_limited();
    emit_default();
    chain.rules = std::move(rules_);
    return chain;
  }

 private:
  // One a match, and one more for a rejection or for effects apart: with a hundred thousand rules,
  // growing by doubling would be the peak of all memory.
  void reserve_rules() {
    std::size_t rules = rules_.size();
    for (const auto& lowered : lowered_)
      rules += lowered.matches.size() *
               (lowered.action == Action::reject || !lowered.effects.empty() ? 2 : 1);
    constexpr std::size_t of_default = 3;
    rules_.reserve(rules + of_default);
  }

  bool left_out(const policy::Exception& exception) {
    if (exception.only_on && !exception.only_on->value.contains(options_.target)) return true;
    if (!exception.expires || exception.expires->value > options_.today) return false;
    sink_.report(Kind::expired, exception.expires->span,
                 {exception.label(), policy::to_string(exception.expires->value)});
    return true;
  }

  void take(const policy::Exception& exception) {
    if (left_out(exception)) return;
    Lowered lowered;
    lowered.matches = to_matches(policy_, exception, options_.target, sink_);
    if (lowered.matches.empty()) return;  // an error was reported
    lowered.action = exception.action;
    lowered.origin = {.kind = ir::OriginKind::exception,
                      .label = exception.label(),
                      .reason = exception.reason ? exception.reason->value : std::string(),
                      .span = exception.span};
    if (exception.log)
      lowered.effects.log =
          exception.log->prefix ? *exception.log->prefix : exception.label() + ": ";
    if (exception.count || exception.limit) {
      const auto name = names_.take(exception.label());
      if (exception.count) lowered.effects.count = name;
      if (exception.limit) limit(lowered, *exception.limit, name);
    }
    lowered_.push_back(std::move(lowered));
  }

  // The baseline, as far as it says something: not where everything is accepted anyway, nor where
  // nothing is ever forwarded, and no rule for packets that an exception accepts all the same.
  void emit_baseline(ir::Hook hook) {
    const auto any = [&](auto of) { return std::any_of(lowered_.begin(), lowered_.end(), of); };
    const bool accepts = said_.default_verdict == DefaultVerdict::accept;
    if (accepts && lowered_.empty() && !said_.log) return;
    if (hook == ir::Hook::forward && !accepts &&
        !any([](const Lowered& l) { return l.action == Action::allow; }))
      return;
    rules_ = baseline_rules(policy_.baseline, hook);
    // Something between the baseline and the allows takes packets away: order matters, all stay.
    if (any([](const Lowered& l) { return l.action != Action::allow; })) return;
    if (std::any_of(rules_.begin(), rules_.end(),
                    [](const ir::Rule& r) { return r.verdict.kind != ir::VerdictKind::accept; }))
      return;
    std::erase_if(rules_, [&](const ir::Rule& rule) {
      return any([&](const Lowered& l) {
        return l.effects.empty() &&
               std::any_of(l.matches.begin(), l.matches.end(),
                           [&](const auto& m) { return covers(m, rule.match); });
      });
    });
  }

  static void limit(Lowered& lowered, const policy::Limit& said, const std::string& instance) {
    lowered.limited = true;
    std::vector<ir::Predicate> predicates;
    // Connections first: a packet over that limit must not cost a token.
    if (said.connections)
      predicates.push_back(
          {.instance = instance,
           .test = ir::ConnectionLimit{.connections = *said.connections,
                                       .per_source = said.connections_per_source}});
    if (said.rate)
      predicates.push_back({.instance = instance,
                            .test = ir::RateLimit{.packets = said.rate->packets,
                                                  .unit = to_unit(said.rate->unit),
                                                  .burst = said.rate->burst,
                                                  .per_source = said.rate->per_source}});
    for (auto& match : lowered.matches) {
      match.states = {ir::ConntrackState::fresh};  // a limit counts new connections
      match.predicates = predicates;
    }
  }

  // All exceptions of one kind. Each that has effects fires them for every packet it matches,
  // whichever of the kind decides, so that their order says nothing: those that overlap a later one
  // fire first and leave the verdict to rules behind.
  template <class Of>
  void emit_class(Of of) {
    std::vector<Lowered*> with_effects;
    for (auto& lowered : lowered_)
      if (of(lowered) && !lowered.effects.empty()) with_effects.push_back(&lowered);
    for (std::size_t i = 0; i < with_effects.size(); ++i) {
      auto& lowered = *with_effects[i];
      for (std::size_t j = i + 1; j < with_effects.size() && !lowered.split; ++j)
        lowered.split = overlapping(lowered, *with_effects[j]);
      if (lowered.split)
        for (const auto& match : lowered.matches)
          add(match, lowered.effects, ir::Verdict::next(), lowered.origin);
      else
        emit_verdict(lowered, lowered.effects);
    }
    for (const auto& lowered : lowered_)
      if (of(lowered) && (lowered.effects.empty() || lowered.split)) emit_verdict(lowered, {});
  }

  static bool overlapping(const Lowered& a, const Lowered& b) {
    for (const auto& left : a.matches)
      for (const auto& right : b.matches)
        if (overlap(left, right)) return true;
    return false;
  }

  // Allows with a limit, each deciding for what it lets through; a token is spent only by the first
  // that matches.
  void emit_limited() {
    for (const auto& lowered : lowered_)
      if (lowered.limited) emit_verdict(lowered, lowered.effects);
  }

  void emit_verdict(const Lowered& lowered, const ir::Effects& effects) {
    for (const auto& match : lowered.matches) switch (lowered.action) {
        case Action::allow: add(match, effects, ir::Verdict::accept(), lowered.origin); break;
        case Action::deny: add(match, effects, ir::Verdict::drop(), lowered.origin); break;
        case Action::reject: reject(match, effects, lowered.origin); break;
      }
  }

  // TCP is answered with a reset, the rest with the ICMP error of its family.
  void reject(const ir::Match& match, const ir::Effects& effects, const ir::Origin& origin) {
    const auto tcp = ProtocolSet::of(protocol::tcp);
    if (match.protocols.intersects(tcp)) {
      auto reset = match;
      reset.protocols = tcp;
      add(std::move(reset), effects, ir::Verdict::rejected(ir::RejectKind::tcp_reset), origin);
    }
    auto rest = match;
    if (!rest.protocols.is_all()) rest.protocols = rest.protocols - tcp;
    if (!rest.protocols.empty())
      add(std::move(rest), effects, ir::Verdict::rejected(ir::RejectKind::port_unreachable),
          origin);
  }

  void emit_default() {
    const ir::Origin origin{.kind = ir::OriginKind::default_verdict,
                            .label = {},
                            .reason = {},
                            .span = said_.default_span};
    if (said_.log) emit_default_log();
    switch (said_.default_verdict) {
      case DefaultVerdict::drop: add({}, {}, ir::Verdict::drop(), origin); break;
      case DefaultVerdict::reject: reject({}, {}, origin); break;
      case DefaultVerdict::accept: add({}, {}, ir::Verdict::accept(), origin); break;
      case DefaultVerdict::unmanaged: break;
    }
  }

  // Logs what the default denies, at a bounded rate: a flood must not fill the disk.
  void emit_default_log() {
    const std::string direction(policy::to_string(direction_));
    ir::Match match;
    match.predicates.push_back(
        {.instance = "default-log-" + direction,
         .test = ir::RateLimit{
             .packets = 5, .unit = ir::TimeUnit::second, .burst = 10, .per_source = false}});
    ir::Effects effects;
    effects.log = said_.log->prefix ? *said_.log->prefix : direction + " denied: ";
    add(std::move(match), effects, ir::Verdict::next(),
        {.kind = ir::OriginKind::default_log, .label = {}, .reason = {}, .span = said_.log->span});
  }

  void add(ir::Match match, ir::Effects effects, ir::Verdict verdict, ir::Origin origin) {
    rules_.push_back({.match = std::move(match),
                      .effects = std::move(effects),
                      .verdict = std::move(verdict),
                      .origin = std::move(origin)});
  }

  const policy::Policy& policy_;
  const policy::DirectionPolicy& said_;
  Direction direction_;
  const Options& options_;
  Names& names_;
  Sink& sink_;
  std::vector<Lowered> lowered_;
  std::vector<ir::Rule> rules_;
};

}  // namespace

ir::Program lower(const policy::Policy& policy, const Options& options, Sink& sink) {
  ir::Program program;
  Names names;
  for (const auto direction : {Direction::inbound, Direction::outbound, Direction::forward}) {
    const auto& said = policy[direction];
    if (said.default_verdict == DefaultVerdict::unmanaged) {
      if (said.exceptions.empty() && !said.log) continue;
      sink.report(Kind::unmanaged_with_exceptions, said.default_span,
                  {std::string(policy::to_string(direction))})
          .help = "an unmanaged direction gets no chain; give it another default or drop its keys";
      continue;
    }
    program.chains.push_back(DirectionLowering(policy, direction, options, names, sink).run());
  }
  for (const auto& assertion : policy.assertions)
    (void)to_matches(policy, assertion.set, options.target, sink);
  return program;
}

}  // namespace firewright::lower
