#include "compiler/review/risks.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "compiler/analysis/treatment.h"
#include "compiler/analysis/words.h"
#include "compiler/lower/match.h"

namespace firewright::review {
namespace {

using analysis::Change;
using policy::Assertion;
using policy::Direction;
using policy::Exception;

bool opens_to_the_world(Kind kind) {
  return kind == Kind::lint_open_service || kind == Kind::lint_open_ssh ||
         kind == Kind::lint_open_everything || kind == Kind::lint_open_ipv6;
}

ir::Hook hook_of(Direction direction) {
  switch (direction) {
    case Direction::inbound: return ir::Hook::inbound;
    case Direction::outbound: return ir::Hook::outbound;
    case Direction::forward: return ir::Hook::forward;
  }
  return ir::Hook::inbound;
}

class Notes {
 public:
  Notes(const Side* before, const Side& after, std::span<const TargetDifference> differences)
      : before_(before), after_(after), differences_(differences) {}

  std::vector<Note> run() {
    findings();
    assertions();
    if (before_ != nullptr) {
      denies();
      directions();
      targets();
    }
    std::sort(notes_.begin(), notes_.end());
    notes_.erase(std::unique(notes_.begin(), notes_.end()), notes_.end());
    return std::move(notes_);
  }

 private:
  void add(Severity severity, std::string id, std::string message, Span place = {}) {
    notes_.push_back({.category = Category::risk,
                      .severity = severity,
                      .id = std::move(id),
                      .message = std::move(message),
                      .help = {},
                      .place = place_of(place, *after_.sources)});
  }

  // "`blocklist` (base.toml:12)", as it was.
  [[nodiscard]] std::string as_it_was(const std::string& label, Span span) const {
    const auto at = analysis::place(span, *before_->sources);
    return analysis::quoted(label) + (at.empty() ? "" : " (" + at + ")");
  }

  // --- what `check` says

  using Said = std::pair<Kind, std::vector<std::string>>;
  static Said said(const Diagnostic& diagnostic) { return {diagnostic.kind, diagnostic.args}; }
  // Whoever opens it: an exception that is renamed opens nothing new.
  static Said opened(const Diagnostic& diagnostic) {
    return {diagnostic.kind, {diagnostic.args.begin() + 1, diagnostic.args.end()}};
  }

  [[nodiscard]] bool widens() const {
    return std::ranges::any_of(differences_, [](const TargetDifference& one) {
      return one.difference.find(Change::accepted) != nullptr;
    });
  }

  // What was said before, each once for each time.
  void remember() {
    if (before_ == nullptr) return;
    for (const auto* sink : {before_->said, before_->ignored})
      for (const auto& diagnostic : sink->diagnostics()) {
        const bool opens = opens_to_the_world(diagnostic.kind);
        if (sink == before_->ignored && !opens) continue;
        ++known_[said(diagnostic)];
        if (opens) opened_.insert(opened(diagnostic));
      }
  }
  bool take_known(const Diagnostic& diagnostic) {
    const auto found = known_.find(said(diagnostic));
    if (found == known_.end() || found->second == 0) return false;
    --found->second;
    return true;
  }

  void findings() {
    remember();
    const bool wider = widens();
    for (const auto* sink : {after_.said, after_.ignored})
      for (const auto& diagnostic : sink->diagnostics()) {
        const bool opens = opens_to_the_world(diagnostic.kind);
        const bool ignored = sink == after_.ignored;
        if (diagnostic.kind == Kind::assertion_failed || (ignored && !opens)) continue;
        const bool known = take_known(diagnostic);
        if (diagnostic.kind == Kind::not_proved)  // whether it is new or not
          notes_.push_back(note_of(diagnostic, *after_.sources, Category::risk));
        else if (known || (opens && !wider && opened_.contains(opened(diagnostic))))
          continue;
        else if (opens)
          notes_.push_back(opening(diagnostic, ignored));
        else
          notes_.push_back(note_of(diagnostic, *after_.sources, Category::lint));
      }
  }

  // Whose `ignore` came with the change has not been asked by anybody yet.
  [[nodiscard]] Note opening(const Diagnostic& diagnostic, bool ignored) const {
    auto note = note_of(diagnostic, *after_.sources, Category::risk);
    note.severity = Severity::warning;
    if (!ignored) return note;
    note.help.clear();
    note.message += "; ignored there";
    const auto* exception = exception_at(diagnostic.span);
    if (exception != nullptr && exception->reason)
      note.message += ": " + analysis::quoted(exception->reason->value);
    return note;
  }

  [[nodiscard]] const Exception* exception_at(Span span) const {
    for (const auto direction : policy::DirectionSet::all())
      for (const auto& exception : (*after_.policy)[direction].exceptions)
        if (exception.span == span) return &exception;
    return nullptr;
  }

  // --- assertions

  [[nodiscard]] Target target() const {
    return after_.lowerings.empty() ? Target::nftables : after_.lowerings.front().target;
  }
  [[nodiscard]] static std::vector<ir::Match> packets(const policy::Policy& policy,
                                                      const Exception& set, Target target) {
    Sink unheard;
    return lower::to_matches(policy, set, target, unheard);
  }
  [[nodiscard]] bool same(const Assertion& before, const Assertion& after) const {
    return before.claim == after.claim && before.set.direction == after.set.direction &&
           packets(*before_->policy, before.set, target()) ==
               packets(*after_.policy, after.set, target());
  }

  void assertions() {
    std::vector<const Assertion*> old;
    if (before_ != nullptr)
      for (const auto& assertion : before_->policy->assertions) old.push_back(&assertion);
    const auto take = [&](const auto& wanted) -> const Assertion* {
      const auto found = std::ranges::find_if(old, wanted);
      if (found == old.end()) return nullptr;
      const auto* assertion = *found;
      old.erase(found);
      return assertion;
    };
    std::vector<const Assertion*> fresh;
    for (const auto& assertion : after_.policy->assertions) {
      const auto* was = take([&](const Assertion* other) {
        return analysis::label(*other) == analysis::label(assertion);
      });
      if (was == nullptr)
        fresh.push_back(&assertion);
      else if (!same(*was, assertion))
        changed(*was, assertion);
    }
    for (const auto* assertion : fresh)
      if (take([&](const Assertion* other) { return same(*other, *assertion); }) == nullptr &&
          before_ != nullptr)
        add(Severity::note, "assertion-added",
            "assertion " + analysis::quoted(analysis::label(*assertion)) + " is new",
            assertion->span);
    for (const auto* assertion : old)
      add(Severity::warning, "assertion-removed",
          "assertion " + as_it_was(analysis::label(*assertion), assertion->span) + " is gone");
    failures();
  }

  void changed(const Assertion& was, const Assertion& is) {
    const auto name = "assertion " + analysis::quoted(analysis::label(is));
    if (was.claim != is.claim) {
      add(Severity::warning, "assertion-changed", name + " claims the opposite now", is.span);
      return;
    }
    const auto before = packets(*before_->policy, was.set, target());
    const auto after = packets(*after_.policy, is.set, target());
    const bool one_direction = was.set.direction == is.set.direction;
    const auto inside = [&](const auto& narrow, const auto& wide) {
      return one_direction && std::ranges::all_of(narrow, [&](const ir::Match& part) {
               return std::ranges::any_of(
                   wide, [&](const ir::Match& whole) { return lower::covers(whole, part); });
             });
    };
    if (inside(before, after))
      add(Severity::note, "assertion-changed", name + " is about more packets now", is.span);
    else
      add(Severity::warning, "assertion-changed",
          name + (inside(after, before) ? " is about fewer packets now"
                                        : " is about other packets now"),
          is.span);
  }

  void failures() {
    std::set<std::string> failed_before;
    if (before_ != nullptr)
      for (const auto& diagnostic : before_->said->diagnostics())
        if (diagnostic.kind == Kind::assertion_failed) failed_before.insert(diagnostic.args[0]);
    for (const auto& diagnostic : after_.said->diagnostics()) {
      if (diagnostic.kind != Kind::assertion_failed) continue;
      auto note = note_of(diagnostic, *after_.sources, Category::risk);
      note.message = "assertion " + note.message;
      if (failed_before.contains(diagnostic.args[0]))
        note.message += "; it did not before this change either";
      notes_.push_back(std::move(note));
    }
  }

  // --- denies

  // Whether a packet that the exception has denied is accepted now.
  [[nodiscard]] bool lets_through(const Exception& deny) const {
    const auto hook = hook_of(deny.direction);
    return std::ranges::any_of(differences_, [&](const TargetDifference& one) {
      const auto* accepted = one.difference.find(Change::accepted);
      if (accepted == nullptr || (deny.only_on && !deny.only_on->value.contains(one.target)))
        return false;
      const auto denied = packets(*before_->policy, deny, one.target);
      return std::ranges::any_of(accepted->boxes, [&](const analysis::ChangedBox& changed) {
        return changed.hook == hook &&
               std::ranges::any_of(changed.boxes, [&](const semantics::Box& box) {
                 return std::ranges::any_of(denied, [&](const ir::Match& match) {
                   return lower::overlap(box.match, match);
                 });
               });
      });
    });
  }

  static std::vector<const Exception*> denies_of(const Side& side, Direction direction) {
    std::vector<const Exception*> denies;
    for (const auto& exception : (*side.policy)[direction].exceptions) {
      const bool over = exception.expires && exception.expires->value <= side.today;
      if (exception.action != policy::Action::allow && !over) denies.push_back(&exception);
    }
    return denies;
  }

  void denies() {
    for (const auto direction : policy::DirectionSet::all()) {
      auto left = denies_of(after_, direction);
      auto gone = denies_of(*before_, direction);
      pair_off(gone, left,
               [](const Exception& a, const Exception& b) { return a.label() == b.label(); });
      pair_off(gone, left, [&](const Exception& a, const Exception& b) {
        return packets(*before_->policy, a, target()) == packets(*after_.policy, b, target());
      });
      for (const auto* deny : gone) {
        const bool opens = lets_through(*deny);
        add(opens ? Severity::warning : Severity::note, "deny-removed",
            std::string(to_string(deny->action)) + " " + as_it_was(deny->label(), deny->span) +
                " of " + std::string(to_string(direction)) + " is gone; " +
                (opens ? "packets that it denied are accepted now"
                       : "nothing that it denied is accepted now"));
      }
    }
  }

  // Takes away what is in both; of that it says what denies less.
  template <class Alike>
  void pair_off(std::vector<const Exception*>& before, std::vector<const Exception*>& after,
                const Alike& alike) {
    std::erase_if(before, [&](const Exception* deny) {
      const auto twin =
          std::ranges::find_if(after, [&](const Exception* other) { return alike(*deny, *other); });
      if (twin == after.end()) return false;
      if (lets_through(*deny))
        add(Severity::warning, "deny-narrowed",
            analysis::quoted(deny->label()) + " of " + std::string(to_string(deny->direction)) +
                " denies less; packets that it denied are accepted now",
            (*twin)->span);
      after.erase(twin);
      return true;
    });
  }

  // --- directions and targets

  void directions() {
    for (const auto direction : policy::DirectionSet::all()) {
      const auto& is = (*after_.policy)[direction];
      if (is.default_verdict != policy::DefaultVerdict::unmanaged ||
          (*before_->policy)[direction].default_verdict == policy::DefaultVerdict::unmanaged)
        continue;
      add(Severity::warning, "direction-unmanaged",
          "`" + std::string(to_string(direction)) + "` is left to others now", is.default_span);
    }
  }

  void targets() {
    const auto can = [](const Side& side, Target target) {
      return std::ranges::any_of(side.lowerings,
                                 [&](const auto& one) { return one.target == target; });
    };
    for (const auto& [target, program] : before_->lowerings)
      if (!can(after_, target))
        add(Severity::note, "target-lost",
            std::string(to_string(target)) + " cannot say this policy any more");
  }

  const Side* before_;
  const Side& after_;
  std::span<const TargetDifference> differences_;
  std::map<Said, std::size_t> known_;
  std::set<Said> opened_;
  std::vector<Note> notes_;
};

}  // namespace

std::optional<Place> place_of(Span span, const Sources& sources) {
  if (!span.known()) return std::nullopt;
  const auto& file = sources.file(span.file);
  return Place{.file = file.name(),
               .begin = file.position(span.begin),
               .end = file.position(std::max(span.begin, span.end))};
}

Note note_of(const Diagnostic& diagnostic, const Sources& sources, Category category) {
  return {.category = category,
          .severity = severity(diagnostic.kind),
          .id = std::string(id(diagnostic.kind)),
          .message = diagnostic.message(),
          .help = diagnostic.help,
          .place = place_of(diagnostic.span, sources)};
}

std::vector<Note> find_notes(const Side* before, const Side& after,
                             std::span<const TargetDifference> differences) {
  return Notes(before, after, differences).run();
}

}  // namespace firewright::review
