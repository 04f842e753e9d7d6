#include "compiler/analysis/lint.h"

#include <algorithm>
#include <set>

#include "compiler/analysis/finding.h"

namespace firewright::analysis {
namespace {

constexpr int soon_in_days = 30;

// One that is idle here and busy on another target is worth its place.
bool must_hold_everywhere(Kind kind) {
  return kind == Kind::lint_shadowed || kind == Kind::lint_redundant;
}

policy::Direction direction_of(ir::Hook hook) {
  switch (hook) {
    case ir::Hook::inbound: return policy::Direction::inbound;
    case ir::Hook::outbound: return policy::Direction::outbound;
    case ir::Hook::forward: return policy::Direction::forward;
  }
  return policy::Direction::inbound;
}

struct OfTarget {
  std::vector<Finding> findings;
  std::set<const policy::Exception*> present;
};

std::set<const policy::Exception*> present_in(const ir::Program& program,
                                              const WrittenExceptions& written) {
  std::set<const policy::Exception*> present;
  for (const auto& chain : program.chains)
    for (const auto& rule : chain.rules)
      if (chain.hook && rule.origin.kind == ir::OriginKind::exception)
        if (const auto* exception = written.find(*chain.hook, rule.origin))
          present.insert(exception);
  return present;
}

bool is_idle_in(const OfTarget& target, const policy::Exception* exception) {
  return std::any_of(target.findings.begin(), target.findings.end(), [&](const Finding& f) {
    return f.exception == exception && must_hold_everywhere(f.diagnostic.kind);
  });
}

class Report {
 public:
  Report(Sink& sink, Sink* ignored) : sink_(sink), ignored_(ignored) {}

  void add(const Finding& finding) {
    const auto& diagnostic = finding.diagnostic;
    if (finding.exception != nullptr) {
      const auto& ignored = finding.exception->ignore;
      if (std::any_of(ignored.begin(), ignored.end(), [&](const Spanned<std::string>& name) {
            return name.value == id(diagnostic.kind);
          })) {
        needed_.insert({finding.exception, std::string(id(diagnostic.kind))});
        if (ignored_ != nullptr) say(diagnostic, *ignored_);
        return;
      }
    }
    say(diagnostic, sink_);
  }

  void unneeded_ignores(const policy::Policy& policy,
                        const std::set<const policy::Exception*>& present) {
    for (const auto direction : policy::DirectionSet::all())
      for (const auto& exception : policy[direction].exceptions)
        for (const auto& name : exception.ignore)
          if (present.contains(&exception) && !needed_.contains({&exception, name.value}))
            sink_.report(Kind::ignore_unneeded, name.span, {name.value}).help =
                "take it out, so that it hides nothing later";
  }

 private:
  void say(const Diagnostic& diagnostic, Sink& sink) {
    if (!reported_.insert({diagnostic.kind, diagnostic.span, diagnostic.message()}).second) return;
    auto& said = sink.report(diagnostic.kind, diagnostic.span, diagnostic.args);
    said.labels = diagnostic.labels;
    said.help = diagnostic.help;
  }

  Sink& sink_;
  Sink* ignored_;
  std::set<std::pair<const policy::Exception*, std::string>> needed_;
  std::set<std::tuple<Kind, Span, std::string>> reported_;
};

}  // namespace

WrittenExceptions::WrittenExceptions(const policy::Policy& policy) {
  for (const auto direction : policy::DirectionSet::all())
    for (const auto& exception : policy[direction].exceptions)
      by_place_.try_emplace({direction, exception.span, exception.label()}, &exception);
}

const policy::Exception* WrittenExceptions::find(ir::Hook hook, const ir::Origin& origin) const {
  const auto found = by_place_.find({direction_of(hook), origin.span, origin.label});
  return found == by_place_.end() ? nullptr : found->second;
}

std::string in_backticks(std::string_view text) {
  return std::string("`").append(text).append("`");
}

std::string enumerated(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 3;
  std::string text;
  const auto count = names.size() <= shown ? names.size() : shown - 1;
  for (std::size_t i = 0; i < count; ++i) {
    const bool last = i + 1 == names.size();
    text += (i == 0 ? "" : last ? " and " : ", ") + names[i];
  }
  if (count < names.size()) text += " and " + std::to_string(names.size() - count) + " more";
  return text;
}

std::vector<Finding> find_unused(const policy::Policy& policy) {
  std::vector<Finding> findings;
  const auto look_at = [&](std::string_view what, const auto& names) {
    for (const auto& [name, entry] : names) {
      if (entry.used || policy.files.empty() || entry.span.file != policy.files.front()) continue;
      findings.push_back({.diagnostic = {.kind = Kind::lint_unused,
                                         .args = {std::string(what), name},
                                         .span = entry.span,
                                         .labels = {},
                                         .help = "use it or take it out; perhaps another name is "
                                                 "written where this one is meant"},
                          .exception = nullptr});
    }
  };
  look_at("group", policy.groups);
  look_at("service", policy.services);
  look_at("zone", policy.zones);
  return findings;
}

std::vector<Finding> find_expiring(const policy::Policy& policy, policy::Date today) {
  std::vector<Finding> findings;
  for (const auto direction : policy::DirectionSet::all())
    for (const auto& exception : policy[direction].exceptions) {
      if (!exception.expires) continue;
      const auto left = policy::days_between(today, exception.expires->value);
      if (left <= 0 || left > soon_in_days) continue;
      findings.push_back(
          {.diagnostic = {.kind = Kind::lint_expires_soon,
                          .args = {exception.label(), to_string(exception.expires->value),
                                   left == 1 ? std::string("tomorrow")
                                             : "in " + std::to_string(left) + " days"},
                          .span = exception.expires->span,
                          .labels = {},
                          .help = "from that day on it is left out"},
           .exception = &exception});
    }
  return findings;
}

void lint(const policy::Policy& policy, std::span<const Lowering> lowerings,
          const LintOptions& options, Sink& sink) {
  const WrittenExceptions written(policy);
  Report report(sink, options.ignored);
  std::vector<OfTarget> targets;
  std::set<const policy::Exception*> present;
  bool complete = true;
  for (std::size_t i = 0; i < lowerings.size(); ++i) {
    const auto& program = *lowerings[i].program;
    const auto same =
        std::find_if(lowerings.begin(), lowerings.begin() + static_cast<long>(i),
                     [&](const Lowering& other) { return *other.program == program; });
    if (same != lowerings.begin() + static_cast<long>(i)) continue;
    OfTarget target;
    target.present = present_in(program, written);
    present.insert(target.present.begin(), target.present.end());
    const std::pair<std::string_view, std::optional<std::vector<Finding>>> parts[] = {
        {"which exceptions decide", find_idle(program, written, options.budget)},
        {"what is open to any source", find_open(policy, program, written, options.budget)}};
    for (const auto& [what, found] : parts) {
      if (found) {
        target.findings.insert(target.findings.end(), found->begin(), found->end());
        continue;
      }
      complete = false;
      sink.report(Kind::not_proved, Span{}, {std::string(what), "the budget does not suffice"});
    }
    targets.push_back(std::move(target));
  }
  for (const auto& target : targets)
    for (const auto& finding : target.findings) {
      const bool everywhere = std::all_of(targets.begin(), targets.end(), [&](const OfTarget& t) {
        return !t.present.contains(finding.exception) || is_idle_in(t, finding.exception);
      });
      if (!must_hold_everywhere(finding.diagnostic.kind) || everywhere) report.add(finding);
    }
  for (const auto& finding : find_unused(policy)) report.add(finding);
  for (const auto& finding : find_expiring(policy, options.today)) report.add(finding);
  if (complete) report.unneeded_ignores(policy, present);
}

}  // namespace firewright::analysis
