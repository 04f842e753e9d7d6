// Where a run of the command reads and writes, and its exit codes. Results go to `out`, talk to
// `err`.
#pragma once

#include <istream>
#include <ostream>
#include <string>

#include "compiler/diagnostics/diagnostic.h"

namespace firewright::cli {

// The exit codes are a promise to users (firewright.1, "EXIT STATUS").
enum class Exit : int {
  ok = 0,            // done, equal, unchanged
  no = 1,            // the answer is no: policy errors, a difference, drift
  usage = 2,         // the command line
  system = 3,        // the system refused: input and output, kernel, permission
  proof_failed = 4,  // our own proof failed
  not_proved = 5,    // not proved within the budget
};

enum class Format { text, json };

struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool colour = false;    // of what goes to `err`
  bool progress = false;  // whether somebody watches `err`
};

// Diagnostics to `err` as text; sorted first. In JSON the command puts them into its own document.
void show(Console& console, Sink& sink, const Sources& sources);

// An error that has no place in a file: "firewright: cannot write `x`: permission denied".
void complain(Console& console, const std::string& message);

}  // namespace firewright::cli
