// What a program does to every packet: for each hook one function from packets to outcomes.
//
// An outcome is a verdict together with the effects that the packet fires on its way. Equal
// functions are the same node, so two programs mean the same on a hook exactly when their nodes are
// equal.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "compiler/ir/program.h"
#include "compiler/semantics/diagram.h"
#include "compiler/semantics/space.h"

namespace firewright::semantics {

// What one packet gets. `decided` is false only on the way, inside chains.
struct Outcome {
  bool decided = false;
  bool returned = false;               // left the chain by `return`
  ir::Verdict verdict;                 // accept, drop or reject, when decided
  std::vector<std::uint32_t> effects;  // sorted indices into Outcomes::effect
  bool operator==(const Outcome&) const = default;
};

// The leaves of meaning diagrams, numbered. Shared by all programs that are compared.
class Outcomes {
 public:
  Outcomes();
  [[nodiscard]] std::uint32_t number(Outcome outcome);
  [[nodiscard]] const Outcome& operator[](std::uint32_t number) const { return outcomes_[number]; }
  // Effects have numbers too: "log PREFIX" and "count NAME".
  [[nodiscard]] std::uint32_t effect(const std::string& text);
  [[nodiscard]] const std::string& effect_text(std::uint32_t effect) const {
    return effects_[effect];
  }

  static constexpr std::uint32_t undecided = 0;  // and without effects

 private:
  std::vector<Outcome> outcomes_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> by_key_;
  std::vector<std::string> effects_;
  std::map<std::string, std::uint32_t> by_effect_;
};

// In which order of fields to try, and how far: a wrong order can cost a thousand times as much as
// the other, and shows early. Each attempt has its share of the time.
struct Attempt {
  FieldOrder order = FieldOrder::ports_first;
  Budget budget;
};
[[nodiscard]] std::vector<Attempt> attempts(const Budget& budget);

// Makes meanings in one space, so that they can be compared.
class Meanings {
 public:
  Meanings(std::span<const ir::Program* const> programs, FieldOrder order, Budget budget);

  // The outcome of every packet on the hook; a hook without a chain accepts. It is made once, so
  // the program must stay what it is. No value: the budget is used up, or the chains jump in a
  // circle or to nowhere, or two bear one name.
  [[nodiscard]] std::optional<Node> meaning(const ir::Program& program, ir::Hook hook);

  [[nodiscard]] Diagrams& diagrams() { return diagrams_; }
  [[nodiscard]] const Space& space() const { return space_; }
  [[nodiscard]] Outcomes& outcomes() { return outcomes_; }

 private:
  struct Walk;
  // `first` where it decides, else `second` with both their effects.
  [[nodiscard]] Node then(Node first, Node second);
  // An inbound packet goes out of no interface, and an outbound one comes in by none.
  [[nodiscard]] Node at_hook(Node chain, ir::Hook hook);
  // One base chain behind another: what the first accepts goes through the second as well.
  [[nodiscard]] Node after_accept(Node first, Node second);
  [[nodiscard]] Node chain(Walk& walk, const ir::Chain& chain);
  // What becomes of a packet that the rule matches, and that where it does match.
  [[nodiscard]] Node taken(Walk& walk, const ir::Rule& rule);
  [[nodiscard]] Node where(const ir::Match& match, Node taken);
  [[nodiscard]] Node called(Walk& walk, const ir::Verdict& verdict);
  [[nodiscard]] Node fold(std::span<Node> rules);
  [[nodiscard]] Node settle(Node chain, Outcome undecided, Outcome returned,
                            std::uint32_t operation);

  Diagrams diagrams_;
  Space space_;
  Outcomes outcomes_;
  std::uint32_t then_;
  std::uint32_t after_accept_;
  std::map<std::pair<const ir::Program*, ir::Hook>, Node> made_;
};

}  // namespace firewright::semantics
