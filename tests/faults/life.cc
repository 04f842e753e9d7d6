#include "tests/faults/life.h"

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "backends/host/watchdog.h"

namespace firewright::faults {
namespace {

using kernel::HarnessError;

struct Counts {
  std::size_t runs = 0, before = 0, wanted = 0, between = 0, mended = 0, wrong = 0;
};

// For whoever runs all of them and wants to know what that was.
void say(const Counts& counts, const Report& report) {
  if (std::getenv("FIREWRIGHT_FAULTS") == nullptr) return;
  std::clog << report.places << " places, " << counts.runs << " runs, " << counts.before
            << " before, " << counts.wanted << " wanted, " << counts.between << " between, "
            << counts.mended << " mended, " << counts.wrong << " wrong\n";
}

std::string said(const kernel::CommandResult& result) {
  return "exit " + std::to_string(result.status) + ": " + result.out + result.err;
}

std::string ended(const Trace& trace) {
  const auto how = trace.signal != 0 ? "signal " + std::to_string(trace.signal)
                                     : "exit " + std::to_string(trace.status);
  return how + ": " + trace.err;
}

// A failed command says why on standard error, unless that is what failed.
bool is_quiet(const Plan& plan, const Trace& trace) {
  const auto& name = trace.calls.at(plan.nth - 1).name;
  return trace.err.empty() && name != "write" && name != "writev";
}

// How the disturbed command may end.
std::string judge_end(const Plan& plan, const Trace& trace, bool as_wanted, bool as_before) {
  if (trace.signal != 0)
    return plan.fault == Plan::Fault::kill_at_entry && trace.signal == SIGKILL ? "" : ended(trace);
  if (trace.status == 0) return as_wanted ? "" : "not done, and " + ended(trace);
  if (plan.fault != Plan::Fault::fail) return ended(trace);
  if (is_quiet(plan, trace)) return "failed without a word, and " + ended(trace);
  if (trace.status == 3) return {};
  // A policy that cannot be read is no policy, whatever the reason.
  if (trace.status == 1 && as_before && trace.err.find("[cannot-read]") != std::string::npos)
    return {};
  // That the policy or what was loaded holds could not be proved, for want of memory.
  return "unexpected " + ended(trace);
}

template <class Check>
std::string without_throwing(const Check& check) {
  try {
    return check();
  } catch (const HarnessError& error) {
    return error.what();
  }
}

// What the rules mean, of a listing by nft: without sets, without what stands in a chain behind a
// rule that no packet gets past, and without tables that accept everything. nftables may need a
// transaction that prepares, and means nothing yet.
std::string effective(const std::string& rules) {
  std::istringstream lines(rules);
  std::string text, table;
  bool in_set = false, decided = false, filters = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("table ")) {
      table = line + "\n";
      filters = false;
    } else if (line == "}") {
      text += filters ? table : std::string();
    } else if (line.starts_with("\tset ") || line.starts_with("\tmap ")) {
      in_set = true;
    } else if (line == "\t}") {
      in_set = decided = false;
    } else if (!in_set && !decided && !line.empty()) {
      table += line + "\n";
      const auto rule = line.substr(0, line.find(" comment "));
      decided = rule == "\t\taccept" || rule == "\t\tdrop" || rule.starts_with("\t\treject");
      const bool says_nothing =
          line[1] != '\t' || line.starts_with("\t\ttype ") || rule == "\t\taccept";
      filters = filters || !says_nothing;
    }
  }
  return text;
}

// Once a change has been disturbed; each step gives what is wrong, or nothing.
class Aftermath {
 public:
  Aftermath(const Life& life, const Host& host) : life_(life), host_(host) {}

  // What stands when nothing is disturbed, before and after.
  void learn_base() { base_ = host_.standing(); }
  void learn_before() { before_ = host_.standing(); }
  void learn_wanted() { wanted_ = host_.standing(); }

  std::string judge(const Plan& plan, const Trace& trace) {
    ++counts_.runs;
    auto wrong = without_throwing([&] { return find(plan, trace); });
    counts_.wrong += wrong.empty() ? 0U : 1U;
    return wrong;
  }

  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  std::string find(const Plan& plan, const Trace& trace) {
    Host::wait_for_strays();
    const auto found = host_.standing();
    const auto state = host_.state();
    if (auto wrong = judge_rules(found.rules); !wrong.empty()) return wrong;
    if (auto wrong = judge_end(plan, trace, found == wanted_, found == before_); !wrong.empty())
      return wrong;
    if (auto wrong = judge_waiting(found, state); !wrong.empty()) return wrong;
    // The next command is one that looks, or one that takes the change back.
    const bool back = (before_.pending || wanted_.pending) && plan.nth % 3 == 0;
    if (auto wrong = back ? roll_back(found, state) : settle(found, state); !wrong.empty())
      return wrong;
    if (auto wrong = undo(plan.nth); !wrong.empty()) return wrong;
    return clean_up();
  }

  std::string judge_rules(const std::string& rules) {
    if (rules == wanted_.rules) {
      ++counts_.wanted;
      return {};
    }
    if (rules == before_.rules) {
      ++counts_.before;
      return {};
    }
    ++counts_.between;
    std::vector<std::string> allowed{before_.rules};
    if (life_.between)
      for (auto& some : life_.between(before_.rules, wanted_.rules))
        allowed.push_back(std::move(some));
    for (const auto& some : allowed)
      if (rules == some ||
          (life_.kernel == Host::Kernel::nftables && effective(rules) == effective(some)))
        return {};
    return "neither the firewall of before nor the wanted one:\n" + rules;
  }

  // The rules of a change that is not to stay without a confirmation are never there without a
  // word of it in the state.
  std::string judge_waiting(const Standing& found, const host::State& state) const {
    const auto& waits = wanted_.pending ? wanted_ : before_;
    if (!waits.pending || found.rules != waits.rules || found.confirmed == waits.pending) return {};
    if (!state.pending || state.pending->generation != waits.pending || !state.pending->deadline)
      return "the kernel holds the unconfirmed change, and the state does not know";
    return {};
  }

  // The next command.
  std::string settle(const Standing& found, const host::State& state) {
    const auto status = host_.run({"status"});
    after_ = host_.standing();
    const int exit = after_.confirmed || after_.pending ? 0 : 1;
    if (after_ != before_ && after_ != wanted_)
      return "after `status`: " + describe(after_) + "it " + said(status) +
             "\nstate and kernel before it: " + describe(found);
    if (status.status != exit) return "`status`: " + said(status);
    if (!(after_ == found) || !(host_.state() == state)) {
      ++counts_.mended;
      if (status.err.empty()) return "`status` mended without a word";
    }
    const auto again = host_.run({"status", "--format", "json"});
    const auto stands = after_.pending ? after_.pending : after_.confirmed;
    const auto waits = after_.pending ? "\"pending\"" : "\"confirmed\"";
    if (again.status != exit) return "the second `status`: " + said(again);
    if (stands && (again.out.find("\"generation\": \"" + *stands) == std::string::npos ||
                   again.out.find(std::string("\"state\": ") + waits) == std::string::npos))
      return "`status` does not name what stands: " + said(again);
    return {};
  }

  // Not further than to the firewall before the change.
  std::string roll_back(const Standing& found, const host::State& state) {
    const auto back = host_.run({"rollback"});
    after_ = host_.standing();
    const bool nothing_to_do = found == base_ && !state.pending && back.status == 1;
    if (back.status != 0 && !nothing_to_do) return "`rollback`: " + said(back);
    if (after_ == base_) return {};
    return "after `rollback`: " + describe(after_) + "it " + said(back) +
           "\nstate and kernel before it: " + describe(found);
  }

  // A change that waits is undone, by hand or by its watchdog; a watchdog of none does nothing.
  std::string undo(std::size_t nth) const {
    auto last = after_;
    if (after_.pending) {
      last = base_;
      const auto state = host_.state();
      const auto watchdog = host::watchdog_from(state.pending->watchdog);
      if (!state.pending->deadline) return "a change waits without a deadline";
      if (!watchdog || !host::alive(*watchdog)) return "nobody watches over the change";
      if (nth % 2 == 0)
        if (const auto back = host_.run({"rollback"}); back.status != 0) return said(back);
    }
    if (auto problem = Host::fire(Host::watchdogs()); !problem.empty()) return problem;
    if (const auto now = host_.standing(); now != last)
      return "not undone, or undone what does not wait: " + describe(now);
    const auto status = host_.run({"status"});
    if (status.status != (last.confirmed ? 0 : 1)) return "the last `status`: " + said(status);
    return {};
  }

  // The next change takes with it what was left half written.
  std::string clean_up() const {
    if (host_.half_written().empty()) return {};
    host_.must({"apply", host_.path("other.toml")});
    std::string names;
    for (const auto& name : host_.half_written()) names += " " + name;
    return names.empty() ? "" : "left half written:" + names;
  }

  const Life& life_;
  const Host& host_;
  Standing base_, before_, wanted_, after_;
  Counts counts_;
};

constexpr const char* other_policy = "[policy]\nname = \"other\"\n[inbound]\nallow = [\"smtp\"]\n";

}  // namespace

std::string disturb(const Life& life, const Sampling& some) {
  const Host host(life.kernel);
  host.write("other.toml", other_policy);
  if (life.kernel == Host::Kernel::iptables) host.empty_kernel();
  life.begin(host);
  host.save("base");
  Aftermath aftermath(life, host);
  aftermath.learn_base();

  Scenario scenario;
  switch (life.from) {
    case Life::From::policy: scenario.plan.from_path = host.path("new.toml"); break;
    case Life::From::lock: scenario.plan.from_path = host.run_dir(); break;
    case Life::From::record: scenario.plan.from_path = "before"; break;  // in the state's folder
  }
  scenario.setup = [&] {
    Host::end_watchdogs();
    host.put_back("base");
    if (life.change) life.change(host);
    aftermath.learn_before();
    scenario.command = host.words(life.command(host));
  };
  scenario.check = [&](const Plan& plan, const Trace& trace) -> std::string {
    if (plan.fault != Plan::Fault::none) return aftermath.judge(plan, trace);
    aftermath.learn_wanted();
    return trace.status == 0 ? "" : ended(trace);
  };
  const auto report = for_each_fault(scenario, {.kill = true, .errors = all_errors()}, some);
  say(aftermath.counts(), report);
  if (report.failed.empty() && report.hits == 0) return "no fault was met\n";
  return faults::say(report);
}

std::string disturb(const Boot& boot, const Sampling& some) {
  const Host host(boot.kernel);
  if (boot.kernel == Host::Kernel::iptables) host.empty_kernel();
  // What the failsafe looks like, by a host that knows nothing.
  if (host.run({"restore"}).status != 3) throw HarnessError("no failsafe without a state");
  const auto failsafe = host.rules();
  host.empty_kernel();
  boot.begin(host);
  const auto confirmed = host.standing();
  host.empty_kernel();
  const auto empty = host.rules();
  host.save("base");

  Counts counts;
  const auto judge = [&](const Plan& plan, const Trace& trace) -> std::string {
    ++counts.runs;
    Host::wait_for_strays();
    const auto seen = host.rules();
    const auto means = [&](const std::string& known) {
      return seen == known ||
             (boot.kernel == Host::Kernel::nftables && effective(seen) == effective(known));
    };
    const auto rules = means(failsafe) ? failsafe : means(empty) ? empty : seen;
    const bool restored = rules == confirmed.rules;
    ++(restored ? counts.wanted : rules == empty ? counts.before : counts.between);
    if (!restored && rules != empty && rules != failsafe)
      return "neither the confirmed firewall nor the failsafe:\n" + rules;
    if (auto wrong = judge_end(plan, trace, restored, false); !wrong.empty()) return wrong;
    if (rules == empty && trace.signal == 0) return "no firewall at all, and " + ended(trace);
    const auto status = host.run({"status"});
    // It says that the kernel does not hold what was confirmed; loading it is for `restore`.
    if (status.status > 1 || (rules != confirmed.rules) != (status.status == 1))
      return "`status`: " + said(status);
    const auto again = host.run({"restore"});
    if (again.status != 0) return "the second `restore`: " + said(again);
    counts.mended += restored ? 0U : 1U;
    if (const auto now = host.standing(); now != confirmed)
      return "after the second `restore`: " + describe(now);
    const auto last = host.run({"status"});
    return last.status == 0 ? "" : "the last `status`: " + said(last);
  };

  const Scenario scenario{.setup = [&] { host.put_back("base"); },
                          .command = host.words({"restore"}),
                          .plan = {.from_path = host.run_dir(), .input = {}},
                          .check = [&](const Plan& plan, const Trace& trace) -> std::string {
                            if (plan.fault == Plan::Fault::none)
                              return trace.status == 0 ? "" : ended(trace);
                            auto wrong = without_throwing([&] { return judge(plan, trace); });
                            counts.wrong += wrong.empty() ? 0U : 1U;
                            return wrong;
                          }};
  const auto report = for_each_fault(scenario, {.kill = true, .errors = all_errors()}, some);
  say(counts, report);
  if (report.failed.empty() && report.hits == 0) return "no fault was met\n";
  return faults::say(report);
}

}  // namespace firewright::faults
