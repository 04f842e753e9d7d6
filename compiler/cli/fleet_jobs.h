// The same work for many things, on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace firewright::cli {

// Calls `work` once with each number below `count`, on `jobs` threads (0: as many as the machine
// runs at once), and is back when all is done. `work` must not throw. `watch`, if set, is called
// now and then by the caller's thread, with how many are done.
void run_jobs(std::size_t count, std::size_t jobs, const std::function<void(std::size_t)>& work,
              const std::function<void(std::size_t)>& watch = {});

}  // namespace firewright::cli
