// The packet space: which fields a packet has, in which order diagrams look at them, and what their
// ranks stand for.
//
// A Space is made for the programs that are to be compared. Each field's domain is cut at every
// boundary that one of them mentions, and the pieces are numbered: the ranks. Interfaces, programs
// and Windows services are the names and wildcards mentioned, plus "any other". A packet's protocol
// decides what its layer-4 fields mean, and its family which addresses it has: fields that a packet
// does not have are never looked at on its path (ir::Match holds that by its invariants).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "compiler/base/integers.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/program.h"
#include "compiler/semantics/boundaries.h"
#include "compiler/semantics/diagram.h"
#include "compiler/semantics/large_sets.h"

namespace firewright::semantics {

enum class Field : std::uint8_t {
  family,
  in,
  out,
  profile,
  state,
  protocol,
  source_port,
  destination_port,
  icmp,
  source4,
  source6,
  destination4,
  destination6,
  user,
  group,
  program,
  windows_service,
  last = windows_service
};
inline constexpr std::size_t field_count = static_cast<std::size_t>(Field::last) + 1;

// Firewall-like rule sets want ports before addresses, router-like ones the reverse.
enum class FieldOrder : std::uint8_t { ports_first, addresses_first };

// Where the ranks of a field begin.
class Starts {
 public:
  Starts() = default;
  explicit Starts(std::vector<std::uint32_t> narrow) : narrow_(std::move(narrow)) {}
  explicit Starts(std::vector<u128> wide) : wide_(std::move(wide)) {}

  [[nodiscard]] std::size_t size() const { return narrow_.empty() ? wide_.size() : narrow_.size(); }
  [[nodiscard]] u128 operator[](std::size_t rank) const {
    return narrow_.empty() ? wide_[rank] : narrow_[rank];
  }
  // Calls with the values as they are kept.
  template <class F>
  auto visit(const F& f) const {
    return narrow_.empty() ? f(wide_) : f(narrow_);
  }

 private:
  std::vector<std::uint32_t> narrow_;
  std::vector<u128> wide_;
};

class Space {
 public:
  // One name or region of names: an exact name, the names that begin with `text` and are mentioned
  // by nothing longer, or the names that nothing mentions.
  struct Name {
    std::string text;
    enum class Kind : std::uint8_t { exact, wildcard, other } kind = Kind::other;
  };

  using Ranges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;  // sorted, inclusive

  Space(std::span<const ir::Program* const> programs, FieldOrder order);

  [[nodiscard]] std::uint32_t level(Field field) const {
    return levels_[static_cast<std::size_t>(field)];
  }
  // Predicates come behind all fields, in ascending order.
  [[nodiscard]] std::uint32_t level(const ir::Predicate& predicate) const;
  // The field at a level; none for a predicate's.
  [[nodiscard]] std::optional<Field> field(std::uint32_t level) const;
  [[nodiscard]] const ir::Predicate& predicate(std::uint32_t level) const;
  [[nodiscard]] std::size_t predicate_count() const { return predicates_.size(); }
  // The highest rank of the field at a level.
  [[nodiscard]] std::uint32_t last_rank(std::uint32_t level) const;
  // The values behind a rank: for numeric fields the interval; for names the index into names().
  [[nodiscard]] std::pair<u128, u128> values(Field field, std::uint32_t rank) const {
    const auto& starts = starts_[static_cast<std::size_t>(field)];
    if (starts.size() <= rank) return {rank, rank};
    return {starts[rank], rank + 1 < starts.size() ? starts[rank + 1] - 1
                                                   : last_values_[static_cast<std::size_t>(field)]};
  }

  // What the ranks of `in` and `out`, `program` or `windows_service` stand for. The last is
  // "other".
  [[nodiscard]] const std::vector<Name>& names(Field field) const;
  [[nodiscard]] static bool is_name(Field field);

  // The leaf `yes` for the packets that match, leaf 0 for the others.
  [[nodiscard]] Node match(Diagrams& diagrams, const ir::Match& match,
                           Node yes = Diagrams::leaf(1)) const;
  // What `match` builds from, level by level: the ranks that it allows one family's packets (no
  // value: all), the node that is `below` for them and leaf 0 for the others, and the node at the
  // end of a path where the match's predicates have their say.
  [[nodiscard]] std::optional<Ranges> allowed(const ir::Match& match, Family family,
                                              Field field) const;
  // Whether that has a value.
  [[nodiscard]] static bool restricts(const ir::Match& match, Family family, Field field);
  [[nodiscard]] Node restrict(Diagrams& diagrams, Field field, const Ranges& allowed,
                              Node below) const;
  // One family's packets of a match, as far as the fields from `level` on tell: `end` for them.
  [[nodiscard]] Node from_level(std::uint32_t level, Diagrams& diagrams, const ir::Match& match,
                                Family family, Node end) const;
  [[nodiscard]] Node under_predicates(Diagrams& diagrams, const ir::Match& match, Node yes) const;

  // A packet of the given ranks (one a level; a predicate's is not looked at).
  [[nodiscard]] ir::Packet packet(ir::Hook hook, std::span<const std::uint32_t> ranks) const;
  // The other way: the ranks of a concrete packet, with the predicates as given.
  [[nodiscard]] std::vector<std::uint32_t> ranks(const ir::Packet& packet,
                                                 const ir::PredicateValue& holds) const;

 private:
  void order_levels(FieldOrder order);
  struct AllBoundaries;
  void collect(const ir::Program& program, AllBoundaries& boundaries);
  [[nodiscard]] std::uint32_t rank_of(Field field, u128 value) const;
  template <class T>
  [[nodiscard]] Ranges ranges(Field field, const IntervalSet<T>& set) const;
  template <class T>
  [[nodiscard]] Ranges known_ranges(Field field, const IntervalSet<T>& set,
                                    const LargeSets<T>& large) const;
  [[nodiscard]] Ranges ranges(Field field, const ir::InterfaceSet& set) const;
  [[nodiscard]] Ranges ranges(Field field, const std::string& text) const;
  [[nodiscard]] std::uint32_t name_rank(Field field, const std::string& name) const;

  std::array<std::uint32_t, field_count> levels_{};
  std::array<Field, field_count> fields_{};
  std::array<Starts, field_count> starts_;  // numeric: where each rank begins
  std::array<u128, field_count> last_values_{};
  LargeSets<Ipv4> sources4_, destinations4_;
  LargeSets<Ipv6> sources6_, destinations6_;
  std::vector<Name> interfaces_;  // shared by in and out
  std::vector<Name> programs_, services_;
  std::vector<ir::Predicate> predicates_;
};

}  // namespace firewright::semantics
