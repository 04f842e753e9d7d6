#include "compiler/semantics/boundaries.h"

#include <algorithm>
#include <iterator>

namespace firewright::semantics {
namespace {

std::vector<u128> merged(std::vector<u128> a, std::vector<u128> b) {
  if (a == b) return a;
  std::vector<u128> both;
  both.reserve(a.size() + b.size());
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

}  // namespace

// Runs of like length are merged, so that no value is moved more often than the number of runs has
// bits.
void Boundaries::merge(std::vector<u128> run) {
  while (!runs_.empty() && runs_.back().size() <= 2 * run.size()) {
    run = merged(std::move(runs_.back()), std::move(run));
    runs_.pop_back();
  }
  runs_.push_back(std::move(run));
}

std::vector<u128> Boundaries::take() {
  std::sort(few_.begin(), few_.end());
  few_.erase(std::unique(few_.begin(), few_.end()), few_.end());
  auto all = std::move(few_);
  for (; !runs_.empty(); runs_.pop_back()) all = merged(std::move(runs_.back()), std::move(all));
  *this = {};
  return all;
}

}  // namespace firewright::semantics
