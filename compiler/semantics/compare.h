// Whether two programs mean the same, and if not, a packet that shows it.
//
// The answer is exact or there is none: when the budget does not suffice in one field order, the
// other one is tried, then hook by hook and family by family, and then the answer is "not proved".
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/evaluate.h"
#include "compiler/ir/program.h"
#include "compiler/semantics/digest.h"

namespace firewright::semantics {

// Packets that a comparison leaves out.
struct Excluded {
  ir::Hook hook = ir::Hook::inbound;
  ir::Match match;
};

// What one packet gets from each of two programs, in words: "accept", "drop, log `x`".
struct Difference {
  ir::Packet packet;
  std::vector<ir::Predicate> holding;  // as the first program calls them; the others do not hold
  std::string first, second;
};
[[nodiscard]] std::string to_text(const Outcome& outcome, const Outcomes& outcomes);

enum class Answer : std::uint8_t { equal, different, not_proved };

struct Comparison {
  Answer answer = Answer::not_proved;
  std::optional<Difference> difference;  // when different
  std::size_t which = 0;                 // of the others: the one that differs
  std::string why;                       // when not proved
  std::size_t nodes = 0;                 // of the diagrams that were made
  std::optional<Digests> digests;        // of the first, if asked for and made on the way
};

struct CompareOptions {
  std::span<const Excluded> excluded;
  Budget budget;         // of all attempts together
  bool digests = false;  // of the first's meaning, if it is made whole
};

[[nodiscard]] Comparison compare(const ir::Program& first, const ir::Program& second,
                                 const CompareOptions& options = {});

// The first with each of the others; its meaning is made once.
[[nodiscard]] Comparison compare(const ir::Program& first,
                                 std::span<const ir::Program* const> others,
                                 const CompareOptions& options = {});

// `program` with its predicates called what `reference` calls them: those of one name first, then
// those of the same parameters, in the order in which they come. One to one, so that equal meanings
// are a proof whatever was taken for what; a predicate that finds no partner keeps a name of its
// own.
[[nodiscard]] ir::Program align_predicates(const ir::Program& reference, ir::Program program);

}  // namespace firewright::semantics
