// Random policies before the kernel: each loaded by each backend, real packets sent, and what
// became of them held against the naive evaluator.
//
// Many policies share one network of interfaces and one set of open connections; only the rules are
// changed between them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "compiler/ir/program.h"
#include "tests/kernel/harness/loader.h"

namespace firewright::judge {

struct CourtOptions {
  std::uint64_t seed = 1;  // of the first policy; the next has the next
  std::size_t policies = 50;
  std::size_t packets = 400;  // at most, for each policy and backend
  // Done to every artifact before it is loaded, by tests of the court itself.
  std::function<void(backend::Artifact&)> damage{};
};

inline constexpr std::size_t loader_count = std::size(kernel::all_loaders);

// What was judged. Trivially copyable: it crosses a process border.
struct Judged {
  std::array<std::size_t, loader_count> policies{};  // that a backend can say
  std::array<std::size_t, loader_count> packets{};   // that arrived and were compared
  std::array<std::size_t, ir::StateSet::count> by_state{};
  std::array<std::size_t, 3> by_hook{};
  std::size_t generated = 0;
  std::size_t not_a_policy = 0;  // the reader refuses it
  std::size_t accepted = 0, dropped = 0, rejected = 0, answers = 0;
  std::size_t mismatches = 0;
  std::size_t failures = 0;  // of the harness

  Judged& operator+=(const Judged& other);
};

// One packet that was not treated as its policy says, or a policy that did not load.
struct Finding {
  std::uint64_t seed = 0;
  kernel::Loader loader = kernel::Loader::nft_text;
  std::size_t packet = none;  // of its packets_for
  std::string text;

  static constexpr std::size_t none = ~std::size_t{0};
};

struct Session {
  Judged judged;
  std::vector<Finding> findings;  // at most some of them
  std::string failure;            // of the harness itself; empty: none
};

// Works through `options.policies`, at most 50 in one namespace.
[[nodiscard]] Session hold_court(const CourtOptions& options);

// The finding with the smallest policy that still shows it and its packet, for people.
[[nodiscard]] std::string shrunk_text(const Finding& finding, const CourtOptions& options);

[[nodiscard]] std::string to_text(const Finding& finding);
[[nodiscard]] std::string to_text(const Judged& judged);

}  // namespace firewright::judge
