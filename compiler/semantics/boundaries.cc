#include "compiler/semantics/boundaries.h"

#include <algorithm>

namespace firewright::semantics {
namespace {

template <class Raw>
std::vector<Raw> merged(std::vector<Raw> a, std::vector<Raw> b) {
  if (a == b) return a;
  std::vector<Raw> both(a.size() + b.size());
  both.erase(std::set_union(a.begin(), a.end(), b.begin(), b.end(), both.begin()), both.end());
  return both;
}

}  // namespace

// Runs of like length are merged, so that no value is moved more often than the number of runs has
// bits.
template <class Raw>
void Boundaries<Raw>::merge(std::vector<Raw> run) {
  while (!runs_.empty() && runs_.back().size() <= 2 * run.size()) {
    run = merged(std::move(runs_.back()), std::move(run));
    runs_.pop_back();
  }
  runs_.push_back(std::move(run));
}

template <class Raw>
std::vector<Raw> Boundaries<Raw>::take() {
  std::sort(few_.begin(), few_.end());
  few_.erase(std::unique(few_.begin(), few_.end()), few_.end());
  auto all = std::move(few_);
  for (; !runs_.empty(); runs_.pop_back()) all = merged(std::move(runs_.back()), std::move(all));
  *this = {};
  return all;
}

template class Boundaries<std::uint32_t>;
template class Boundaries<u128>;

}  // namespace firewright::semantics
