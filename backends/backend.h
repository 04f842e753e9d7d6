// The contract between the compiler and what it compiles to.
//
// A backend is two pure functions, bytes out and nothing else:
//   capable(program, options, sink): the program that the target can say, exactly the given one,
//   or,
//     with `approximate`, one that denies more, each difference a warning. What cannot be said is
//     an error at the exception's place.
//   encode(program, options): the artifact. Called only with a program that `capable` gave back
//     without an error.
// Decoding lives beside them in decode.{h,cc}, and shares no table and no helper with them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/target.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/ir/program.h"

namespace firewright::backend {

// One file of an artifact.
struct Part {
  std::string name;    // what --part calls it: "v4", "text", "batch", "apply", "10-add", ...
  std::string suffix;  // of the file's path after STEM: ".v4.rules", ".nft", ".netsh/10-add.txt"
  std::string bytes;
};

struct Artifact {
  std::vector<Part> parts;
  std::size_t default_part = 0;  // the one a person would read

  [[nodiscard]] const Part* find(std::string_view name) const {
    for (const auto& part : parts)
      if (part.name == name) return &part;
    return nullptr;
  }
};

struct Options {
  bool approximate = false;
  // iptables: own chains beside other people's rules, loaded with --noflush
  bool iptables_coexist = false;
  std::string nftables_table = "firewright";
  bool netsh_disable_others = true;
  std::string policy_name;  // for a comment at the top; may be empty
};

struct Backend {
  Target target;
  ir::Program (*capable)(const ir::Program& program, const Options& options, Sink& sink);
  Artifact (*encode)(const ir::Program& program, const Options& options);
};

// The explicit table of all backends.
[[nodiscard]] const Backend& backend(Target target);

}  // namespace firewright::backend
