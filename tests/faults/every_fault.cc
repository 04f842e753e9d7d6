#include "tests/faults/every_fault.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace firewright::faults {
namespace {

// Calls that never fail so: the C library would go on as if they had done their work, or go round
// in circles. brk() says that there is no memory by what it gives, not by an error.
bool can_fail(const Call& call) {
  for (const auto* name : {"brk", "execve", "exit", "exit_group", "rt_sigreturn"})
    if (call.name == name) return false;
#ifdef __SANITIZE_ADDRESS__
  // The sanitizer's own, which ends the process over them.
  for (const auto* name : {"madvise", "mmap", "mprotect", "munmap"})
    if (call.name == name) return false;
#endif
  return true;
}

std::string name_of_error(int error) {
  const char* name = ::strerrorname_np(error);
  return name == nullptr ? std::to_string(error) : name;
}

std::string describe(const Plan& plan, const Trace& trace, std::size_t places) {
  std::string text = plan.fault == Plan::Fault::none   ? "unspoilt"
                     : plan.fault == Plan::Fault::fail ? name_of_error(plan.error)
                                                       : "killed";
  if (plan.nth > 0 && plan.nth <= trace.calls.size())
    text += " at " + trace.calls[plan.nth - 1].name + ", call " + std::to_string(plan.nth) +
            " of " + std::to_string(places);
  return text;
}

class Round {
 public:
  Round(const Scenario& scenario, Report& report) : scenario_(scenario), report_(report) {}

  // Gives whether there was something to trace.
  bool run(const Plan& plan) {
    scenario_.setup();
    const auto trace = faults::trace(scenario_.command, plan);
    if (!trace.failed.empty()) {
      report_.failed = trace.failed;
      return false;
    }
    if (plan.fault == Plan::Fault::none) {
      calls_ = trace.calls;
      report_.places = calls_.size();
    } else {
      ++report_.runs;
      report_.hits += trace.hit ? 1U : 0U;
    }
    const auto what = trace.timed_out ? "it did not end in time" : scenario_.check(plan, trace);
    if (!what.empty()) report_.wrong.push_back(describe(plan, trace, report_.places) + ": " + what);
    return true;
  }

  [[nodiscard]] const std::vector<Call>& calls() const { return calls_; }

 private:
  const Scenario& scenario_;
  Report& report_;
  std::vector<Call> calls_;  // of the unspoilt run
};

}  // namespace

std::vector<int> all_errors() { return {EIO, ENOSPC, EINTR, ENOMEM, ENOBUFS, EPERM}; }

Sampling sampling(std::size_t runs, std::size_t offset) {
  const char* said = std::getenv("FIREWRIGHT_FAULTS");
  if (said != nullptr && std::string_view(said) == "all") return {};
  const int every = said == nullptr ? 0 : std::atoi(said);
  return {.runs = runs, .offset = offset, .every = static_cast<std::size_t>(std::max(0, every))};
}

Report for_each_fault(const Scenario& scenario, const Faults& faults, const Sampling& sampling) {
  Report report;
  Round round(scenario, report);
  Plan plan = scenario.plan;
  plan.fault = Plan::Fault::none;
  plan.nth = 0;
  if (!round.run(plan)) return report;
  const auto calls = round.calls();
  if (calls.empty()) {
    report.failed = "no system call was counted";
    return report;
  }
  const std::size_t all = calls.size() * (faults.errors.size() + (faults.kill ? 1 : 0));
  const std::size_t every = sampling.every > 0   ? sampling.every
                            : sampling.runs == 0 ? 1
                                                 : (all + sampling.runs - 1) / sampling.runs;
  std::size_t offset = sampling.offset;
  const auto spoil = [&](Plan::Fault fault, int error) {
    plan.fault = fault;
    plan.error = error;
    for (std::size_t nth = 1 + offset++ % every; nth <= calls.size(); nth += every) {
      if (fault == Plan::Fault::fail && !can_fail(calls[nth - 1])) continue;
      plan.nth = nth;
      if (!round.run(plan)) return;
    }
  };
  if (faults.kill) spoil(Plan::Fault::kill_at_entry, 0);
  for (const int error : faults.errors)
    if (report.failed.empty()) spoil(Plan::Fault::fail, error);
  return report;
}

std::string say(const Report& report, std::size_t most) {
  if (!report.failed.empty()) return report.failed + "\n";
  std::string text;
  for (std::size_t i = 0; i < std::min(most, report.wrong.size()); ++i)
    text += report.wrong[i] + "\n";
  if (report.wrong.size() > most)
    text += "and " + std::to_string(report.wrong.size() - most) + " more\n";
  return text;
}

}  // namespace firewright::faults
