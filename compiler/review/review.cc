#include "compiler/review/review.h"

#include <algorithm>
#include <tuple>

#include "compiler/analysis/diff_json.h"
#include "compiler/analysis/diff_text.h"
#include "compiler/analysis/vocabulary.h"
#include "compiler/base/sha256.h"
#include "compiler/lower/lower.h"
#include "compiler/review/risks.h"

namespace firewright::review {
namespace {

using analysis::Change;
using analysis::Difference;

const std::string any_state = "; in any state";

const ir::Program* program_of(const Side& side, Target target) {
  for (const auto& lowering : side.lowerings)
    if (lowering.target == target) return lowering.program;
  return nullptr;
}

// Where an exception that decides the set is written; for one that is denied by default, nowhere.
std::optional<Place> place_of_set(const analysis::ChangedBox& box, const Sources& sources) {
  for (const auto& decider : box.after.deciders)
    if (auto place = place_of(decider.origin.span, sources)) return place;
  return std::nullopt;
}

std::string digest_of(const Difference& difference) {
  std::string text;
  for (const auto& found : difference.classes) {
    text += std::string(to_string(found.change)) + " " + std::to_string(found.beyond_all) + "\n";
    for (const auto& changed : found.boxes)
      for (const auto& box : changed.boxes)
        text += std::string(to_string(changed.hook)) + " " + to_text(box.match) + "\n";
  }
  return hex(sha256(text));
}

TargetChange change_of(Target target, const Difference& difference, const Sources& before,
                       const Sources& after, const Options& options) {
  TargetChange change;
  change.target = target;
  change.proved = difference.proved;
  change.summary = difference.proved ? analysis::summary(difference) : difference.why;
  change.digest = digest_of(difference);
  for (const auto& found : difference.classes) {
    for (std::size_t i = 0; i < found.shown; ++i) {
      const auto& box = found.boxes[i];
      change.sets.push_back({.change = found.change,
                             .hook = box.hook,
                             .text = box.words.sentence(),
                             .packet = to_text(box.witness.packet),
                             .before = say(box.before, box.hook, before),
                             .after = say(box.after, box.hook, after),
                             .place = place_of_set(box, after)});
    }
    const auto more = found.boxes.size() - found.shown + (found.beyond_all > 0 ? 1 : 0);
    if (more > 0) change.more[found.change] = more;
  }
  if (options.json) change.json = analysis::to_json(difference, after);
  return change;
}

class Comparison {
 public:
  Comparison(const Side& before, const Side& after, const Options& options)
      : before_(before), after_(after), options_(options) {}

  // What some target is told differently from the ones before it.
  void run(PolicyReview& review) {
    for (const auto target : {Target::nftables, Target::iptables, Target::netsh}) {
      const auto* before = program_of(before_, target);
      const auto* after = program_of(after_, target);
      if (before == nullptr || after == nullptr || seen(target, *before, *after)) continue;
      if (target == Target::netsh && !differences_.empty() && !is_told_otherwise(*before_.policy) &&
          !is_told_otherwise(*after_.policy))
        continue;
      auto difference = diff(target, *before, *after);
      auto change = change_of(target, difference, *before_.sources, *after_.sources, options_);
      differences_.push_back({.target = target, .difference = std::move(difference)});
      if (review.changes.empty() || adds_to(review.changes, change))
        review.changes.push_back(std::move(change));
    }
  }
  [[nodiscard]] const std::vector<TargetDifference>& differences() const { return differences_; }

 private:
  // Zones are read alike by all but Windows.
  [[nodiscard]] bool seen(Target target, const ir::Program& before, const ir::Program& after) {
    const bool windows = target == Target::netsh;
    for (const auto& [other, pair] : seen_)
      if ((other == Target::netsh) == windows && *pair.first == before && *pair.second == after)
        return true;
    seen_.emplace_back(target, std::pair(&before, &after));
    return false;
  }

  // Whether an exception means one thing on Linux and another on Windows. Where none does, what
  // Windows filters is a part of what Linux does, and nothing else becomes of it.
  static bool is_told_otherwise(const policy::Policy& policy) {
    for (const auto direction : policy::DirectionSet::all())
      for (const auto& exception : policy[direction].exceptions)
        if (!exception.in.empty() || !exception.out.empty() || exception.only_on) return true;
    return false;
  }

  Difference diff(Target target, const ir::Program& before, const ir::Program& after) const {
    analysis::Vocabulary vocabulary;
    vocabulary.add(*before_.policy, target);
    vocabulary.add(*after_.policy, target);
    analysis::DiffOptions options;
    if (const auto excluded = options_.excluded.find(target); excluded != options_.excluded.end())
      options.excluded = excluded->second;
    options.budget = options_.budget;
    options.shown = options_.shown;
    options.explain_all = options_.json;
    return analysis::diff(before, after, vocabulary, options);
  }

  // Whether it says something that the changes of other targets do not. Windows has no states of
  // connections, so that it names all of them.
  static bool adds_to(const std::vector<TargetChange>& changes, const TargetChange& change) {
    const auto told = [&](const ChangedSet& set) {
      return std::ranges::any_of(changes, [&](const TargetChange& other) {
        return std::ranges::any_of(other.sets, [&](const ChangedSet& known) {
          return known.change == set.change &&
                 (known.text == set.text || known.text + any_state == set.text);
        });
      });
    };
    return !change.proved || !change.more.empty() || !std::ranges::all_of(change.sets, told);
  }

  const Side& before_;
  const Side& after_;
  const Options& options_;
  std::vector<std::pair<Target, std::pair<const ir::Program*, const ir::Program*>>> seen_;
  std::vector<TargetDifference> differences_;
};

// It denies what a new policy may allow, and leaves to others what that leaves to others.
policy::Policy denying(const policy::Policy& fresh) {
  policy::Policy policy;
  for (const auto direction : policy::DirectionSet::all())
    if (fresh[direction].default_verdict == policy::DefaultVerdict::unmanaged)
      policy[direction].default_verdict = policy::DefaultVerdict::unmanaged;
    else if (direction == policy::Direction::outbound)
      policy[direction].default_verdict = policy::DefaultVerdict::accept;
  return policy;
}

}  // namespace

std::string Place::text() const { return file + ":" + std::to_string(begin.line); }

std::strong_ordering Place::operator<=>(const Place& other) const {
  return std::tie(file, begin.line, begin.column) <=>
         std::tie(other.file, other.begin.line, other.begin.column);
}

bool TargetChange::has(Change change) const {
  return more.contains(change) ||
         std::ranges::any_of(sets, [&](const ChangedSet& set) { return set.change == change; });
}

bool PolicyReview::has(Change change) const {
  return std::ranges::any_of(changes, [&](const auto& one) { return one.has(change); });
}

bool PolicyReview::proved() const { return std::ranges::all_of(changes, &TargetChange::proved); }

PolicyReview compare(const Side& before, const Side& after, const Options& options) {
  PolicyReview review;
  Comparison comparison(before, after, options);
  comparison.run(review);
  review.notes = find_notes(&before, after, comparison.differences());
  if (!review.changes.empty()) return review;
  review.status = Status::broken;
  review.notes.push_back({.category = Category::error,
                          .severity = Severity::error,
                          .id = "no-common-target",
                          .message = "no target can say both what it was and what it is",
                          .help = {},
                          .place = std::nullopt});
  return review;
}

PolicyReview introduce(const Side& after, const Options& options) {
  PolicyReview review;
  review.status = Status::added;
  const auto reference = denying(*after.policy);
  std::vector<ir::Program> programs;
  programs.reserve(after.lowerings.size());
  Side before = after;
  before.policy = &reference;
  for (auto& lowering : before.lowerings) {
    Sink unheard;
    programs.push_back(
        lower::lower(reference, {.target = lowering.target, .today = after.today}, unheard));
    lowering.program = &programs.back();
  }
  Comparison comparison(before, after, options);
  comparison.run(review);
  for (auto& change : review.changes) {
    std::erase_if(change.sets,
                  [](const ChangedSet& set) { return set.change != Change::accepted; });
    std::erase_if(change.more, [](const auto& more) { return more.first != Change::accepted; });
  }
  review.notes = find_notes(nullptr, after, comparison.differences());
  return review;
}

PolicyReview broken(const Sink& said, const Sources& sources) {
  PolicyReview review;
  review.status = Status::broken;
  for (const auto& diagnostic : said.diagnostics())
    if (severity(diagnostic.kind) == Severity::error)
      review.notes.push_back(note_of(diagnostic, sources, Category::error));
  return review;
}

}  // namespace firewright::review
