// What becomes of a set of packets: which part of it is accepted, dropped or rejected, and why.
#pragma once

#include <string>
#include <vector>

#include "compiler/analysis/packet_set_text.h"
#include "compiler/analysis/treatment.h"
#include "compiler/analysis/vocabulary.h"
#include "compiler/analysis/words.h"
#include "compiler/semantics/diagram.h"

namespace firewright::analysis {

struct TreatedBox {
  std::vector<semantics::Box> boxes;  // one, or an ICMP and an ICMPv6 one of the same types
  BoxWords words;
  semantics::Witness witness;
  Treatment treatment;
};

struct TreatedPart {
  ir::Verdict verdict;
  std::vector<TreatedBox> boxes;  // the widest first
  double left_out = 0;            // how much of the part no box holds
};

struct SetExplanation {
  bool proved = false;             // false: the budget is used up
  std::vector<TreatedPart> parts;  // accepted first, then dropped, then rejected
};

[[nodiscard]] SetExplanation explain(const ir::Program& program, const PacketSet& set,
                                     const Vocabulary& vocabulary, semantics::Budget budget);

}  // namespace firewright::analysis
