// All that a change does to all policies, with what is the same in many of them told once.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "compiler/review/review.h"

namespace firewright::review {

// Policies whose packets change in the same words.
struct Group {
  std::vector<std::size_t> members;  // of Report::reviews
  // The words mean other packets in some of them: each defines its groups and zones by itself.
  bool own_names = false;
};

struct SharedNote {
  Note note;
  std::vector<std::size_t> members;  // of Report::reviews
};

struct Counts {
  std::size_t touched = 0;
  std::size_t accept_more = 0, deny_more = 0;
  std::size_t otherwise = 0;  // denied, logged or counted in another way, and no more than that
  std::size_t same = 0;       // means what it meant
  std::size_t added = 0, removed = 0, renamed = 0;
  std::size_t repaired = 0;  // did not compile before, or was a part of others that did not
  std::size_t broken = 0, not_proved = 0;
  std::size_t failed_assertions = 0;
};

struct Report {
  std::string range;                  // "main..topic", as it was given
  std::size_t policies = 0;           // at the newer side
  std::vector<PolicyReview> reviews;  // of what the change touches, by path
  std::vector<Group> groups;          // what opens first, then the largest
  std::vector<SharedNote> notes;      // errors, risks, lint; the gravest first
  Counts counts;

  [[nodiscard]] bool has(analysis::Change change) const;
  [[nodiscard]] bool any_difference() const;  // packets, or policies that come or go
  [[nodiscard]] bool not_proved() const;      // a difference, an assertion, or lint
  [[nodiscard]] bool any_risk() const;        // a note of risk that is no mere note
};

[[nodiscard]] Report make_report(std::string range, std::size_t policies,
                                 std::vector<PolicyReview> reviews);

// "widens", "narrows", "widens and narrows", "treats packets otherwise" or "same meaning"; and
// behind it what is wrong: "a policy does not compile", "an assertion does not hold", "not proved".
[[nodiscard]] std::string verdict(const Report& report);
// "187 of 200 policies are touched: 187 accept more, 1 is new"
[[nodiscard]] std::string summary(const Report& report);
// "`web.toml`", "187 policies".
[[nodiscard]] std::string name_of(const Report& report, const std::vector<std::size_t>& members);

}  // namespace firewright::review
