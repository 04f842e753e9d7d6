// What changes between two programs, in packets.
//
// Every packet is looked at, not a sample: the answer is the exact difference, or that it was not
// proved. It comes in classes, what opens first; each class as boxes in the authors' words, each
// box with a packet of it and with what decides that packet on both sides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/analysis/treatment.h"
#include "compiler/analysis/vocabulary.h"
#include "compiler/analysis/words.h"
#include "compiler/semantics/compare.h"
#include "compiler/semantics/witness.h"

namespace firewright::analysis {

// In the order in which they are shown.
enum class Change : std::uint8_t {
  accepted,  // was dropped or rejected
  denied,    // was accepted
  refusal,   // denied before and after, in another way: drop, or reject of some kind
  effects,   // the same verdict, another log or counter
};
[[nodiscard]] std::string_view to_string(Change change);  // "newly accepted"

struct ChangedBox {
  ir::Hook hook = ir::Hook::inbound;
  std::vector<semantics::Box> boxes;  // one, or an ICMP and an ICMPv6 one of the same types
  double share = 0;
  BoxWords words;
  semantics::Witness witness;
  Treatment before, after;
};

struct ChangeClass {
  Change change = Change::accepted;
  std::vector<ChangedBox> boxes;  // the widest first
  std::size_t shown = 0;          // so many are worth showing to a person
  // How much of the class's packets the shown ones leave out, and all of them.
  double beyond_shown = 0;
  double beyond_all = 0;
};

struct Difference {
  bool proved = false;
  std::string why;                   // when it is not proved
  std::vector<ChangeClass> classes;  // those that have packets

  [[nodiscard]] const ChangeClass* find(Change change) const;
};

struct DiffOptions {
  std::span<const semantics::Excluded> excluded;  // packets to leave out
  semantics::Budget budget;                       // of all attempts together
  // Limits of artifacts bear no names that could be compared: equal ones are taken for the same.
  bool match_limits_by_size = false;
  std::size_t boxes = 200;  // of a class, at most
  std::size_t shown = 12;
  bool explain_all = true;  // the boxes that are not shown, too: their words, witnesses, deciders
};

[[nodiscard]] Difference diff(const ir::Program& before, const ir::Program& after,
                              const Vocabulary& vocabulary, const DiffOptions& options);

}  // namespace firewright::analysis
