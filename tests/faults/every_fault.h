// Runs a command again and again, and spoils another one of its system calls each time: the process
// is killed before the call, or the call fails.
//
// Killed at the exit of a call is not tried apart: nothing happens between that and the entry of
// the next one that anybody could see.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tests/faults/tracing.h"

namespace firewright::faults {

struct Scenario {
  std::function<void()> setup;  // before each run: the old state
  std::vector<std::string> command;
  Plan plan;  // where counting begins, children, input; fault and nth unused
  // After each run: what is wrong, or nothing. With Plan::Fault::none when nothing was spoilt.
  std::function<std::string(const Plan&, const Trace&)> check;
};

// How many runs at most; 0: every fault at every place. Else one place in so many, the same from
// day to day, and for each kind of fault other places than for the one before.
struct Sampling {
  std::size_t runs = 0;
  std::size_t offset = 0;
  std::size_t every = 0;  // one place in so many; 0: as `runs` has it
};
// As given; or all of them when the environment says FIREWRIGHT_FAULTS=all, or for each kind of
// fault one place in N when it says FIREWRIGHT_FAULTS=N.
[[nodiscard]] Sampling sampling(std::size_t runs, std::size_t offset = 0);

struct Faults {
  bool kill = true;
  std::vector<int> errors;  // errno
};
// What the world has to offer: EIO, ENOSPC, EINTR, ENOMEM, ENOBUFS, EPERM.
[[nodiscard]] std::vector<int> all_errors();

struct Report {
  std::string failed;      // why nothing could be tried
  std::size_t places = 0;  // system calls of the unspoilt run
  std::size_t runs = 0;
  std::size_t hits = 0;            // runs in which the call came
  std::vector<std::string> wrong;  // "killed at sendto, call 17 of 80: ..."
};

[[nodiscard]] Report for_each_fault(const Scenario& scenario, const Faults& faults,
                                    const Sampling& sampling);
// The first complaints, a line each, for a failing test to show.
[[nodiscard]] std::string say(const Report& report, std::size_t most = 20);

}  // namespace firewright::faults
