// What a change of one policy means: its packets, what is risky in it, and what is said of it for
// the first time.
//
// What comes of a comparison holds texts and places only, so that the policies can go. Knows
// neither git nor targets' encoders: who calls it has read, lowered and checked both sides.
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compiler/analysis/assertions.h"
#include "compiler/analysis/diff.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/policy/policy.h"
#include "compiler/semantics/compare.h"

namespace firewright::review {

// Of the newer side.
struct Place {
  std::string file;
  Position begin, end;

  // "web.toml:12"
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::strong_ordering operator<=>(const Place& other) const;
  [[nodiscard]] bool operator==(const Place& other) const { return (*this <=> other) == 0; }
};

enum class Category : std::uint8_t {
  error,  // it does not compile
  risk,   // what a reviewer should not overlook
  lint,   // said of the policy, and not before
};

struct Note {
  Category category = Category::risk;
  Severity severity = Severity::warning;
  std::string id;  // of a diagnostic, or "deny-removed", "deny-narrowed", "assertion-..."
  std::string message;
  std::string help;
  std::optional<Place> place;

  auto operator<=>(const Note&) const = default;
};

// One set of packets that is treated differently.
struct ChangedSet {
  analysis::Change change = analysis::Change::accepted;
  ir::Hook hook = ir::Hook::inbound;
  std::string text;           // "inbound ssh from office"
  std::string packet;         // one of it
  std::string before, after;  // "drop, by the default of inbound"
  std::optional<Place> place;
};

// What changes on one target, or on several that are told the same.
struct TargetChange {
  Target target = Target::nftables;
  bool proved = true;
  std::vector<ChangedSet> sets;  // by class, the widest first: those that are worth showing
  // So many more sets of a class there are, on all hooks; and whether some were not even counted.
  std::map<analysis::Change, std::size_t> more;
  std::string summary;          // "2 newly accepted"
  std::string digest;           // of the packets, whatever they are called
  nlohmann::ordered_json json;  // where it was asked for

  [[nodiscard]] bool has(analysis::Change change) const;
};

enum class Status : std::uint8_t {
  compared,
  added,    // or it did not compile before: held against a policy that only denies
  removed,  // nothing is compared
  broken,   // it does not compile
};

struct PolicyReview {
  std::string path;          // at the newer side; of a removed one, where it was
  std::string renamed_from;  // empty: it bore this name before
  std::string remark;        // "it did not compile before"; empty: none
  Status status = Status::compared;
  std::vector<TargetChange> changes;  // the first target's, then those that differ from it
  std::vector<Note> notes;            // sorted

  [[nodiscard]] bool has(analysis::Change change) const;
  [[nodiscard]] bool proved() const;
};

// One side of a comparison.
struct Side {
  const Sources* sources = nullptr;
  const policy::Policy* policy = nullptr;
  policy::Date today;
  std::vector<analysis::Lowering> lowerings;  // of each target that can say it
  const Sink* said = nullptr;
  const Sink* ignored = nullptr;  // findings that it takes back itself
};

struct Options {
  std::map<Target, std::vector<semantics::Excluded>>
      excluded;  // packets that a target leaves alone
  semantics::Budget budget;
  bool json = false;
  std::size_t shown = 12;  // sets of a class
};

// Both compile.
[[nodiscard]] PolicyReview compare(const Side& before, const Side& after, const Options& options);
// There is nothing to compare with: what does it accept that a policy which only denies would not?
[[nodiscard]] PolicyReview introduce(const Side& after, const Options& options);
// It does not compile.
[[nodiscard]] PolicyReview broken(const Sink& said, const Sources& sources);

}  // namespace firewright::review
