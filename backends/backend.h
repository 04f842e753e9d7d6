// The contract between the compiler and what it compiles to.
//
// A backend is two pure functions, bytes out and nothing else:
//   capable(program, options, sink): the program that the target can say, exactly the given one,
//   or,
//     with `approximate`, one that denies more, each difference a warning. What cannot be said is
//     an error at the exception's place.
//   encode(program, options): the artifact. Called only with a program that `capable` gave back
//     without an error.
//   decode(sources, files, sink): the program that an artifact's files say, whoever wrote them.
//   What
//     it does not recognise is an error, or kept as an opaque predicate and a note; nothing is
//     skipped. It shares no table and no helper with `encode`: the proof of every compile is that
//     both sides mean the same.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
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

// How nftables holds many exceptions that decide the same.
enum class NftablesLayout : std::uint8_t {
  automatic,   // by their number
  readable,    // rules, joined where they differ in ports or protocols only
  structured,  // lookups in few large sets, whatever their number
};

struct Options {
  bool approximate = false;
  // iptables: own chains beside other people's rules, loaded with --noflush
  bool iptables_coexist = false;
  // iptables: long lists and many exceptions as sets of ipset, in a part of their own
  bool iptables_ipset = false;
  std::string nftables_table = "firewright";
  NftablesLayout nftables_layout = NftablesLayout::automatic;
  bool netsh_disable_others = true;
  std::string policy_name = {};  // for a comment; may be empty
};

// A file to decode. Its bytes are in the Sources, so that diagnostics, and the origins of the rules
// that are read from it, point into it.
struct ArtifactFile {
  FileId file = FileId::none;
  std::string part;  // as Part::name
};

// Packets that a platform does not filter, whatever the rules say. Comparisons leave them out.
struct Unfiltered {
  ir::Hook hook = ir::Hook::inbound;
  ir::Match match;
  std::string why;  // "Windows does not filter loopback"
};

struct Backend {
  Target target;
  ir::Program (*capable)(const ir::Program& program, const Options& options, Sink& sink);
  Artifact (*encode)(const ir::Program& program, const Options& options);
  std::optional<ir::Program> (*decode)(const Sources& sources, std::span<const ArtifactFile> files,
                                       Sink& sink);
  std::vector<Unfiltered> (*unfiltered)();  // null: it filters every packet
};

// The explicit table of all backends.
[[nodiscard]] const Backend& backend(Target target);

}  // namespace firewright::backend
