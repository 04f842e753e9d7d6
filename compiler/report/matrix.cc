#include "compiler/report/matrix.h"

#include <algorithm>
#include <array>
#include <map>

#include "compiler/analysis/treatment.h"
#include "compiler/analysis/words.h"
#include "compiler/report/relative.h"
#include "compiler/report/subjects.h"
#include "compiler/semantics/boolean.h"
#include "compiler/semantics/boxes.h"
#include "compiler/semantics/meaning.h"

namespace firewright::report {
namespace {

using analysis::BoxWords;
using policy::Direction;
using semantics::Booleans;
using semantics::Diagrams;
using semantics::Meanings;
using semantics::Node;

constexpr std::size_t most_parts = 4;

ir::Hook hook_of(Direction direction) {
  switch (direction) {
    case Direction::inbound: return ir::Hook::inbound;
    case Direction::outbound: return ir::Hook::outbound;
    case Direction::forward: return ir::Hook::forward;
  }
  return ir::Hook::inbound;
}

// The packets that open a connection.
ir::Match opening_packets(ir::Hook hook) {
  ir::Match match;
  match.states = {ir::ConntrackState::fresh};
  const ir::InterfacePattern loopback{.name = "lo", .wildcard = false};
  if (hook != ir::Hook::outbound) match.in = ir::InterfaceSet::except({loopback});
  if (hook != ir::Hook::inbound) match.out = ir::InterfaceSet::except({loopback});
  return match;
}

// What passes whatever the exceptions say, and is not what anybody asks about.
bool is_baseline(ir::OriginKind kind) {
  switch (kind) {
    case ir::OriginKind::icmp_errors:
    case ir::OriginKind::neighbour_discovery: return true;
    case ir::OriginKind::exception:
    case ir::OriginKind::loopback:
    case ir::OriginKind::established:
    case ir::OriginKind::drop_invalid:
    case ir::OriginKind::default_log:
    case ir::OriginKind::default_verdict:
    case ir::OriginKind::decoded: return false;
  }
  return false;
}

// All but the service: "from admins to 203.0.113.18; user 1000".
std::string conditions(const BoxWords& words, bool sends) {
  std::string text = words.family;
  const auto add = [&](std::string_view word, const analysis::Words& field) {
    if (field.any()) return;
    text.append(text.empty() ? "" : " ").append(word).append(" ").append(to_text(field));
  };
  if (sends) add("to", words.to);
  add("from", words.from);
  if (!sends) add("to", words.to);
  add("in", words.in);
  add("out", words.out);
  for (const auto& more : words.further) text.append(text.empty() ? "" : "; ").append(more);
  return text;
}

class Drawing {
 public:
  Drawing(const policy::Policy& policy, const ir::Program& program, Direction direction,
          const MatrixOptions& options)
      : program_(program),
        direction_(direction),
        hook_(hook_of(direction)),
        vocabulary_(*options.vocabulary),
        parties_(parties(policy, direction, options.target, vocabulary_)),
        services_(services(policy, direction)),
        world_(direction == Direction::outbound ? std::vector<ir::Match>()
                                                : world(policy, program, direction)) {
    if (options.beside != nullptr) {
      parties_ = joined(std::move(parties_),
                        parties(*options.beside, direction, options.target, vocabulary_));
      services_ = joined(std::move(services_), services(*options.beside, direction));
    }
    // So that the space knows the boundaries of all that is asked for.
    asked_.chains.push_back({.name = "asked", .hook = {}, .policy = {}, .rules = {}});
    ask({opening_packets(hook_)});
    for (const auto& subject : parties_) ask(subject.packets);
    for (const auto& subject : services_) ask(subject.packets);
    ask(world_);
  }

  std::optional<Matrix> attempt(const semantics::Attempt& how) {
    const std::array programs{&program_, static_cast<const ir::Program*>(&asked_)};
    Meanings meanings(programs, how.order, how.budget);
    const auto meaning = meanings.meaning(program_, hook_);
    if (!meaning) return std::nullopt;
    Reach reach(*this, meanings, *meaning);
    auto matrix = reach.draw();
    if (meanings.diagrams().exhausted()) return std::nullopt;
    return matrix;
  }

 private:
  // In one space of packets.
  class Reach {
   public:
    Reach(const Drawing& drawing, Meanings& meanings, Node meaning)
        : drawing_(drawing),
          diagrams_(meanings.diagrams()),
          space_(meanings.space()),
          booleans_(diagrams_),
          opening_(space_.match(diagrams_, opening_packets(drawing.hook_))) {
      if (const auto* chain = drawing.program_.find(drawing.hook_))
        for (const auto& rule : chain->rules)
          if (is_baseline(rule.origin.kind))
            opening_ = booleans_.without(opening_, space_.match(diagrams_, rule.match));
      const auto accepted =
          diagrams_.map(diagrams_.new_operation(), meaning, [&](std::uint32_t outcome) {
            return meanings.outcomes()[outcome].verdict.kind == ir::VerdictKind::accept
                       ? Booleans::all
                       : Booleans::none;
          });
      accepted_ = booleans_.both(opening_, accepted);
      possible_ = whatever_limits_say(accepted_, true);
      sure_ = whatever_limits_say(accepted_, false);
    }

    Matrix draw() {
      Matrix matrix;
      matrix.direction = drawing_.direction_;
      matrix.managed = drawing_.program_.find(drawing_.hook_) != nullptr;
      matrix.whole = answer(opening_);
      if (matrix.managed && matrix.whole != Answer::yes && matrix.whole != Answer::no)
        draw_cells(matrix);
      draw_openings(matrix);
      return matrix;
    }

   private:
    // Packets for which some, or every, state of the limits is accepted.
    Node whatever_limits_say(Node set, bool some) {
      const auto wanted = some ? Booleans::all : Booleans::none;
      std::map<Node, bool> reaches;
      const auto reach = [&](const auto& self, Node node) -> bool {
        if (Diagrams::is_leaf(node)) return node == wanted;
        const auto known = reaches.find(node);
        if (known != reaches.end()) return known->second;
        const auto edges = diagrams_.edges(node);
        const bool found =
            std::ranges::any_of(edges, [&](const auto& edge) { return self(self, edge.child); });
        return reaches[node] = found;
      };
      return diagrams_.combine(diagrams_.new_operation(), set, set,
                               [&](Node node, Node) -> std::optional<Node> {
                                 if (Diagrams::is_leaf(node)) return node;
                                 if (space_.field(diagrams_.level(node))) return std::nullopt;
                                 return reach(reach, node) == some ? Booleans::all : Booleans::none;
                               });
    }

    Node set_of(const std::vector<ir::Match>& matches) {
      auto set = Booleans::none;
      for (const auto& match : matches) set = booleans_.either(set, space_.match(diagrams_, match));
      return booleans_.both(set, opening_);
    }

    // Each subject's packets, and behind them those of none.
    std::vector<Node> sets_of(const std::vector<Subject>& subjects) {
      std::vector<Node> sets;
      auto rest = opening_;
      for (const auto& subject : subjects) {
        sets.push_back(set_of(subject.packets));
        rest = booleans_.without(rest, sets.back());
      }
      sets.push_back(rest);
      return sets;
    }

    Answer answer(Node set) {
      if (set == Booleans::none) return Answer::empty;
      if (booleans_.both(set, possible_) == Booleans::none) return Answer::no;
      if (booleans_.without(set, sure_) == Booleans::none) return Answer::yes;
      return booleans_.without(set, possible_) == Booleans::none ? Answer::limited : Answer::part;
    }

    void draw_cells(Matrix& matrix) {
      auto parties = sets_of(drawing_.parties_);
      const auto services = sets_of(drawing_.services_);
      std::vector<std::size_t> shown;
      for (std::size_t i = 0; i < parties.size(); ++i) {
        const bool rest = i == drawing_.parties_.size();
        auto party =
            rest ? Party{.name = others_name(), .about = {}}
                 : Party{.name = drawing_.parties_[i].name, .about = drawing_.parties_[i].about};
        const auto all = answer(parties[i]);
        if (all == Answer::empty) continue;
        // Of the many pairs that packets may be forwarded between only those that are open.
        if (all == Answer::no && drawing_.direction_ == Direction::forward) {
          matrix.shut.push_back(std::move(party.name));
          continue;
        }
        matrix.parties.push_back(std::move(party));
        shown.push_back(i);
      }
      for (std::size_t s = 0; s < services.size(); ++s) {
        if (services[s] == Booleans::none) continue;
        Row row{.service = service(s), .cells = {}};
        for (const auto i : shown)
          row.cells.push_back(cell(booleans_.both(parties[i], services[s])));
        matrix.rows.push_back(std::move(row));
      }
    }

    [[nodiscard]] std::string others_name() const {
      if (drawing_.parties_.empty()) return "anyone";
      return drawing_.direction_ == Direction::outbound ? "anywhere else" : "anyone else";
    }

    [[nodiscard]] Service service(std::size_t index) const {
      if (index == drawing_.services_.size())
        return {.name = index == 0 ? "anything" : "anything else",
                .ports = {},
                .about = {},
                .risk = {}};
      const auto& subject = drawing_.services_[index];
      return {.name = subject.name,
              .ports = ports_of(subject),
              .about = subject.about,
              .risk = subject.risk};
    }

    Cell cell(Node set) {
      const auto found = answer(set);
      if (found == Answer::part || found == Answer::limited) return parted(set, found);
      return {.answer = found, .parts = {}, .more = false};
    }

    Cell parted(Node set, Answer found_answer) {
      Cell cell;
      cell.answer = found_answer;
      const auto packets = booleans_.both(set, accepted_);
      auto found = boxes(packets, set, most_parts);
      const Relative relative(diagrams_, space_, set);
      cell.more = found.rest != Booleans::none;
      for (const auto& group : analysis::with_twins(std::move(found.boxes))) {
        const auto words = said(group, relative);
        Part part;
        part.what = what(words);
        std::tie(part.by, part.more_by) = deciders(group, packets);
        cell.parts.push_back(std::move(part));
      }
      return cell;
    }

    [[nodiscard]] std::string what(const BoxWords& words) const {
      auto text = conditions(words, drawing_.direction_ == Direction::outbound);
      if (words.service.any()) return text;
      return to_text(words.service) + (text.empty() ? "" : " ") + text;
    }

    // Whatever is said of packets outside of `set` does not matter, so that nothing is said of what
    // they all have in common.
    semantics::Boxes boxes(Node packets, Node set, std::size_t most) {
      return semantics::boxes(diagrams_, space_, packets, {.boxes = most}, booleans_.opposite(set));
    }

    [[nodiscard]] BoxWords said(const std::vector<semantics::Box>& group,
                                const Relative& relative) const {
      std::vector<semantics::Box> boxes;
      for (const auto& box : group) boxes.push_back(relative.of(box));
      auto words = say(drawing_.vocabulary_, drawing_.hook_, boxes);
      if (relative.families().size() < 2) words.family.clear();  // that of all
      return words;
    }

    std::pair<std::vector<std::string>, bool> deciders(const std::vector<semantics::Box>& group,
                                                       Node packets) {
      std::vector<std::string> names;
      const auto inside = booleans_.both(packets, to_node(diagrams_, space_, group.front()));
      const auto witness = semantics::witness(diagrams_, space_, drawing_.hook_, inside);
      if (!witness) return {};
      const auto treatment =
          analysis::treatment(drawing_.program_, *witness, group, packets, diagrams_, space_);
      for (const auto& decider : treatment.deciders) {
        auto name = decider.origin.kind == ir::OriginKind::exception
                        ? decider.origin.label
                        : std::string(to_string(decider.origin.kind));
        if (decider.origin.kind == ir::OriginKind::default_verdict) name = "the default";
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
      }
      return {std::move(names), treatment.more};
    }

    void draw_openings(Matrix& matrix) {
      if (drawing_.world_.empty() || !matrix.managed) return;
      const auto world = set_of(drawing_.world_);
      const auto services = sets_of(drawing_.services_);
      for (std::size_t s = 0; s < services.size(); ++s) {
        const auto set = booleans_.both(world, services[s]);
        const auto found = answer(set);
        if (found == Answer::empty || found == Answer::no) continue;
        matrix.openings.push_back({.service = service(s), .cell = parted(set, found)});
      }
    }

    const Drawing& drawing_;
    Diagrams& diagrams_;
    const semantics::Space& space_;
    Booleans booleans_;
    Node opening_, accepted_{}, possible_{}, sure_{};
  };

  void ask(const std::vector<ir::Match>& matches) {
    for (const auto& match : matches) {
      ir::Rule rule;
      rule.match = match;
      asked_.chains[0].rules.push_back(std::move(rule));
    }
  }

  const ir::Program& program_;
  Direction direction_;
  ir::Hook hook_;
  const analysis::Vocabulary& vocabulary_;
  std::vector<Subject> parties_, services_;
  std::vector<ir::Match> world_;
  ir::Program asked_;
};

}  // namespace

std::string_view to_string(Answer answer) {
  switch (answer) {
    case Answer::empty: return "\u2013";
    case Answer::no: return "no";
    case Answer::part: return "in part";
    case Answer::limited: return "limited";
    case Answer::yes: return "yes";
  }
  return "";
}

std::optional<Matrix> matrix(const policy::Policy& policy, const ir::Program& program,
                             Direction direction, const MatrixOptions& options) {
  Drawing drawing(policy, program, direction, options);
  for (const auto& how : semantics::attempts(options.budget))
    if (auto drawn = drawing.attempt(how)) return drawn;
  return std::nullopt;
}

}  // namespace firewright::report
