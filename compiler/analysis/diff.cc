#include "compiler/analysis/diff.h"

#include <algorithm>
#include <array>
#include <map>

#include "compiler/analysis/diff_align.h"
#include "compiler/semantics/boolean.h"

namespace firewright::analysis {
namespace {

using semantics::Booleans;
using semantics::Diagrams;
using semantics::Node;

// Kinds of change in one class that get boxes of their own: "logged with x", "logged with y".
constexpr std::size_t most_kinds = 200;

// One way to change: a class, and within the last two classes what exactly becomes of what.
struct Kind {
  Change change = Change::accepted;
  ir::Verdict before, after;                    // refusal
  std::vector<std::uint32_t> added, no_longer;  // effects

  // Tells kinds apart.
  [[nodiscard]] auto key() const {
    return std::tuple(change, to_string(before), to_string(after), added, no_longer);
  }
};

Kind kind_of(const semantics::Outcome& before, const semantics::Outcome& after) {
  Kind kind;
  const bool was = before.verdict.kind == ir::VerdictKind::accept;
  const bool is = after.verdict.kind == ir::VerdictKind::accept;
  if (was != is) {
    kind.change = is ? Change::accepted : Change::denied;
  } else if (before.verdict != after.verdict) {
    kind.change = Change::refusal;
    kind.before = before.verdict;
    kind.after = after.verdict;
  } else {
    kind.change = Change::effects;
    const auto minus = [](const auto& a, const auto& b, auto& result) {
      std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(result));
    };
    minus(after.effects, before.effects, kind.added);
    minus(before.effects, after.effects, kind.no_longer);
  }
  return kind;
}

// Gives kinds their numbers, from 1; 0 is "no change".
class Kinds {
 public:
  explicit Kinds(const semantics::Outcomes& outcomes) : outcomes_(outcomes) {}

  std::uint32_t number(std::uint32_t before, std::uint32_t after) {
    const auto [pair, fresh] = by_pair_.emplace(std::pair{before, after}, 0U);
    if (!fresh) return pair->second;
    auto kind = kind_of(outcomes_[before], outcomes_[after]);
    if (list_.size() >= most_kinds) {  // too many to tell apart
      Kind any;
      any.change = kind.change;
      kind = std::move(any);
    }
    const auto [known, added] =
        by_key_.emplace(kind.key(), static_cast<std::uint32_t>(list_.size() + 1));
    if (added) list_.push_back(std::move(kind));
    pair->second = known->second;
    return known->second;
  }
  [[nodiscard]] const std::vector<Kind>& list() const { return list_; }

 private:
  const semantics::Outcomes& outcomes_;
  std::vector<Kind> list_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> by_pair_;
  std::map<decltype(Kind().key()), std::uint32_t> by_key_;
};

// One attempt, in one order of fields.
class Attempt {
 public:
  Attempt(const ir::Program& before, const ir::Program& after, const Vocabulary& vocabulary,
          const DiffOptions& options, const semantics::Attempt& attempt)
      : before_(before),
        after_(after),
        vocabulary_(vocabulary),
        options_(options),
        aligned_(side_by_side(before, after)),
        programs_(spaced(options, aligned_)),
        list_(listed()),
        meanings_(list_, attempt.order, attempt.budget),
        booleans_(meanings_.diagrams()),
        kinds_(meanings_.outcomes()) {}

  std::optional<Difference> run() {
    for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward})
      if (!collect(hook)) return std::nullopt;
    Difference difference;
    difference.proved = true;
    for (const auto change : {Change::accepted, Change::denied, Change::refusal, Change::effects}) {
      auto found = class_of(change);
      if (diagrams().exhausted()) return std::nullopt;
      if (found) difference.classes.push_back(std::move(*found));
    }
    return difference;
  }

 private:
  // The packets of one hook that change in one way.
  struct Changed {
    ir::Hook hook = ir::Hook::inbound;
    Change change = Change::accepted;
    Node set{};
    Node excluded{};
  };

  [[nodiscard]] Diagrams& diagrams() { return meanings_.diagrams(); }
  [[nodiscard]] const semantics::Space& space() const { return meanings_.space(); }

  // The space has to know the boundaries of what is excluded as well.
  static std::array<ir::Program, 3> spaced(const DiffOptions& options,
                                           std::pair<ir::Program, ir::Program>& aligned) {
    std::array<ir::Program, 3> programs{std::move(aligned.first), std::move(aligned.second), {}};
    ir::Chain chain{.name = "excluded", .hook = {}, .policy = {}, .rules = {}};
    for (const auto& excluded : options.excluded) {
      ir::Rule rule;
      rule.match = excluded.match;
      chain.rules.push_back(std::move(rule));
    }
    programs[2].chains.push_back(std::move(chain));
    return programs;
  }
  [[nodiscard]] std::array<const ir::Program*, 3> listed() const {
    return {&programs_[0], &programs_[1], &programs_[2]};
  }

  bool collect(ir::Hook hook) {
    const auto before = meanings_.meaning(programs_[0], hook);
    if (!before) return false;
    const auto after = meanings_.meaning(programs_[1], hook);
    if (!after) return false;
    auto classified = diagrams().combine(
        diagrams().new_operation(), *before, *after, [&](Node a, Node b) -> std::optional<Node> {
          if (a == b) return Diagrams::leaf(0);
          if (!Diagrams::is_leaf(a) || !Diagrams::is_leaf(b)) return std::nullopt;
          return Diagrams::leaf(kinds_.number(Diagrams::value(a), Diagrams::value(b)));
        });
    auto excluded = Booleans::none;
    for (const auto& one : options_.excluded)
      if (one.hook == hook)
        excluded = booleans_.either(excluded, space().match(diagrams(), one.match));
    classified = diagrams().combine(diagrams().new_operation(), excluded, classified,
                                    [&](Node x, Node y) -> std::optional<Node> {
                                      if (x == Booleans::all) return Diagrams::leaf(0);
                                      if (x == Booleans::none) return y;
                                      return std::nullopt;
                                    });
    if (classified == Diagrams::leaf(0)) return !diagrams().exhausted();
    for (std::size_t i = 0; i < kinds_.list().size(); ++i) {
      const auto set = diagrams().map(
          diagrams().new_operation(), classified,
          [&](std::uint32_t leaf) { return leaf == i + 1 ? Booleans::all : Booleans::none; });
      if (set != Booleans::none)
        changed_.push_back(
            {.hook = hook, .change = kinds_.list()[i].change, .set = set, .excluded = excluded});
    }
    return !diagrams().exhausted();
  }

  std::optional<ChangeClass> class_of(Change change) {
    ChangeClass found;
    found.change = change;
    double all = 0;
    for (const auto& changed : changed_) {
      if (changed.change != change) continue;
      all += semantics::share(diagrams(), space(), changed.set);
      auto boxes = semantics::boxes(diagrams(), space(), changed.set, {.boxes = options_.boxes},
                                    changed.excluded);
      for (auto& group : with_twins(std::move(boxes.boxes))) {
        ChangedBox one;
        one.hook = changed.hook;
        for (const auto& box : group) one.share += box.share;
        one.boxes = std::move(group);
        found.boxes.push_back(std::move(one));
      }
    }
    if (all == 0) return std::nullopt;
    // A type of ICMP is more of ICMP than a port is of TCP, and less to worry about.
    std::stable_sort(found.boxes.begin(), found.boxes.end(), [](const auto& a, const auto& b) {
      const auto icmp = [](const ChangedBox& box) { return !box.boxes[0].match.icmp.is_all(); };
      return std::pair(icmp(a), -a.share) < std::pair(icmp(b), -b.share);
    });
    if (found.boxes.size() > options_.boxes) found.boxes.resize(options_.boxes);
    found.shown = std::min(options_.shown, found.boxes.size());
    const auto explained = options_.explain_all ? found.boxes.size() : found.shown;
    for (std::size_t i = 0; i < explained; ++i)
      explain(found.boxes[i], set_of(change, found.boxes[i]), i < found.shown);
    found.beyond_shown = left_out(change, found.boxes, found.shown) / all;
    found.beyond_all = left_out(change, found.boxes, found.boxes.size()) / all;
    return found;
  }

  // The share of the class that the first `count` boxes leave out.
  double left_out(Change change, const std::vector<ChangedBox>& boxes, std::size_t count) {
    double sum = 0;
    for (const auto& changed : changed_) {
      if (changed.change != change) continue;
      auto rest = changed.set;
      for (std::size_t i = 0; i < count; ++i)
        if (boxes[i].hook == changed.hook)
          for (const auto& box : boxes[i].boxes)
            rest = booleans_.without(rest, to_node(diagrams(), space(), box));
      sum += semantics::share(diagrams(), space(), rest);
    }
    return sum;
  }

  // The packets of the class on the box's hook, of the kind that the box is of: it holds no other.
  Node set_of(Change change, const ChangedBox& box) {
    const auto packets = to_node(diagrams(), space(), box.boxes[0]);
    for (const auto& changed : changed_) {
      if (changed.change != change || changed.hook != box.hook) continue;
      if (booleans_.both(changed.set, packets) != Booleans::none) return changed.set;
    }
    return packets;
  }

  void explain(ChangedBox& changed, Node set, bool wholly) {
    changed.words = say(vocabulary_, changed.hook, changed.boxes);
    const auto packets = booleans_.both(set, to_node(diagrams(), space(), changed.boxes[0]));
    if (auto found = semantics::witness(diagrams(), space(), changed.hook, packets))
      changed.witness = std::move(*found);
    const auto of = [&](const ir::Program& program) {
      if (!wholly) return treatment(program, changed.witness);
      return treatment(program, changed.witness, changed.boxes, set, diagrams(), space());
    };
    changed.before = of(before_);
    changed.after = of(after_);
  }

  const ir::Program& before_;
  const ir::Program& after_;
  const Vocabulary& vocabulary_;
  const DiffOptions& options_;
  std::pair<ir::Program, ir::Program> aligned_;
  std::array<ir::Program, 3> programs_;
  std::array<const ir::Program*, 3> list_;
  semantics::Meanings meanings_;
  Booleans booleans_;
  Kinds kinds_;
  std::vector<Changed> changed_;
};

}  // namespace

std::string_view to_string(Change change) {
  switch (change) {
    case Change::accepted: return "newly accepted";
    case Change::denied: return "newly denied";
    case Change::refusal: return "denied in another way";
    case Change::effects: return "logged or counted in another way";
  }
  return "";
}

const ChangeClass* Difference::find(Change change) const {
  for (const auto& one : classes)
    if (one.change == change) return &one;
  return nullptr;
}

Difference diff(const ir::Program& before, const ir::Program& after, const Vocabulary& vocabulary,
                const DiffOptions& options) {
  const auto renamed = options.match_limits_by_size ? semantics::align_predicates(before, after)
                                                    : with_names_of(before, after);
  if (before == renamed) return {.proved = true, .why = {}, .classes = {}};
  for (const auto& attempt : semantics::attempts(options.budget))
    if (auto difference = Attempt(before, renamed, vocabulary, options, attempt).run())
      return std::move(*difference);
  return {.proved = false,
          .why = "the budget of nodes and time is used up, or chains jump to nowhere",
          .classes = {}};
}

}  // namespace firewright::analysis
