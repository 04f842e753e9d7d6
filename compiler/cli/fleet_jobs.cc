#include "compiler/cli/fleet_jobs.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace firewright::cli {

void run_jobs(std::size_t count, std::size_t jobs, const std::function<void(std::size_t)>& work,
              const std::function<void(std::size_t)>& watch) {
  if (jobs == 0) jobs = std::max(1U, std::thread::hardware_concurrency());
  jobs = std::min(jobs, count);
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> done{0};
  std::mutex mutex;
  std::condition_variable all_done;
  const auto work_off = [&] {
    for (auto i = next++; i < count; i = next++) {
      work(i);
      if (++done < count) continue;
      const std::scoped_lock lock(mutex);
      all_done.notify_one();
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < jobs; ++i) threads.emplace_back(work_off);
  if (!watch) return;  // the threads are waited for
  std::unique_lock lock(mutex);
  while (!all_done.wait_for(lock, std::chrono::milliseconds(100),
                            [&] { return done.load() == count; }))
    watch(done.load());
}

}  // namespace firewright::cli
