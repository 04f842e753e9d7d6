// Who may reach which service: one direction of a firewall as a table, computed from its meaning.
//
// Rows are services, columns are parties: zones, interfaces and addresses that the policy speaks
// of. Each has a row or column for all the rest, so that together the cells hold every packet that
// opens a connection on the direction (connection tracking calls it new), but for those over
// loopback and those that the baseline lets in (ICMP errors, neighbour discovery); what a cell says
// is proved for all of its packets. How exceptions are written, and in what order, has no part in
// it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/analysis/vocabulary.h"
#include "compiler/base/target.h"
#include "compiler/ir/program.h"
#include "compiler/policy/policy.h"
#include "compiler/semantics/diagram.h"

namespace firewright::report {

// In the order of what they let through.
enum class Answer : std::uint8_t {
  empty,    // there is no such packet
  no,       // none of them is accepted
  part,     // some are accepted
  limited,  // all are, while limits last
  yes,      // all are
};
[[nodiscard]] std::string_view to_string(Answer answer);

// Some packets that are accepted.
struct Part {
  std::string what;             // "from admins; within the limit `ssh` (10/minute, burst 5)"
  std::vector<std::string> by;  // the exceptions that accept them
  bool more_by = false;
};

struct Cell {
  Answer answer = Answer::no;
  std::vector<Part> parts;  // the widest first; only of `part` and `limited`
  bool more = false;        // and others
};

struct Service {
  std::string name;
  std::string ports;  // "tcp/22"; empty: it is all the rest
  std::string about;
  std::string risk;  // of the catalogue: the harm of being open to everybody; empty: none
};

struct Row {
  Service service;
  std::vector<Cell> cells;  // one for each party
};

struct Party {
  std::string name;
  std::string about;  // "eth1"; may be empty
};

// What the public addresses that no exception singles out may reach from outside, and under which
// conditions.
struct Opening {
  Service service;
  Cell cell;  // not `no`; with parts in any case
};

struct Matrix {
  policy::Direction direction = policy::Direction::inbound;
  bool managed = true;            // false: it is left to others
  Answer whole = Answer::no;      // of all packets
  std::vector<Party> parties;     // those that anything is accepted of, and those that stand alone
  std::vector<std::string> shut;  // further parties, of which nothing is accepted
  std::vector<Row> rows;
  std::vector<Opening> openings;  // not of outbound
};

struct MatrixOptions {
  Target target = Target::nftables;
  const analysis::Vocabulary* vocabulary = nullptr;  // must be set
  // Its services and parties are shown as well, so that both can stand side by side.
  const policy::Policy* beside = nullptr;
  semantics::Budget budget;
};

// No value: the budget is used up.
[[nodiscard]] std::optional<Matrix> matrix(const policy::Policy& policy, const ir::Program& program,
                                           policy::Direction direction,
                                           const MatrixOptions& options);

}  // namespace firewright::report
