// What rules refer to by name: sets, maps, limits, counters; and the names that buckets, counters
// and opaque conditions get in the program.
//
// A set that packets fill (flag dynamic, or named by an `add`, `update` or `delete` of a rule) has
// no elements that could be known; a match on it is opaque. Every other set holds what the script
// says, elements with a timeout included.
//
// A counter `count-x` is the effect x, as the encoder writes it; any other keeps its name, and gets
// its table's in front where the short one is taken.
//
// Buckets of one rate for IPv4 and IPv6 sources, in two sets whose names differ in nothing but the
// family at their end (`limit-ssh-v4`, `limit-ssh-v6`), are one instance: no source is in both.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "backends/nftables/read_text_limits.h"
#include "backends/nftables/read_text_tree.h"
#include "backends/nftables/read_text_values.h"
#include "compiler/ir/program.h"

namespace firewright::nftables::script {

struct KnownSet {
  const SetTree* tree = nullptr;
  std::vector<Datatype> types;  // one a field of the key
  bool filled_by_packets = false;
  Elements elements;  // unless a type is opaque, or packets fill the set
  bool elements_are_read = false;

  [[nodiscard]] bool is_opaque() const;
};

class Declarations {
 public:
  Declarations(const Script& script, Sink& sink) : script_(script), sink_(sink) {}

  // These report what is not there or not understood and give nothing.
  [[nodiscard]] const KnownSet* set(const TableTree& table, std::string_view name, Span use);
  [[nodiscard]] std::optional<LimitText> limit(const TableTree& table, std::string_view name,
                                               Span use);
  [[nodiscard]] std::optional<std::string> counter(const TableTree& table, std::string_view name,
                                                   Span use);
  [[nodiscard]] const ObjectTree* object(const TableTree& table, ObjectKind kind,
                                         std::string_view name, Span use);

  // The instance of a named limit or quota, or of a set's buckets: always the same one.
  [[nodiscard]] std::string instance(const TableTree& table, ObjectKind kind,
                                     std::string_view name);
  // Of the buckets that the set holds for the sources of a family. `parameters` are what all of
  // them have in common; no value: the set has buckets with others.
  [[nodiscard]] std::optional<std::string> source_instance(const TableTree& table,
                                                           std::string_view set, Family family,
                                                           const std::string& parameters);
  // One that nothing else has, near the wanted one.
  [[nodiscard]] std::string new_instance(std::string_view wanted);
  // What the elements of an opaque set are, as one text.
  [[nodiscard]] std::string elements_text(const SetTree& set);
  // Accounts for memory that the program takes beyond the script's own size. False once a script
  // has asked for more than any honest one does.
  [[nodiscard]] bool spend(std::size_t bytes);

  // A note, once for each text.
  void note_opaque(const std::string& text, Span span);

 private:
  using Place = std::tuple<const TableTree*, ObjectKind, std::string_view>;
  struct Bucket {
    std::string instance;
    std::string parameters;
  };
  struct Pair {
    std::string instance;
    std::string_view v4;
    std::string_view v6;
  };

  [[nodiscard]] bool read_type(KnownSet& set);
  [[nodiscard]] bool read_set(KnownSet& set);

  const Script& script_;
  Sink& sink_;
  std::map<std::pair<const TableTree*, std::string_view>, KnownSet> sets_;
  std::map<Place, std::string> instances_;
  std::map<Place, std::string> counters_;
  std::set<std::string> counter_names_;
  std::set<std::string> instance_names_;
  std::map<std::pair<const TableTree*, std::string_view>, Bucket> buckets_;
  std::map<std::tuple<const TableTree*, std::string, std::string>, Pair> pairs_;
  std::set<std::string> noted_;
  std::size_t spent_ = 0;
};

}  // namespace firewright::nftables::script
