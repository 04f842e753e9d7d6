// Lint of exceptions that do nothing, and of those that lose a part of their packets to others.

#include <algorithm>
#include <set>

#include "compiler/analysis/decides.h"
#include "compiler/analysis/finding.h"

namespace firewright::analysis {
namespace {

using Uses = std::vector<ExceptionUse>;

// Naming others costs a look at all of them; past so many the rest goes without names.
constexpr std::size_t most_named = 500;
constexpr std::size_t most_looks = 4'000'000;
constexpr std::size_t most_labels = 3;

ir::VerdictKind verdict_of(const ExceptionUse& use) {
  for (const auto* rule : use.rules)
    if (rule->verdict.kind != ir::VerdictKind::next) return rule->verdict.kind;
  return ir::VerdictKind::next;
}

std::string_view verb(ir::VerdictKind verdict, bool one) {
  switch (verdict) {
    case ir::VerdictKind::accept: return one ? "allows" : "allow";
    case ir::VerdictKind::drop: return one ? "denies" : "deny";
    case ir::VerdictKind::reject: return one ? "rejects" : "reject";
    case ir::VerdictKind::next:
    case ir::VerdictKind::jump:
    case ir::VerdictKind::go_to:
    case ir::VerdictKind::return_: return one ? "takes" : "take";
  }
  return "";
}

std::string name(const ir::Rule& rule) {
  switch (rule.origin.kind) {
    case ir::OriginKind::exception:
    case ir::OriginKind::decoded: return in_backticks(rule.origin.label);
    case ir::OriginKind::default_log:
    case ir::OriginKind::default_verdict: return "the default";
    case ir::OriginKind::loopback: return "the baseline (loopback)";
    case ir::OriginKind::established: return "the baseline (established)";
    case ir::OriginKind::icmp_errors: return "the baseline (icmp-errors)";
    case ir::OriginKind::neighbour_discovery: return "the baseline (neighbour-discovery)";
    case ir::OriginKind::drop_invalid: return "the baseline (drop-invalid)";
  }
  return "";
}

// Parts of the baseline that take something from nearly every exception, and so explain little.
bool takes_from_all(const ir::Rule* rule) {
  return rule->origin.kind == ir::OriginKind::loopback ||
         rule->origin.kind == ir::OriginKind::established ||
         rule->origin.kind == ir::OriginKind::drop_invalid;
}
bool is_baseline(const ir::Rule* rule) {
  return takes_from_all(rule) || rule->origin.kind == ir::OriginKind::icmp_errors ||
         rule->origin.kind == ir::OriginKind::neighbour_discovery;
}

// Leaves out what explains little beside what explains more.
void keep_the_telling(std::vector<const ir::Rule*>& deciders) {
  for (const auto dull : {is_baseline, takes_from_all})
    if (!std::all_of(deciders.begin(), deciders.end(), dull)) std::erase_if(deciders, dull);
}

bool is_limited(const ExceptionUse& use) {
  return std::any_of(use.rules.begin(), use.rules.end(),
                     [](const ir::Rule* rule) { return !rule->match.predicates.empty(); });
}

std::string advice(const ExceptionUse& use, bool shadowed, bool by_default_alone) {
  if (shadowed) return "take it out, or narrow what stands before it";
  if (by_default_alone && verdict_of(use) != ir::VerdictKind::accept)
    return "if it is to hold against allows that are added later, say so: `ignore = "
           "[\"redundant\"]` with a `reason`";
  if (is_limited(use)) return "so its limit bounds nothing";
  return "take one of them out";
}

Finding idle(const ExceptionUse& use, const policy::Exception* exception,
             std::optional<std::vector<const ir::Rule*>> deciders) {
  if (deciders) keep_the_telling(*deciders);
  std::vector<std::string> names;
  std::vector<Label> labels;
  bool all_alike = true;
  bool all_default = true;
  std::set<ir::VerdictKind> verdicts;
  if (deciders)
    for (const auto* rule : *deciders) {
      names.push_back(name(*rule));
      verdicts.insert(rule->verdict.kind);
      all_alike = all_alike && rule->verdict.kind == verdict_of(use);
      all_default = all_default && rule->origin.kind == ir::OriginKind::default_verdict;
      if (rule->origin.span.known() && rule->origin.kind == ir::OriginKind::exception &&
          labels.size() < most_labels)
        labels.push_back({.span = rule->origin.span,
                          .text = std::string(verb(rule->verdict.kind, true)) +
                                  (rule->verdict.kind == verdict_of(use) ? " the same packets"
                                                                         : " its packets")});
    }
  const bool shadowed = !use.decides && (!all_alike || !deciders);
  const bool one = names.size() == 1;
  const auto by = names.empty() ? std::string("others") : enumerated(names);
  const auto does =
      std::string(verb(verdicts.size() == 1 ? *verdicts.begin() : ir::VerdictKind::next, one));
  return {.diagnostic = {.kind = shadowed ? Kind::lint_shadowed : Kind::lint_redundant,
                         .args = {use.origin.label,
                                  by + " " + does +
                                      (shadowed ? " all of its packets" : " the same packets")},
                         .span = use.origin.span,
                         .labels = std::move(labels),
                         .help = advice(use, shadowed, all_default && !names.empty())},
          .exception = exception};
}

// A deny that takes packets from allows: one note, at the deny.
std::optional<Finding> overlap(const ExceptionUse& deny, const Uses& uses,
                               const policy::Exception* exception, std::size_t& looks) {
  std::vector<std::string> names;
  std::vector<Label> labels;
  for (const auto& use : uses) {
    if (use.hook != deny.hook || verdict_of(use) != ir::VerdictKind::accept || !use.alone) continue;
    if (++looks > most_looks) break;
    const bool both = std::any_of(deny.rules.begin(), deny.rules.end(), [&](const auto* a) {
      return std::any_of(use.rules.begin(), use.rules.end(),
                         [&](const auto* b) { return meet(a->match, b->match); });
    });
    if (!both) continue;
    names.push_back(in_backticks(use.origin.label));
    if (labels.size() < most_labels)
      labels.push_back({.span = use.origin.span, .text = "allows some of the same packets"});
  }
  if (names.empty()) return std::nullopt;
  return Finding{.diagnostic = {.kind = Kind::lint_overlap,
                                .args = {deny.origin.label, enumerated(names)},
                                .span = deny.origin.span,
                                .labels = std::move(labels),
                                .help = {}},
                 .exception = exception};
}

// `program` without the exceptions that never decide: they can go all at once.
ir::Program without(const ir::Program& program, const std::set<const ir::Rule*>& rules) {
  ir::Program rest;
  for (const auto& chain : program.chains) {
    rest.chains.push_back(
        {.name = chain.name, .hook = chain.hook, .policy = chain.policy, .rules = {}});
    for (const auto& rule : chain.rules)
      if (!rules.contains(&rule)) rest.chains.back().rules.push_back(rule);
  }
  return rest;
}

}  // namespace

std::optional<std::vector<Finding>> find_idle(const ir::Program& program,
                                              const WrittenExceptions& written,
                                              semantics::Budget budget) {
  const auto uses = exception_uses(program, budget);
  if (!uses) return std::nullopt;
  std::vector<Finding> findings;
  const auto add = [&](const ExceptionUse& use, const ir::Program& in) {
    std::optional<std::vector<const ir::Rule*>> deciders;
    if (findings.size() < most_named) deciders = deciders_without(in, use, budget);
    findings.push_back(idle(use, written.find(use.hook, use.origin), std::move(deciders)));
  };
  std::set<const ir::Rule*> gone;
  std::size_t dead = 0;
  for (const auto& use : *uses) {
    if (use.alone) continue;
    ++dead;
    if (use.decides) continue;
    add(use, program);
    gone.insert(use.rules.begin(), use.rules.end());
  }
  // What is redundant beside those that are to go is not beside the others.
  if (dead > findings.size()) {
    const auto rest = without(program, gone);
    const auto left = gone.empty() ? uses : exception_uses(rest, budget);
    if (!left) return std::nullopt;
    for (const auto& use : *left)
      if (!use.alone) add(use, gone.empty() ? program : rest);
  }
  std::size_t looks = 0;
  for (const auto& use : *uses)
    if (use.beats_an_accept)
      if (auto found = overlap(use, *uses, written.find(use.hook, use.origin), looks))
        findings.push_back(std::move(*found));
  return findings;
}

}  // namespace firewright::analysis
