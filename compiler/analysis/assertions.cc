#include "compiler/analysis/assertions.h"

#include <algorithm>
#include <array>
#include <string>

#include "compiler/lower/match.h"
#include "compiler/semantics/boolean.h"
#include "compiler/semantics/meaning.h"
#include "compiler/semantics/witness.h"

namespace firewright::analysis {
namespace {

using policy::Assertion;
using semantics::Booleans;
using semantics::Budget;
using semantics::Diagrams;
using semantics::FieldOrder;
using semantics::Meanings;
using semantics::Node;
using Verdict = AssertionResult::Verdict;

const ir::InterfacePattern loopback{.name = "lo", .wildcard = false};

ir::Hook hook_of(policy::Direction direction) {
  switch (direction) {
    case policy::Direction::inbound: return ir::Hook::inbound;
    case policy::Direction::outbound: return ir::Hook::outbound;
    case policy::Direction::forward: return ir::Hook::forward;
  }
  return ir::Hook::inbound;
}

// What of one side's interfaces an assertion is about. nullopt: nothing.
std::optional<ir::InterfaceSet> in_scope(const ir::InterfaceSet& set, ir::Hook hook) {
  if (set.is_any()) return ir::InterfaceSet::except({loopback});
  if (hook != ir::Hook::forward) return set;  // named, and so meant
  auto patterns = set.patterns();
  std::erase(patterns, loopback);
  if (patterns.empty()) return std::nullopt;
  return ir::InterfaceSet::of(std::move(patterns));
}

// All assertions on one program.
class Prover {
 public:
  Prover(const policy::Policy& policy, const Lowering& lowering, Budget budget)
      : policy_(policy), lowering_(lowering), budget_(budget) {
    for (const auto& assertion : policy.assertions)
      scopes_.push_back(packets_of(policy, assertion, lowering.target));
  }

  std::vector<AssertionResult> run() {
    for (const auto& assertion : policy_.assertions)
      results_.push_back({.assertion = &assertion,
                          .verdict = Verdict::not_proved,
                          .target = lowering_.target,
                          .counterexample = std::nullopt});
    const Budget half{.nodes = budget_.nodes / 2, .time = budget_.time / 2};
    for (const auto order : {FieldOrder::ports_first, FieldOrder::addresses_first}) {
      attempt(order, half);
      if (std::none_of(results_.begin(), results_.end(), open)) break;
    }
    return std::move(results_);
  }

 private:
  static bool open(const AssertionResult& result) { return result.verdict == Verdict::not_proved; }

  // The sets as a program, so that the space knows their boundaries.
  [[nodiscard]] ir::Program boundaries() const {
    ir::Program program;
    program.chains.emplace_back();
    for (const auto& matches : scopes_)
      for (const auto& match : matches)
        program.chains.front().rules.push_back(
            {.match = match, .effects = {}, .verdict = {}, .origin = {}});
    return program;
  }

  void attempt(FieldOrder order, Budget budget) {
    const auto sets = boundaries();
    const std::array programs{lowering_.program, &sets};
    Meanings meanings(programs, order, budget);
    const Booleans booleans(meanings.diagrams());
    for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward}) {
      const auto of_hook = [&](const AssertionResult& result) {
        return open(result) && hook_of(result.assertion->set.direction) == hook;
      };
      if (std::none_of(results_.begin(), results_.end(), of_hook)) continue;
      if (lowering_.program->find(hook) == nullptr) {
        for (auto& result : results_)
          if (of_hook(result)) result.verdict = Verdict::unprovable;
        continue;
      }
      const auto accepted = accepted_on(meanings, hook);
      if (!accepted) return;
      for (std::size_t i = 0; i < results_.size(); ++i)
        if (of_hook(results_[i])) prove(meanings, booleans, hook, *accepted, i);
      if (meanings.diagrams().exhausted()) return;
    }
  }

  std::optional<Node> accepted_on(Meanings& meanings, ir::Hook hook) {
    const auto meaning = meanings.meaning(*lowering_.program, hook);
    if (!meaning) return std::nullopt;
    auto& diagrams = meanings.diagrams();
    return diagrams.map(diagrams.new_operation(), *meaning, [&](std::uint32_t outcome) {
      return meanings.outcomes()[outcome].verdict.kind == ir::VerdictKind::accept ? Booleans::all
                                                                                  : Booleans::none;
    });
  }

  void prove(Meanings& meanings, const Booleans& booleans, ir::Hook hook, Node accepted,
             std::size_t index) {
    auto& result = results_[index];
    auto& diagrams = meanings.diagrams();
    auto set = Booleans::none;
    for (const auto& match : scopes_[index])
      set = booleans.either(set, meanings.space().match(diagrams, match));
    const bool never = result.assertion->claim == Assertion::Claim::never;
    const auto wrong = never ? booleans.both(set, accepted) : booleans.without(set, accepted);
    if (diagrams.exhausted()) return;
    if (set == Booleans::none) {
      result.verdict = Verdict::vacuous;
      return;
    }
    if (wrong == Booleans::none) {
      result.verdict = Verdict::proved;
      return;
    }
    const auto witness = semantics::witness(diagrams, meanings.space(), hook, wrong);
    if (!witness) return;
    result.verdict = Verdict::failed;
    result.counterexample = {.packet = witness->packet, .holding = witness->holding};
  }

  const policy::Policy& policy_;
  const Lowering& lowering_;
  Budget budget_;
  std::vector<std::vector<ir::Match>> scopes_;
  std::vector<AssertionResult> results_;
};

std::string verb(const ir::Verdict& verdict) {
  switch (verdict.kind) {
    case ir::VerdictKind::accept: return "accepted";
    case ir::VerdictKind::drop: return "dropped";
    case ir::VerdictKind::reject: return "rejected";
    case ir::VerdictKind::next:
    case ir::VerdictKind::jump:
    case ir::VerdictKind::go_to:
    case ir::VerdictKind::return_: return "left undecided";
  }
  return "";
}

// The setting that takes a part of the baseline out.
std::string baseline_key(ir::OriginKind kind) {
  switch (kind) {
    case ir::OriginKind::loopback: return "loopback";
    case ir::OriginKind::established: return "established";
    case ir::OriginKind::icmp_errors: return "icmp-errors";
    case ir::OriginKind::neighbour_discovery: return "neighbour-discovery";
    case ir::OriginKind::drop_invalid: return "drop-invalid";
    case ir::OriginKind::exception:
    case ir::OriginKind::default_log:
    case ir::OriginKind::default_verdict:
    case ir::OriginKind::decoded: return "";
  }
  return "";
}

void report_failure(const policy::Policy& policy, const Lowering& lowering,
                    const AssertionResult& result, bool everywhere, Sink& sink) {
  const auto& assertion = *result.assertion;
  const auto& example = *result.counterexample;
  const auto decision = ir::evaluate(*lowering.program, example.packet, example.holds());
  const auto* rule = decision ? decision->rule : nullptr;
  const auto verdict = verb(decision ? decision->verdict : ir::Verdict::next());
  const auto kind = rule == nullptr ? ir::OriginKind::default_verdict : rule->origin.kind;
  const bool by_exception = kind == ir::OriginKind::exception;
  const auto key = baseline_key(kind);
  // An allow that matches but for its limit explains more than the default that decides.
  const auto unlimited =
      ir::evaluate(*lowering.program, example.packet, [](const ir::Predicate&) { return true; });
  const auto* limited =
      unlimited && unlimited->rule != rule && unlimited->verdict.kind == ir::VerdictKind::accept
          ? unlimited->rule
          : nullptr;
  std::string by = by_exception   ? "`" + rule->origin.label + "`"
                   : !key.empty() ? "the baseline (" + key + ")"
                                  : "default";
  if (limited != nullptr) by += ", over the limit of `" + limited->origin.label + "`";
  if (!everywhere) by += " on " + std::string(to_string(lowering.target));
  auto& diagnostic = sink.report(
      Kind::assertion_failed, assertion.span,
      {label(assertion), "`" + to_text(example.packet) + "` is " + verdict + " by " + by});
  const auto default_span = policy[assertion.set.direction].default_span;
  if (by_exception && rule->origin.span.known())
    diagnostic.labels.push_back(
        {.span = rule->origin.span, .text = verdict + " by this exception"});
  if (limited != nullptr && limited->origin.span.known())
    diagnostic.labels.push_back(
        {.span = limited->origin.span, .text = "accepted by this exception up to its limit"});
  if (!by_exception && key.empty() && limited == nullptr && default_span.known())
    diagnostic.labels.push_back({.span = default_span, .text = verdict + " by this default"});
  if (!key.empty())
    diagnostic.help =
        "narrow the assertion to what it is about, or set `baseline." + key + "` to false";
  else if (limited != nullptr)
    diagnostic.help = "`always` means without limit";
}

void report_unprovable(const policy::Policy& policy, const Assertion& assertion, Sink& sink) {
  const auto direction = std::string(policy::to_string(assertion.set.direction));
  auto& diagnostic = sink.report(Kind::assertion_failed, assertion.span,
                                 {label(assertion), "`" + direction +
                                                        "` is unmanaged, and what others let "
                                                        "through there is not known"});
  const auto span = policy[assertion.set.direction].default_span;
  if (span.known()) diagnostic.labels.push_back({.span = span, .text = "left to others here"});
  diagnostic.help = "give `" + direction + "` another default, or take the assertion out";
}

// The worst of what the targets say.
int weight(Verdict verdict) {
  switch (verdict) {
    case Verdict::proved: return 0;
    case Verdict::vacuous: return 1;
    case Verdict::not_proved: return 2;
    case Verdict::unprovable: return 3;
    case Verdict::failed: return 4;
  }
  return 0;
}

}  // namespace

std::vector<ir::Match> packets_of(const policy::Policy& policy, const Assertion& assertion,
                                  Target target) {
  using enum ir::ConntrackState;
  Sink said_before;  // the lowering of the policy has reported what is wrong with a set
  const auto hook = hook_of(assertion.set.direction);
  std::vector<ir::Match> matches;
  for (auto match : lower::to_matches(policy, assertion.set, target, said_before)) {
    const auto in = in_scope(match.in, hook);
    const auto out = in_scope(match.out, hook);
    if (!in || !out || match.profiles.empty()) continue;
    if (hook != ir::Hook::outbound) match.in = *in;
    if (hook != ir::Hook::inbound) match.out = *out;
    match.states = {fresh, untracked};
    if (assertion.claim == Assertion::Claim::never) match.states.insert(invalid);
    matches.push_back(std::move(match));
  }
  return matches;
}

std::string label(const Assertion& assertion) {
  if (assertion.name) return assertion.name->value;
  return (assertion.claim == Assertion::Claim::never ? "never " : "always ") +
         assertion.set.label();
}

std::vector<AssertionResult> prove_assertions(const policy::Policy& policy,
                                              std::span<const Lowering> lowerings, Budget budget,
                                              Sink& sink) {
  std::vector<AssertionResult> worst;
  if (policy.assertions.empty() || lowerings.empty()) return worst;
  std::vector<std::vector<AssertionResult>> each;
  each.reserve(lowerings.size());
  for (const auto& lowering : lowerings) each.push_back(Prover(policy, lowering, budget).run());
  for (std::size_t i = 0; i < policy.assertions.size(); ++i) {
    std::size_t at = 0;
    bool everywhere = true;
    for (std::size_t t = 0; t < each.size(); ++t) {
      if (weight(each[t][i].verdict) > weight(each[at][i].verdict)) at = t;
      everywhere = everywhere && each[t][i].verdict == each[0][i].verdict;
    }
    const auto& result = each[at][i];
    const auto& assertion = *result.assertion;
    switch (result.verdict) {
      case Verdict::proved: break;
      case Verdict::vacuous:
        if (everywhere)
          sink.report(Kind::assertion_vacuous, assertion.span, {label(assertion)}).help =
              "an assertion that nothing can break guards nothing";
        break;
      case Verdict::not_proved:
        sink.report(Kind::not_proved, assertion.span,
                    {"`" + label(assertion) + "`", "the budget does not suffice"});
        break;
      case Verdict::unprovable: report_unprovable(policy, assertion, sink); break;
      case Verdict::failed: report_failure(policy, lowerings[at], result, everywhere, sink); break;
    }
    worst.push_back(result);
    if (result.verdict == Verdict::vacuous && !everywhere) worst.back().verdict = Verdict::proved;
  }
  return worst;
}

}  // namespace firewright::analysis
